#include "model/train/architecture.h"
#include "model/train/layers.h"
#include "model/train/residual.h"

/* Winograd's tiles are 4x4: an image of 28x28 goes on as 12x12, which they fill, where 14x14 would leave a quarter of
 * their work unused. */
static void build(struct weft_model *model)
{
    const struct weft_window half = {.kernel = 2, .stride = 2};
    size_t x = weft_residual_stem_add(model, WEFT_MODEL_IMAGES, 16, (struct weft_window){.kernel = 5, .stride = 1});
    x = weft_max_pool_add(model, x, half);
    x = weft_residual_stem_add(model, x, 32, weft_window_3x3(1));
    x = weft_residual_block_add(model, x, 32, 1);
    x = weft_max_pool_add(model, x, half);
    x = weft_residual_stem_add(model, x, 64, weft_window_3x3(1));
    x = weft_residual_block_add(model, x, 64, 1);
    weft_residual_head_add(model, x);
}

const struct weft_architecture weft_architecture_fast = {
    .name = "fast", .description = "small residual network for many images a second", .build = build};
