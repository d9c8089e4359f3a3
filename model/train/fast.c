#include "model/train/architecture.h"
#include "model/train/layers.h"
#include "model/train/residual.h"

static void build(struct weft_model *model)
{
    size_t x = weft_residual_stem_add(model, WEFT_MODEL_IMAGES, 16, 1);
    x = weft_max_pool_add(model, x, (struct weft_window){.kernel = 2, .stride = 2});
    x = weft_residual_stem_add(model, x, 32, 1);
    x = weft_residual_block_add(model, x, 32, 1);
    x = weft_residual_stem_add(model, x, 64, 2);
    x = weft_residual_block_add(model, x, 64, 1);
    weft_residual_head_add(model, x);
}

const struct weft_architecture weft_architecture_fast = {
    .name = "fast", .description = "small residual network for many images a second", .build = build};
