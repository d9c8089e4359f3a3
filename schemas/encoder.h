/* A write position: puts Avro's binary encoding into a buffer while it fits, and counts on when it does not. */
#ifndef WEFT_SCHEMAS_ENCODER_H
#define WEFT_SCHEMAS_ENCODER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct weft_encoder {
    uint8_t *out;
    size_t size; /* of out */
    size_t used; /* bytes needed so far; nothing more is written once above size */
};

static inline void weft_encoder_bytes(struct weft_encoder *e, const void *bytes, size_t size)
{
    if (size && e->used <= e->size && size <= e->size - e->used)
        memcpy(e->out + e->used, bytes, size);
    e->used += size;
}

/* Avro int or long: zig-zag varint. */
static inline void weft_encoder_long(struct weft_encoder *e, int64_t value)
{
    uint64_t raw = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    uint8_t bytes[10];
    size_t n = 0;
    while (raw > 0x7f) {
        bytes[n++] = (uint8_t)(raw | 0x80);
        raw >>= 7;
    }
    bytes[n++] = (uint8_t)raw;
    weft_encoder_bytes(e, bytes, n);
}

/* Avro string or bytes. */
static inline void weft_encoder_text(struct weft_encoder *e, const void *text, size_t size)
{
    weft_encoder_long(e, (int64_t)size);
    weft_encoder_bytes(e, text, size);
}

static inline void weft_encoder_float(struct weft_encoder *e, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    weft_encoder_bytes(e, bytes, sizeof bytes);
}

static inline void weft_encoder_double(struct weft_encoder *e, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(bits >> 8 * i);
    weft_encoder_bytes(e, bytes, sizeof bytes);
}

/* Union of null and int, in this order. */
static inline void weft_encoder_optional_int(struct weft_encoder *e, int has, int32_t value)
{
    weft_encoder_long(e, has ? 1 : 0);
    if (has)
        weft_encoder_long(e, value);
}

#endif
