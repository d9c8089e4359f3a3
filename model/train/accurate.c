#include "model/train/architecture.h"
#include "model/train/residual.h"

static void build(struct weft_model *model)
{
    /* Blocks are added where they cost least: the first stage has the largest images. */
    weft_residual_network_add(model, (const size_t[]){3, 5, 5});
}

const struct weft_architecture weft_architecture_accurate = {
    .name = "accurate", .description = "residual network for few mistakes", .build = build};
