/* Operators that give the same numbers in another shape, or a shape. Applied to data they keep the images of a batch
 * apart; applied to constants, and to the shapes of data, they are computed here: exporters write chains of them to say
 * a shape. */
#include <string.h>

#include "model/onnx/computed.h"
#include "model/onnx/node_shape.h"
#include "model/onnx/operators.h"

/* The same numbers in another shape. */
static int give_reshaped(const struct weft_node_reader *r, const struct weft_graph_value *x,
                         const struct weft_node_shape *shape)
{
    struct weft_graph_value value = {.name = r->proto->output[0], .tensor = x->tensor};
    if (weft_node_shape_inner(r, x, shape, &value.rank, value.dims) != 0)
        return -1;
    if (x->tensor) {
        *r->is_node = false;
        return weft_graph_add(r->graph, value, WEFT_GRAPH_WEIGHTS_MAX, r->err) < 0 ? -1 : 0;
    }
    r->node->op = WEFT_GRAPH_RESHAPE;
    return weft_node_output(r, value.rank, value.dims);
}

int weft_operator_identity(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    if (!x)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x);
    return give_reshaped(r, x, &shape);
}

int weft_operator_flatten(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    int64_t axis;
    if (!x || weft_node_int(r, "axis", 1, &axis) != 0)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x), flat = {.rank = 2, .dims = {1, 1}};
    if (axis < 0)
        axis += (int64_t)shape.rank;
    if (axis < 0 || axis > (int64_t)shape.rank || (!x->tensor && axis != 1))
        return WEFT_NODE_REFUSE(r, "axis %lld would mix the images of a batch; only 1 is supported", (long long)axis);
    for (size_t i = x->tensor ? 0 : 1; i < shape.rank; i++)
        flat.dims[(int64_t)i < axis ? 0 : 1] *= shape.dims[i];
    if (!x->tensor)
        flat.dims[0] = shape.dims[0];
    return give_reshaped(r, x, &flat);
}

int weft_operator_reshape(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    size_t count;
    const int64_t *target = x ? weft_node_integers(r, 1, &count) : NULL;
    int64_t allow_zero;
    if (!target || weft_node_int(r, "allowzero", 0, &allow_zero) != 0)
        return -1;
    size_t first = x->tensor ? 0 : 1, known = 1, open = 0;
    if (count < first || count > WEFT_GRAPH_RANK_MAX + first)
        return WEFT_NODE_REFUSE(r, "its target has %zu dimensions", count);
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x), result = {.rank = count};
    bool is_open = false;
    for (size_t i = 0; i < count; i++)
        result.dims[i] = target[i] == 0 && !allow_zero && i < shape.rank ? shape.dims[i] : target[i];
    if (first && result.dims[0] == -1) /* that it is the batch follows from the others' product */
        result.dims[0] = shape.dims[0];
    for (size_t i = first; i < count; i++) {
        if (result.dims[i] == -1 && !is_open) {
            open = i;
            is_open = true;
        } else if (result.dims[i] < 1 ||
                   !weft_graph_product(known, (size_t)result.dims[i], WEFT_GRAPH_WEIGHTS_MAX, &known)) {
            return WEFT_NODE_REFUSE(r, "dimension %zu of its target is %lld", i, (long long)result.dims[i]);
        }
    }
    if (is_open) {
        result.dims[open] = (int64_t)(x->size / known);
        known *= x->size / known;
    }
    if (known != x->size || (first && !weft_node_shape_is_batch(r->graph, result.dims[0])))
        return WEFT_NODE_REFUSE(r,
                                "its target does not keep the %zu numbers of %s together; the first dimension must be "
                                "0 or -1 for the batch",
                                x->size, first ? "an image" : "its input");
    return give_reshaped(r, x, &result);
}

int weft_operator_squeeze(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    unsigned axes;
    if (!x)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x), result = {.rank = 0};
    if (weft_node_axes(r, 1, shape.rank, false, &axes) != 0)
        return -1;
    for (size_t i = 0; i < shape.rank; i++) {
        bool goes = axes ? axes >> i & 1 : shape.dims[i] == 1;
        if (goes && shape.dims[i] != 1)
            return WEFT_NODE_REFUSE(r, "dimension %zu, which goes, is not 1", i);
        if (goes && i == 0 && !x->tensor)
            return WEFT_NODE_REFUSE(r, "it takes away the dimension of the batch");
        if (!goes)
            result.dims[result.rank++] = shape.dims[i];
    }
    return give_reshaped(r, x, &result);
}

int weft_operator_unsqueeze(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    unsigned axes;
    if (!x)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x), result = {.rank = 0};
    if (weft_node_axes(r, 1, shape.rank, true, &axes) != 0)
        return -1;
    if (!x->tensor && axes & 1)
        return WEFT_NODE_REFUSE(r, "it puts a dimension before that of the batch");
    for (size_t i = 0; i < shape.rank || axes >> result.rank;) {
        if (result.rank == WEFT_GRAPH_RANK_MAX + 1)
            return WEFT_NODE_REFUSE(r, "its result has more than %d dimensions", WEFT_GRAPH_RANK_MAX);
        bool comes = axes >> result.rank & 1;
        result.dims[result.rank++] = comes ? 1 : shape.dims[i];
        i += !comes;
    }
    return give_reshaped(r, x, &result);
}

int weft_operator_shape(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_input(r, 0);
    int64_t start, end;
    if (!x)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x);
    if (weft_node_int(r, "start", 0, &start) != 0 || weft_node_int(r, "end", (int64_t)shape.rank, &end) != 0)
        return -1;
    int64_t count = (int64_t)shape.rank;
    if (weft_node_shape_slice(r, &count, &start, end, 1) != 0)
        return -1;
    size_t size = (size_t)count;
    struct weft_numbers integers = {0};
    struct weft_computed made;
    if (weft_computed_begin(r, 1, &size, &integers, &made) != 0)
        return -1;
    memcpy(made.integers, shape.dims + start, size * sizeof *made.integers);
    return weft_computed_end(r, &made);
}
