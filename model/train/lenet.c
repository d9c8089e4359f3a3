#include "model/train/architecture.h"
#include "model/train/layers.h"

static void build(struct weft_model *model)
{
    const struct weft_window half = {.kernel = 2, .stride = 2};
    size_t x = WEFT_MODEL_IMAGES;
    x = weft_convolution_add(model, x, (struct weft_convolution){.filters = 6, .window = {5, 1, 2}});
    x = weft_relu_add(model, x);
    x = weft_max_pool_add(model, x, half);
    x = weft_convolution_add(model, x, (struct weft_convolution){.filters = 16, .window = {5, 1, 0}});
    x = weft_relu_add(model, x);
    x = weft_max_pool_add(model, x, half);
    x = weft_flatten_add(model, x);
    x = weft_dense_add(model, x, 120);
    x = weft_relu_add(model, x);
    x = weft_dense_add(model, x, 84);
    x = weft_relu_add(model, x);
    weft_dense_add(model, x, model->class_count);
}

const struct weft_architecture weft_architecture_lenet = {
    .name = "lenet", .description = "LeNet-5 with ReLU and max pooling", .build = build};
