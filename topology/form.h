/* Holds a tree of libyaml against a table of libcyaml: which keys, which kinds of values.
 *
 * libcyaml checks the same while it loads, but stops at the first fault and knows no lines. */
#ifndef WEFT_TOPOLOGY_FORM_H
#define WEFT_TOPOLOGY_FORM_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "topology/faults.h"

/* Tables may be of mappings, sequences and strings. */
void weft_form_check(yaml_document_t *tree, const cyaml_schema_value_t *form, struct weft_faults *faults);

#endif
