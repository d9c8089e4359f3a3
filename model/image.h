/* Image files (PNG, JPEG, BMP, GIF, WebP through libgd) as pixels, and images drawn in a terminal. */
#ifndef WEFT_MODEL_IMAGE_H
#define WEFT_MODEL_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Reads the file and fits it to channels (1: luma by ITU-R BT.601; 3: red, green, blue) x height x width, resampling
 * where the size differs; what is transparent shows white. Gives channels*height*width bytes that the caller frees.
 * WEFT_ERROR_CONFIG when there is no such file, _CORRUPT when it is no image; the message names the file. */
uint8_t *weft_image_read(const char *path, size_t channels, size_t height, size_t width, struct weft_error *err);

/* Draws pixels (channels, height, width) with half-block characters in 24 grey steps (or colour), two rows a line. */
void weft_image_draw(FILE *out, const uint8_t *pixels, size_t channels, size_t height, size_t width);

#endif
