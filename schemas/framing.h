/* The frame around an Avro body on Kafka: byte 0, the schema's id as 4 bytes big-endian, then the body. */
#ifndef WEFT_SCHEMAS_FRAMING_H
#define WEFT_SCHEMAS_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { WEFT_FRAME_SIZE = 5 };

struct weft_frame {
    uint32_t schema_id;
    const uint8_t *body; /* points into the message */
    size_t body_size;
};

/* Reads the frame of a message's value. Fails with WEFT_ERROR_CORRUPT and a message in words: null value, shorter than
 * the frame, another magic byte. */
int weft_frame_read(const void *value, size_t size, struct weft_frame *frame, struct weft_error *err);

/* Writes the WEFT_FRAME_SIZE bytes that go before a body. */
void weft_frame_write(uint8_t *out, uint32_t schema_id);

#endif
