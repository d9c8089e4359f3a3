#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/kernels/train_vectors.h"
#include "model/kernels/winograd.h"
#include "model/onnx/onnx_write.h"
#include "model/train/gemm.h"
#include "model/train/layers.h"

/* Weights are (kernel, kernel, channels of a group, filters): a matrix (depth, filters).
 *
 * What Winograd's transform does not take is a matrix product: under each output pixel lie depth input pixels of its
 * group, one row of the columns; of so many images at a time that they stay in the cache. */
enum { COLUMN_FLOATS = 1 << 16 };

static size_t group_channels(const struct weft_train_layer *layer)
{
    return layer->in.channels / layer->groups;
}

static size_t depth_of(const struct weft_train_layer *layer)
{
    return layer->window.kernel * layer->window.kernel * group_channels(layer);
}

static size_t pixels_of(const struct weft_train_layer *layer)
{
    return layer->out.height * layer->out.width;
}

/* Images whose columns are made together. */
static size_t column_images(const struct weft_train_layer *layer)
{
    const size_t floats = pixels_of(layer) * depth_of(layer);
    return floats > 0 && floats < COLUMN_FLOATS ? COLUMN_FLOATS / floats : 1;
}

/* The input itself is the columns. */
static bool is_pointwise(const struct weft_train_layer *layer)
{
    return layer->window.kernel == 1 && layer->window.stride == 1 && layer->window.padding == 0;
}

/* columns (pixels, depth) of one image and group; zero in the padding. */
static void image_to_columns(const struct weft_train_layer *layer, size_t group, const float *image, float *columns)
{
    const size_t channels = layer->in.channels, part = group_channels(layer), kernel = layer->window.kernel;
    image += group * part;
    for (size_t oy = 0; oy < layer->out.height; oy++) {
        const struct weft_window_part ys = weft_window_part(layer->window, oy, layer->in.height);
        for (size_t ox = 0; ox < layer->out.width; ox++) {
            const struct weft_window_part xs = weft_window_part(layer->window, ox, layer->in.width);
            const bool whole = xs.last - xs.first == kernel && ys.last - ys.first == kernel;
            if (!whole)
                memset(columns, 0, kernel * kernel * part * sizeof *columns);
            for (size_t y = ys.first; y < ys.last; y++) {
                float *to = columns + ((ys.skipped + y - ys.first) * kernel + xs.skipped) * part;
                const float *from = image + (y * layer->in.width + xs.first) * channels;
                const size_t pixels = xs.last - xs.first;
                if (part == channels)
                    memcpy(to, from, pixels * part * sizeof *to);
                else
                    for (size_t x = 0; x < pixels; x++)
                        memcpy(to + x * part, from + x * channels, part * sizeof *to);
            }
            columns += kernel * kernel * part;
        }
    }
}

/* The transpose of image_to_columns: adds each column's value to the pixel it came from. */
static void add_columns_to_image(const struct weft_train_layer *layer, const struct weft_variant *variant, size_t group,
                                 const float *columns, float *image)
{
    const size_t channels = layer->in.channels, part = group_channels(layer), kernel = layer->window.kernel;
    image += group * part;
    for (size_t oy = 0; oy < layer->out.height; oy++) {
        const struct weft_window_part ys = weft_window_part(layer->window, oy, layer->in.height);
        for (size_t ox = 0; ox < layer->out.width; ox++, columns += kernel * kernel * part) {
            const struct weft_window_part xs = weft_window_part(layer->window, ox, layer->in.width);
            for (size_t y = ys.first; y < ys.last; y++) {
                const float *from = columns + ((ys.skipped + y - ys.first) * kernel + xs.skipped) * part;
                float *to = image + (y * layer->in.width + xs.first) * channels;
                const size_t pixels = xs.last - xs.first;
                if (part == channels)
                    variant->add(to, to, from, pixels * part, -INFINITY, INFINITY);
                else
                    for (size_t x = 0; x < pixels; x++)
                        for (size_t c = 0; c < part; c++)
                            to[x * channels + c] += from[x * part + c];
            }
        }
    }
}

/* A part of a pass as matrices: columns (rows, depth) of one group. */
struct columns {
    size_t rows;
    struct weft_matrix matrix;
};

/* Of images first..first+n-1; lie in scratch, unless the input is as good. */
static struct columns columns_of(const struct weft_train_layer *layer, const struct weft_pass *pass, size_t group,
                                 size_t first, size_t n)
{
    const size_t pixels = pixels_of(layer), depth = depth_of(layer);
    const float *images = pass->x[0] + first * weft_shape_size(layer->in);
    if (is_pointwise(layer))
        return (struct columns){n * pixels, {images + group * depth, layer->in.channels, CblasNoTrans}};
    for (size_t i = 0; i < n; i++)
        image_to_columns(layer, group, images + i * weft_shape_size(layer->in), pass->scratch + i * pixels * depth);
    return (struct columns){n * pixels, {pass->scratch, depth, CblasNoTrans}};
}

/* y = columns W. */
static void columns_forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = depth_of(layer), filters = layer->out.channels, part = filters / layer->groups;
    for (size_t first = 0, n; first < pass->n; first += n) {
        n = column_images(layer) < pass->n - first ? column_images(layer) : pass->n - first;
        for (size_t g = 0; g < layer->groups; g++) {
            const struct columns columns = columns_of(layer, pass, g, first, n);
            const struct weft_matrix weights = {pass->weights + layer->weight + g * part, filters, CblasNoTrans};
            weft_gemm(columns.rows, part, depth, columns.matrix, weights, 0,
                      pass->y + first * weft_shape_size(layer->out) + g * part, filters);
        }
    }
}

/* dW += columns^T dy, dcolumns = dy W^T. */
static void columns_backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = depth_of(layer), filters = layer->out.channels, part = filters / layer->groups;
    const size_t in = weft_shape_size(layer->in), pixels = pixels_of(layer);
    for (size_t first = 0, n; first < pass->n; first += n) {
        n = column_images(layer) < pass->n - first ? column_images(layer) : pass->n - first;
        float *dx = pass->dx[0] ? pass->dx[0] + first * in : NULL;
        if (dx && !is_pointwise(layer) && !pass->dx_adds[0])
            memset(dx, 0, n * in * sizeof *dx);
        for (size_t g = 0; g < layer->groups; g++) {
            struct columns columns = columns_of(layer, pass, g, first, n);
            const struct weft_matrix dy = {pass->dy + first * weft_shape_size(layer->out) + g * part, filters,
                                           CblasNoTrans};
            columns.matrix.op = CblasTrans;
            weft_gemm(depth, part, columns.rows, columns.matrix, dy, 1,
                      pass->weight_gradients + layer->weight + g * part, filters);
            if (!dx)
                continue;
            const struct weft_matrix weights = {pass->weights + layer->weight + g * part, filters, CblasTrans};
            if (is_pointwise(layer)) {
                weft_gemm(columns.rows, depth, part, dy, weights, pass->dx_adds[0] ? 1 : 0, dx + g * depth,
                          layer->in.channels);
                continue;
            }
            weft_gemm(columns.rows, depth, part, dy, weights, 0, pass->scratch, depth);
            for (size_t i = 0; i < n; i++)
                add_columns_to_image(layer, pass->variant, g, pass->scratch + i * pixels * depth, dx + i * in);
        }
    }
}

static struct weft_winograd_shape winograd_shape(const struct weft_train_layer *layer)
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
    };
}

static void winograd_forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_winograd_shape shape = winograd_shape(layer);
    const struct weft_winograd_epilogue epilogue = {.low = -INFINITY, .high = INFINITY};
    float *transformed = pass->scratch;
    pass->variant->winograd_weights(transformed, pass->weights + layer->weight, shape.channels, shape.filters);
    pass->variant->winograd_forward(&shape, pass->y, pass->x[0], pass->n, transformed, &epilogue,
                                    transformed + weft_winograd_weight_count(shape.channels, shape.filters));
}

static void winograd_backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_winograd_shape shape = winograd_shape(layer);
    const size_t channels = shape.channels, filters = shape.filters;
    const size_t count = weft_winograd_weight_count(channels, filters);
    const size_t in = weft_shape_size(layer->in), out = weft_shape_size(layer->out);
    float *gradient = pass->scratch, *transposed = gradient + count, *rest = transposed + count;
    memset(gradient, 0, count * sizeof *gradient);
    if (pass->dx[0]) {
        const float *w = pass->weights + layer->weight;
        for (size_t k = 0; k < 9; k++)
            for (size_t f = 0; f < filters; f++)
                for (size_t c = 0; c < channels; c++)
                    rest[(k * filters + f) * channels + c] = w[(k * channels + c) * filters + f];
        pass->variant->winograd_weights(transposed, rest, filters, channels);
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
    pass->variant->column_scale(pass->y, pass->y, NULL, &scale, pass->n * pixels_of(layer), channels);
}

/* The bias is given the sums of dy. */
static void add_bias_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->out.channels;
    double *sum = (void *)pass->scratch, *squares = sum + channels;
    float *pivot = (void *)(squares + channels);
    memset(pass->scratch, 0, bias_scratch(channels) * sizeof *pass->scratch);
    pass->variant->column_moments(sum, squares, pass->dy, pivot, pass->n * pixels_of(layer), channels);
    for (size_t c = 0; c < channels; c++)
        pass->weight_gradients[layer->bias + c] += (float)sum[c];
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (layer->winograd)
        winograd_forward(layer, pass);
    else
        columns_forward(layer, pass);
    if (layer->has_bias)
        add_bias(layer, pass);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (layer->has_bias)
        add_bias_gradient(layer, pass);
    if (layer->winograd)
        winograd_backward(layer, pass);
    else
        columns_backward(layer, pass);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    const int64_t k = (int64_t)layer->window.kernel, s = (int64_t)layer->window.stride,
                  p = (int64_t)layer->window.padding;
    const int64_t filters = (int64_t)layer->out.channels, part = (int64_t)group_channels(layer);
    /* ONNX has (filters, channels of a group, kernel, kernel). */
    float *reordered = weft_onnx_writer_floats(writer, depth_of(layer) * layer->out.channels);
    const size_t area = layer->window.kernel * layer->window.kernel;
    for (size_t i = 0; reordered && i < depth_of(layer) * layer->out.channels; i++) {
        size_t f = i % layer->out.channels, c = i / layer->out.channels % group_channels(layer);
        size_t at = i / layer->out.channels / group_channels(layer);
        reordered[(f * group_channels(layer) + c) * area + at] = weights[layer->weight + i];
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

static bool takes_winograd(const struct weft_model *model, const struct weft_train_layer *layer)
{
    const struct weft_variant *variant = model->variant;
    return layer->window.kernel == 3 && layer->window.stride == 1 && layer->groups == 1 &&
           layer->in.channels % variant->lanes == 0 && layer->out.channels % variant->lanes == 0;
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
    const size_t depth = depth_of(&layer), filters = layer.out.channels;
    layer.multiply_adds = pixels_of(&layer) * depth * filters;
    layer.winograd = takes_winograd(model, &layer);
    if (layer.winograd) {
        const struct weft_winograd_shape shape = winograd_shape(&layer);
        const size_t reordered = 9 * layer.in.channels * filters, tiles = weft_winograd_scratch(&shape);
        layer.scratch = 2 * weft_winograd_weight_count(layer.in.channels, filters);
        layer.scratch += reordered > tiles ? reordered : tiles;
    } else if (!is_pointwise(&layer)) {
        layer.scratch = column_images(&layer) * pixels_of(&layer) * depth;
    }
    if (layer.has_bias && layer.scratch < bias_scratch(filters))
        layer.scratch = bias_scratch(filters);
    layer.weight = weft_model_add_parameter(
        model, (struct weft_parameter){.count = depth * filters, .kind = WEFT_PARAMETER_DECAYS, .fan_in = depth});
    if (layer.has_bias)
        layer.bias =
            weft_model_add_parameter(model, (struct weft_parameter){.count = filters, .kind = WEFT_PARAMETER_PLAIN});
    return weft_model_add(model, layer);
}
