/* What a topology file may leave to others: values from the environment, and mappings merged into others.
 *
 *     partitions: ${PARTITIONS:-4}        the variable, or 4 where it is not set or empty
 *     model: ${MODEL}                     without a default the variable has to be set
 *     name: a$${b}                        a dollar sign itself
 *     - {<<: *defaults, name: results}    the pairs of another mapping, where this one has none of that key
 */
#ifndef WEFT_TOPOLOGY_EXPANSION_H
#define WEFT_TOPOLOGY_EXPANSION_H

#include <yaml.h>

#include "topology/faults.h"

/* Expands the tree in place. The nodes keep the lines that they have. */
void weft_expand(yaml_document_t *tree, struct weft_faults *faults);

#endif
