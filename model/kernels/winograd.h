/* 3x3 convolution with stride 1 by Winograd's F(4x4,3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2015): 36 multiplications instead of 144 for 4x4 outputs; forward for inference and training, and its
 * exact backward pass. The functions themselves stand in struct weft_variant (variant.h).
 *
 * Images are channels last: (height, width, channels). Channels and filters must be multiples of the variant's lanes,
 * and all arrays aligned to 64 bytes. */
#ifndef WEFT_MODEL_KERNELS_WINOGRAD_H
#define WEFT_MODEL_KERNELS_WINOGRAD_H

#include <stddef.h>

enum {
    WEFT_WINOGRAD_POINTS = 36, /* products for each tile of 4x4 outputs: 6x6 */
    WEFT_WINOGRAD_TILE = 4,
    WEFT_WINOGRAD_GROUP = 24, /* tiles that go through together, so that what lies between stays in the cache */
};

struct weft_winograd_shape {
    size_t height, width, channels;        /* of the input */
    size_t out_height, out_width, filters; /* of the output: height + pads - 2, ... */
    size_t pad_top, pad_left;
};

/* What is done with an output before it is stored. */
struct weft_winograd_epilogue {
    const float *bias;     /* (filters) or NULL */
    const float *residual; /* shaped as the output, added to it; or NULL */
    float low, high;       /* the sum is clamped to these */
};

/* Tiles that cover the outputs of one image. */
static inline size_t weft_winograd_tiles(const struct weft_winograd_shape *shape)
{
    return ((shape->out_height + WEFT_WINOGRAD_TILE - 1) / WEFT_WINOGRAD_TILE) *
           ((shape->out_width + WEFT_WINOGRAD_TILE - 1) / WEFT_WINOGRAD_TILE);
}

/* Floats of transformed weights: (36, channels, filters). */
static inline size_t weft_winograd_weight_count(size_t channels, size_t filters)
{
    return WEFT_WINOGRAD_POINTS * channels * filters;
}

/* Floats from point to point of a group's transformed tiles. A cache line more than they take: with a power of two, all
 * points of a tile would fall into the same few sets of the cache. */
static inline size_t weft_winograd_point(size_t channels)
{
    return WEFT_WINOGRAD_GROUP * channels + 16;
}

/* Floats of scratch memory that forward and backward need, whatever the number of images. */
static inline size_t weft_winograd_scratch(const struct weft_winograd_shape *shape)
{
    return WEFT_WINOGRAD_POINTS * (weft_winograd_point(shape->channels) + weft_winograd_point(shape->filters));
}

#endif
