#include "model/train/architecture.h"
#include "model/train/residual.h"

static void build(struct weft_model *model)
{
    weft_residual_network_add(model, (const size_t[]){5, 5, 5});
}

const struct weft_architecture weft_architecture_resnet32 = {
    .name = "resnet32", .description = "residual network of 32 layers", .build = build};
