#include "support/graph_text.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *new (size_t size)
{
    void *item = calloc(1, size);
    ck_assert_ptr_nonnull(item);
    return item;
}

Onnx__ValueInfoProto *graph_text_value(const char *name, size_t rank, const int64_t dims[])
{
    Onnx__ValueInfoProto *value = new (sizeof *value);
    onnx__value_info_proto__init(value);
    value->name = strdup(name);
    value->type = new (sizeof *value->type);
    onnx__type_proto__init(value->type);
    value->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    Onnx__TypeProto__Tensor *tensor = value->type->tensor_type = new (sizeof *tensor);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = new (sizeof *tensor->shape);
    onnx__tensor_shape_proto__init(tensor->shape);
    tensor->shape->n_dim = rank;
    tensor->shape->dim = new (rank * sizeof *tensor->shape->dim);
    for (size_t i = 0; i < rank; i++) {
        tensor->shape->dim[i] = new (sizeof **tensor->shape->dim);
        onnx__tensor_shape_proto__dimension__init(tensor->shape->dim[i]);
        if (dims[i] == 0)
            continue;
        tensor->shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        tensor->shape->dim[i]->dim_value = dims[i];
    }
    return value;
}

Onnx__TensorProto *graph_text_constant(const char *text)
{
    Onnx__TensorProto *tensor = new (sizeof *tensor);
    onnx__tensor_proto__init(tensor);
    bool floats = strchr(text, '.') != NULL;
    size_t length = strlen(text);
    tensor->name = strdup(text);
    tensor->has_data_type = 1;
    tensor->data_type = floats ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    tensor->float_data = new (length * sizeof *tensor->float_data);
    tensor->int64_data = new (length * sizeof *tensor->int64_data);
    size_t numbers = 0;
    for (const char *at = text + 1; *at && *at != ']'; numbers++) {
        char *end;
        if (floats)
            tensor->float_data[numbers] = strtof(at, &end);
        else
            tensor->int64_data[numbers] = strtoll(at, &end, 10);
        ck_assert_ptr_ne(at, end);
        at = *end == ',' ? end + 1 : end;
    }
    *(floats ? &tensor->n_float_data : &tensor->n_int64_data) = numbers;
    if (*text == '[') {
        tensor->n_dims = 1;
        tensor->dims = new (sizeof *tensor->dims);
        tensor->dims[0] = (int64_t)numbers;
    }
    return tensor;
}

static Onnx__AttributeProto *new_attribute(char *text)
{
    Onnx__AttributeProto *attribute = new (sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    char *value = strchr(text, '='), *end;
    *value++ = '\0';
    attribute->name = strdup(text);
    attribute->i = strtoll(value, &end, 10);
    attribute->has_i = !*end;
    if (end == value) {
        attribute->has_s = 1;
        attribute->s.data = (uint8_t *)strdup(value);
        attribute->s.len = strlen(value);
    }
    attribute->ints = new (strlen(value) * sizeof *attribute->ints);
    for (char *at = value; *end == ',' && *at; at = *end ? end + 1 : end)
        attribute->ints[attribute->n_ints++] = strtoll(at, &end, 10);
    return attribute;
}

Onnx__NodeProto *graph_text_node(Onnx__GraphProto *graph, char *statement)
{
    enum { MOST = 16 };
    char *rest = NULL;
    Onnx__NodeProto *node = new (sizeof *node);
    onnx__node_proto__init(node);
    node->output = new (sizeof *node->output);
    node->input = new (MOST * sizeof *node->input);
    node->attribute = new (MOST * sizeof *node->attribute);
    node->output[node->n_output++] = strdup(strtok_r(statement, " ", &rest));
    ck_assert_str_eq(strtok_r(NULL, " ", &rest), "=");
    node->op_type = strdup(strtok_r(NULL, " ", &rest));
    for (char *word; (word = strtok_r(NULL, " ", &rest));) {
        if (strchr(word, '=')) {
            node->attribute[node->n_attribute++] = new_attribute(word);
            continue;
        }
        node->input[node->n_input++] = strdup(strcmp(word, "-") == 0 ? "" : word);
        bool known = *word != '[' && *word != '#';
        for (size_t i = 0; i < graph->n_initializer; i++)
            known = known || strcmp(graph->initializer[i]->name, word) == 0;
        if (!known)
            graph->initializer[graph->n_initializer++] = graph_text_constant(word);
    }
    return node;
}

Onnx__ModelProto *graph_text_model(const char *text, int opset)
{
    enum { MOST = 64 };
    char *copy = strdup(text), *rest = NULL;
    Onnx__ModelProto *model = new (sizeof *model);
    onnx__model_proto__init(model);
    model->opset_import = new (sizeof *model->opset_import);
    model->opset_import[0] = new (sizeof **model->opset_import);
    model->n_opset_import = 1;
    onnx__operator_set_id_proto__init(model->opset_import[0]);
    model->opset_import[0]->has_version = 1;
    model->opset_import[0]->version = opset;
    Onnx__GraphProto *graph = model->graph = new (sizeof *graph);
    onnx__graph_proto__init(graph);
    graph->input = new (sizeof *graph->input);
    graph->input[graph->n_input++] = graph_text_value("x", 4, (const int64_t[]){0, 2, 4, 6});
    graph->node = new (MOST * sizeof *graph->node);
    graph->initializer = new (MOST * sizeof *graph->initializer);
    for (char *at = strtok_r(copy, ";", &rest); at; at = strtok_r(NULL, ";", &rest))
        graph->node[graph->n_node++] = graph_text_node(graph, at + strspn(at, " "));
    graph->output = new (sizeof *graph->output);
    graph->output[graph->n_output++] = graph_text_value(graph->node[graph->n_node - 1]->output[0], 0, NULL);
    free(copy);
    return model;
}

void graph_text_repeat(Onnx__ModelProto *model, const char *rest, size_t times)
{
    Onnx__GraphProto *graph = model->graph;
    graph->node = realloc(graph->node, (graph->n_node + times) * sizeof *graph->node);
    ck_assert_ptr_nonnull(graph->node);
    for (size_t i = 0; i < times; i++) {
        char statement[200];
        int length = snprintf(statement, sizeof statement, "y%zu = ", i + 1);
        snprintf(statement + length, sizeof statement - (size_t)length, rest, i);
        graph->node[graph->n_node++] = graph_text_node(graph, statement);
    }
    free(graph->output[0]->name);
    graph->output[0]->name = strdup(graph->node[graph->n_node - 1]->output[0]);
}
