#include "model/train/pooling.h"

static float share_of_pixel(struct weft_pool_windows windows)
{
    return 1 / (float)(windows.rows * windows.columns);
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    struct weft_pooled p;
    for (size_t i = 0; i < weft_pooled_count(layer, pass); i += p.windows.count) {
        p = weft_pooled_at(layer, i);
        pass->variant->pool_sum(pass->y + p.to, pass->x[0] + p.from, share_of_pixel(p.windows), &p.windows);
    }
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    weft_pooling_begin_gradient(layer, pass);
    struct weft_pooled p;
    for (size_t i = 0; i < weft_pooled_count(layer, pass); i += p.windows.count) {
        p = weft_pooled_at(layer, i);
        pass->variant->pool_sum_gradient(pass->dx[0] + p.from, pass->dy + p.to, share_of_pixel(p.windows), &p.windows);
    }
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_pooling_write("AveragePool", layer, inputs[0], output, writer);
}

static const struct weft_train_layer_type type = {"average", forward, backward, write};

size_t weft_average_pool_add(struct weft_model *model, size_t input, struct weft_window window)
{
    return weft_pooling_add(model, input, &type, window);
}
