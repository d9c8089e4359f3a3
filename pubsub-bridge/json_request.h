/* JSON as a client with no registry writes it, as a message of the registered schema.
 *
 *     {"id": "shirt-1", "image": "AAEC...", "label": 6, "attributes": {"shop": "12"}}
 *
 * A record is an object of its fields, a map an object, an array a list; a field that lacks has the schema's default,
 * and "id" the id that is given for it. Bytes are base64, or numbers from 0 to 255 in lists of lists that are equally
 * long: rows of pixels, or channels of rows. Of a union it is the first branch that fits. Nothing is guessed beyond
 * that: what the schema does not have, or has otherwise, is an error that says where.
 *
 * Knows neither the registry nor Kafka. */
#ifndef WEFT_BRIDGE_JSON_REQUEST_H
#define WEFT_BRIDGE_JSON_REQUEST_H

#include <stdint.h>

#include "base/error.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/record.h"
#include "schemas/schema.h"

/* How many values, members and lists one message may have: a larger image is to come as base64. It bounds the memory
 * that a message takes while it is read. */
enum { WEFT_JSON_VALUES_MAX = 1 << 19 };

/* The framed message, in the arena. id is for a message that has none. WEFT_ERROR_CORRUPT for what is no such JSON. */
int weft_json_request(const struct weft_schema *schema, uint32_t schema_id, struct weft_bytes json, const char *id,
                      struct weft_arena *arena, struct weft_bytes *message, struct weft_error *err);

#endif
