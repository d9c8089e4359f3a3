#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/onnx/onnx_write.h"
#include "model/train/layers.h"

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    pass->variant->add(pass->y, pass->x[0], pass->x[1], pass->n * weft_shape_size(layer->in),
                       layer->relu ? 0 : -INFINITY, INFINITY);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t size = weft_shape_size(layer->in);
    for (size_t i = 0; i < pass->n; i++) { /* image by image: each stays in the cache */
        float *dy = pass->dy + i * size;
        if (layer->relu)
            pass->variant->relu_gradient(dy, dy, pass->y + i * size, size, false);
        for (size_t k = 0; k < layer->input_count; k++) {
            float *dx = pass->dx[k] ? pass->dx[k] + i * size : NULL;
            if (dx && pass->dx_adds[k])
                pass->variant->add(dx, dx, dy, size, -INFINITY, INFINITY);
            else if (dx && dx != dy)
                memcpy(dx, dy, size * sizeof *dx);
        }
    }
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    char name[40], sum[48];
    const char *made = sum;
    snprintf(name, sizeof name, "%s.relu", layer->name);
    snprintf(sum, sizeof sum, "%s.sum", layer->name);
    weft_onnx_writer_node(writer, "Add", layer->name, inputs, 2, layer->relu ? sum : output);
    if (layer->relu)
        weft_onnx_writer_node(writer, "Relu", name, &made, 1, output);
}

static const struct weft_train_layer_type type = {"add", forward, backward, write};

size_t weft_sum_add(struct weft_model *model, size_t a, size_t b, bool relu)
{
    const struct weft_shape shape = weft_model_shape(model, a), other = weft_model_shape(model, b);
    if (!weft_shapes_equal(shape, other) || a == b)
        weft_model_fail(model, "%zux%zux%zu and %zux%zux%zu cannot be added", shape.channels, shape.height, shape.width,
                        other.channels, other.height, other.width);
    return weft_model_add(
        model,
        (struct weft_train_layer){
            .type = &type, .inputs = {a, b}, .input_count = 2, .sharing = 0, .in = shape, .out = shape, .relu = relu});
}
