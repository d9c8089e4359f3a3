/* How the tensors of a network lie in memory: in planes or in pixels (kernels/layout.h), whichever is expected to be
 * the fastest for all layers together, with conversions as layers of their own where two meet. */
#ifndef WEFT_MODEL_ARRANGEMENT_H
#define WEFT_MODEL_ARRANGEMENT_H

#include "model/fold.h"

/* Decides for layers that are folded and not packed yet: sets their layouts and sizes, and inserts conversions. Input
 * and output of the network stay planes. -1 when memory is short. */
int weft_arrange(struct weft_layers *layers, const struct weft_variant *variant);

#endif
