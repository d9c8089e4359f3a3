#include "model/onnx/node_shape.h"

struct weft_node_shape weft_node_shape_of(const struct weft_graph *graph, const struct weft_graph_value *value)
{
    struct weft_node_shape shape = {.rank = 0};
    if (!value->tensor)
        shape.dims[shape.rank++] = graph->batch ? (int64_t)graph->batch : WEFT_GRAPH_BATCH;
    for (size_t i = 0; i < value->rank; i++)
        shape.dims[shape.rank++] = (int64_t)value->dims[i];
    return shape;
}

bool weft_node_shape_is_batch(const struct weft_graph *graph, int64_t dim)
{
    return dim == WEFT_GRAPH_BATCH || (graph->batch && dim == (int64_t)graph->batch);
}

int weft_node_shape_inner(const struct weft_node_reader *r, const struct weft_graph_value *x,
                          const struct weft_node_shape *shape, size_t *rank, size_t dims[WEFT_GRAPH_RANK_MAX])
{
    size_t first = x->tensor ? 0 : 1;
    if (first && (shape->rank < 2 || !weft_node_shape_is_batch(r->graph, shape->dims[0])))
        return WEFT_NODE_REFUSE(r, "it does not keep the numbers of an image together");
    *rank = shape->rank - first;
    if (*rank > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "its result has more than %d dimensions", WEFT_GRAPH_RANK_MAX);
    for (size_t i = 0; i < *rank; i++) {
        if (shape->dims[i + first] < (first ? 1 : 0))
            return WEFT_NODE_REFUSE(r, "its result has a dimension that is empty or depends on the number of images");
        dims[i] = (size_t)shape->dims[i + first];
    }
    return 0;
}

int weft_node_shape_slice(const struct weft_node_reader *r, int64_t *dim, int64_t *start, int64_t end, int64_t step)
{
    int64_t size = *dim;
    if (step == 0 || step < -WEFT_GRAPH_SIDE_MAX || step > WEFT_GRAPH_SIDE_MAX)
        return WEFT_NODE_REFUSE(r, "its step is %lld", (long long)step);
    int64_t least = step > 0 ? 0 : -1, most = step > 0 ? size : size - 1;
    *start = *start < 0 ? *start + size : *start;
    *start = *start < 0 ? 0 : *start > most ? most : *start;
    end = end < 0 ? end + size : end;
    end = end < least ? least : end > most ? most : end;
    int64_t steps = step > 0 ? (end - *start + step - 1) / step : (end - *start + step + 1) / step;
    *dim = steps < 0 ? 0 : steps;
    return 0;
}
