/* Shapes as nodes compute with them: with the dimension of the batch, which weft_graph_value leaves out. */
#ifndef WEFT_MODEL_ONNX_NODE_SHAPE_H
#define WEFT_MODEL_ONNX_NODE_SHAPE_H

#include "model/onnx/node_reader.h"

/* In front of data is the number of images, WEFT_GRAPH_BATCH where it is open. */
struct weft_node_shape {
    size_t rank;
    int64_t dims[WEFT_GRAPH_RANK_MAX + 1];
};

struct weft_node_shape weft_node_shape_of(const struct weft_graph *graph, const struct weft_graph_value *value);
bool weft_node_shape_is_batch(const struct weft_graph *graph, int64_t dim);

/* The dimensions of an image of data x, or all of constant x, when it has this shape. -1 where that is not possible. */
int weft_node_shape_inner(const struct weft_node_reader *r, const struct weft_graph_value *x,
                          const struct weft_node_shape *shape, size_t *rank, size_t dims[WEFT_GRAPH_RANK_MAX]);

/* Cuts dimension *dim to *start, *start + step, ... before end, as counted from its end where they are negative. */
int weft_node_shape_slice(const struct weft_node_reader *r, int64_t *dim, int64_t *start, int64_t end, int64_t step);

#endif
