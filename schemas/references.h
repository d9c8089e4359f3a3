/* Schemas that use types of other schemas, made whole. */
#ifndef WEFT_SCHEMAS_REFERENCES_H
#define WEFT_SCHEMAS_REFERENCES_H

#include <jansson.h>

#include "base/error.h"

/* The schema with the definition of each type that it refers to put where its name stands first. definitions is an
 * object: full name -> schema text, which may refer to others in turn. The caller frees. WEFT_ERROR_CORRUPT for what is
 * not JSON. */
char *weft_references_inline(const char *schema, json_t *definitions, struct weft_error *err);

#endif
