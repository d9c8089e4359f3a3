#include "model/onnx/graph_reader.h"

#include <string.h>

#include "model/onnx/constants.h"
#include "model/onnx/operators.h"

static bool is_set(const char *text)
{
    return text && *text;
}

static int read_initializers(struct weft_graph *graph, const Onnx__GraphProto *proto, struct weft_error *err)
{
    if (proto->n_sparse_initializer > 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "it has sparse initializers, which weft does not read");
    for (size_t i = 0; i < proto->n_initializer; i++)
        if (weft_constant_add(graph, proto->initializer[i]->name, proto->initializer[i], err) != 0)
            return -1;
    return 0;
}

static int read_input(struct weft_graph *graph, const Onnx__ValueInfoProto *info, struct weft_error *err)
{
    const Onnx__TypeProto__Tensor *type =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? info->type->tensor_type : NULL;
    if (!type || type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "input '%.100s' is not a tensor of 32-bit floats", info->name);
    size_t rank = type->shape ? type->shape->n_dim : 0;
    if (rank < 2 || rank > 4)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "input '%.100s' has %zu dimensions; a batch of images is needed, (N, C, H, W)",
                              info->name, rank);
    struct weft_graph_value value = {.name = info->name, .rank = rank - 1};
    for (size_t i = 0; i < rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
        bool fixed = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dim->dim_value > 0;
        if (i == 0) {
            graph->batch = fixed ? (size_t)dim->dim_value : 0;
            continue;
        }
        int most = rank == 2 ? WEFT_GRAPH_DATA_MAX : WEFT_GRAPH_SIDE_MAX;
        if (!fixed || dim->dim_value > most)
            return weft_error_set(err, WEFT_ERROR_CONFIG,
                                  "input '%.100s': dimension %zu must be a fixed number of at most %d", info->name, i,
                                  most);
        value.dims[i - 1] = (size_t)dim->dim_value;
    }
    long index = weft_graph_add(graph, value, WEFT_GRAPH_DATA_MAX, err);
    graph->input = (size_t)index;
    return index < 0 ? -1 : 0;
}

/* The one input that is not an initialiser (older files list those as inputs too). */
static int read_inputs(struct weft_graph *graph, const Onnx__GraphProto *proto, struct weft_error *err)
{
    const Onnx__ValueInfoProto *input = NULL;
    for (size_t i = 0; i < proto->n_input; i++) {
        if (!is_set(proto->input[i]->name))
            return weft_error_set(err, WEFT_ERROR_CONFIG, "an input has no name");
        if (weft_graph_find(graph, proto->input[i]->name) >= 0)
            continue;
        if (input)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "it has several inputs ('%.100s', '%.100s'); one is needed",
                                  input->name, proto->input[i]->name);
        input = proto->input[i];
    }
    if (!input)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "its graph has no input");
    return read_input(graph, input, err);
}

/* A node's input that nothing before it has given: is it given later, or never? */
static int missing_input(const Onnx__GraphProto *proto, size_t node, const char *name, struct weft_error *err)
{
    for (size_t i = node; i < proto->n_node; i++)
        for (size_t k = 0; k < proto->node[i]->n_output; k++)
            if (strcmp(proto->node[i]->output[k], name) == 0)
                return weft_error_set(err, WEFT_ERROR_CONFIG,
                                      "its input '%.100s' is computed only later: the graph has a cycle or is not in "
                                      "order",
                                      name);
    return weft_error_set(err, WEFT_ERROR_CONFIG, "its input '%.100s' is given by no node and no initializer", name);
}

static int read_node(struct weft_graph *graph, const Onnx__GraphProto *proto, size_t index, int opset,
                     struct weft_error *err)
{
    const Onnx__NodeProto *node = proto->node[index];
    const char *type = is_set(node->op_type) ? node->op_type : "no operator";
    bool is_node = true;
    int failed = 0;
    if (node->n_input > WEFT_GRAPH_INPUTS_MAX || (graph->input_count += node->n_input) > WEFT_GRAPH_INPUTS_MAX)
        failed = weft_error_set(err, WEFT_ERROR_CONFIG, "it and those before it have more than %d inputs",
                                WEFT_GRAPH_INPUTS_MAX);
    for (size_t i = 0; i < node->n_input && !failed; i++)
        if (*node->input[i] && weft_graph_find(graph, node->input[i]) < 0)
            failed = missing_input(proto, index, node->input[i], err);
    if (!failed)
        failed = weft_operator_read(graph, node, opset, &graph->nodes[graph->node_count], &is_node, err);
    if (failed && is_set(node->name))
        return weft_error_prefix(err, "node '%.100s' (%.40s)", node->name, type);
    if (failed)
        return weft_error_prefix(err, "node %zu (%.40s)", index, type);
    graph->node_count += is_node;
    return 0;
}

static int read_output(struct weft_graph *graph, const Onnx__GraphProto *proto, struct weft_error *err)
{
    if (proto->n_output != 1 || !is_set(proto->output[0]->name))
        return weft_error_set(err, WEFT_ERROR_CONFIG, "its graph has %zu outputs; one is needed", proto->n_output);
    long index = weft_graph_find(graph, proto->output[0]->name);
    if (index < 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "no node gives its output '%.100s'", proto->output[0]->name);
    const struct weft_graph_value *value = &graph->values[index];
    if (value->tensor || graph->node_count == 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "its output '%.100s' does not depend on its input", value->name);
    bool is_vector = false;
    for (size_t i = 0; i < value->rank; i++)
        is_vector = is_vector || value->dims[i] == value->size;
    if (!is_vector || value->size > WEFT_GRAPH_CLASSES_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "its output '%.100s' is not one number for each of at most %d classes", value->name,
                              WEFT_GRAPH_CLASSES_MAX);
    graph->output = (size_t)index;
    return 0;
}

struct weft_graph *weft_graph_read(const struct weft_onnx_file *file, struct weft_error *err)
{
    const Onnx__GraphProto *proto = file->model->graph;
    if (proto->n_node > WEFT_GRAPH_NODES_MAX || proto->n_initializer > WEFT_GRAPH_VALUES_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "its graph has more than %d nodes or %d initializers",
                       WEFT_GRAPH_NODES_MAX, WEFT_GRAPH_VALUES_MAX);
        return NULL;
    }
    struct weft_graph *graph = weft_graph_new(proto->n_node, err);
    if (!graph)
        return NULL;
    if (read_initializers(graph, proto, err) != 0 || read_inputs(graph, proto, err) != 0)
        goto fail;
    for (size_t i = 0; i < proto->n_node; i++)
        if (read_node(graph, proto, i, file->opset, err) != 0)
            goto fail;
    if (read_output(graph, proto, err) != 0)
        goto fail;
    return graph;
fail:
    weft_graph_destroy(graph);
    return NULL;
}
