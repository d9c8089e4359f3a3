#include "model/train/architecture.h"
#include "model/train/residual.h"

static void build(struct weft_model *model)
{
    /* More blocks than in resnet20 where they cost least: the first stage has the largest images. */
    weft_residual_network_add(model, (const struct weft_residual_stage[]){{3, 16}, {5, 32}, {5, 64}});
}

const struct weft_architecture weft_architecture_resnet28 = {
    .name = "resnet28", .description = "residual network of 28 layers", .build = build};
