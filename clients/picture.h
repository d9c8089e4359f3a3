/* Draws a request's image in the terminal, with the answer to it at its side. */
#ifndef WEFT_CLIENTS_PICTURE_H
#define WEFT_CLIENTS_PICTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "schemas/request.h"
#include "schemas/result.h"

/* names are those of the classes, as far as they are known. WEFT_ERROR_CORRUPT when the image is not square: a request
 * says only how many bytes it has, which are taken for n x n or 3 x n x n pixels. */
int weft_picture_print(FILE *out, const struct weft_request *request, const struct weft_result *result,
                       const char *const *names, size_t name_count, struct weft_error *err);

#endif
