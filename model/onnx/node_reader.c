#include "model/onnx/node_reader.h"

#include <math.h>
#include <string.h>

#include "model/onnx/constants.h"

const Onnx__AttributeProto *weft_node_attribute(const struct weft_node_reader *r, const char *name)
{
    for (size_t i = 0; i < r->proto->n_attribute; i++)
        if (r->proto->attribute[i]->name && strcmp(r->proto->attribute[i]->name, name) == 0)
            return r->proto->attribute[i];
    return NULL;
}

int weft_node_int(const struct weft_node_reader *r, const char *name, int64_t otherwise, int64_t *value)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, name);
    *value = a ? a->i : otherwise;
    return a && !a->has_i ? WEFT_NODE_REFUSE(r, "attribute %s is not an integer", name) : 0;
}

int weft_node_float(const struct weft_node_reader *r, const char *name, float otherwise, float *value)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, name);
    *value = a ? a->f : otherwise;
    return a && (!a->has_f || isnan(a->f)) ? WEFT_NODE_REFUSE(r, "attribute %s is not a number", name) : 0;
}

int weft_node_sizes(const struct weft_node_reader *r, const char *name, size_t count, size_t min, size_t otherwise,
                    size_t *values)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, name);
    if (a && a->n_ints != count)
        return WEFT_NODE_REFUSE(
            r, "attribute %s has %zu numbers instead of %zu: only two-dimensional images are supported", name,
            a->n_ints, count);
    for (size_t i = 0; i < count; i++) {
        if (a && (a->ints[i] < (int64_t)min || a->ints[i] > WEFT_GRAPH_SIDE_MAX))
            return WEFT_NODE_REFUSE(r, "attribute %s has %lld, which is not within %zu..%d", name,
                                    (long long)a->ints[i], min, WEFT_GRAPH_SIDE_MAX);
        values[i] = a ? (size_t)a->ints[i] : otherwise;
    }
    return 0;
}

bool weft_node_text_is(const Onnx__AttributeProto *a, const char *text)
{
    return a->has_s && a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

bool weft_node_has_input(const struct weft_node_reader *r, size_t i)
{
    return i < r->proto->n_input && *r->proto->input[i];
}

struct weft_graph_value *weft_node_input(const struct weft_node_reader *r, size_t i)
{
    if (!weft_node_has_input(r, i)) {
        WEFT_NODE_REFUSE(r, "input %zu is missing", i);
        return NULL;
    }
    /* Names were looked up before. */
    return &r->graph->values[weft_graph_find(r->graph, r->proto->input[i])];
}

struct weft_graph_value *weft_node_data(const struct weft_node_reader *r, size_t i)
{
    struct weft_graph_value *value = weft_node_input(r, i);
    if (value && value->tensor) {
        WEFT_NODE_REFUSE(r, "input '%.100s' is a constant where data is expected", value->name);
        return NULL;
    }
    if (value)
        r->node->inputs[r->node->input_count++] = (size_t)(value - r->graph->values);
    return value;
}

const struct weft_graph_value *weft_node_tensor(const struct weft_node_reader *r, size_t i)
{
    const struct weft_graph_value *value = weft_node_input(r, i);
    return value && !value->tensor ? weft_node_data(r, i) : value;
}

struct weft_graph_value *weft_node_image(const struct weft_node_reader *r, size_t i)
{
    struct weft_graph_value *value = weft_node_data(r, i);
    if (value && value->rank != 3) {
        WEFT_NODE_REFUSE(r, "its data has %zu dimensions instead of 4", value->rank + 1);
        return NULL;
    }
    return value;
}

struct weft_graph_value *weft_node_constant(const struct weft_node_reader *r, size_t i)
{
    struct weft_graph_value *value = weft_node_input(r, i);
    if (value && !value->tensor) {
        WEFT_NODE_REFUSE(r, "input '%.100s' is not a constant", value->name);
        return NULL;
    }
    return value;
}

const float *weft_node_floats(const struct weft_node_reader *r, size_t i, size_t size)
{
    struct weft_graph_value *value = weft_node_constant(r, i);
    if (!value)
        return NULL;
    if (value->size != size) {
        WEFT_NODE_REFUSE(r, "input '%.100s' has %zu numbers instead of %zu", value->name, value->size, size);
        return NULL;
    }
    return weft_constant_floats(value, r->err);
}

const int64_t *weft_node_integers(const struct weft_node_reader *r, size_t i, size_t *count)
{
    const struct weft_graph_value *value = weft_node_constant(r, i);
    if (!value)
        return NULL;
    *count = value->size;
    return weft_constant_integers(r->graph, value, r->err);
}

int weft_node_axes(const struct weft_node_reader *r, size_t i, size_t rank, bool are_new, unsigned *axes)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, "axes");
    size_t count = a ? a->n_ints : 0;
    const int64_t *values = a ? a->ints : NULL;
    if (!a && weft_node_has_input(r, i) && !(values = weft_node_integers(r, i, &count)))
        return -1;
    *axes = 0;
    if (count > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "it names %zu axes", count);
    rank += are_new ? count : 0;
    for (size_t k = 0; k < count; k++) {
        int64_t axis = values[k] < 0 ? values[k] + (int64_t)rank : values[k];
        if (axis < 0 || axis >= (int64_t)rank || *axes >> axis & 1)
            return WEFT_NODE_REFUSE(r, "axis %lld is named twice or not within %zu dimensions", (long long)values[k],
                                    rank);
        *axes |= 1u << axis;
    }
    return 0;
}

int weft_node_output(const struct weft_node_reader *r, size_t rank, const size_t dims[])
{
    for (size_t i = 1; i < r->proto->n_output; i++)
        if (*r->proto->output[i] && strcmp(r->proto->op_type, "Dropout") != 0)
            return WEFT_NODE_REFUSE(r, "its output '%.100s' is not supported, only the first one is",
                                    r->proto->output[i]);
    struct weft_graph_value value = {.name = r->proto->output[0], .rank = rank};
    memcpy(value.dims, dims, rank * sizeof *dims);
    long index = weft_graph_add(r->graph, value, WEFT_GRAPH_DATA_MAX, r->err);
    r->node->output = (size_t)index;
    return index < 0 ? -1 : 0;
}

int weft_node_output_like(const struct weft_node_reader *r, const struct weft_graph_value *value)
{
    return weft_node_output(r, value->rank, value->dims);
}
