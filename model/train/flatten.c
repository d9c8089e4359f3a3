#include <stdint.h>
#include <string.h>

#include "model/onnx_write.h"
#include "model/train/layers.h"

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    memcpy(pass->y, pass->x[0], pass->n * weft_shape_size(layer->in) * sizeof *pass->y);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    const size_t count = pass->n * weft_shape_size(layer->in);
    for (size_t i = 0; i < count; i++)
        pass->dx[0][i] += pass->dy[i];
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "Flatten", layer->name, inputs, 1, output);
    weft_onnx_writer_int(writer, "axis", 1);
}

static const struct weft_train_layer_type flatten = {"flatten", forward, backward, write};

size_t weft_flatten_add(struct weft_model *model, size_t input)
{
    struct weft_shape in = weft_model_shape(model, input);
    struct weft_shape out = {weft_shape_size(in), 1, 1};
    return weft_model_add(model, input, (struct weft_train_layer){.type = &flatten, .in = in, .out = out});
}
