#include "model/onnx_write.h"
#include "model/train/layers.h"

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t count = pass->n * weft_shape_size(layer->in);
    const float *x = pass->x[0];
    for (size_t i = 0; i < count; i++)
        pass->y[i] = x[i] > 0 ? x[i] : 0;
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    const size_t count = pass->n * weft_shape_size(layer->in);
    const float *x = pass->x[0];
    for (size_t i = 0; i < count; i++)
        pass->dx[0][i] += x[i] > 0 ? pass->dy[i] : 0;
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "Relu", layer->name, inputs, 1, output);
}

static const struct weft_train_layer_type relu = {"relu", forward, backward, write};

size_t weft_relu_add(struct weft_model *model, size_t input)
{
    struct weft_shape shape = weft_model_shape(model, input);
    return weft_model_add(model, input, (struct weft_train_layer){.type = &relu, .in = shape, .out = shape});
}
