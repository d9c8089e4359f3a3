/* A small text file, read whole. */
#ifndef WEFT_BASE_TEXT_FILE_H
#define WEFT_BASE_TEXT_FILE_H

#include <stddef.h>

#include "base/error.h"

enum { WEFT_TEXT_FILE_MAX = 1 << 20 };

/* The bytes of the file, of which there are at most WEFT_TEXT_FILE_MAX, with a zero after them; the caller frees them.
 * WEFT_ERROR_CONFIG when it cannot be read or is larger. */
char *weft_text_file_read(const char *path, size_t *size, struct weft_error *err);

#endif
