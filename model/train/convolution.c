#include <stdint.h>
#include <string.h>

#include "model/onnx_write.h"
#include "model/train/gemm.h"
#include "model/train/layers.h"

/* Where a window's column kx reads inside the image: steps first..last-1 of out, at x[step * stride + kx - padding]. */
struct span {
    size_t first, last;
};

static struct span span_inside(struct weft_window window, size_t k, size_t size, size_t steps)
{
    size_t first = 0;
    while (first < steps && first * window.stride + k < window.padding)
        first++;
    size_t last = steps;
    while (last > first && (last - 1) * window.stride + k >= size + window.padding)
        last--;
    return (struct span){first, last};
}

/* x (C, H, W) -> columns (C * K * K, OH * OW): the pixels under each weight, zero in the padding. */
static void image_to_columns(const struct weft_train_layer *layer, const float *x, float *columns)
{
    const struct weft_window w = layer->window;
    const size_t height = layer->in.height, width = layer->in.width;
    const size_t steps_y = layer->out.height, steps_x = layer->out.width;
    float *row = columns;
    for (size_t c = 0; c < layer->in.channels; c++) {
        for (size_t ky = 0; ky < w.kernel; ky++) {
            struct span ys = span_inside(w, ky, height, steps_y);
            for (size_t kx = 0; kx < w.kernel; kx++, row += steps_y * steps_x) {
                struct span xs = span_inside(w, kx, width, steps_x);
                memset(row, 0, steps_y * steps_x * sizeof *row);
                if (xs.first == xs.last)
                    continue;
                for (size_t oy = ys.first; oy < ys.last; oy++) {
                    const float *from = x + (c * height + oy * w.stride + ky - w.padding) * width +
                                        xs.first * w.stride + kx - w.padding;
                    float *to = row + oy * steps_x + xs.first;
                    size_t n = xs.last - xs.first;
                    if (w.stride == 1)
                        memcpy(to, from, n * sizeof *to);
                    else
                        for (size_t i = 0; i < n; i++)
                            to[i] = from[i * w.stride];
                }
            }
        }
    }
}

/* The transpose of image_to_columns: adds each column's value to the pixel it came from. */
static void add_columns_to_image(const struct weft_train_layer *layer, const float *columns, float *dx)
{
    const struct weft_window w = layer->window;
    const size_t height = layer->in.height, width = layer->in.width;
    const size_t steps_y = layer->out.height, steps_x = layer->out.width;
    const float *row = columns;
    for (size_t c = 0; c < layer->in.channels; c++) {
        for (size_t ky = 0; ky < w.kernel; ky++) {
            struct span ys = span_inside(w, ky, height, steps_y);
            for (size_t kx = 0; kx < w.kernel; kx++, row += steps_y * steps_x) {
                struct span xs = span_inside(w, kx, width, steps_x);
                if (xs.first == xs.last)
                    continue;
                for (size_t oy = ys.first; oy < ys.last; oy++) {
                    float *to = dx + (c * height + oy * w.stride + ky - w.padding) * width + xs.first * w.stride + kx -
                                w.padding;
                    const float *from = row + oy * steps_x + xs.first;
                    size_t n = xs.last - xs.first;
                    for (size_t i = 0; i < n; i++)
                        to[i * w.stride] += from[i];
                }
            }
        }
    }
}

static size_t column_height(const struct weft_train_layer *layer)
{
    return layer->in.channels * layer->window.kernel * layer->window.kernel;
}

/* Image by image, so that the columns stay in the cache: y (OC, OH*OW) = W (OC, C*K*K) columns + bias. */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = column_height(layer), pixels = layer->out.height * layer->out.width;
    const float *bias = pass->weights + layer->bias;
    for (size_t i = 0; i < pass->n; i++) {
        float *y = pass->y + i * weft_shape_size(layer->out);
        for (size_t c = 0; c < layer->out.channels; c++)
            for (size_t p = 0; p < pixels; p++)
                y[c * pixels + p] = bias[c];
        image_to_columns(layer, pass->x[0] + i * weft_shape_size(layer->in), pass->scratch);
        weft_gemm(CblasNoTrans, CblasNoTrans, layer->out.channels, pixels, depth, pass->weights + layer->weight,
                  pass->scratch, 1, y);
    }
}

/* dW += dy columns^T, db += row sums of dy, dcolumns = W^T dy. */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = column_height(layer), pixels = layer->out.height * layer->out.width;
    float *bias_gradient = pass->weight_gradients + layer->bias;
    for (size_t i = 0; i < pass->n; i++) {
        const float *dy = pass->dy + i * weft_shape_size(layer->out);
        for (size_t c = 0; c < layer->out.channels; c++) {
            float sum = 0;
            for (size_t p = 0; p < pixels; p++)
                sum += dy[c * pixels + p];
            bias_gradient[c] += sum;
        }
        image_to_columns(layer, pass->x[0] + i * weft_shape_size(layer->in), pass->scratch);
        weft_gemm(CblasNoTrans, CblasTrans, layer->out.channels, depth, pixels, dy, pass->scratch, 1,
                  pass->weight_gradients + layer->weight);
        if (!pass->dx[0])
            continue;
        weft_gemm(CblasTrans, CblasNoTrans, depth, pixels, layer->out.channels, pass->weights + layer->weight, dy, 0,
                  pass->scratch);
        add_columns_to_image(layer, pass->scratch, pass->dx[0] + i * weft_shape_size(layer->in));
    }
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    const int64_t k = (int64_t)layer->window.kernel, s = (int64_t)layer->window.stride,
                  p = (int64_t)layer->window.padding;
    const int64_t out = (int64_t)layer->out.channels, in = (int64_t)layer->in.channels;
    const char *weight = weft_onnx_writer_tensor(writer, layer->name, "weight", weights + layer->weight,
                                                 (const int64_t[]){out, in, k, k}, 4);
    const char *bias =
        weft_onnx_writer_tensor(writer, layer->name, "bias", weights + layer->bias, (const int64_t[]){out}, 1);
    weft_onnx_writer_node(writer, "Conv", layer->name, (const char *[]){inputs[0], weight, bias}, 3, output);
    weft_onnx_writer_ints(writer, "kernel_shape", (const int64_t[]){k, k}, 2);
    weft_onnx_writer_ints(writer, "strides", (const int64_t[]){s, s}, 2);
    weft_onnx_writer_ints(writer, "pads", (const int64_t[]){p, p, p, p}, 4);
}

static const struct weft_train_layer_type convolution = {"conv", forward, backward, write};

size_t weft_convolution_add(struct weft_model *model, size_t input, size_t channels, struct weft_window window)
{
    struct weft_train_layer layer = {.type = &convolution, .in = weft_model_shape(model, input), .window = window};
    layer.out = (struct weft_shape){channels, weft_window_steps(window, layer.in.height),
                                    weft_window_steps(window, layer.in.width)};
    layer.scratch = column_height(&layer) * layer.out.height * layer.out.width;
    layer.weight = weft_model_add_parameter(model, channels * column_height(&layer), column_height(&layer), true);
    layer.bias = weft_model_add_parameter(model, channels, 0, false);
    return weft_model_add(model, input, layer);
}
