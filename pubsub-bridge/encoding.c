#include "pubsub-bridge/encoding.h"

#include <openssl/evp.h>
#include <string.h>

#include "schemas/utf8.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char percent_free[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

size_t weft_base64_size(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

size_t weft_percent_size_max(size_t bytes)
{
    return 3 * bytes;
}

size_t weft_base64_write(char *to, const uint8_t *bytes, size_t size)
{
    to[0] = '\0';
    return size ? (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, (int)size) : 0;
}

size_t weft_percent_write(char *to, const char *bytes, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    char *at = to;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c && strchr(percent_free, c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
    return (size_t)(at - to);
}

struct weft_bytes weft_base64_read(struct weft_arena *arena, const char *text, size_t size)
{
    size_t padding = 0;
    while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
        padding++;
    /* The library would pass over white space. */
    for (size_t i = 0; i < size - padding; i++)
        if (!text[i] || !strchr(base64_digits, text[i]))
            return (struct weft_bytes){0};
    uint8_t *bytes = size % 4 == 0 ? weft_arena_take(arena, size / 4 * 3 + 1) : NULL;
    if (!bytes || (size && EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size) < 0))
        return (struct weft_bytes){0};
    return (struct weft_bytes){bytes, size / 4 * 3 - padding};
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct weft_bytes weft_percent_read(struct weft_arena *arena, const char *text, size_t size)
{
    char *bytes = weft_arena_take(arena, size + 1);
    size_t count = 0;
    if (!bytes)
        return (struct weft_bytes){0};
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            bytes[count++] = text[i];
            continue;
        }
        int high = size - i > 2 ? digit(text[i + 1]) : -1, low = high >= 0 ? digit(text[i + 2]) : -1;
        if (low < 0 || (high == 0 && low == 0))
            return (struct weft_bytes){0};
        bytes[count++] = (char)(high << 4 | low);
        i += 2;
    }
    bytes[count] = '\0';
    return (struct weft_bytes){(const uint8_t *)bytes, count};
}

bool weft_is_text(const void *bytes, size_t size)
{
    return size == 0 || (!memchr(bytes, 0, size) && weft_utf8_valid(bytes, size));
}
