/* Convolution by Winograd's transform: 3x3, with as many channels and filters as fill vectors. */
#include <math.h>
#include <string.h>

#include "model/kernels/winograd.h"
#include "model/train/convolution_method.h"

static struct weft_winograd_shape shape_of(const struct weft_train_layer *layer)
{
    return (struct weft_winograd_shape){
        .height = layer->in.height,
        .width = layer->in.width,
        .channels = layer->in.channels,
        .out_height = layer->out.height,
        .out_width = layer->out.width,
        .filters = layer->out.channels,
        .pad_top = layer->window.padding,
        .pad_left = layer->window.padding,
        .tile = WEFT_WINOGRAD_TILE,
    };
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_winograd_shape shape = shape_of(layer);
    const struct weft_winograd_epilogue epilogue = {.low = -INFINITY, .high = INFINITY};
    float *transformed = pass->scratch;
    pass->variant->winograd_weights(transformed, pass->weights + layer->weight, shape.tile, shape.channels,
                                    shape.filters);
    pass->variant->winograd_forward(&shape, pass->y, pass->x[0], pass->n, transformed, &epilogue,
                                    transformed + weft_winograd_weight_count(&shape));
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_winograd_shape shape = shape_of(layer);
    const size_t channels = shape.channels, filters = shape.filters;
    const size_t count = weft_winograd_weight_count(&shape);
    const size_t in = weft_shape_size(layer->in), out = weft_shape_size(layer->out);
    float *gradient = pass->scratch, *transposed = gradient + count, *rest = transposed + count;
    memset(gradient, 0, count * sizeof *gradient);
    if (pass->dx[0]) {
        const float *w = pass->weights + layer->weight;
        for (size_t k = 0; k < 9; k++)
            for (size_t f = 0; f < filters; f++)
                for (size_t c = 0; c < channels; c++)
                    rest[(k * filters + f) * channels + c] = w[(k * channels + c) * filters + f];
        pass->variant->winograd_weights(transposed, rest, shape.tile, filters, channels);
    }
    /* As many images as fill a group of tiles, so that their dx is still in the cache between zeroing and adding. */
    const size_t tiles = weft_winograd_tiles(&shape), step = (2 * WEFT_WINOGRAD_GROUP + tiles - 1) / tiles;
    for (size_t i = 0; i < pass->n; i += step) {
        const size_t n = pass->n - i < step ? pass->n - i : step;
        float *dx = pass->dx[0] ? pass->dx[0] + i * in : NULL;
        if (dx && !pass->dx_adds[0])
            memset(dx, 0, n * in * sizeof *dx);
        pass->variant->winograd_backward(&shape, dx, gradient, pass->x[0] + i * in, pass->dy + i * out, n,
                                         dx ? transposed : NULL, rest);
    }
    pass->variant->winograd_weight_gradient(pass->weight_gradients + layer->weight, gradient, channels, filters);
}

static bool fits(const struct weft_train_layer *layer, const struct weft_variant *variant)
{
    return layer->window.kernel == 3 && layer->window.stride == 1 && layer->groups == 1 &&
           layer->in.channels % variant->lanes == 0 && layer->out.channels % variant->lanes == 0;
}

static size_t scratch(const struct weft_train_layer *layer, const struct weft_variant *variant)
{
    (void)variant;
    const struct weft_winograd_shape shape = shape_of(layer);
    const size_t reordered = 9 * shape.channels * shape.filters, tiles = weft_winograd_scratch(&shape);
    return 2 * weft_winograd_weight_count(&shape) + (reordered > tiles ? reordered : tiles);
}

const struct weft_convolution_method weft_convolution_winograd = {
    .fits = fits, .scratch = scratch, .forward = forward, .backward = backward};
