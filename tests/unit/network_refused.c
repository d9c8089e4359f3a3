/* Files of networks that must be refused. They are made here, from a recorded model that is unpacked, changed and
 * packed again. */
#include "model/network.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/models.h"
#include "support/suite.h"

static void refuse_bytes(const uint8_t *bytes, size_t size, const char *reason)
{
    struct weft_error err;
    struct weft_network *network = models_load_bytes(bytes, size, &err);
    models_expect_refused(network, &err, "bytes", reason);
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = strdup(with);
}

static Onnx__NodeProto *node_of(const Onnx__ModelProto *model, const char *type)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->op_type, type) == 0)
            return model->graph->node[i];
    ck_abort_msg("the model has no %s", type);
    return NULL;
}

static Onnx__AttributeProto *attribute_of(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    ck_abort_msg("the node has no %s", name);
    return NULL;
}

static void set_property(const Onnx__ModelProto *model, const char *key, const char *value)
{
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (strcmp(model->metadata_props[i]->key, key) == 0)
            replace(&model->metadata_props[i]->value, value);
}

START_TEST(a_file_that_is_not_there_is_named)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_network_load("/nowhere/lenet.onnx", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_str_eq(err.message, "model /nowhere/lenet.onnx: cannot open it: No such file or directory");
    ck_assert_ptr_null(weft_network_load("/", &err));
    ck_assert_str_eq(err.message, "model /: it is not a file");
}
END_TEST

START_TEST(what_is_not_onnx_is_refused)
{
    refuse_bytes((const uint8_t *)"", 0, "not an ONNX model");
    refuse_bytes((const uint8_t *)"<html>Not found</html>", 22, "not an ONNX model");
    refuse_bytes((const uint8_t *)"\x08\x07", 2, "not an ONNX model");
}
END_TEST

START_TEST(a_file_cut_short_anywhere_is_refused_without_a_crash)
{
    char path[512];
    size_t size;
    struct weft_error err;
    models_path(path, "residual", "onnx");
    uint8_t *bytes = models_read(path, &size);
    for (size_t cut = 0; cut < size - 64; cut += 1 + cut / 40) {
        struct weft_network *network = models_load_bytes(bytes, cut, &err);
        ck_assert_msg(network == NULL, "%zu of %zu bytes were taken for a model", cut, size);
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    }
    free(bytes);
}
END_TEST

/* A changed bit may leave a valid model; then it must run. */
static void flip_bits(const char *name, size_t step)
{
    char path[512];
    size_t size, refused = 0, taken = 0;
    struct weft_error err;
    models_path(path, name, "onnx");
    uint8_t *bytes = models_read(path, &size);
    for (size_t bit = 0; bit < 8 * size; bit += 1 + (bit * 7919) % step) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct weft_network *network = models_load_bytes(bytes, size, &err);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!network) {
            ck_assert_msg(err.message[0] != '\0', "bit %zu: refused without a word", bit);
            refused++;
            continue;
        }
        models_run(network);
        weft_network_destroy(network);
        taken++;
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(taken, 0);
    free(bytes);
}

START_TEST(no_flipped_bit_of_a_small_model_crashes)
{
    flip_bits("trivial", 3);
}
END_TEST

START_TEST(no_flipped_bit_of_a_large_model_crashes)
{
    flip_bits("mixed", 90);
    flip_bits("perceptron", 90);
    flip_bits("keras", 200);
}
END_TEST

START_TEST(an_operator_that_is_not_computed_is_named_with_its_node)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    replace(&node_of(model, "Relu")->op_type, "Erf");
    models_refuse(model, "node 'relu1' (Erf): weft does not compute this operator");
    model = models_unpack("lenet");
    replace(&node_of(model, "Relu")->domain, "com.example");
    models_refuse(model, "node 'relu1' (Relu): weft does not compute this operator");
}
END_TEST

START_TEST(a_missing_weight_is_named)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    replace(&model->graph->initializer[0]->name, "elsewhere");
    models_refuse(model, "node 'conv0' (Conv): its input 'w0' is given by no node and no initializer");
}
END_TEST

START_TEST(a_cycle_is_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    replace(&node_of(model, "Relu")->input[0], node_of(model, "MaxPool")->output[0]);
    models_refuse(model, "the graph has a cycle or is not in order");
}
END_TEST

START_TEST(a_tensor_given_twice_is_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    replace(&node_of(model, "Relu")->output[0], node_of(model, "Conv")->output[0]);
    models_refuse(model, "is given twice");
}
END_TEST

START_TEST(gigantic_dimensions_are_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->graph->initializer[0]->dims[0] = INT64_MAX;
    models_refuse(model, "tensor 'w0' is empty or has more than");
    model = models_unpack("lenet");
    model->graph->initializer[0]->dims[0] = -6;
    models_refuse(model, "tensor 'w0' is empty or has more than");
    model = models_unpack("lenet");
    model->graph->initializer[0]->dims[0] = 1 << 20;
    models_refuse(model, "does not hold the 26214400 numbers of its shape");
    model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->shape->dim[2]->dim_value = INT64_MAX;
    models_refuse(model, "input 'image': dimension 2 must be a fixed number");
    model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->shape->dim[2]->dim_value = 1 << 16;
    model->graph->input[0]->type->tensor_type->shape->dim[3]->dim_value = 1 << 16;
    models_refuse(model, "tensor 'image' is empty or has more than");
    model = models_unpack("lenet");
    for (int i = 0; i < 4; i++)
        attribute_of(node_of(model, "Conv"), "pads")->ints[i] = INT64_MAX;
    models_refuse(model, "attribute pads has 9223372036854775807");
    model = models_unpack("mixed");
    attribute_of(node_of(model, "Conv"), "strides")->ints[0] = 0;
    models_refuse(model, "attribute strides has 0");
}
END_TEST

START_TEST(weights_of_another_type_or_place_are_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->graph->initializer[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    models_refuse(model, "tensor 'w0' is not of 32-bit floats");
    model = models_unpack("lenet");
    model->graph->initializer[0]->has_data_location = 1;
    model->graph->initializer[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    models_refuse(model, "tensor 'w0' lies in another file");
    model = models_unpack("lenet");
    memset(model->graph->initializer[0]->raw_data.data, 0xff, 4);
    models_refuse(model, "tensor 'w0' holds a number that is not finite");
}
END_TEST

START_TEST(shapes_that_do_not_fit_are_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->shape->dim[2]->dim_value = 36;
    models_refuse(model, "(Gemm): weights of 2 dimensions");
    model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->shape->dim[1]->dim_value = 3;
    models_refuse(model, "node 'conv0' (Conv): weights (6, 1, 5, 5) do not fit 3 channels");
    model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->shape->n_dim = 1;
    Onnx__TensorShapeProto *shape = model->graph->input[0]->type->tensor_type->shape;
    for (size_t i = 1; i < 4; i++)
        protobuf_c_message_free_unpacked(&shape->dim[i]->base, NULL);
    models_refuse(model, "a batch of images is needed");
}
END_TEST

START_TEST(an_operator_set_out_of_range_is_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->opset_import[0]->version = 7;
    models_refuse(model, "its operator set is version 7; export it with one of 11 to 21");
    model = models_unpack("lenet");
    model->opset_import[0]->version = 99;
    models_refuse(model, "its operator set is version 99");
}
END_TEST

START_TEST(a_network_in_training_mode_is_refused)
{
    Onnx__ModelProto *model = models_unpack("residual");
    Onnx__AttributeProto *epsilon = attribute_of(node_of(model, "BatchNormalization"), "epsilon");
    replace(&epsilon->name, "training_mode");
    epsilon->has_f = 0;
    epsilon->has_i = 1;
    epsilon->i = 1;
    models_refuse(model, "it is in training mode");
}
END_TEST

START_TEST(metadata_that_contradicts_the_graph_is_refused)
{
    static const struct {
        const char *key, *value, *reason;
    } cases[] = {
        {"weft.labels", "[\"a\", \"b\"]", "weft.labels has 2 names, the network has 10 classes"},
        {"weft.labels", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "weft.labels: name 0 is not a text"},
        {"weft.labels", "[\"a\"", "weft.labels is not a JSON array"},
        {"weft.input.mean", "0.1, 0.2", "weft.input.mean is not 1 numbers"},
        {"weft.input.mean", "grey", "weft.input.mean is not 1 numbers"},
        {"weft.input.std", "0", "weft.input.std is not positive"},
        {"weft.input.std", "-1", "weft.input.std is not positive"},
        {"weft.accuracy", "93.1", "weft.accuracy is not a fraction"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Onnx__ModelProto *model = models_unpack("lenet");
        set_property(model, cases[i].key, cases[i].value);
        models_refuse(model, cases[i].reason);
    }
}
END_TEST

START_TEST(names_in_an_error_cannot_steer_a_terminal)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    replace(&node_of(model, "Relu")->op_type, "\x1b[2J\n");
    models_refuse(model, "(?[2J?)");
}
END_TEST

SUITE("network_refused", TEST(a_file_that_is_not_there_is_named), TEST(what_is_not_onnx_is_refused),
      TEST(a_file_cut_short_anywhere_is_refused_without_a_crash), TEST(no_flipped_bit_of_a_small_model_crashes),
      TEST(no_flipped_bit_of_a_large_model_crashes), TEST(an_operator_that_is_not_computed_is_named_with_its_node),
      TEST(a_missing_weight_is_named), TEST(a_cycle_is_refused), TEST(a_tensor_given_twice_is_refused),
      TEST(gigantic_dimensions_are_refused), TEST(weights_of_another_type_or_place_are_refused),
      TEST(shapes_that_do_not_fit_are_refused), TEST(an_operator_set_out_of_range_is_refused),
      TEST(a_network_in_training_mode_is_refused), TEST(metadata_that_contradicts_the_graph_is_refused),
      TEST(names_in_an_error_cannot_steer_a_terminal))
