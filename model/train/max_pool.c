#include "model/train/pooling.h"

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    struct weft_pooled p;
    for (size_t i = 0; i < weft_pooled_count(layer, pass); i += p.windows.count) {
        p = weft_pooled_at(layer, i);
        pass->variant->pool_largest(pass->y + p.to, pass->x[0] + p.from, &p.windows);
    }
}

static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (!pass->dx[0])
        return;
    /* Where windows tile the image, each pixel is written once. */
    const bool adds = pass->dx_adds[0] || !weft_pooling_tiles(layer);
    if (adds)
        weft_pooling_begin_gradient(layer, pass);
    struct weft_pooled p;
    for (size_t i = 0; i < weft_pooled_count(layer, pass); i += p.windows.count) {
        p = weft_pooled_at(layer, i);
        pass->variant->pool_largest_gradient(pass->dx[0] + p.from, pass->dy + p.to, pass->x[0] + p.from, pass->y + p.to,
                                             &p.windows, adds);
    }
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    (void)weights;
    weft_pooling_write("MaxPool", layer, inputs[0], output, writer);
}

static const struct weft_train_layer_type type = {"pool", forward, backward, write};

size_t weft_max_pool_add(struct weft_model *model, size_t input, struct weft_window window)
{
    return weft_pooling_add(model, input, &type, window);
}
