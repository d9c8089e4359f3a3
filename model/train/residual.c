#include "model/train/residual.h"

#include "model/train/layers.h"

static size_t add_convolution(struct weft_model *model, size_t input, size_t channels, struct weft_window window)
{
    return weft_convolution_add(model, input,
                                (struct weft_convolution){.filters = channels, .window = window, .without_bias = true});
}

size_t weft_residual_stem_add(struct weft_model *model, size_t input, size_t channels, struct weft_window window)
{
    const size_t x = add_convolution(model, input, channels, window);
    return weft_batch_norm_add(model, x, (struct weft_batch_norm){.relu = true});
}

size_t weft_residual_block_add(struct weft_model *model, size_t input, size_t channels, size_t stride)
{
    size_t shortcut = input;
    if (stride != 1 || weft_model_shape(model, input).channels != channels) {
        shortcut = add_convolution(model, input, channels, (struct weft_window){1, stride, 0});
        shortcut = weft_batch_norm_add(model, shortcut, (struct weft_batch_norm){0});
    }
    size_t x = weft_residual_stem_add(model, input, channels, weft_window_3x3(stride));
    x = add_convolution(model, x, channels, weft_window_3x3(1));
    return weft_batch_norm_residual_add(model, x, shortcut, (struct weft_batch_norm){.relu = true});
}

size_t weft_residual_head_add(struct weft_model *model, size_t input)
{
    const size_t x = weft_flatten_add(model, weft_global_average_pool_add(model, input));
    return weft_dense_add(model, x, model->class_count);
}

void weft_residual_network_add(struct weft_model *model, const size_t blocks[WEFT_RESIDUAL_STAGES])
{
    size_t x = weft_residual_stem_add(model, WEFT_MODEL_IMAGES, 16, weft_window_3x3(1));
    for (size_t stage = 0; stage < WEFT_RESIDUAL_STAGES; stage++)
        for (size_t block = 0; block < blocks[stage]; block++)
            x = weft_residual_block_add(model, x, (size_t)16 << stage, stage > 0 && block == 0 ? 2 : 1);
    weft_residual_head_add(model, x);
}
