#include "model/onnx/onnx_write.h"
#include "model/train/pooling.h"

static struct weft_pool_windows window_of(const struct weft_train_layer *layer)
{
    const struct weft_shape in = layer->in;
    return (struct weft_pool_windows){.rows = 1, .columns = in.height * in.width, .channels = in.channels, .count = 1};
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_pool_windows window = window_of(layer);
    for (size_t i = 0; i < pass->n; i++)
        pass->variant->pool_sum(pass->y + i * window.channels, pass->x[0] + i * weft_shape_size(layer->in),
                                1 / (float)window.columns, &window);
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct weft_pool_windows window = window_of(layer);
    if (!pass->dx[0])
        return;
    weft_pooling_begin_gradient(layer, pass);
    for (size_t i = 0; i < pass->n; i++)
        pass->variant->pool_sum_gradient(pass->dx[0] + i * weft_shape_size(layer->in), pass->dy + i * window.channels,
                                         1 / (float)window.columns, &window);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_onnx_writer_node(writer, "GlobalAveragePool", layer->name, inputs, 1, output);
}

static const struct weft_train_layer_type type = {"global", forward, backward, write};

size_t weft_global_average_pool_add(struct weft_model *model, size_t input)
{
    const struct weft_shape in = weft_model_shape(model, input);
    return weft_model_add(model, (struct weft_train_layer){.type = &type,
                                                           .inputs = {input},
                                                           .input_count = 1,
                                                           .sharing = WEFT_SHARES_NOTHING,
                                                           .in = in,
                                                           .out = {in.channels, 1, 1}});
}
