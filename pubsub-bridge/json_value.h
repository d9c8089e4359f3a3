/* A value in Avro, of any schema, as JSON that is read without the schema.
 *
 * A record is an object of its fields in their order, a map an object, an array a list. A union is the value alone,
 * without its type's name. Bytes and fixed are base64, an enum its symbol, a logical type the number or text it is made
 * of. JSON has no number for what is none: "NaN", "Infinity", "-Infinity". */
#ifndef WEFT_BRIDGE_JSON_VALUE_H
#define WEFT_BRIDGE_JSON_VALUE_H

#include <stddef.h>

#include "base/error.h"
#include "schemas/schema.h"

/* The body as one line of JSON; *length is without the zero byte at its end. The caller frees. NULL with
 * WEFT_ERROR_CORRUPT for a body that is not one value of the schema, or whose JSON is too long for Pub/Sub. */
char *weft_json_value(const struct weft_schema *schema, const void *body, size_t size, size_t *length,
                      struct weft_error *err);

#endif
