/* Text from outside, made safe for a terminal and for JSON. */
#ifndef WEFT_CLIENTS_PRINTABLE_H
#define WEFT_CLIENTS_PRINTABLE_H

#include <stddef.h>

/* Copies text (size bytes, not terminated) to out (out_size >= 1 bytes, terminated), cut at a character's boundary.
 * What is not UTF-8, and control characters, which could steer a terminal, become '?'. Gives out. */
const char *weft_printable(char *out, size_t out_size, const char *text, size_t size);

#endif
