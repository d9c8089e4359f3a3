/* Folds a graph into layers: batch normalisations and constant summands go into weights; ReLU, Clip, residual additions
 * and maximum pools into the layer before them, where nothing else looks at what lies between; reshapes vanish. */
#ifndef WEFT_MODEL_FOLD_H
#define WEFT_MODEL_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/layer.h"
#include "model/onnx/graph.h"

/* Floats of one image, and how they are an image of its own: channels is 0 where they are not (C, H, W). */
struct weft_tensor {
    size_t size;
    size_t channels, height, width;
};

struct weft_layers {
    struct weft_layer *layers; /* in an order that computes tensors before they are used; nothing is packed yet */
    size_t count;
    struct weft_tensor *tensors; /* those of the graph's values come first, with the same numbers */
    size_t tensor_count;
    size_t input, output; /* tensors */
    size_t parameter_count;
    uint64_t multiply_adds; /* for one image */
};

/* Copies all it needs of the graph. */
int weft_fold(struct weft_layers *layers, const struct weft_graph *graph, struct weft_error *err);
void weft_layers_clear(struct weft_layers *layers); /* frees the layers, not the struct */

#endif
