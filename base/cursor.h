/* A read position in bytes from outside: every read is checked against the end.
 *
 * A failed read leaves the position where it was and returns false; the caller says what it was reading. Integers are
 * as Avro's binary encoding has them (zig-zag varints, little-endian floats) unless the name says otherwise. */
#ifndef WEFT_BASE_CURSOR_H
#define WEFT_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct weft_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct weft_cursor weft_cursor_of(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    return (struct weft_cursor){.at = p, .end = p ? p + size : p};
}

static inline size_t weft_cursor_left(const struct weft_cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* Zig-zag varint of at most 10 bytes that fits 64 bits. */
static inline bool weft_cursor_long(struct weft_cursor *c, int64_t *value)
{
    uint64_t raw = 0;
    const uint8_t *p = c->at;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (p == c->end)
            return false;
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1)
            return false;
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            c->at = p;
            *value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
            return true;
        }
    }
    return false;
}

/* Points *bytes at the next size bytes, which stay where they are. */
static inline bool weft_cursor_take(struct weft_cursor *c, size_t size, const uint8_t **bytes)
{
    if (weft_cursor_left(c) < size)
        return false;
    *bytes = c->at;
    c->at += size;
    return true;
}

static inline bool weft_cursor_skip(struct weft_cursor *c, size_t size)
{
    const uint8_t *ignored;
    return weft_cursor_take(c, size, &ignored);
}

/* Avro bytes or string: a length, then that many bytes; points into the input. */
static inline bool weft_cursor_bytes(struct weft_cursor *c, const uint8_t **bytes, size_t *size)
{
    struct weft_cursor at = *c;
    int64_t length;
    if (!weft_cursor_long(&at, &length) || length < 0 || (uint64_t)length > weft_cursor_left(&at))
        return false;
    *size = (size_t)length;
    *bytes = at.at;
    c->at = at.at + length;
    return true;
}

/* Avro's float or double, of 4 or 8 bytes. */
static inline bool weft_cursor_real(struct weft_cursor *c, size_t size, double *value)
{
    const uint8_t *bytes;
    uint64_t bits = 0;
    if (!weft_cursor_take(c, size, &bytes))
        return false;
    for (size_t i = size; i-- > 0;)
        bits = bits << 8 | bytes[i];
    float single;
    uint32_t low = (uint32_t)bits;
    memcpy(&single, &low, sizeof single);
    memcpy(value, &bits, sizeof *value);
    if (size == sizeof single)
        *value = (double)single;
    return true;
}

/* How many items the next block of an array or map announces, 0 at its end, and where the block ends; *end is NULL
 * where it does not say. Who reads the items has to see that they end there. */
static inline bool weft_cursor_block(struct weft_cursor *c, int64_t *count, const uint8_t **end)
{
    struct weft_cursor at = *c;
    int64_t size;
    *end = NULL;
    if (!weft_cursor_long(&at, count) || *count == INT64_MIN)
        return false;
    if (*count < 0) {
        if (!weft_cursor_long(&at, &size) || size < 0 || (uint64_t)size > weft_cursor_left(&at))
            return false;
        *count = -*count;
        *end = at.at + size;
    }
    *c = at;
    return true;
}

/* 4 bytes, most significant first, as in the wire framing. */
static inline bool weft_cursor_be32(struct weft_cursor *c, uint32_t *value)
{
    const uint8_t *p;
    if (!weft_cursor_take(c, 4, &p))
        return false;
    *value = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return true;
}

#endif
