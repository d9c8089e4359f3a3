/* Whole networks: against ONNX Runtime's recorded outputs (tests/data/models), and files that must be refused. The
 * latter are made here, from a recorded model that is unpacked, changed and packed again. */
#include "model/network.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/kernels/variant.h"
#include "support/models.h"
#include "support/suite.h"

enum { IMAGES = 3 };

static struct weft_network *load_for(const char *name, const struct weft_variant *variant)
{
    char path[512];
    struct weft_error err = {0};
    models_path(path, name, "onnx");
    struct weft_network *network = weft_network_load_for(path, variant, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    return network;
}

static struct weft_network *load(const char *name)
{
    return load_for(name, weft_variant_best());
}

static struct weft_workspace *workspace_for(const struct weft_network *network, size_t batch)
{
    struct weft_workspace *workspace = weft_workspace_new(network, batch, NULL);
    ck_assert_ptr_nonnull(workspace);
    return workspace;
}

/* Runs the recorded input in batches of so many images. */
static void check_recorded(const char *name, const struct weft_variant *variant, size_t batch)
{
    char path[512];
    size_t input_size, output_size;
    struct weft_network *network = load_for(name, variant);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = workspace_for(network, batch);
    models_path(path, name, "input");
    float *input = (float *)(void *)models_read(path, &input_size);
    models_path(path, name, "output");
    float *expected = (float *)(void *)models_read(path, &output_size);
    ck_assert_uint_eq(input_size, IMAGES * info->image_size * sizeof(float));
    ck_assert_uint_eq(output_size, IMAGES * info->class_count * sizeof(float));
    float *output = malloc(output_size);
    for (size_t from = 0, n; from < IMAGES; from += n) {
        n = IMAGES - from < batch ? IMAGES - from : batch;
        weft_network_run_raw(network, workspace, input + from * info->image_size, n, output + from * info->class_count);
    }
    for (size_t i = 0; i < IMAGES * info->class_count; i++)
        ck_assert_msg(fabsf(output[i] - expected[i]) <= 1e-4f, "%s by %s in batches of %zu: [%zu] is %g, expected %g",
                      name, variant->name, batch, i, (double)output[i], (double)expected[i]);
    free(input);
    free(expected);
    free(output);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

static void check_recorded_in_batches(const char *name)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++)
        for (size_t batch = 1; batch <= IMAGES; batch++)
            check_recorded(name, variant, batch);
}

START_TEST(lenet_equals_onnx_runtime)
{
    check_recorded_in_batches("lenet");
}
END_TEST

START_TEST(a_residual_network_with_batch_norms_equals_onnx_runtime)
{
    check_recorded_in_batches("residual");
}
END_TEST

START_TEST(a_network_with_many_channels_equals_onnx_runtime)
{
    check_recorded_in_batches("wide");
}
END_TEST

START_TEST(a_mixture_of_all_other_operators_equals_onnx_runtime)
{
    check_recorded_in_batches("mixed");
}
END_TEST

START_TEST(a_network_with_channels_last_equals_onnx_runtime)
{
    check_recorded_in_batches("keras");
}
END_TEST

START_TEST(a_perceptron_exported_for_one_image_equals_onnx_runtime)
{
    check_recorded_in_batches("perceptron");
}
END_TEST

START_TEST(the_trivial_network_equals_onnx_runtime)
{
    check_recorded_in_batches("trivial");
}
END_TEST

/* Bytes in, probabilities out, against the same network run on floats normalised here. */
static void check_bytes(const char *name, size_t n, const float *mean, const float *deviation, bool channels_last,
                        bool logits)
{
    struct weft_network *network = load(name);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = workspace_for(network, n);
    size_t plane = info->height * info->width, size = info->image_size, classes = info->class_count;
    uint8_t *bytes = malloc(n * size);
    const uint8_t **images = malloc(n * sizeof *images);
    float *floats = malloc(n * size * sizeof *floats), *raw = malloc(n * classes * sizeof *raw);
    float *probabilities = malloc(n * classes * sizeof *probabilities);
    for (size_t i = 0; i < n * size; i++) {
        size_t image = i / size, c = i % size / plane, pixel = i % plane;
        bytes[i] = (uint8_t)(i * 37 + i / 251);
        size_t to = channels_last ? image * size + pixel * info->channels + c : i;
        floats[to] = ((float)bytes[i] / 255 - mean[c]) / deviation[c];
    }
    for (size_t i = 0; i < n; i++)
        images[i] = bytes + i * size;
    weft_network_run(network, workspace, images, n, probabilities);
    weft_network_run_raw(network, workspace, floats, n, raw);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += logits ? exp(raw[i * classes + k]) : raw[i * classes + k];
        for (size_t k = 0; k < classes; k++) {
            double x = raw[i * classes + k], expected = logits ? exp(x) / sum : x;
            ck_assert_msg(fabs(probabilities[i * classes + k] - expected) <= 1e-5, "%s, image %zu, class %zu", name, i,
                          k);
        }
    }
    free(bytes);
    free(images);
    free(floats);
    free(raw);
    free(probabilities);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

START_TEST(bytes_are_normalised_and_logits_become_probabilities)
{
    check_bytes("lenet", 5, (float[]){0.286f}, (float[]){0.353f}, false, true);
}
END_TEST

START_TEST(each_channel_has_its_own_normalisation)
{
    check_bytes("residual", 3, (float[]){0.4f, 0.5f, 0.6f}, (float[]){0.2f, 0.25f, 0.3f}, false, false);
}
END_TEST

START_TEST(bytes_by_channel_reach_a_network_with_channels_last)
{
    check_bytes("keras", 2, (float[]){0, 0, 0}, (float[]){1, 1, 1}, true, false);
}
END_TEST

START_TEST(a_batch_larger_than_a_tile_goes_through_in_pieces)
{
    check_bytes("lenet", 101, (float[]){0.286f}, (float[]){0.353f}, false, true);
}
END_TEST

START_TEST(the_file_says_what_it_is)
{
    struct weft_network *network = load("lenet");
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "lenet-test");
    ck_assert_str_eq(info->version, "3");
    ck_assert_str_eq(info->dataset, "none");
    ck_assert_double_eq_tol(info->accuracy, 0.125, 1e-9);
    ck_assert_uint_eq(info->channels, 1);
    ck_assert_uint_eq(info->height, 28);
    ck_assert_uint_eq(info->width, 28);
    ck_assert_uint_eq(info->class_count, 10);
    ck_assert_str_eq(info->labels[0], "T-shirt/top");
    ck_assert_str_eq(info->labels[9], "Ankle boot");
    ck_assert_uint_eq(info->parameter_count, 156 + 2416 + 12030 + 310);
    ck_assert_uint_eq(info->multiply_adds, 117600 + 240000 + 12000 + 300);
    ck_assert_uint_eq(strlen(info->sha256), 64);
    weft_network_destroy(network);
}
END_TEST

START_TEST(a_file_without_metadata_gets_its_own_name_and_numbered_labels)
{
    struct weft_network *network = load("keras");
    const struct weft_network_info *info = weft_network_info(network);
    ck_assert_str_eq(info->name, "keras");
    ck_assert_str_eq(info->version, "");
    ck_assert_str_eq(info->labels[3], "3");
    ck_assert(info->accuracy < 0);
    ck_assert_uint_eq(info->channels, 3);
    ck_assert_uint_eq(info->height, 12);
    ck_assert_uint_eq(info->width, 10);
    weft_network_destroy(network);
}
END_TEST

START_TEST(the_digest_is_that_of_the_file)
{
    char path[512], command[600], sum[65] = "";
    struct weft_network *network = load("trivial");
    models_path(path, "trivial", "onnx");
    snprintf(command, sizeof command, "sha256sum '%s'", path);
    FILE *out = popen(command, "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%64s", sum), 1);
    pclose(out);
    ck_assert_str_eq(weft_network_info(network)->sha256, sum);
    weft_network_destroy(network);
}
END_TEST

/* Files that must be refused. */

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

SUITE("network", TEST(lenet_equals_onnx_runtime), TEST(a_residual_network_with_batch_norms_equals_onnx_runtime),
      TEST(a_network_with_many_channels_equals_onnx_runtime),
      TEST(a_mixture_of_all_other_operators_equals_onnx_runtime),
      TEST(a_network_with_channels_last_equals_onnx_runtime),
      TEST(a_perceptron_exported_for_one_image_equals_onnx_runtime), TEST(the_trivial_network_equals_onnx_runtime),
      TEST(bytes_are_normalised_and_logits_become_probabilities), TEST(each_channel_has_its_own_normalisation),
      TEST(bytes_by_channel_reach_a_network_with_channels_last),
      TEST(a_batch_larger_than_a_tile_goes_through_in_pieces), TEST(the_file_says_what_it_is),
      TEST(a_file_without_metadata_gets_its_own_name_and_numbered_labels), TEST(the_digest_is_that_of_the_file),
      TEST(a_file_that_is_not_there_is_named), TEST(what_is_not_onnx_is_refused),
      TEST(a_file_cut_short_anywhere_is_refused_without_a_crash), TEST(no_flipped_bit_of_a_small_model_crashes),
      TEST(no_flipped_bit_of_a_large_model_crashes), TEST(an_operator_that_is_not_computed_is_named_with_its_node),
      TEST(a_missing_weight_is_named), TEST(a_cycle_is_refused), TEST(a_tensor_given_twice_is_refused),
      TEST(gigantic_dimensions_are_refused), TEST(weights_of_another_type_or_place_are_refused),
      TEST(shapes_that_do_not_fit_are_refused), TEST(an_operator_set_out_of_range_is_refused),
      TEST(a_network_in_training_mode_is_refused), TEST(metadata_that_contradicts_the_graph_is_refused),
      TEST(names_in_an_error_cannot_steer_a_terminal))
