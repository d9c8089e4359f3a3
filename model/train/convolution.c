#include <string.h>

#include "model/kernels/train_vectors.h"
#include "model/onnx/onnx_write.h"
#include "model/train/convolution_method.h"
#include "model/train/layers.h"

/* Floats: two doubles and a zero for each channel. */
static size_t bias_scratch(size_t channels)
{
    return channels * (2 * sizeof(double) / sizeof(float) + 1);
}

/* y += bias, as a scale of 1 and a shift. */
static void add_bias(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->out.channels;
    for (size_t c = 0; c < channels; c++)
        pass->scratch[c] = 1;
    const struct weft_column_scale scale = {.scale = pass->scratch, .shift = pass->weights + layer->bias};
    pass->variant->column_scale(pass->y, pass->y, NULL, &scale, pass->n * weft_convolution_pixels(layer), channels);
}

/* The bias is given the sums of dy. */
static void add_bias_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->out.channels;
    double *sum = (void *)pass->scratch, *squares = sum + channels;
    float *pivot = (void *)(squares + channels);
    memset(pass->scratch, 0, bias_scratch(channels) * sizeof *pass->scratch);
    pass->variant->column_moments(sum, squares, pass->dy, pivot, pass->n * weft_convolution_pixels(layer), channels);
    for (size_t c = 0; c < channels; c++)
        pass->weight_gradients[layer->bias + c] += (float)sum[c];
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    layer->method->forward(layer, pass);
    if (layer->has_bias && !layer->method->adds_bias)
        add_bias(layer, pass);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (layer->has_bias)
        add_bias_gradient(layer, pass);
    layer->method->backward(layer, pass);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    const int64_t k = (int64_t)layer->window.kernel, s = (int64_t)layer->window.stride,
                  p = (int64_t)layer->window.padding;
    const int64_t filters = (int64_t)layer->out.channels, part = (int64_t)weft_convolution_group_channels(layer);
    /* ONNX has (filters, channels of a group, kernel, kernel). */
    float *reordered = weft_onnx_writer_floats(writer, weft_convolution_depth(layer) * layer->out.channels);
    const size_t area = layer->window.kernel * layer->window.kernel;
    for (size_t i = 0; reordered && i < weft_convolution_depth(layer) * layer->out.channels; i++) {
        size_t f = i % layer->out.channels, c = i / layer->out.channels % weft_convolution_group_channels(layer);
        size_t at = i / layer->out.channels / weft_convolution_group_channels(layer);
        reordered[(f * weft_convolution_group_channels(layer) + c) * area + at] = weights[layer->weight + i];
    }
    const char *names[3] = {inputs[0], weft_onnx_writer_tensor(writer, layer->name, "weight", reordered,
                                                               (const int64_t[]){filters, part, k, k}, 4)};
    if (layer->has_bias)
        names[2] =
            weft_onnx_writer_tensor(writer, layer->name, "bias", weights + layer->bias, (const int64_t[]){filters}, 1);
    weft_onnx_writer_node(writer, "Conv", layer->name, names, layer->has_bias ? 3 : 2, output);
    weft_onnx_writer_ints(writer, "kernel_shape", (const int64_t[]){k, k}, 2);
    weft_onnx_writer_ints(writer, "strides", (const int64_t[]){s, s}, 2);
    weft_onnx_writer_ints(writer, "pads", (const int64_t[]){p, p, p, p}, 4);
    weft_onnx_writer_int(writer, "group", (int64_t)layer->groups);
}

static const struct weft_train_layer_type type = {"conv", forward, backward, write};

static const struct weft_convolution_method *method_of(const struct weft_train_layer *layer,
                                                       const struct weft_variant *variant)
{
    if (weft_convolution_winograd.fits(layer, variant))
        return &weft_convolution_winograd;
    return weft_convolution_narrow.fits(layer, variant) ? &weft_convolution_narrow : &weft_convolution_columns;
}

size_t weft_convolution_add(struct weft_model *model, size_t input, struct weft_convolution convolution)
{
    struct weft_train_layer layer = {
        .type = &type,
        .inputs = {input},
        .input_count = 1,
        .sharing = WEFT_SHARES_NOTHING,
        .in = weft_model_shape(model, input),
        .window = convolution.window,
        .groups = convolution.groups ? convolution.groups : 1,
        .has_bias = !convolution.without_bias,
    };
    layer.out = (struct weft_shape){convolution.filters, weft_window_steps(layer.window, layer.in.height),
                                    weft_window_steps(layer.window, layer.in.width)};
    if (layer.in.channels % layer.groups != 0 || layer.out.channels % layer.groups != 0) {
        weft_model_fail(model, "a convolution of %zu channels to %zu cannot have %zu groups", layer.in.channels,
                        layer.out.channels, layer.groups);
        return WEFT_MODEL_IMAGES;
    }
    const size_t depth = weft_convolution_depth(&layer), filters = layer.out.channels;
    layer.multiply_adds = weft_convolution_pixels(&layer) * depth * filters;
    layer.method = method_of(&layer, model->variant);
    layer.scratch = layer.method->scratch(&layer, model->variant);
    if (layer.has_bias && layer.scratch < bias_scratch(filters))
        layer.scratch = bias_scratch(filters);
    layer.weight = weft_model_add_parameter(
        model, (struct weft_parameter){.count = depth * filters, .kind = WEFT_PARAMETER_DECAYS, .fan_in = depth});
    if (layer.has_bias)
        layer.bias =
            weft_model_add_parameter(model, (struct weft_parameter){.count = filters, .kind = WEFT_PARAMETER_PLAIN});
    return weft_model_add(model, layer);
}
