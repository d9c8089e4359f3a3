/* Pooling of one image: maximum or mean over windows. */
#ifndef WEFT_MODEL_KERNELS_POOL_H
#define WEFT_MODEL_KERNELS_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/variant.h"

struct weft_pool_shape {
    bool mean;         /* else the maximum */
    bool count_padded; /* a mean divides by the whole window, not by what lies inside the image */
    size_t channels, height, width;
    size_t out_height, out_width;
    size_t kernel_height, kernel_width;
    size_t stride_y, stride_x;
    size_t pad_top, pad_left;
};

/* in is (channels, height, width), out (channels, out_height, out_width); every window touches the image. */
void weft_pool_run(const struct weft_pool_shape *shape, const struct weft_variant *variant, float *out,
                   const float *in);

#endif
