/* Operators that give constants only. */
#include <string.h>

#include "model/onnx/computed.h"
#include "model/onnx/constants.h"
#include "model/onnx/operators.h"

int weft_operator_cast(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_tensor(r, 0);
    int64_t to;
    if (!x || weft_node_int(r, "to", 0, &to) != 0)
        return -1;
    bool to_float = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (!to_float &&
        (!x->tensor || (to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32 && to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64)))
        return WEFT_NODE_REFUSE(r, "casts to data type %lld are not supported", (long long)to);
    if (!x->tensor || to_float == weft_constant_is_float(x))
        return weft_operator_identity(r);
    struct weft_numbers from, like = {.floats = to_float ? (const float[]){0} : NULL};
    struct weft_computed made;
    if (weft_numbers_read(r, x, &from) != 0 || weft_computed_begin(r, x->rank, x->dims, &like, &made) != 0)
        return -1;
    for (size_t i = 0; i < made.size; i++) {
        if (to_float)
            made.floats[i] = (float)from.integers[i];
        else if (from.floats[i] >= -0x1p63f && from.floats[i] < 0x1p63f)
            made.integers[i] = (int64_t)from.floats[i];
        else
            return WEFT_NODE_REFUSE(r, "%g is not a number of 64 bits", (double)from.floats[i]);
    }
    return weft_computed_end(r, &made);
}

int weft_operator_constant_of_shape(const struct weft_node_reader *r)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, "value");
    size_t rank, dims[WEFT_GRAPH_RANK_MAX];
    const int64_t *shape = weft_node_integers(r, 0, &rank);
    struct weft_graph_value value = {.name = "value", .tensor = a ? a->t : NULL, .size = 1};
    struct weft_numbers from = {.floats = (const float[]){0}};
    struct weft_computed made;
    if (!shape || (value.tensor && weft_numbers_read(r, &value, &from) != 0))
        return -1;
    if (rank > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "its shape has %zu dimensions", rank);
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return WEFT_NODE_REFUSE(r, "its shape is negative or depends on the number of images");
        dims[i] = (size_t)shape[i];
    }
    if (weft_computed_begin(r, rank, dims, &from, &made) != 0)
        return -1;
    for (size_t i = 0; i < made.size; i++)
        weft_computed_copy(&made, i, &from, 0);
    return weft_computed_end(r, &made);
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
