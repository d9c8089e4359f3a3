/* 3x3 convolution with stride 1 by Winograd's F(m x m,3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2015): (m + 2)^2 multiplications instead of 9 m^2 for tiles of m x m outputs, m being 3, 4 or 6; forward
 * for inference and training, and the exact backward pass of F(4x4,3x3). The functions themselves stand in struct
 * weft_variant (variant.h).
 *
 * Images are channels last: (height, width, channels). Channels and filters must be multiples of the variant's lanes,
 * and all arrays aligned to 64 bytes. */
#ifndef WEFT_MODEL_KERNELS_WINOGRAD_H
#define WEFT_MODEL_KERNELS_WINOGRAD_H

#include <stddef.h>

enum {
    WEFT_WINOGRAD_TILE = 4, /* that has a backward pass */
    WEFT_WINOGRAD_TILE_MAX = 6,
    WEFT_WINOGRAD_GROUP = 24, /* tiles that go through together, so that what lies between stays in the cache */
};

struct weft_winograd_shape {
    size_t height, width, channels;        /* of the input */
    size_t out_height, out_width, filters; /* of the output: height + pads - 2, ... */
    size_t pad_top, pad_left;
    size_t tile; /* outputs on each side of a tile: 3, 4 or 6 */
};

/* What is done with an output before it is stored. */
struct weft_winograd_epilogue {
    const float *bias;     /* (filters) or NULL */
    const float *residual; /* shaped as the output, added to it; or NULL */
    float low, high;       /* the sum is clamped to these */
};

/* Products for each tile, channel and filter. */
static inline size_t weft_winograd_points(size_t tile)
{
    return (tile + 2) * (tile + 2);
}

/* Tiles that cover the outputs of one image. */
static inline size_t weft_winograd_tiles(const struct weft_winograd_shape *shape)
{
    return ((shape->out_height + shape->tile - 1) / shape->tile) * ((shape->out_width + shape->tile - 1) / shape->tile);
}

/* Floats of transformed weights: (points, channels, filters). */
static inline size_t weft_winograd_weight_count(const struct weft_winograd_shape *shape)
{
    return weft_winograd_points(shape->tile) * shape->channels * shape->filters;
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
    return weft_winograd_points(shape->tile) *
           (weft_winograd_point(shape->channels) + weft_winograd_point(shape->filters));
}

#endif
