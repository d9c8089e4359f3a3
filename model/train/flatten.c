#include <stdint.h>

#include "model/onnx/onnx_write.h"
#include "model/train/layers.h"

/* Channels last becomes channel by channel. */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->in.channels, pixels = layer->in.height * layer->in.width;
    const float *x = pass->x[0];
    float *y = pass->y;
    for (size_t i = 0; i < pass->n; i++, y += channels * pixels)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++)
                y[c * pixels + p] = *x++;
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    const size_t channels = layer->in.channels, pixels = layer->in.height * layer->in.width;
    const float *dy = pass->dy;
    float *dx = pass->dx[0];
    for (size_t i = 0; i < pass->n; i++, dy += channels * pixels)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++, dx++)
                *dx = (pass->dx_adds[0] ? *dx : 0) + dy[c * pixels + p];
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "Flatten", layer->name, inputs, 1, output);
    weft_onnx_writer_int(writer, "axis", 1);
}

static const struct weft_train_layer_type type = {"flatten", forward, backward, write};

size_t weft_flatten_add(struct weft_model *model, size_t input)
{
    const struct weft_shape in = weft_model_shape(model, input);
    return weft_model_add(model, (struct weft_train_layer){.type = &type,
                                                           .inputs = {input},
                                                           .input_count = 1,
                                                           .sharing = WEFT_SHARES_NOTHING,
                                                           .in = in,
                                                           .out = {weft_shape_size(in), 1, 1}});
}
