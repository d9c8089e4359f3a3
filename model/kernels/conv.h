/* Convolution, planned once: the method that suits the shape is chosen, and weights are packed for it. */
#ifndef WEFT_MODEL_KERNELS_CONV_H
#define WEFT_MODEL_KERNELS_CONV_H

#include <stddef.h>

#include "base/error.h"
#include "model/kernels/layout.h"
#include "model/kernels/variant.h"

struct weft_conv_shape {
    size_t groups;
    size_t channels, height, width;        /* of the input, channels of one group */
    size_t filters, out_height, out_width; /* of the output, filters of one group */
    size_t kernel_height, kernel_width;
    size_t stride_y, stride_x;
    size_t dilation_y, dilation_x;
    size_t pad_top, pad_left; /* what is needed below and on the right follows from the output's size */
    float low, high;          /* the output is clamped to these: 0 and infinity for ReLU */
    enum weft_layout in, out; /* planes if not said otherwise */
};

/* What an output looks at: (channels, padded_height, padded_width) of one group, zeros around the image included. */
static inline size_t weft_conv_padded_height(const struct weft_conv_shape *s)
{
    return (s->out_height - 1) * s->stride_y + (s->kernel_height - 1) * s->dilation_y + 1;
}

static inline size_t weft_conv_padded_width(const struct weft_conv_shape *s)
{
    return (s->out_width - 1) * s->stride_x + (s->kernel_width - 1) * s->dilation_x + 1;
}

/* Multiplications for one output. */
static inline size_t weft_conv_taps(const struct weft_conv_shape *s)
{
    return s->channels * s->kernel_height * s->kernel_width;
}

/* Floats that the packed weights of one filter take at most, whatever variant and method are chosen; of filters there
 * are up to WEFT_LANES_MAX more in each group, which fill up vectors. */
size_t weft_conv_filter_weights_max(const struct weft_conv_shape *s);

struct weft_conv;

/* Copies shape, weights (groups * filters, channels, kernel_height, kernel_width) and bias (groups * filters). method
 * is the name of one of them ("rows", "channels", "gemm", "direct", "winograd"), or NULL for the one that promises to
 * be the fastest. NULL when memory is short or when the method cannot do the shape in its layouts. */
struct weft_conv *weft_conv_new(const struct weft_conv_shape *shape, const float *weights, const float *bias,
                                const struct weft_variant *variant, const char *method);
void weft_conv_destroy(struct weft_conv *conv); /* accepts NULL */

const char *weft_conv_method(const struct weft_conv *conv);

/* What the best method is expected to take for an image, in vector multiply-adds; SIZE_MAX when there is none. */
size_t weft_conv_cost(const struct weft_conv_shape *shape, const struct weft_variant *variant);

/* Floats of scratch memory that a run needs, for any number of images. */
size_t weft_conv_scratch(const struct weft_conv *conv);

/* in is (n, groups * channels, height, width), out (n, groups * filters, out_height, out_width), or those in pixels.
 * residual, unless it is NULL, is shaped as out and added before the output is clamped. In pixels, and scratch always,
 * are aligned to 64 bytes. */
void weft_conv_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                   float *scratch);

/* How the filters of a group are cut into blocks, which kernels and packing must agree on.
 * rows: weights are [block][channel][ky][kx][filter in block], blocks of 8, 6, 4, 2 and 1 filters.
 * channels: [block][channel][ky][kx][2 * lanes or lanes], filled up with zeros; bias likewise.
 * direct: [block][ky][kx][channel][vectors * lanes], filled up with zeros; bias likewise. */
static inline size_t weft_conv_rows_block(size_t filters_left)
{
    return filters_left >= 8 ? 8 : filters_left >= 6 ? 6 : filters_left >= 4 ? 4 : filters_left >= 2 ? 2 : 1;
}

static inline size_t weft_conv_channels_block(size_t filters_left, size_t lanes)
{
    return filters_left > lanes ? 2 * lanes : lanes;
}

/* Vectors in a block: as many as registers allow, and blocks as even as can be. */
static inline size_t weft_conv_direct_block(size_t vectors_left, size_t lanes)
{
    size_t most = lanes == 16 ? 4 : 3, blocks = (vectors_left + most - 1) / most;
    return (vectors_left + blocks - 1) / blocks;
}

#endif
