/* Bytes as ASCII text and back: base64 (RFC 4648) and percent-encoding (RFC 3986), into an arena. */
#ifndef WEFT_BRIDGE_ENCODING_H
#define WEFT_BRIDGE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/record.h"

/* How long the text is, without the zero byte that is written behind it. */
size_t weft_base64_size(size_t bytes);
size_t weft_percent_size_max(size_t bytes);

/* Write text to `to`, with a zero byte behind it, and return its length. Percent-encoding leaves letters, digits and
 * -._ as they are. */
size_t weft_base64_write(char *to, const uint8_t *bytes, size_t size);
size_t weft_percent_write(char *to, const char *bytes, size_t size);

/* NULL data where the text is not what the writers write, or memory is short. Decoded percent-encoding has a zero byte
 * behind it and none in it. */
struct weft_bytes weft_base64_read(struct weft_arena *arena, const char *text, size_t size);
struct weft_bytes weft_percent_read(struct weft_arena *arena, const char *text, size_t size);

/* Whether the bytes can stand in a protobuf string as it is held here: UTF-8 without zero bytes. */
bool weft_is_text(const void *bytes, size_t size);

#endif
