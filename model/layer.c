#include "model/layer.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UNPOOLED_FLOATS = 1 << 14 /* what lies between convolution and pool should stay in the cache */ };

/* Channels of a scale, with those that fill up a pixel. */
static size_t filled(const struct weft_layer *layer, const struct weft_variant *variant)
{
    return layer->as.scale.layout == WEFT_LAYOUT_PIXELS ? weft_layout_filled(layer->as.scale.channels, variant->lanes)
                                                        : layer->as.scale.channels;
}

/* Elements of the output, or of what is pooled to it. */
static size_t conv_size(const struct weft_layer *layer, const struct weft_variant *variant)
{
    const struct weft_conv_shape *s = &layer->as.conv.shape;
    size_t filters = s->groups * s->filters;
    if (s->out == WEFT_LAYOUT_PIXELS)
        filters = weft_layout_filled(filters, variant->lanes);
    return filters * s->out_height * s->out_width;
}

/* A load, a store and an operation for each vector where numbers only pass by. */
size_t weft_layer_cost(const struct weft_layer *layer, const struct weft_variant *variant)
{
    size_t lanes = variant->lanes, passing = 3 * (layer->output_size / lanes + 1), cost;
    switch (layer->kind) {
    case WEFT_LAYER_CONV:
        cost = weft_conv_cost(&layer->as.conv.shape, variant);
        if (cost == SIZE_MAX)
            return cost;
        if (layer->as.conv.has_residual && layer->as.conv.shape.out == WEFT_LAYOUT_PLANES)
            cost += passing;
        if (layer->as.conv.has_pool)
            cost += weft_pool_cost(&layer->as.conv.pool, lanes);
        return cost;
    case WEFT_LAYER_DENSE: return layer->as.dense.inputs * (layer->as.dense.outputs / lanes + 1);
    case WEFT_LAYER_POOL: return weft_pool_cost(&layer->as.pool, lanes);
    case WEFT_LAYER_CONVERT: return 2 * layer->as.convert.channels * layer->as.convert.pixels;
    default: return passing;
    }
}

/* Factors and summands of the channels that fill up a pixel are zero. */
static int fill_scale(struct weft_layer *layer, const struct weft_variant *variant)
{
    size_t channels = layer->as.scale.channels, count = filled(layer, variant);
    float *weights = realloc(layer->weights, count * sizeof *weights);
    if (weights)
        layer->weights = weights;
    float *bias = realloc(layer->bias, count * sizeof *bias);
    if (bias)
        layer->bias = bias;
    if (!weights || !bias)
        return -1;
    for (size_t c = channels; c < count; c++)
        weights[c] = bias[c] = 0;
    return 0;
}

static int pack_conv(struct weft_layer *layer, const struct weft_variant *variant)
{
    struct weft_conv_shape *shape = &layer->as.conv.shape;
    shape->low = layer->low;
    shape->high = layer->high;
    layer->as.conv.unpooled = conv_size(layer, variant);
    size_t group = UNPOOLED_FLOATS / layer->as.conv.unpooled;
    layer->as.conv.group = group < 1 ? 1 : group;
    layer->as.conv.packed = weft_conv_new(shape, layer->weights, layer->bias, variant, NULL);
    return layer->as.conv.packed ? 0 : -1;
}

int weft_layer_pack(struct weft_layer *layer, const struct weft_variant *variant)
{
    switch (layer->kind) {
    case WEFT_LAYER_SCALE: return fill_scale(layer, variant);
    case WEFT_LAYER_CONV:
        if (pack_conv(layer, variant) != 0)
            return -1;
        break;
    case WEFT_LAYER_DENSE:
        layer->as.dense.packed =
            weft_dense_new(layer->as.dense.inputs, layer->as.dense.outputs, layer->weights, layer->as.dense.transposed,
                           layer->bias, layer->low, layer->high, variant);
        if (!layer->as.dense.packed)
            return -1;
        break;
    default: return 0;
    }
    free(layer->weights);
    free(layer->bias);
    layer->weights = layer->bias = NULL;
    return 0;
}

void weft_layer_clear(struct weft_layer *layer)
{
    if (layer->kind == WEFT_LAYER_CONV)
        weft_conv_destroy(layer->as.conv.packed);
    if (layer->kind == WEFT_LAYER_DENSE)
        weft_dense_destroy(layer->as.dense.packed);
    free(layer->inputs);
    free(layer->input_sizes);
    free(layer->weights);
    free(layer->bias);
}

/* Of the convolution alone, so that what comes behind it is aligned. */
static size_t conv_scratch(const struct weft_layer *layer)
{
    return (weft_conv_scratch(layer->as.conv.packed) + 15) / 16 * 16;
}

size_t weft_layer_scratch(const struct weft_layer *layer)
{
    if (layer->kind != WEFT_LAYER_CONV)
        return 0;
    return conv_scratch(layer) + (layer->as.conv.has_pool ? layer->as.conv.group * layer->as.conv.unpooled : 0);
}

static void run_conv(const struct weft_layer *layer, const struct weft_variant *variant, float *out,
                     const float *const inputs[], size_t n, float *scratch)
{
    size_t unpooled = layer->as.conv.unpooled, group = layer->as.conv.has_pool ? layer->as.conv.group : n;
    float *between = scratch + conv_scratch(layer);
    const float *in = inputs[0], *residual = layer->as.conv.has_residual ? inputs[1] : NULL;
    for (size_t from = 0, count; from < n; from += count) {
        count = n - from < group ? n - from : group;
        weft_conv_run(layer->as.conv.packed, layer->as.conv.has_pool ? between : out, in + from * layer->input_sizes[0],
                      residual ? residual + from * unpooled : NULL, count, scratch);
        for (size_t i = 0; layer->as.conv.has_pool && i < count; i++, out += layer->output_size)
            weft_pool_run(&layer->as.conv.pool, variant, out, between + i * unpooled);
    }
}

static void run_scale(const struct weft_layer *layer, const struct weft_variant *variant, float *out, const float *x,
                      size_t n)
{
    size_t channels = filled(layer, variant), plane = layer->output_size / channels;
    if (layer->as.scale.layout == WEFT_LAYOUT_PIXELS) {
        variant->scale_pixels(out, x, n * plane, channels, layer->weights, layer->bias, layer->low, layer->high);
        return;
    }
    for (size_t i = 0; i < n * channels; i++)
        variant->scale(out + i * plane, x + i * plane, plane, layer->weights[i % channels], layer->bias[i % channels],
                       layer->low, layer->high);
}

static void run_pick(const struct weft_layer *layer, float *out, const float *x, size_t n)
{
    size_t rank = layer->as.pick.rank;
    for (size_t i = 0; i < n; i++, x += layer->input_sizes[0]) {
        for (size_t k = 0; k < layer->output_size; k++) {
            size_t from = layer->as.pick.offset, rest = k;
            for (size_t axis = rank; axis-- > 0; rest /= layer->as.pick.dims[axis])
                from += rest % layer->as.pick.dims[axis] * layer->as.pick.strides[axis];
            *out++ = x[from];
        }
    }
}

static void run_pad(const struct weft_layer *layer, float *out, const float *x, size_t n)
{
    const size_t *in = layer->as.pad.in, *all = layer->as.pad.out, *before = layer->as.pad.before;
    for (size_t i = 0; i < n * layer->output_size; i++)
        out[i] = layer->as.pad.value;
    for (size_t i = 0; i < n; i++, out += layer->output_size)
        for (size_t c = 0; c < in[0]; c++)
            for (size_t y = 0; y < in[1]; y++, x += in[2])
                memcpy(out + ((c + before[0]) * all[1] + y + before[1]) * all[2] + before[2], x, in[2] * sizeof *x);
}

static void run_concat(const struct weft_layer *layer, float *out, const float *const inputs[], size_t n)
{
    for (size_t row = 0; row < n * layer->as.concat.outer; row++) {
        for (size_t i = 0; i < layer->input_count; i++) {
            size_t chunk = layer->input_sizes[i] / layer->as.concat.outer;
            memcpy(out, inputs[i] + row * chunk, chunk * sizeof *out);
            out += chunk;
        }
    }
}

static void run_convert(const struct weft_layer *layer, const struct weft_variant *variant, float *out, const float *x,
                        size_t n)
{
    size_t channels = layer->as.convert.channels, pixels = layer->as.convert.pixels;
    if (layer->as.convert.to == WEFT_LAYOUT_PIXELS)
        weft_layout_to_pixels(out, x, n, channels, pixels, variant->lanes);
    else
        weft_layout_to_planes(out, x, n, channels, pixels, variant->lanes);
}

void weft_layer_run(const struct weft_layer *layer, const struct weft_variant *variant, float *out,
                    const float *const inputs[], size_t n, float *scratch)
{
    switch (layer->kind) {
    case WEFT_LAYER_CONV: run_conv(layer, variant, out, inputs, n, scratch); break;
    case WEFT_LAYER_DENSE: weft_dense_run(layer->as.dense.packed, out, inputs[0], n); break;
    case WEFT_LAYER_POOL:
        for (size_t i = 0; i < n; i++)
            weft_pool_run(&layer->as.pool, variant, out + i * layer->output_size,
                          inputs[0] + i * layer->input_sizes[0]);
        break;
    case WEFT_LAYER_ADD:
        variant->add(out, inputs[0], inputs[1], n * layer->output_size, layer->low, layer->high);
        break;
    case WEFT_LAYER_SCALE: run_scale(layer, variant, out, inputs[0], n); break;
    case WEFT_LAYER_PICK: run_pick(layer, out, inputs[0], n); break;
    case WEFT_LAYER_PAD: run_pad(layer, out, inputs[0], n); break;
    case WEFT_LAYER_SOFTMAX: weft_softmax(out, inputs[0], n, layer->output_size, layer->as.softmax.logarithm); break;
    case WEFT_LAYER_CONCAT: run_concat(layer, out, inputs, n); break;
    case WEFT_LAYER_CONVERT: run_convert(layer, variant, out, inputs[0], n); break;
    }
}

void weft_softmax(float *out, const float *x, size_t n, size_t size, bool logarithm)
{
    for (size_t i = 0; i < n; i++, out += size, x += size) {
        float most = x[0], sum = 0;
        for (size_t k = 1; k < size; k++)
            most = x[k] > most ? x[k] : most;
        if (logarithm) {
            for (size_t k = 0; k < size; k++)
                sum += expf(x[k] - most);
            for (size_t k = 0; k < size; k++)
                out[k] = x[k] - most - logf(sum);
            continue;
        }
        for (size_t k = 0; k < size; k++) {
            out[k] = expf(x[k] - most);
            sum += out[k];
        }
        for (size_t k = 0; k < size; k++)
            out[k] /= sum;
    }
}
