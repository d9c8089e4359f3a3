/* Convolution with few filters, in training: its products are too small for a matrix multiplication, and the columns of
 * one would cost more to lay out than to multiply. Filters are the lanes of a vector; what lies under a row of the
 * window is one run of floats, as channels are last. The functions themselves stand in struct weft_variant (variant.h).
 */
#ifndef WEFT_MODEL_KERNELS_NARROW_H
#define WEFT_MODEL_KERNELS_NARROW_H

#include <stddef.h>

enum { WEFT_NARROW_FILTERS_MAX = 16, WEFT_NARROW_KERNEL_MAX = 8 };

/* One image (height, width, channels), with its padding around it. */
struct weft_narrow_shape {
    size_t width, channels, filters, kernel, stride;
    size_t out_height, out_width;
};

/* Floats under a row of the window. */
static inline size_t weft_narrow_run(const struct weft_narrow_shape *s)
{
    return s->kernel * s->channels;
}

/* Vectors that hold count floats. */
static inline size_t weft_narrow_vectors(size_t count, size_t lanes)
{
    return (count + lanes - 1) / lanes;
}

#endif
