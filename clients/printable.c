#include "clients/printable.h"

#include <stdint.h>
#include <string.h>

#include "schemas/utf8.h"

/* Bytes of the character that text begins with, 1 where it is no UTF-8; *printable says whether it may be shown. */
static size_t character_size(const uint8_t *text, size_t left, bool *printable)
{
    uint8_t lead = text[0];
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0x80 ? 2 : 1;
    *printable = size <= left && weft_utf8_valid(text, size);
    if (!*printable)
        return 1;
    *printable = lead >= 0x20 && lead != 0x7f && !(lead == 0xc2 && text[1] < 0xa0);
    return size;
}

const char *weft_printable(char *out, size_t out_size, const char *text, size_t size)
{
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        bool printable;
        size_t step = character_size((const uint8_t *)text + at, size - at, &printable);
        if (length + step >= out_size)
            break;
        if (printable) {
            memcpy(out + length, text + at, step);
            length += step;
        } else {
            out[length++] = '?';
        }
        at += step;
    }
    out[length] = '\0';
    return out;
}
