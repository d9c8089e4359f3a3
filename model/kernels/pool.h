/* Pooling of one image: maximum or mean over windows. */
#ifndef WEFT_MODEL_KERNELS_POOL_H
#define WEFT_MODEL_KERNELS_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/layout.h"
#include "model/kernels/variant.h"

struct weft_pool_shape {
    bool mean;         /* else the maximum */
    bool count_padded; /* a mean divides by the whole window, not by what lies inside the image */
    size_t channels, height, width;
    size_t out_height, out_width;
    size_t kernel_height, kernel_width;
    size_t stride_y, stride_x;
    size_t pad_top, pad_left;
    size_t overhang_y, overhang_x; /* what the last windows reach over the padding; no mean counts it */
    enum weft_layout layout;       /* of input and output: planes if not said otherwise */
};

/* What it is expected to take, in vector operations. */
size_t weft_pool_cost(const struct weft_pool_shape *shape, size_t lanes);

/* in is (channels, height, width), out (channels, out_height, out_width), or those in pixels; every window touches the
 * image. */
void weft_pool_run(const struct weft_pool_shape *shape, const struct weft_variant *variant, float *out,
                   const float *in);

#endif
