#include "schemas/framing.h"

#include "base/cursor.h"

int weft_frame_read(const void *value, size_t size, struct weft_frame *frame, struct weft_error *err)
{
    if (!value)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the value is null");
    if (size < WEFT_FRAME_SIZE)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the value has %zu bytes, fewer than the %d of the frame", size,
                              WEFT_FRAME_SIZE);
    const uint8_t *bytes = value;
    if (bytes[0] != 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "the value begins with byte 0x%02x, not with 0 and a schema id: was it sent without a "
                              "schema registry's serializer?",
                              bytes[0]);
    struct weft_cursor c = weft_cursor_of(bytes + 1, size - 1);
    weft_cursor_be32(&c, &frame->schema_id);
    frame->body = c.at;
    frame->body_size = weft_cursor_left(&c);
    return 0;
}

void weft_frame_write(uint8_t *out, uint32_t schema_id)
{
    out[0] = 0;
    out[1] = (uint8_t)(schema_id >> 24);
    out[2] = (uint8_t)(schema_id >> 16);
    out[3] = (uint8_t)(schema_id >> 8);
    out[4] = (uint8_t)schema_id;
}
