#include "model/train/architecture.h"
#include "model/train/residual.h"

static void build(struct weft_model *model)
{
    weft_residual_network_add(model, (const size_t[]){3, 3, 3});
}

const struct weft_architecture weft_architecture_resnet20 = {
    .name = "resnet20", .description = "residual network of 20 layers", .build = build};
