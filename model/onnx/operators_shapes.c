/* Operators that move numbers without changing them. Applied to data they keep the images of a batch apart; applied to
 * constants, and to the shapes of data, they are computed here: exporters write chains of them to say a shape. */
#include <string.h>

#include "model/onnx/constants.h"
#include "model/onnx/operators.h"

/* All dimensions, that of the batch included: WEFT_GRAPH_BATCH in front of data whose number of images is open. */
struct shape {
    size_t rank;
    int64_t dims[WEFT_GRAPH_RANK_MAX + 1];
};

static struct shape shape_of(const struct weft_graph *graph, const struct weft_graph_value *value)
{
    struct shape shape = {.rank = 0};
    if (!value->tensor)
        shape.dims[shape.rank++] = graph->batch ? (int64_t)graph->batch : WEFT_GRAPH_BATCH;
    for (size_t i = 0; i < value->rank; i++)
        shape.dims[shape.rank++] = (int64_t)value->dims[i];
    return shape;
}

static bool is_batch(const struct weft_graph *graph, int64_t dim)
{
    return dim == WEFT_GRAPH_BATCH || (graph->batch && dim == (int64_t)graph->batch);
}

/* Input 0, data or constant; one that is data goes to the node's inputs. */
static const struct weft_graph_value *read_input(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_input(r, 0);
    return x && !x->tensor ? weft_node_data(r, 0) : x;
}

/* The dimensions of an image, or of a constant. */
static int inner_dims(const struct weft_node_reader *r, const struct weft_graph_value *x, const struct shape *shape,
                      size_t *rank, size_t dims[WEFT_GRAPH_RANK_MAX])
{
    size_t first = x->tensor ? 0 : 1;
    if (first && (shape->rank < 2 || !is_batch(r->graph, shape->dims[0])))
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

/* The same numbers in another shape. */
static int give_reshaped(const struct weft_node_reader *r, const struct weft_graph_value *x, const struct shape *shape)
{
    struct weft_graph_value value = {.name = r->proto->output[0], .tensor = x->tensor};
    if (inner_dims(r, x, shape, &value.rank, value.dims) != 0)
        return -1;
    if (x->tensor) {
        *r->is_node = false;
        return weft_graph_add(r->graph, value, WEFT_GRAPH_WEIGHTS_MAX, r->err) < 0 ? -1 : 0;
    }
    r->node->op = WEFT_GRAPH_RESHAPE;
    return weft_node_output(r, value.rank, value.dims);
}

/* Numbers of a constant, of either type. */
struct numbers {
    const float *floats;
    const int64_t *integers;
};

static int read_numbers(const struct weft_node_reader *r, const struct weft_graph_value *value, struct numbers *numbers)
{
    *numbers = (struct numbers){0};
    if (weft_constant_is_float(value))
        numbers->floats = weft_constant_floats(value, r->err);
    else
        numbers->integers = weft_constant_integers(r->graph, value, r->err);
    return numbers->floats || numbers->integers ? 0 : -1;
}

/* A constant to be filled: as many numbers as dims say, of the type that like has. */
struct made {
    size_t size;
    float *floats;
    int64_t *integers;
};

static int begin_made(const struct weft_node_reader *r, size_t rank, const size_t dims[], const struct numbers *like,
                      struct made *made)
{
    *made = (struct made){.size = 1};
    for (size_t i = 0; i < rank; i++)
        if (!weft_graph_product(made->size, dims[i], WEFT_GRAPH_MADE_MAX, &made->size))
            return WEFT_NODE_REFUSE(r, "it is too large");
    *r->is_node = false;
    if (like->floats)
        made->floats = weft_constant_keep(r->graph, made->size, sizeof *made->floats, r->err);
    else
        made->integers = weft_constant_keep(r->graph, made->size, sizeof *made->integers, r->err);
    return made->floats || made->integers ? 0 : -1;
}

static void copy_number(struct made *to, size_t k, const struct numbers *from, size_t i)
{
    if (to->floats)
        to->floats[k] = from->floats[i];
    else
        to->integers[k] = from->integers[i];
}

static int end_made(const struct weft_node_reader *r, size_t rank, const size_t dims[], const struct made *made)
{
    return weft_constant_make(r->graph, r->proto->output[0], rank, dims, made->floats, made->integers, r->err);
}

/* Numbers of x at regular distances: from offset on, by strides along each dimension of the result. */
static int give_picked(const struct weft_node_reader *r, const struct weft_graph_value *x, const struct shape *shape,
                       size_t offset, const size_t strides[])
{
    size_t rank, dims[WEFT_GRAPH_RANK_MAX];
    if (inner_dims(r, x, shape, &rank, dims) != 0)
        return -1;
    if (!x->tensor) {
        r->node->op = WEFT_GRAPH_PICK;
        r->node->as.pick.offset = offset;
        memcpy(r->node->as.pick.strides, strides, rank * sizeof *strides);
        return weft_node_output(r, rank, dims);
    }
    struct numbers from;
    struct made made;
    if (read_numbers(r, x, &from) != 0 || begin_made(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t k = 0; k < made.size; k++) {
        size_t at = offset, rest = k;
        for (size_t axis = rank; axis-- > 0; rest /= dims[axis])
            at += rest % dims[axis] * strides[axis];
        copy_number(&made, k, &from, at);
    }
    return end_made(r, rank, dims, &made);
}

/* Distances between neighbours along each dimension of an image, or of a constant. */
static void strides_of(const struct weft_graph_value *x, size_t strides[WEFT_GRAPH_RANK_MAX])
{
    size_t stride = 1;
    for (size_t i = x->rank; i-- > 0; stride *= x->dims[i])
        strides[i] = stride;
}

int weft_operator_identity(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    if (!x)
        return -1;
    struct shape shape = shape_of(r->graph, x);
    return give_reshaped(r, x, &shape);
}

int weft_operator_cast(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    int64_t to;
    if (!x || weft_node_int(r, "to", 0, &to) != 0)
        return -1;
    bool to_float = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (!to_float &&
        (!x->tensor || (to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32 && to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64)))
        return WEFT_NODE_REFUSE(r, "casts to data type %lld are not supported", (long long)to);
    if (!x->tensor || to_float == weft_constant_is_float(x))
        return weft_operator_identity(r);
    struct numbers from, like = {.floats = to_float ? (const float[]){0} : NULL};
    struct made made;
    if (read_numbers(r, x, &from) != 0 || begin_made(r, x->rank, x->dims, &like, &made) != 0)
        return -1;
    for (size_t i = 0; i < made.size; i++) {
        if (to_float)
            made.floats[i] = (float)from.integers[i];
        else if (from.floats[i] >= -0x1p63f && from.floats[i] < 0x1p63f)
            made.integers[i] = (int64_t)from.floats[i];
        else
            return WEFT_NODE_REFUSE(r, "%g is not a number of 64 bits", (double)from.floats[i]);
    }
    return end_made(r, x->rank, x->dims, &made);
}

int weft_operator_flatten(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    int64_t axis;
    if (!x || weft_node_int(r, "axis", 1, &axis) != 0)
        return -1;
    struct shape shape = shape_of(r->graph, x), flat = {.rank = 2, .dims = {1, 1}};
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
    const struct weft_graph_value *x = read_input(r);
    size_t count;
    const int64_t *target = x ? weft_node_integers(r, 1, &count) : NULL;
    int64_t allow_zero;
    if (!target || weft_node_int(r, "allowzero", 0, &allow_zero) != 0)
        return -1;
    size_t first = x->tensor ? 0 : 1, known = 1, open = 0;
    if (count < first || count > WEFT_GRAPH_RANK_MAX + first)
        return WEFT_NODE_REFUSE(r, "its target has %zu dimensions", count);
    struct shape shape = shape_of(r->graph, x), result = {.rank = count};
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
    if (known != x->size || (first && !is_batch(r->graph, result.dims[0])))
        return WEFT_NODE_REFUSE(r,
                                "its target does not keep the %zu numbers of %s together; the first dimension must be "
                                "0 or -1 for the batch",
                                x->size, first ? "an image" : "its input");
    return give_reshaped(r, x, &result);
}

int weft_operator_squeeze(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    unsigned axes;
    if (!x)
        return -1;
    struct shape shape = shape_of(r->graph, x), result = {.rank = 0};
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
    const struct weft_graph_value *x = read_input(r);
    unsigned axes;
    if (!x)
        return -1;
    struct shape shape = shape_of(r->graph, x), result = {.rank = 0};
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

int weft_operator_transpose(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    const Onnx__AttributeProto *order = weft_node_attribute(r, "perm");
    if (!x)
        return -1;
    struct shape shape = shape_of(r->graph, x), result = {.rank = shape.rank};
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

/* Cuts the axis to start, start + step, ... before end, as counted from the end where they are negative. */
static int slice_axis(const struct weft_node_reader *r, int64_t *dim, int64_t *start, int64_t end, int64_t step)
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

int weft_operator_slice(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = read_input(r);
    size_t count, end_count, axis_count, step_count;
    const int64_t *starts = x ? weft_node_integers(r, 1, &count) : NULL;
    const int64_t *ends = starts ? weft_node_integers(r, 2, &end_count) : NULL, *axes = NULL, *steps = NULL;
    if (!ends || (weft_node_has_input(r, 3) && !(axes = weft_node_integers(r, 3, &axis_count))) ||
        (weft_node_has_input(r, 4) && !(steps = weft_node_integers(r, 4, &step_count))))
        return -1;
    struct shape shape = shape_of(r->graph, x);
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
        if (slice_axis(r, &shape.dims[axis], &start, ends[i], step) != 0)
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
    struct numbers from;
    struct made made;
    if (read_numbers(r, x, &from) != 0 || begin_made(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t k = 0; k < made.size; k++) {
        int64_t index = indices[k / inner % where->size], size = (int64_t)x->dims[at];
        index = index < 0 ? index + size : index;
        if (index < 0 || index >= size)
            return WEFT_NODE_REFUSE(r, "its index %lld is not within %lld", (long long)index, (long long)size);
        copy_number(&made, k, &from, (k / inner / where->size * x->dims[at] + (size_t)index) * inner + k % inner);
    }
    return end_made(r, rank, dims, &made);
}

/* The inputs' numbers behind each other along the axis. */
static int concat_constants(const struct weft_node_reader *r, size_t axis, size_t rank, const size_t dims[])
{
    struct numbers from;
    struct made made;
    size_t outer = 1, row = 1, done = 0;
    for (size_t i = 0; i < rank; i++)
        *(i < axis ? &outer : &row) *= dims[i];
    if (read_numbers(r, weft_node_input(r, 0), &from) != 0 || begin_made(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t i = 0; i < r->proto->n_input; i++) {
        const struct weft_graph_value *x = weft_node_input(r, i);
        if (read_numbers(r, x, &from) != 0)
            return -1;
        if ((from.floats != NULL) != (made.floats != NULL))
            return WEFT_NODE_REFUSE(r, "its inputs differ in type");
        size_t chunk = x->size / outer;
        for (size_t k = 0; k < x->size; k++)
            copy_number(&made, k / chunk * row + done + k % chunk, &from, k);
        done += chunk;
    }
    return end_made(r, rank, dims, &made);
}

int weft_operator_concat(const struct weft_node_reader *r)
{
    int64_t axis = 0;
    const struct weft_graph_value *x = read_input(r);
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
    struct shape shape = shape_of(r->graph, x);
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
    return inner_dims(r, x, &shape, &rank, dims) == 0 ? weft_node_output(r, rank, dims) : -1;
}

int weft_operator_shape(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_input(r, 0);
    int64_t start, end;
    if (!x)
        return -1;
    struct shape shape = shape_of(r->graph, x);
    if (weft_node_int(r, "start", 0, &start) != 0 || weft_node_int(r, "end", (int64_t)shape.rank, &end) != 0)
        return -1;
    int64_t count = (int64_t)shape.rank;
    if (slice_axis(r, &count, &start, end, 1) != 0)
        return -1;
    size_t size = (size_t)count;
    struct numbers integers = {0};
    struct made made;
    if (begin_made(r, 1, &size, &integers, &made) != 0)
        return -1;
    memcpy(made.integers, shape.dims + start, size * sizeof *made.integers);
    return end_made(r, 1, &size, &made);
}

int weft_operator_constant_of_shape(const struct weft_node_reader *r)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, "value");
    size_t rank, dims[WEFT_GRAPH_RANK_MAX];
    const int64_t *shape = weft_node_integers(r, 0, &rank);
    struct weft_graph_value value = {.name = "value", .tensor = a ? a->t : NULL, .size = 1};
    struct numbers from = {.floats = (const float[]){0}};
    struct made made;
    if (!shape || (value.tensor && read_numbers(r, &value, &from) != 0))
        return -1;
    if (rank > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "its shape has %zu dimensions", rank);
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return WEFT_NODE_REFUSE(r, "its shape is negative or depends on the number of images");
        dims[i] = (size_t)shape[i];
    }
    if (begin_made(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t i = 0; i < made.size; i++)
        copy_number(&made, i, &from, 0);
    return end_made(r, rank, dims, &made);
}

int weft_operator_constant(const struct weft_node_reader *r)
{
    if (r->proto->n_attribute != 1)
        return WEFT_NODE_REFUSE(r, "it is not a constant in a form that weft reads");
    const Onnx__AttributeProto *a = r->proto->attribute[0];
    const char *output = r->proto->output[0], *name = a->name ? a->name : "";
    *r->is_node = false;
    if (strcmp(name, "value") == 0 && a->t)
        return weft_constant_add(r->graph, output, a->t, r->err);
    if (strcmp(name, "value_float") == 0 && a->has_f)
        return weft_constant_make(r->graph, output, 0, NULL, &a->f, NULL, r->err);
    if (strcmp(name, "value_int") == 0 && a->has_i)
        return weft_constant_make(r->graph, output, 0, NULL, NULL, &a->i, r->err);
    if (strcmp(name, "value_floats") == 0 && a->n_floats > 0)
        return weft_constant_make(r->graph, output, 1, &a->n_floats, a->floats, NULL, r->err);
    if (strcmp(name, "value_ints") == 0)
        return weft_constant_make(r->graph, output, 1, &a->n_ints, NULL, a->ints, r->err);
    return WEFT_NODE_REFUSE(r, "only constants of 32-bit floats and of integers are supported");
}
