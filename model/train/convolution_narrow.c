/* Convolution with few filters, directly (model/kernels/narrow.h). */
#include <math.h>
#include <string.h>

#include "model/kernels/narrow.h"
#include "model/train/convolution_method.h"

static struct weft_narrow_shape shape_of(const struct weft_train_layer *layer)
{
    return (struct weft_narrow_shape){
        .width = layer->in.width + 2 * layer->window.padding,
        .channels = layer->in.channels,
        .filters = layer->out.channels,
        .kernel = layer->window.kernel,
        .stride = layer->window.stride,
        .out_height = layer->out.height,
        .out_width = layer->out.width,
    };
}

static size_t filled(size_t count, size_t lanes)
{
    return weft_narrow_vectors(count, lanes) * lanes;
}

/* What scratch memory holds: one image with its padding and what a vector may reach beyond it, and weights. */
struct scratch {
    float *padded, *weights, *bias;
};

static size_t padded_size(const struct weft_train_layer *layer)
{
    const size_t around = 2 * layer->window.padding;
    return (layer->in.height + around) * (layer->in.width + around) * layer->in.channels + WEFT_LANES_MAX;
}

static size_t packed_size(const struct weft_narrow_shape *s, size_t lanes)
{
    const size_t run = weft_narrow_run(s), forward = run * filled(s->filters, lanes),
                 transposed = s->filters * filled(run, lanes);
    return s->kernel * (forward > transposed ? forward : transposed);
}

static struct scratch split_scratch(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_narrow_shape s = shape_of(layer);
    float *weights = pass->scratch + padded_size(layer);
    return (struct scratch){pass->scratch, weights, weights + packed_size(&s, pass->variant->lanes)};
}

/* (vectors of filters, kernel, run, lanes) */
static void pack(const struct weft_narrow_shape *s, size_t lanes, const float *weights, float *packed)
{
    const size_t depth = s->kernel * weft_narrow_run(s);
    for (size_t first = 0; first < s->filters; first += lanes)
        for (size_t d = 0; d < depth; d++)
            for (size_t lane = 0; lane < lanes; lane++, packed++)
                *packed = first + lane < s->filters ? weights[d * s->filters + first + lane] : 0;
}

/* (vectors of the run, filters, kernel, lanes) */
static void pack_transposed(const struct weft_narrow_shape *s, size_t lanes, const float *weights, float *packed)
{
    const size_t run = weft_narrow_run(s);
    for (size_t first = 0; first < run; first += lanes)
        for (size_t f = 0; f < s->filters; f++)
            for (size_t k = 0; k < s->kernel; k++)
                for (size_t lane = 0; lane < lanes; lane++, packed++)
                    *packed = first + lane < run ? weights[(k * run + first + lane) * s->filters + f] : 0;
}

/* The rows of an image, between the padding. */
static float *inside(const struct weft_train_layer *layer, float *padded, size_t row)
{
    const size_t padding = layer->window.padding, width = layer->in.width + 2 * padding;
    return padded + ((row + padding) * width + padding) * layer->in.channels;
}

/* The image with its padding, which is 0 in padded already. */
static const float *pad(const struct weft_train_layer *layer, const float *image, float *padded)
{
    const size_t floats = layer->in.width * layer->in.channels;
    if (layer->window.padding == 0)
        return image;
    for (size_t row = 0; row < layer->in.height; row++)
        memcpy(inside(layer, padded, row), image + row * floats, floats * sizeof *padded);
    return padded;
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_narrow_shape s = shape_of(layer);
    const struct scratch scratch = split_scratch(layer, pass);
    const size_t lanes = pass->variant->lanes;
    memset(scratch.padded, 0, padded_size(layer) * sizeof *scratch.padded);
    memset(scratch.bias, 0, filled(s.filters, lanes) * sizeof *scratch.bias);
    if (layer->has_bias)
        memcpy(scratch.bias, pass->weights + layer->bias, s.filters * sizeof *scratch.bias);
    pack(&s, lanes, pass->weights + layer->weight, scratch.weights);
    for (size_t i = 0; i < pass->n; i++) {
        const float *x = pad(layer, pass->x[0] + i * weft_shape_size(layer->in), scratch.padded);
        pass->variant->narrow_forward(&s, pass->y + i * weft_shape_size(layer->out), x, scratch.weights, scratch.bias);
    }
}

static void add_weight_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_narrow_shape s = shape_of(layer);
    float *padded = pass->scratch;
    memset(padded, 0, padded_size(layer) * sizeof *padded);
    for (size_t i = 0; i < pass->n; i++) {
        const float *x = pad(layer, pass->x[0] + i * weft_shape_size(layer->in), padded);
        pass->variant->narrow_weight_gradient(&s, pass->weight_gradients + layer->weight, x,
                                              pass->dy + i * weft_shape_size(layer->out));
    }
}

static void give_input_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_narrow_shape s = shape_of(layer);
    const struct scratch scratch = split_scratch(layer, pass);
    const size_t floats = layer->in.width * layer->in.channels;
    pack_transposed(&s, pass->variant->lanes, pass->weights + layer->weight, scratch.weights);
    for (size_t i = 0; i < pass->n; i++) {
        memset(scratch.padded, 0, padded_size(layer) * sizeof *scratch.padded);
        pass->variant->narrow_input_gradient(&s, scratch.padded, pass->dy + i * weft_shape_size(layer->out),
                                             scratch.weights);
        float *dx = pass->dx[0] + i * weft_shape_size(layer->in);
        for (size_t row = 0; row < layer->in.height; row++, dx += floats) {
            const float *from = inside(layer, scratch.padded, row);
            if (pass->dx_adds[0])
                pass->variant->add(dx, dx, from, floats, -INFINITY, INFINITY);
            else
                memcpy(dx, from, floats * sizeof *dx);
        }
    }
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    add_weight_gradient(layer, pass);
    if (pass->dx[0])
        give_input_gradient(layer, pass);
}

static bool fits(const struct weft_train_layer *layer, const struct weft_variant *variant)
{
    (void)variant;
    return layer->groups == 1 && layer->out.channels <= WEFT_NARROW_FILTERS_MAX &&
           layer->window.kernel <= WEFT_NARROW_KERNEL_MAX;
}

static size_t scratch_size(const struct weft_train_layer *layer, const struct weft_variant *variant)
{
    const struct weft_narrow_shape s = shape_of(layer);
    return padded_size(layer) + packed_size(&s, variant->lanes) + filled(s.filters, variant->lanes);
}

const struct weft_convolution_method weft_convolution_narrow = {
    .adds_bias = true, .fits = fits, .scratch = scratch_size, .forward = forward, .backward = backward};
