/* Image files (PNG, JPEG, BMP, GIF, WebP through libgd) as pixels, and images drawn in a terminal. */
#ifndef WEFT_MODEL_DATA_IMAGE_H
#define WEFT_MODEL_DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Pixels are bytes in planes: (channels, height, width). One channel is grey, three are red, green and blue. */
struct weft_image_shape {
    size_t channels, height, width;
};

enum { WEFT_IMAGE_SIDE_MAX = 8192, WEFT_IMAGE_FILE_HEAD = 32 };

static inline size_t weft_image_shape_size(struct weft_image_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

/* Reads "28x28" (height, width; channels becomes 0) or "3x32x32" (channels, height, width). WEFT_ERROR_USAGE. */
int weft_image_shape_parse(const char *text, struct weft_image_shape *shape, struct weft_error *err);

/* Reads the file and fits it to channels (1: luma by ITU-R BT.601; 3: red, green, blue) x height x width, resampling
 * where the size differs; what is transparent shows white. Gives channels*height*width bytes that the caller frees.
 * WEFT_ERROR_CONFIG when there is no such file, _CORRUPT when it is no image; the message names the file. */
uint8_t *weft_image_read(const char *path, size_t channels, size_t height, size_t width, struct weft_error *err);

/* The same, but a height and width of 0 in *shape become the file's own. */
uint8_t *weft_image_read_sized(const char *path, struct weft_image_shape *shape, struct weft_error *err);

/* The same of an image file that is in memory already; name stands for its path in errors. bytes stay the caller's. */
uint8_t *weft_image_decode(uint8_t *bytes, size_t size, const char *name, struct weft_image_shape *shape,
                           struct weft_error *err);

/* Whether bytes begin as an image file does, of any size of which WEFT_IMAGE_FILE_HEAD bytes are there. */
bool weft_image_is_file(const uint8_t *bytes, size_t size);

/* Writes pixels, which are of one shape, as those of another. WEFT_ERROR_INTERNAL when memory is short. */
int weft_image_fit(const uint8_t *pixels, struct weft_image_shape from, uint8_t *fitted, struct weft_image_shape to,
                   struct weft_error *err);

/* Draws pixels (channels, height, width) with half-block characters in 24 grey steps (or colour), two rows a line. */
void weft_image_draw(FILE *out, const uint8_t *pixels, size_t channels, size_t height, size_t width);

#endif
