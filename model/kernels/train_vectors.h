/* What training does with tensors (rows, channels), channels last, beside convolution: the passes of batch
 * normalisation and ReLU. The functions themselves stand in struct weft_variant (variant.h). */
#ifndef WEFT_MODEL_KERNELS_TRAIN_VECTORS_H
#define WEFT_MODEL_KERNELS_TRAIN_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

/* y = x * scale + shift by channel, and 0 instead of what is below it with relu. */
struct weft_column_scale {
    const float *scale, *shift;
    bool relu;
};

/* dx = g * of_dy + (x - mean) * of_x + constant by channel, where g is dy, or 0 where relu gave 0. */
struct weft_column_gradient {
    struct weft_column_scale scale;
    const float *mean, *of_dy, *of_x, *constant;
    bool adds; /* to dx, instead of overwriting it */
};

/* count windows of a pool, side by side: rows x columns pixels under each, row_step floats from row to row and step
 * floats from window to window. */
struct weft_pool_windows {
    size_t rows, columns, row_step, channels;
    size_t count, step;
};

#endif
