/* The frame around an Avro body on Kafka: which schema the body is written with.
 *
 * Byte 0 and the schema's id as 4 bytes big-endian, or byte 1 and the schema's GUID as 16 bytes; then the body. Newer
 * clients put the same bytes into a header of the message instead (WEFT_FRAME_HEADER), and the value is the body alone.
 */
#ifndef WEFT_SCHEMAS_FRAMING_H
#define WEFT_SCHEMAS_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { WEFT_FRAME_SIZE = 5, WEFT_FRAME_GUID_SIZE = 16 };

#define WEFT_FRAME_HEADER "__value_schema_id"

struct weft_frame {
    uint32_t schema_id;
    const uint8_t *guid; /* NULL: by the id; otherwise points into the message or its header */
    const uint8_t *body; /* points into the message */
    size_t body_size;
};

/* Reads the frame of a message's value. Fails with WEFT_ERROR_CORRUPT and a message in words: null value, shorter than
 * the frame, another magic byte. */
int weft_frame_read(const void *value, size_t size, struct weft_frame *frame, struct weft_error *err);

/* The same for a message whose header WEFT_FRAME_HEADER has these bytes; header may be NULL: the message has none. */
int weft_frame_read_header(const void *header, size_t header_size, const void *value, size_t size,
                           struct weft_frame *frame, struct weft_error *err);

/* Writes the WEFT_FRAME_SIZE bytes that go before a body. */
void weft_frame_write(uint8_t *out, uint32_t schema_id);

#endif
