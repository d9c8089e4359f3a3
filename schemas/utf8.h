/* Whether bytes are UTF-8, as RFC 3629 has it: what goes on as an Avro string must be, or its readers fail. */
#ifndef WEFT_SCHEMAS_UTF8_H
#define WEFT_SCHEMAS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time, or four times eight, the last eight overlapping those before. */
static inline bool weft_ascii(const uint8_t *at, size_t size)
{
    uint64_t seen = 0, eight;
    if (size < sizeof eight) {
        for (size_t i = 0; i < size; i++)
            seen |= at[i];
    } else {
        size_t i = 0;
        for (uint64_t four[4]; size - i >= sizeof four; i += sizeof four) {
            memcpy(four, at + i, sizeof four);
            seen |= four[0] | four[1] | four[2] | four[3];
        }
        for (; i + sizeof eight < size; i += sizeof eight) {
            memcpy(&eight, at + i, sizeof eight);
            seen |= eight;
        }
        memcpy(&eight, at + size - sizeof eight, sizeof eight);
        seen |= eight;
    }
    return !(seen & 0x8080808080808080u);
}

static inline bool weft_utf8_valid(const uint8_t *at, size_t size)
{
    if (weft_ascii(at, size))
        return true;
    for (size_t i = 0; i < size;) {
        uint8_t lead = at[i++];
        if (lead < 0x80)
            continue;
        size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || size - i < more)
            return false;
        /* The second byte excludes overlong forms, surrogates and what lies above U+10FFFF. */
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (at[i] < low || at[i] > high)
            return false;
        for (size_t k = 1; k < more; k++)
            if ((at[i + k] & 0xc0) != 0x80)
                return false;
        i += more;
    }
    return true;
}

#endif
