#include <math.h>

#include "model/onnx/onnx_write.h"
#include "model/train/layers.h"

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    pass->variant->scale(pass->y, pass->x[0], pass->n * weft_shape_size(layer->in), 1, 0, 0, INFINITY);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (pass->dx[0])
        pass->variant->relu_gradient(pass->dx[0], pass->dy, pass->y, pass->n * weft_shape_size(layer->in),
                                     pass->dx_adds[0]);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "Relu", layer->name, inputs, 1, output);
}

static const struct weft_train_layer_type type = {"relu", forward, backward, write};

size_t weft_relu_add(struct weft_model *model, size_t input)
{
    struct weft_shape shape = weft_model_shape(model, input);
    return weft_model_add(
        model, (struct weft_train_layer){
                   .type = &type, .inputs = {input}, .input_count = 1, .sharing = 0, .in = shape, .out = shape});
}
