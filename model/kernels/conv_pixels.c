/* Methods that read and give pixels: directly, and by Winograd's transformation. */
#include <stdlib.h>
#include <string.h>

#include "model/kernels/conv_method.h"
#include "model/kernels/winograd.h"

static bool is_in_pixels(const struct weft_conv_shape *s)
{
    return s->in == WEFT_LAYOUT_PIXELS && s->out == WEFT_LAYOUT_PIXELS && s->groups == 1;
}

static size_t filter_count(const struct weft_conv_shape *s, size_t lanes)
{
    return weft_layout_filled(s->filters, lanes);
}

/* A multiply-add for each vector of filters, and some work to find an input pixel. */
static size_t direct_cost(const struct weft_conv_shape *s, size_t lanes)
{
    if (!is_in_pixels(s))
        return SIZE_MAX;
    size_t vectors = filter_count(s, lanes) / lanes, positions = s->kernel_height * s->kernel_width;
    return s->out_height * s->out_width * (weft_conv_taps(s) * vectors + 4 * positions);
}

static size_t direct_weight_count(const struct weft_conv_shape *s, size_t lanes)
{
    return filter_count(s, lanes) * weft_conv_taps(s);
}

/* A pixel of zeros for what lies outside of the image. */
static size_t direct_scratch(const struct weft_conv_shape *s, size_t lanes)
{
    return weft_layout_filled(s->channels, lanes);
}

static int direct_pack(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                       const float *weights)
{
    size_t lanes = variant->lanes, vectors = filter_count(s, lanes) / lanes;
    size_t positions = s->kernel_height * s->kernel_width;
    for (size_t first = 0, block; first < vectors; first += block) {
        block = weft_conv_direct_block(vectors - first, lanes);
        for (size_t p = 0; p < positions; p++)
            for (size_t c = 0; c < s->channels; c++, packed += block * lanes)
                for (size_t k = 0; k < block * lanes && first * lanes + k < s->filters; k++)
                    packed[k] = weights[((first * lanes + k) * s->channels + c) * positions + p];
    }
    return 0;
}

static void direct_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                       float *scratch)
{
    memset(scratch, 0, direct_scratch(&conv->shape, conv->variant->lanes) * sizeof *scratch);
    conv->variant->conv_direct(&conv->shape, out, in, n, conv->weights, conv->bias, residual, scratch);
}

/* Floats of weights past which large tiles lose more by fetching them than they save: a second-level cache's worth. */
enum { LARGE_TILE_WEIGHTS = 1 << 18 };

static struct weft_winograd_shape winograd_shape(const struct weft_conv_shape *s, size_t lanes, size_t tile)
{
    return (struct weft_winograd_shape){
        .height = s->height,
        .width = s->width,
        .channels = weft_layout_filled(s->channels, lanes),
        .out_height = s->out_height,
        .out_width = s->out_width,
        .filters = filter_count(s, lanes),
        .pad_top = s->pad_top,
        .pad_left = s->pad_left,
        .tile = tile,
    };
}

static bool is_for_winograd(const struct weft_conv_shape *s)
{
    return s->groups == 1 && s->kernel_height == 3 && s->kernel_width == 3 && s->stride_y == 1 && s->stride_x == 1 &&
           s->dilation_y == 1 && s->dilation_x == 1;
}

size_t weft_conv_winograd_weights_max(const struct weft_conv_shape *s)
{
    if (!is_for_winograd(s))
        return 0;
    const bool may_be_large =
        s->filters <= LARGE_TILE_WEIGHTS / weft_winograd_points(WEFT_WINOGRAD_TILE_MAX) / s->channels;
    return weft_winograd_points(may_be_large ? WEFT_WINOGRAD_TILE_MAX : WEFT_WINOGRAD_TILE) *
           weft_layout_filled(s->channels, WEFT_LANES_MAX);
}

static size_t winograd_cost(const struct weft_conv_shape *s, size_t lanes, size_t tile)
{
    /* Of a tile, for a vector of channels in and one of filters out; measured. */
    static const size_t transforms[] = {[3] = 300, [4] = 450, [6] = 1000};
    if (!is_in_pixels(s) || !is_for_winograd(s))
        return SIZE_MAX;
    const struct weft_winograd_shape shape = winograd_shape(s, lanes, tile);
    if (tile > WEFT_WINOGRAD_TILE && weft_winograd_weight_count(&shape) > LARGE_TILE_WEIGHTS)
        return SIZE_MAX;
    const size_t vectors = shape.filters / lanes;
    const size_t product = weft_winograd_points(tile) * shape.channels * vectors;
    /* The last product is what reading the weights costs an image that comes alone. */
    return weft_winograd_tiles(&shape) * (product + transforms[tile] * (shape.channels / lanes + vectors) / 2) +
           2 * product;
}

static size_t winograd_weight_count(const struct weft_conv_shape *s, size_t lanes, size_t tile)
{
    const struct weft_winograd_shape shape = winograd_shape(s, lanes, tile);
    return weft_winograd_weight_count(&shape);
}

static size_t winograd_scratch(const struct weft_conv_shape *s, size_t lanes, size_t tile)
{
    const struct weft_winograd_shape shape = winograd_shape(s, lanes, tile);
    return weft_winograd_scratch(&shape);
}

static int winograd_pack(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                         const float *weights, size_t tile)
{
    const size_t channels = weft_layout_filled(s->channels, variant->lanes), filters = filter_count(s, variant->lanes);
    float *turned = calloc(9 * channels, filters * sizeof *turned); /* (3, 3, channels, filters) */
    if (!turned)
        return -1;
    for (size_t k = 0; k < s->filters; k++)
        for (size_t c = 0; c < s->channels; c++)
            for (size_t p = 0; p < 9; p++)
                turned[(p * channels + c) * filters + k] = weights[(k * s->channels + c) * 9 + p];
    variant->winograd_weights(packed, turned, tile, channels, filters);
    free(turned);
    return 0;
}

static void winograd_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                         float *scratch, size_t tile)
{
    struct weft_winograd_shape shape = winograd_shape(&conv->shape, conv->variant->lanes, tile);
    struct weft_winograd_epilogue epilogue = {conv->bias, residual, conv->shape.low, conv->shape.high};
    conv->variant->winograd_forward(&shape, out, in, n, conv->weights, &epilogue, scratch);
}

const struct weft_conv_method weft_conv_direct = {
    "direct", direct_cost, direct_weight_count, filter_count, direct_scratch, direct_pack, direct_run,
};

/* A method for each size of tiles. */
#define WINOGRAD(tile)                                                                                                 \
    static size_t cost_##tile(const struct weft_conv_shape *s, size_t lanes)                                           \
    {                                                                                                                  \
        return winograd_cost(s, lanes, tile);                                                                          \
    }                                                                                                                  \
    static size_t weight_count_##tile(const struct weft_conv_shape *s, size_t lanes)                                   \
    {                                                                                                                  \
        return winograd_weight_count(s, lanes, tile);                                                                  \
    }                                                                                                                  \
    static size_t scratch_##tile(const struct weft_conv_shape *s, size_t lanes)                                        \
    {                                                                                                                  \
        return winograd_scratch(s, lanes, tile);                                                                       \
    }                                                                                                                  \
    static int pack_##tile(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,         \
                           const float *weights)                                                                       \
    {                                                                                                                  \
        return winograd_pack(s, variant, packed, weights, tile);                                                       \
    }                                                                                                                  \
    static void run_##tile(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n, \
                           float *scratch)                                                                             \
    {                                                                                                                  \
        winograd_run(conv, out, in, residual, n, scratch, tile);                                                       \
    }                                                                                                                  \
    const struct weft_conv_method weft_conv_winograd_##tile = {                                                        \
        "winograd", cost_##tile, weight_count_##tile, filter_count, scratch_##tile, pack_##tile, run_##tile,           \
    };
WINOGRAD(3)
WINOGRAD(4)
WINOGRAD(6)
