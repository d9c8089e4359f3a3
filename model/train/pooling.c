#include "model/train/pooling.h"

#include <stdint.h>
#include <string.h>

#include "model/onnx/onnx_write.h"

void weft_pooling_begin_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx_adds[0])
        memset(pass->dx[0], 0, pass->n * weft_shape_size(layer->in) * sizeof *pass->dx[0]);
}

void weft_pooling_write(const char *op_type, const struct weft_train_layer *layer, const char *input,
                        const char *output, struct weft_onnx_writer *writer)
{
    const int64_t k = (int64_t)layer->window.kernel, s = (int64_t)layer->window.stride,
                  p = (int64_t)layer->window.padding;
    weft_onnx_writer_node(writer, op_type, layer->name, &input, 1, output);
    weft_onnx_writer_ints(writer, "kernel_shape", (const int64_t[]){k, k}, 2);
    weft_onnx_writer_ints(writer, "strides", (const int64_t[]){s, s}, 2);
    weft_onnx_writer_ints(writer, "pads", (const int64_t[]){p, p, p, p}, 4);
}

size_t weft_pooling_add(struct weft_model *model, size_t input, const struct weft_train_layer_type *type,
                        struct weft_window window)
{
    const struct weft_shape in = weft_model_shape(model, input);
    if (window.padding >= window.kernel)
        weft_model_fail(model, "a pooling window of %zu with padding %zu would lie outside the image", window.kernel,
                        window.padding);
    return weft_model_add(
        model, (struct weft_train_layer){
                   .type = type,
                   .inputs = {input},
                   .input_count = 1,
                   .sharing = WEFT_SHARES_NOTHING,
                   .in = in,
                   .out = {in.channels, weft_window_steps(window, in.height), weft_window_steps(window, in.width)},
                   .window = window,
               });
}
