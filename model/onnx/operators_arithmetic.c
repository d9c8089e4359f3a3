/* Add, Sub, Mul and Div: of two constants, of data and a constant (a factor and a summand), and the sum of data. */
#include <math.h>
#include <string.h>

#include "model/onnx/computed.h"
#include "model/onnx/constants.h"
#include "model/onnx/operators.h"

/* How a tensor repeats when it is spread over dims: its strides, 0 along what repeats. false where it does not fit. */
static bool spread(const struct weft_graph_value *value, size_t rank, const size_t dims[], size_t strides[])
{
    size_t stride = 1;
    if (value->rank > rank)
        return false;
    for (size_t i = 0; i < rank; i++) {
        size_t axis = rank - 1 - i, dim = i < value->rank ? value->dims[value->rank - 1 - i] : 1;
        if (dim != 1 && dim != dims[axis])
            return false;
        strides[axis] = dim == 1 ? 0 : stride;
        stride *= dim;
    }
    return true;
}

/* Where element k of dims lies in a tensor with those strides. */
static size_t element(size_t k, size_t rank, const size_t dims[], const size_t strides[])
{
    size_t at = 0;
    for (size_t axis = rank; axis-- > 0; k /= dims[axis])
        at += k % dims[axis] * strides[axis];
    return at;
}

static float compute(char op, float a, float b)
{
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

static int compute_integer(const struct weft_node_reader *r, char op, int64_t a, int64_t b, int64_t *result)
{
    if (a == WEFT_GRAPH_BATCH || b == WEFT_GRAPH_BATCH)
        return WEFT_NODE_REFUSE(r, "it computes with the number of images; export the model for a fixed one");
    if (op == '/' && b == 0)
        return WEFT_NODE_REFUSE(r, "it divides by zero");
    bool overflow = false;
    if (op == '+')
        overflow = __builtin_add_overflow(a, b, result);
    else if (op == '-')
        overflow = __builtin_sub_overflow(a, b, result);
    else if (op == '*')
        overflow = __builtin_mul_overflow(a, b, result);
    else
        *result = a / b;
    return overflow ? WEFT_NODE_REFUSE(r, "its result is not a number of 64 bits") : 0;
}

static int compute_constant(const struct weft_node_reader *r, char op, const struct weft_graph_value *a,
                            const struct weft_graph_value *b)
{
    size_t rank = a->rank > b->rank ? a->rank : b->rank;
    size_t dims[WEFT_GRAPH_RANK_MAX], of_a[WEFT_GRAPH_RANK_MAX], of_b[WEFT_GRAPH_RANK_MAX];
    for (size_t i = 0; i < rank; i++) {
        size_t from_a = i < a->rank ? a->dims[a->rank - 1 - i] : 1, from_b = i < b->rank ? b->dims[b->rank - 1 - i] : 1;
        dims[rank - 1 - i] = from_a == 1 ? from_b : from_a;
    }
    if (!spread(a, rank, dims, of_a) || !spread(b, rank, dims, of_b) ||
        weft_constant_is_float(a) != weft_constant_is_float(b))
        return WEFT_NODE_REFUSE(r, "its inputs do not fit each other");
    struct weft_numbers x, y;
    struct weft_computed made;
    if (weft_numbers_read(r, a, &x) != 0 || weft_numbers_read(r, b, &y) != 0 ||
        weft_computed_begin(r, rank, dims, &x, &made) != 0)
        return -1;
    for (size_t i = 0; i < made.size; i++) {
        size_t k = element(i, rank, dims, of_a), l = element(i, rank, dims, of_b);
        if (made.floats)
            made.floats[i] = compute(op, x.floats[k], y.floats[l]);
        else if (compute_integer(r, op, x.integers[k], y.integers[l], &made.integers[i]) != 0)
            return -1;
    }
    return weft_computed_end(r, &made);
}

/* x op constant, or constant op x where it comes first, as x * factor + summand. */
static int scale(const struct weft_node_reader *r, char op, const struct weft_graph_value *x,
                 const struct weft_graph_value *constant, bool first)
{
    size_t rank = x->rank + 1, dims[WEFT_GRAPH_RANK_MAX + 1] = {1}, strides[WEFT_GRAPH_RANK_MAX + 1];
    memcpy(dims + 1, x->dims, x->rank * sizeof *dims);
    if (op == '/' && first)
        return WEFT_NODE_REFUSE(r, "division by data is not supported");
    if (!spread(constant, rank, dims, strides))
        return WEFT_NODE_REFUSE(r, "constant '%.100s' does not fit the shape of its data", constant->name);
    const float *numbers = weft_constant_floats(constant, r->err);
    if (!numbers)
        return -1;
    size_t count = x->dims[0]; /* unless it differs within a channel */
    for (size_t i = 2; i < rank; i++)
        if (strides[i] != 0)
            count = x->size;
    float *factor = weft_graph_keep(r->graph, count, sizeof *factor, r->err), *summand;
    if (!factor || !(summand = weft_graph_keep(r->graph, count, sizeof *summand, r->err)))
        return -1;
    for (size_t i = 0; i < count; i++) {
        float c = numbers[element(i * (x->size / count), rank, dims, strides)];
        factor[i] = op == '*' ? c : op == '/' ? 1 / c : op == '-' && first ? -1 : 1;
        summand[i] = op == '+' || (op == '-' && first) ? c : op == '-' ? -c : 0;
        if (!isfinite(factor[i]))
            return WEFT_NODE_REFUSE(r, "constant '%.100s' holds zero or next to it", constant->name);
    }
    r->node->op = WEFT_GRAPH_SCALE;
    r->node->as.scale.count = count;
    r->node->as.scale.factor = factor;
    r->node->as.scale.summand = summand;
    r->node->as.scale.parameter_count = constant->size;
    return weft_node_output_like(r, x);
}

static int read_arithmetic(const struct weft_node_reader *r, char op)
{
    const struct weft_graph_value *a = weft_node_input(r, 0), *b = a ? weft_node_input(r, 1) : NULL;
    if (!b)
        return -1;
    if (a->tensor && b->tensor)
        return compute_constant(r, op, a, b);
    if ((!a->tensor && !weft_node_data(r, 0)) || (!b->tensor && !weft_node_data(r, 1)))
        return -1;
    if (a->tensor || b->tensor)
        return scale(r, op, a->tensor ? b : a, a->tensor ? a : b, a->tensor != NULL);
    if (op != '+')
        return WEFT_NODE_REFUSE(r, "it is supported only with a constant");
    if (a->rank != b->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)
        return WEFT_NODE_REFUSE(r, "its inputs differ in shape");
    r->node->op = WEFT_GRAPH_ADD;
    return weft_node_output_like(r, a);
}

int weft_operator_add(const struct weft_node_reader *r)
{
    return read_arithmetic(r, '+');
}

int weft_operator_sub(const struct weft_node_reader *r)
{
    return read_arithmetic(r, '-');
}

int weft_operator_mul(const struct weft_node_reader *r)
{
    return read_arithmetic(r, '*');
}

int weft_operator_div(const struct weft_node_reader *r)
{
    return read_arithmetic(r, '/');
}
