#include <stdbool.h>
#include <stdint.h>

#include "model/onnx_write.h"
#include "model/train/layers.h"

/* Where the largest pixel under the window at (oy, ox) lies in plane (H, W); of equal ones the first. Windows lie at
 * least partly inside, because padding is smaller than the kernel. */
static size_t find_maximum(const struct weft_train_layer *layer, const float *plane, size_t oy, size_t ox)
{
    const struct weft_window w = layer->window;
    const size_t top = oy * w.stride, left = ox * w.stride; /* in padded coordinates */
    const size_t y_first = top < w.padding ? 0 : top - w.padding;
    const size_t x_first = left < w.padding ? 0 : left - w.padding;
    size_t y_last = top + w.kernel - w.padding, x_last = left + w.kernel - w.padding;
    if (y_last > layer->in.height)
        y_last = layer->in.height;
    if (x_last > layer->in.width)
        x_last = layer->in.width;
    size_t best = y_first * layer->in.width + x_first;
    float value = plane[best];
    for (size_t y = y_first; y < y_last; y++)
        for (size_t x = x_first; x < x_last; x++) {
            /* Chosen, not branched: which pixel is largest cannot be predicted. */
            const size_t at = y * layer->in.width + x;
            const bool larger = plane[at] > value;
            best = larger ? at : best;
            value = larger ? plane[at] : value;
        }
    return best;
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t in_plane = layer->in.height * layer->in.width;
    float *y = pass->y;
    for (size_t c = 0; c < pass->n * layer->in.channels; c++) {
        const float *plane = pass->x[0] + c * in_plane;
        for (size_t oy = 0; oy < layer->out.height; oy++)
            for (size_t ox = 0; ox < layer->out.width; ox++)
                *y++ = plane[find_maximum(layer, plane, oy, ox)];
    }
}

/* Finding the maxima again costs less than keeping them. */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    const size_t in_plane = layer->in.height * layer->in.width;
    const float *dy = pass->dy;
    for (size_t c = 0; c < pass->n * layer->in.channels; c++) {
        const float *plane = pass->x[0] + c * in_plane;
        float *dx = pass->dx[0] + c * in_plane;
        for (size_t oy = 0; oy < layer->out.height; oy++)
            for (size_t ox = 0; ox < layer->out.width; ox++)
                dx[find_maximum(layer, plane, oy, ox)] += *dy++;
    }
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    const int64_t k = (int64_t)layer->window.kernel, s = (int64_t)layer->window.stride,
                  p = (int64_t)layer->window.padding;
    (void)weights;
    weft_onnx_writer_node(writer, "MaxPool", layer->name, inputs, 1, output);
    weft_onnx_writer_ints(writer, "kernel_shape", (const int64_t[]){k, k}, 2);
    weft_onnx_writer_ints(writer, "strides", (const int64_t[]){s, s}, 2);
    weft_onnx_writer_ints(writer, "pads", (const int64_t[]){p, p, p, p}, 4);
}

static const struct weft_train_layer_type max_pool = {"pool", forward, backward, write};

size_t weft_max_pool_add(struct weft_model *model, size_t input, struct weft_window window)
{
    struct weft_shape in = weft_model_shape(model, input);
    struct weft_shape out = {in.channels, weft_window_steps(window, in.height), weft_window_steps(window, in.width)};
    if (window.padding >= window.kernel)
        weft_model_fail(model, "a pooling window of %zu with padding %zu would lie outside the image", window.kernel,
                        window.padding);
    return weft_model_add(model, input,
                          (struct weft_train_layer){.type = &max_pool, .in = in, .out = out, .window = window});
}
