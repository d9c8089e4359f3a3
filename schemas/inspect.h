/* A value of any schema as JSON, for people to look at: as far as its bytes go.
 *
 * Bytes and fixed are shown as hexadecimal, cut where they are long; long texts and long arrays are cut, too. */
#ifndef WEFT_SCHEMAS_INSPECT_H
#define WEFT_SCHEMAS_INSPECT_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "schemas/schema.h"

/* What could be decoded of the body; the caller owns it. Where it ends early, or bytes are left over, *why is
 * WEFT_ERROR_CORRUPT and says where; else its class is NONE. NULL only when memory is short. */
json_t *weft_inspect(const struct weft_schema *schema, const void *body, size_t size, struct weft_error *why);

#endif
