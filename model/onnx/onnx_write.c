#include "model/onnx/onnx_write.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "model/onnx/onnx.pb-c.h"

enum { IR_VERSION = 8, OPSET = 13, ATTRIBUTES_MAX = 8 };

/* Memory that lives as long as the writer. */
struct block {
    struct block *next;
    max_align_t bytes[];
};

struct weft_onnx_writer {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[1];
    struct block *blocks;
    bool out_of_memory;
};

static void *keep(struct weft_onnx_writer *writer, size_t size)
{
    struct block *block = calloc(1, sizeof *block + size);
    if (!block) {
        writer->out_of_memory = true;
        return NULL;
    }
    block->next = writer->blocks;
    writer->blocks = block;
    return block->bytes;
}

static char *keep_text(struct weft_onnx_writer *writer, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = keep(writer, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* Adds item to a growing array of the messages; the arrays are freed with the writer. */
#define APPEND(writer, array, count, item)                                                                             \
    do {                                                                                                               \
        void *more = realloc((array), ((count) + 1) * sizeof *(array));                                                \
        if (more) {                                                                                                    \
            (array) = more;                                                                                            \
            (array)[(count)++] = (item);                                                                               \
        } else {                                                                                                       \
            (writer)->out_of_memory = true;                                                                            \
        }                                                                                                              \
    } while (0)

struct weft_onnx_writer *weft_onnx_writer_new(const char *graph_name)
{
    struct weft_onnx_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    onnx__model_proto__init(&writer->model);
    onnx__graph_proto__init(&writer->graph);
    onnx__operator_set_id_proto__init(&writer->opset);
    writer->opset.has_version = 1;
    writer->opset.version = OPSET;
    writer->opsets[0] = &writer->opset;
    writer->graph.name = keep_text(writer, graph_name);
    writer->model.has_ir_version = 1;
    writer->model.ir_version = IR_VERSION;
    writer->model.producer_name = keep_text(writer, "weft");
    writer->model.producer_version = keep_text(writer, WEFT_VERSION);
    writer->model.opset_import = writer->opsets;
    writer->model.n_opset_import = 1;
    writer->model.graph = &writer->graph;
    return writer;
}

void weft_onnx_writer_destroy(struct weft_onnx_writer *writer)
{
    if (!writer)
        return;
    free(writer->graph.node);
    free(writer->graph.initializer);
    free(writer->graph.input);
    free(writer->graph.output);
    free(writer->model.metadata_props);
    for (struct block *block = writer->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(writer);
}

/* Floats (N, dims...). */
static Onnx__ValueInfoProto *new_value(struct weft_onnx_writer *writer, const char *name, const size_t *dims,
                                       size_t rank)
{
    Onnx__ValueInfoProto *value = keep(writer, sizeof *value);
    Onnx__TypeProto *type = keep(writer, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = keep(writer, sizeof *tensor);
    Onnx__TensorShapeProto *shape = keep(writer, sizeof *shape);
    Onnx__TensorShapeProto__Dimension **all = keep(writer, (1 + rank) * sizeof *all);
    if (!value || !type || !tensor || !shape || !all)
        return NULL;
    for (size_t i = 0; i <= rank; i++) {
        all[i] = keep(writer, sizeof *all[i]);
        if (!all[i])
            return NULL;
        onnx__tensor_shape_proto__dimension__init(all[i]);
        if (i == 0) {
            all[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            all[i]->dim_param = keep_text(writer, "N");
        } else {
            all[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            all[i]->dim_value = (int64_t)dims[i - 1];
        }
    }
    onnx__value_info_proto__init(value);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    shape->dim = all;
    shape->n_dim = 1 + rank;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    value->name = keep_text(writer, name);
    value->type = type;
    return value;
}

void weft_onnx_writer_input(struct weft_onnx_writer *writer, const char *name, size_t channels, size_t height,
                            size_t width)
{
    Onnx__ValueInfoProto *value = new_value(writer, name, (const size_t[]){channels, height, width}, 3);
    if (value)
        APPEND(writer, writer->graph.input, writer->graph.n_input, value);
}

void weft_onnx_writer_output(struct weft_onnx_writer *writer, const char *name, size_t classes)
{
    Onnx__ValueInfoProto *value = new_value(writer, name, &classes, 1);
    if (value)
        APPEND(writer, writer->graph.output, writer->graph.n_output, value);
}

float *weft_onnx_writer_floats(struct weft_onnx_writer *writer, size_t count)
{
    return keep(writer, count * sizeof(float));
}

const char *weft_onnx_writer_tensor(struct weft_onnx_writer *writer, const char *layer, const char *role,
                                    const float *values, const int64_t *dims, size_t rank)
{
    Onnx__TensorProto *tensor = keep(writer, sizeof *tensor);
    int64_t *copy = keep(writer, rank * sizeof *copy);
    size_t name_size = strlen(layer) + 1 + strlen(role) + 1;
    char *name = keep(writer, name_size);
    if (!tensor || !copy || !name)
        return "";
    snprintf(name, name_size, "%s.%s", layer, role);
    onnx__tensor_proto__init(tensor);
    tensor->name = name;
    tensor->dims = copy;
    tensor->n_dims = rank;
    tensor->has_data_type = 1;
    tensor->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->n_float_data = 1;
    for (size_t i = 0; i < rank; i++) {
        copy[i] = dims[i];
        tensor->n_float_data *= (size_t)dims[i];
    }
    /* Packing only reads; the generated struct has no const. */
    tensor->float_data = (float *)(uintptr_t)values;
    APPEND(writer, writer->graph.initializer, writer->graph.n_initializer, tensor);
    return name;
}

void weft_onnx_writer_node(struct weft_onnx_writer *writer, const char *op_type, const char *name,
                           const char *const inputs[], size_t input_count, const char *output)
{
    Onnx__NodeProto *node = keep(writer, sizeof *node);
    char **input_names = keep(writer, input_count * sizeof *input_names);
    char **output_names = keep(writer, sizeof *output_names);
    Onnx__AttributeProto **attributes = keep(writer, ATTRIBUTES_MAX * sizeof *attributes);
    if (!node || !input_names || !output_names || !attributes)
        return;
    onnx__node_proto__init(node);
    for (size_t i = 0; i < input_count; i++)
        input_names[i] = keep_text(writer, inputs[i]);
    output_names[0] = keep_text(writer, output);
    node->op_type = keep_text(writer, op_type);
    node->name = keep_text(writer, name);
    node->input = input_names;
    node->n_input = input_count;
    node->output = output_names;
    node->n_output = 1;
    node->attribute = attributes;
    APPEND(writer, writer->graph.node, writer->graph.n_node, node);
}

static Onnx__AttributeProto *new_attribute(struct weft_onnx_writer *writer, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = keep(writer, sizeof *attribute);
    if (!attribute || writer->out_of_memory)
        return NULL;
    Onnx__NodeProto *node = writer->graph.node[writer->graph.n_node - 1];
    if (node->n_attribute == ATTRIBUTES_MAX)
        return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = keep_text(writer, name);
    attribute->has_type = 1;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void weft_onnx_writer_int(struct weft_onnx_writer *writer, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute = new_attribute(writer, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!attribute)
        return;
    attribute->has_i = 1;
    attribute->i = value;
}

void weft_onnx_writer_ints(struct weft_onnx_writer *writer, const char *name, const int64_t *values, size_t count)
{
    Onnx__AttributeProto *attribute = new_attribute(writer, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = keep(writer, count * sizeof *copy);
    if (!attribute || !copy)
        return;
    memcpy(copy, values, count * sizeof *copy);
    attribute->ints = copy;
    attribute->n_ints = count;
}

void weft_onnx_writer_metadata(struct weft_onnx_writer *writer, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = keep(writer, sizeof *entry);
    if (!entry)
        return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = keep_text(writer, key);
    entry->value = keep_text(writer, value);
    APPEND(writer, writer->model.metadata_props, writer->model.n_metadata_props, entry);
}

size_t weft_onnx_writer_tensors(const struct weft_onnx_writer *writer)
{
    return writer->graph.n_initializer;
}

struct weft_onnx_tensor weft_onnx_writer_tensor_at(const struct weft_onnx_writer *writer, size_t i)
{
    const Onnx__TensorProto *tensor = writer->graph.initializer[i];
    return (struct weft_onnx_tensor){.name = tensor->name,
                                     .dims = tensor->dims,
                                     .rank = tensor->n_dims,
                                     .size = tensor->n_float_data,
                                     .values = tensor->float_data};
}

int weft_onnx_writer_save(struct weft_onnx_writer *writer, const char *path, struct weft_error *err)
{
    if (writer->out_of_memory)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write the model", path);
    size_t size = onnx__model_proto__get_packed_size(&writer->model);
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write the model", path);
    onnx__model_proto__pack(&writer->model, bytes);
    int rc = weft_atomic_file_write(path, bytes, size, err);
    free(bytes);
    return rc;
}
