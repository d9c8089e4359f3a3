#include "model/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int weft_layer_pack(struct weft_layer *layer, const struct weft_variant *variant)
{
    if (layer->kind == WEFT_LAYER_CONV) {
        struct weft_conv_shape *shape = &layer->as.conv.shape;
        shape->low = layer->as.conv.has_residual ? -INFINITY : layer->low;
        shape->high = layer->as.conv.has_residual ? INFINITY : layer->high;
        layer->as.conv.packed = weft_conv_new(shape, layer->weights, layer->bias, variant, NULL);
        if (!layer->as.conv.packed)
            return -1;
    } else if (layer->kind == WEFT_LAYER_DENSE) {
        layer->as.dense.packed =
            weft_dense_new(layer->as.dense.inputs, layer->as.dense.outputs, layer->weights, layer->as.dense.transposed,
                           layer->bias, layer->low, layer->high, variant);
        if (!layer->as.dense.packed)
            return -1;
    } else {
        return 0;
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

/* Outputs of a convolution before its pool. */
static size_t conv_size(const struct weft_conv_shape *s)
{
    return s->groups * s->filters * s->out_height * s->out_width;
}

size_t weft_layer_scratch(const struct weft_layer *layer)
{
    if (layer->kind != WEFT_LAYER_CONV)
        return 0;
    return weft_conv_scratch(layer->as.conv.packed) + (layer->as.conv.has_pool ? conv_size(&layer->as.conv.shape) : 0);
}

/* Image by image, so that what lies between convolution and pool stays in the cache. */
static void run_conv(const struct weft_layer *layer, const struct weft_variant *variant, float *out,
                     const float *const inputs[], size_t n, float *scratch)
{
    size_t size = conv_size(&layer->as.conv.shape);
    float *unpooled = scratch + weft_conv_scratch(layer->as.conv.packed);
    for (size_t i = 0; i < n; i++, out += layer->output_size) {
        float *to = layer->as.conv.has_pool ? unpooled : out;
        weft_conv_run(layer->as.conv.packed, to, inputs[0] + i * layer->input_sizes[0], scratch);
        if (layer->as.conv.has_residual)
            variant->add(to, to, inputs[1] + i * size, size, layer->low, layer->high);
        if (layer->as.conv.has_pool)
            weft_pool_run(&layer->as.conv.pool, variant, out, to);
    }
}

static void run_scale(const struct weft_layer *layer, const struct weft_variant *variant, float *out, const float *x,
                      size_t n)
{
    size_t channels = layer->as.scale.channels, plane = layer->output_size / channels;
    for (size_t i = 0; i < n * channels; i++)
        variant->scale(out + i * plane, x + i * plane, plane, layer->weights[i % channels], layer->bias[i % channels],
                       layer->low, layer->high);
}

static void run_transpose(const struct weft_layer *layer, float *out, const float *x, size_t n)
{
    size_t rank = layer->as.transpose.rank;
    for (size_t i = 0; i < n; i++, x += layer->output_size) {
        for (size_t k = 0; k < layer->output_size; k++) {
            size_t from = 0, rest = k;
            for (size_t axis = rank; axis-- > 0; rest /= layer->as.transpose.dims[axis])
                from += rest % layer->as.transpose.dims[axis] * layer->as.transpose.strides[axis];
            *out++ = x[from];
        }
    }
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
    case WEFT_LAYER_TRANSPOSE: run_transpose(layer, out, inputs[0], n); break;
    case WEFT_LAYER_SOFTMAX: weft_softmax(out, inputs[0], n, layer->output_size, layer->as.softmax.logarithm); break;
    case WEFT_LAYER_CONCAT: run_concat(layer, out, inputs, n); break;
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
