#include "schemas/framing.h"

#include "base/cursor.h"

static int read_frame(const uint8_t *bytes, size_t size, const char *where, struct weft_frame *frame,
                      struct weft_error *err)
{
    if (size == 0 || bytes[0] > 1)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "%s begins with byte 0x%02x, not with 0 and a schema id: was it sent without a "
                              "schema registry's serializer?",
                              where, size ? bytes[0] : 0);
    struct weft_cursor c = weft_cursor_of(bytes + 1, size - 1);
    frame->guid = NULL;
    frame->schema_id = 0;
    if (bytes[0] == 0 ? !weft_cursor_be32(&c, &frame->schema_id)
                      : !weft_cursor_take(&c, WEFT_FRAME_GUID_SIZE, &frame->guid))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s has %zu bytes, fewer than the %d of the frame", where, size,
                              bytes[0] == 0 ? WEFT_FRAME_SIZE : 1 + WEFT_FRAME_GUID_SIZE);
    frame->body = c.at;
    frame->body_size = weft_cursor_left(&c);
    return 0;
}

int weft_frame_read(const void *value, size_t size, struct weft_frame *frame, struct weft_error *err)
{
    if (!value)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the value is null");
    if (size < WEFT_FRAME_SIZE)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the value has %zu bytes, fewer than the %d of the frame", size,
                              WEFT_FRAME_SIZE);
    return read_frame(value, size, "the value", frame, err);
}

int weft_frame_read_header(const void *header, size_t header_size, const void *value, size_t size,
                           struct weft_frame *frame, struct weft_error *err)
{
    if (!header)
        return weft_frame_read(value, size, frame, err);
    if (!value)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the value is null");
    if (read_frame(header, header_size, "the header " WEFT_FRAME_HEADER, frame, err) != 0)
        return -1;
    if (frame->body_size)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "the header " WEFT_FRAME_HEADER " has %zu bytes more than a schema id", frame->body_size);
    frame->body = value;
    frame->body_size = size;
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
