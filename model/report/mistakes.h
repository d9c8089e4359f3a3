/* The mistakes that a network was most sure of, and their images as PNG. */
#ifndef WEFT_MODEL_REPORT_MISTAKES_H
#define WEFT_MODEL_REPORT_MISTAKES_H

#include <stddef.h>
#include <stdint.h>

#include "model/evaluation.h"

/* Puts the indices of at most max wrong predictions into indices, the most confident first. Gives how many. */
size_t weft_mistakes_find(const struct weft_evaluation *evaluation, size_t *indices, size_t max);

/* The image (channels, height, width), each pixel enlarged to a square where it is small, as a PNG file. The caller
 * frees it with free(). */
uint8_t *weft_mistake_png(const uint8_t *pixels, size_t channels, size_t height, size_t width, size_t *size,
                          struct weft_error *err);

#endif
