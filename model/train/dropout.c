#include <string.h>

#include "model/onnx/onnx_write.h"
#include "model/train/layers.h"

/* y = x * factor, where factor is 0 or 1 / (1 - rate), drawn by forward and kept for backward. */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t count = pass->n * weft_shape_size(layer->in);
    struct weft_random random = pass->random;
    if (!pass->training) {
        memcpy(pass->y, pass->x[0], count * sizeof *pass->y);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        pass->kept[i] = weft_random_between(&random, 0, 1) < layer->rate ? 0 : 1 / (1 - layer->rate);
        pass->y[i] = pass->x[0][i] * pass->kept[i];
    }
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    const size_t count = pass->n * weft_shape_size(layer->in);
    for (size_t i = 0; i < count; i++)
        pass->dx[0][i] = (pass->dx_adds[0] ? pass->dx[0][i] : 0) + pass->dy[i] * (pass->training ? pass->kept[i] : 1);
}

/* A file is for evaluation, where Dropout does nothing. */
static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "Identity", layer->name, inputs, 1, output);
}

static const struct weft_train_layer_type type = {"dropout", forward, backward, write};

size_t weft_dropout_add(struct weft_model *model, size_t input, float rate)
{
    const struct weft_shape shape = weft_model_shape(model, input);
    if (!(rate >= 0 && rate < 1))
        weft_model_fail(model, "a dropout of %g would leave nothing, or is not a rate", (double)rate);
    return weft_model_add(model, (struct weft_train_layer){.type = &type,
                                                           .inputs = {input},
                                                           .input_count = 1,
                                                           .sharing = 0,
                                                           .in = shape,
                                                           .out = shape,
                                                           .rate = rate,
                                                           .kept_each = weft_shape_size(shape)});
}
