/* Operators that move numbers without changing them: to other places of an image, or of a constant. */
#include <string.h>

#include "model/onnx/computed.h"
#include "model/onnx/constants.h"
#include "model/onnx/node_shape.h"
#include "model/onnx/operators.h"

/* Numbers of x at regular distances: from offset on, by strides along each dimension of the result. */
static int give_picked(const struct weft_node_reader *r, const struct weft_graph_value *x,
                       const struct weft_node_shape *shape, size_t offset, const size_t strides[])
{
    size_t rank, dims[WEFT_GRAPH_RANK_MAX];
    if (weft_node_shape_inner(r, x, shape, &rank, dims) != 0)
        return -1;
    if (!x->tensor) {
        r->node->op = WEFT_GRAPH_PICK;
        r->node->as.pick.offset = offset;
        memcpy(r->node->as.pick.strides, strides, rank * sizeof *strides);
        return weft_node_output(r, rank, dims);
    }
    struct weft_numbers from;
    struct weft_computed made;
    if (weft_numbers_read(r, x, &from) != 0 || weft_computed_begin(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t k = 0; k < made.size; k++) {
        size_t at = offset, rest = k;
        for (size_t axis = rank; axis-- > 0; rest /= dims[axis])
            at += rest % dims[axis] * strides[axis];
        weft_computed_copy(&made, k, &from, at);
    }
    return weft_computed_end(r, &made);
}

/* Distances between neighbours along each dimension of an image, or of a constant. */
static void strides_of(const struct weft_graph_value *x, size_t strides[WEFT_GRAPH_RANK_MAX])
{
    size_t stride = 1;
    for (size_t i = x->rank; i-- > 0; stride *= x->dims[i])
        strides[i] = stride;
}

int weft_operator_transpose(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    const Onnx__AttributeProto *order = weft_node_attribute(r, "perm");
    if (!x)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x), result = {.rank = shape.rank};
    size_t first = x->tensor ? 0 : 1, of_x[WEFT_GRAPH_RANK_MAX], strides[WEFT_GRAPH_RANK_MAX];
    unsigned seen = 0;
    if ((order && order->n_ints != shape.rank) || (first && (!order || order->ints[0] != 0)))
        return WEFT_NODE_REFUSE(r, "only transpositions that leave the batch in front are supported");
    strides_of(x, of_x);
    for (size_t i = 0; i < shape.rank; i++) {
        int64_t axis = order ? order->ints[i] : (int64_t)(shape.rank - 1 - i);
        if (axis < 0 || axis >= (int64_t)shape.rank || seen >> axis & 1)
            return WEFT_NODE_REFUSE(r, "attribute perm is not a permutation");
        seen |= 1u << axis;
        result.dims[i] = shape.dims[axis];
        if (i >= first)
            strides[i - first] = of_x[(size_t)axis - first];
    }
    return give_picked(r, x, &result, 0, strides);
}

int weft_operator_slice(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    size_t count, end_count, axis_count, step_count;
    const int64_t *starts = x ? weft_node_integers(r, 1, &count) : NULL;
    const int64_t *ends = starts ? weft_node_integers(r, 2, &end_count) : NULL, *axes = NULL, *steps = NULL;
    if (!ends || (weft_node_has_input(r, 3) && !(axes = weft_node_integers(r, 3, &axis_count))) ||
        (weft_node_has_input(r, 4) && !(steps = weft_node_integers(r, 4, &step_count))))
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x);
    if (count > shape.rank || end_count != count || (axes && axis_count != count) || (steps && step_count != count))
        return WEFT_NODE_REFUSE(r, "its inputs differ in length");
    size_t first = x->tensor ? 0 : 1, strides[WEFT_GRAPH_RANK_MAX], offset = 0;
    unsigned seen = 0;
    strides_of(x, strides);
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes ? axes[i] : (int64_t)i, start = starts[i], step = steps ? steps[i] : 1;
        axis = axis < 0 ? axis + (int64_t)shape.rank : axis;
        if (axis < 0 || axis >= (int64_t)shape.rank || seen >> axis & 1)
            return WEFT_NODE_REFUSE(r, "its axes are not those of %zu dimensions", shape.rank);
        seen |= 1u << axis;
        if (first && axis == 0) {
            if (start != 0 || ends[i] < INT32_MAX || step != 1)
                return WEFT_NODE_REFUSE(r, "it cuts the batch");
            continue;
        }
        if (weft_node_shape_slice(r, &shape.dims[axis], &start, ends[i], step) != 0)
            return -1;
        offset += (size_t)start * strides[(size_t)axis - first];
        strides[(size_t)axis - first] *= (size_t)step;
    }
    return give_picked(r, x, &shape, offset, strides);
}

int weft_operator_gather(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_constant(r, 0), *where = x ? weft_node_constant(r, 1) : NULL;
    const int64_t *indices = where ? weft_constant_integers(r->graph, where, r->err) : NULL;
    int64_t axis;
    if (!indices || weft_node_int(r, "axis", 0, &axis) != 0)
        return -1;
    axis = axis < 0 ? axis + (int64_t)x->rank : axis;
    if (axis < 0 || axis >= (int64_t)x->rank || x->rank - 1 + where->rank > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "its axis or its shapes do not fit");
    size_t at = (size_t)axis, rank = 0, dims[WEFT_GRAPH_RANK_MAX], inner = 1, outer = 1;
    for (size_t i = 0; i < x->rank; i++) {
        for (size_t k = 0; i == at && k < where->rank; k++)
            dims[rank++] = where->dims[k];
        if (i != at)
            dims[rank++] = x->dims[i];
        *(i < at ? &outer : &inner) *= i == at ? 1 : x->dims[i];
    }
    struct weft_numbers from;
    struct weft_computed made;
    if (weft_numbers_read(r, x, &from) != 0 || weft_computed_begin(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t k = 0; k < made.size; k++) {
        int64_t index = indices[k / inner % where->size], size = (int64_t)x->dims[at];
        index = index < 0 ? index + size : index;
        if (index < 0 || index >= size)
            return WEFT_NODE_REFUSE(r, "its index %lld is not within %lld", (long long)index, (long long)size);
        weft_computed_copy(&made, k, &from,
                           (k / inner / where->size * x->dims[at] + (size_t)index) * inner + k % inner);
    }
    return weft_computed_end(r, &made);
}

/* The inputs' numbers behind each other along the axis. */
static int concat_constants(const struct weft_node_reader *r, size_t axis, size_t rank, const size_t dims[])
{
    struct weft_numbers from;
    struct weft_computed made;
    size_t outer = 1, row = 1, done = 0;
    for (size_t i = 0; i < rank; i++)
        *(i < axis ? &outer : &row) *= dims[i];
    if (weft_numbers_read(r, weft_node_input(r, 0), &from) != 0 ||
        weft_computed_begin(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t i = 0; i < r->proto->n_input; i++) {
        const struct weft_graph_value *x = weft_node_input(r, i);
        if (weft_numbers_read(r, x, &from) != 0)
            return -1;
        if ((from.floats != NULL) != (made.floats != NULL))
            return WEFT_NODE_REFUSE(r, "its inputs differ in type");
        size_t chunk = x->size / outer;
        for (size_t k = 0; k < x->size; k++)
            weft_computed_copy(&made, k / chunk * row + done + k % chunk, &from, k);
        done += chunk;
    }
    return weft_computed_end(r, &made);
}

int weft_operator_concat(const struct weft_node_reader *r)
{
    int64_t axis = 0;
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    if (!x)
        return -1;
    if (!weft_node_attribute(r, "axis") || weft_node_int(r, "axis", 0, &axis) != 0)
        return WEFT_NODE_REFUSE(r, "attribute axis is missing");
    bool constant = x->tensor != NULL;
    size_t first = constant ? 0 : 1;
    if (axis < 0)
        axis += (int64_t)(x->rank + first);
    if (axis < (int64_t)first || axis >= (int64_t)(x->rank + first))
        return WEFT_NODE_REFUSE(r, "its axis is not one within %s", constant ? "its inputs" : "an image");
    size_t at = (size_t)axis - first, rank = x->rank, dims[WEFT_GRAPH_RANK_MAX], size = 1;
    memcpy(dims, x->dims, sizeof dims);
    for (size_t i = 1; i < r->proto->n_input; i++) {
        const struct weft_graph_value *next = constant ? weft_node_constant(r, i) : weft_node_data(r, i);
        if (!next)
            return -1;
        for (size_t k = 0; k < rank; k++)
            if (next->rank != rank || (k != at && next->dims[k] != dims[k]))
                return WEFT_NODE_REFUSE(r, "its inputs differ in shape beside the axis");
        dims[at] += next->dims[at];
    }
    for (size_t i = 0; i < rank; i++)
        if (!weft_graph_product(size, dims[i], WEFT_GRAPH_DATA_MAX, &size))
            return WEFT_NODE_REFUSE(r, "it is too large");
    if (constant)
        return concat_constants(r, at, rank, dims);
    r->node->op = WEFT_GRAPH_CONCAT;
    r->node->as.concat.axis = at;
    return weft_node_output(r, rank, dims);
}

int weft_operator_pad(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    const Onnx__AttributeProto *mode = weft_node_attribute(r, "mode");
    size_t count;
    const int64_t *pads = x ? weft_node_integers(r, 1, &count) : NULL, *axes = NULL;
    if (!pads)
        return -1;
    struct weft_node_shape shape = weft_node_shape_of(r->graph, x);
    size_t axis_count = shape.rank;
    if (weft_node_has_input(r, 3) && !(axes = weft_node_integers(r, 3, &axis_count)))
        return -1;
    if (mode && !weft_node_text_is(mode, "constant"))
        return WEFT_NODE_REFUSE(r, "only padding with a constant is supported");
    if (count != 2 * axis_count || axis_count > shape.rank || x->rank > 3)
        return WEFT_NODE_REFUSE(r, "%zu paddings do not fit %zu dimensions", count, shape.rank);
    if (weft_node_has_input(r, 2)) {
        const struct weft_graph_value *value = weft_node_constant(r, 2);
        if (!value || weft_constant_number(value, &r->node->as.pad.value, r->err) != 0)
            return -1;
    }
    unsigned seen = 0;
    for (size_t i = 0; i < axis_count; i++) {
        int64_t axis = axes ? axes[i] : (int64_t)i, before = pads[i], after = pads[i + axis_count];
        axis = axis < 0 ? axis + (int64_t)shape.rank : axis;
        if (axis < 0 || axis >= (int64_t)shape.rank || seen >> axis & 1)
            return WEFT_NODE_REFUSE(r, "its axes are not those of %zu dimensions", shape.rank);
        seen |= 1u << axis;
        if (before < 0 || after < 0 || before > WEFT_GRAPH_SIDE_MAX || after > WEFT_GRAPH_SIDE_MAX)
            return WEFT_NODE_REFUSE(r, "a padding of %lld is not within 0..%d",
                                    (long long)(before < 0 || before > WEFT_GRAPH_SIDE_MAX ? before : after),
                                    WEFT_GRAPH_SIDE_MAX);
        if (axis == 0 && before + after > 0)
            return WEFT_NODE_REFUSE(r, "it pads the batch");
        if (axis == 0)
            continue;
        r->node->as.pad.before[(size_t)axis - 1 + 3 - x->rank] = (size_t)before;
        shape.dims[axis] += before + after;
    }
    r->node->op = WEFT_GRAPH_PAD;
    size_t rank, dims[WEFT_GRAPH_RANK_MAX];
    return weft_node_shape_inner(r, x, &shape, &rank, dims) == 0 ? weft_node_output(r, rank, dims) : -1;
}
