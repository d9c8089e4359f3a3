/* What weft takes of ONNX and what it refuses: graphs written down as text, and recorded models that are changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/network.h"
#include "support/graph_text.h"
#include "support/models.h"
#include "support/suite.h"

/* reason is NULL where the graph must load, and then run. */
static void check_graph(const char *text, int opset, const char *reason)
{
    struct weft_error err;
    Onnx__ModelProto *model = graph_text_model(text, opset);
    struct weft_network *network = models_load(model, &err);
    if (reason) {
        models_expect_refused(network, &err, text, reason);
    } else {
        ck_assert_msg(network != NULL, "'%s': %s", text, err.message);
        models_run(network);
        weft_network_destroy(network);
    }
    onnx__model_proto__free_unpacked(model, NULL);
}

START_TEST(shapes_that_are_computed_in_the_graph_are_folded)
{
    static const char *const texts[] = {
        "s = Shape x; n = Gather s #0; m = Unsqueeze n [0]; t = Concat m [-1] axis=0; y = Reshape x t",
        "s = Shape x start=0 end=1; t = Concat s [48] axis=0; y = Reshape x t",
        "s = Shape x; a = Cast s to=6; b = Slice a [0] [1]; c = Cast b to=7; t = Concat c [-1] axis=0; y = Reshape x t",
        "s = Shape x; f = Cast s to=1; g = Slice f [0] [1]; c = Cast g to=7; t = Concat c [48] axis=0; y = Reshape x t",
        "s = Shape x; h = Slice s [2] [9223372036854775807]; k = Mul h [2,2]; d = Div k [2,2]; e = Sub d [1,1]; "
        "f = Add e [1,1]; t = Concat [0,2] f axis=0; r = Reshape x t; y = ReduceMean r axes=2,3 keepdims=0",
        "o = ConstantOfShape [1]; s = Cast o to=7; t = Concat [0] s [48,1] axis=0; u = Slice t [3] "
        "[-9223372036854775807] [0] [-1]; "
        "v = Reshape u [2,2]; w = Transpose v perm=1,0; z = Gather w #1; q = Squeeze [0]; y = Flatten x",
        "i = Identity [0,-1]; y = Reshape x i",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_graph(texts[i], 13 + (strstr(texts[i], "start=") ? 2 : 0), NULL);
}
END_TEST

START_TEST(what_would_mix_images_is_refused)
{
    check_graph("y = Reshape x [-1]", 13, "does not keep the 48 numbers of an image together");
    check_graph("y = Reshape x [1,-1]", 13, "node 0 (Reshape): its target does not keep the 48 numbers of an image");
    check_graph("y = Reshape x [-1,24]", 13, "does not keep the 48 numbers of an image");
    check_graph("y = Transpose x perm=1,0,2,3", 13, "leave the batch in front");
    check_graph("y = Transpose x", 13, "leave the batch in front");
    check_graph("y = Flatten x axis=2", 13, "axis 2 would mix the images");
    check_graph("y = ReduceMean x axes=0,1 keepdims=0", 13, "only neighbouring dimensions within an image");
    check_graph("y = ReduceMean x axes=1,3", 13, "only neighbouring dimensions");
    check_graph("y = ReduceMean x", 13, "not all of them");
    check_graph("y = Slice x [0] [1] [0]", 13, "it cuts the batch");
    check_graph("y = Unsqueeze x [0]", 13, "before that of the batch");
    check_graph("y = Pad x [1,0,0,0,0,0,0,0]", 13, "it pads the batch");
    check_graph("z = Concat x x axis=0; y = Flatten z", 13, "its axis is not one within an image");
    check_graph("y = Softmax x axis=1", 13, "axis 1 does not take in all numbers");
    check_graph("s = Shape x; t = Mul s [2,1,1,1]; y = Reshape x t", 13, "computes with the number of images");
    check_graph("s = Shape x; z = ConstantOfShape s; y = Add x z", 13, "depends on the number of images");
}
END_TEST

START_TEST(arguments_out_of_range_are_refused)
{
    check_graph("y = Reshape x [0,7,-1]", 13, "does not keep the 48 numbers");
    check_graph("y = Reshape x [0,-1,-1]", 13, "dimension 2 of its target is -1");
    check_graph("y = Reshape x [0,9223372036854775807,9223372036854775807]", 13, "dimension 1 of its target is 92");
    check_graph("y = Reshape x [0,1,1,1,1,1,1,48]", 13, "its target has 8 dimensions");
    check_graph("y = Reshape x [0.5,1.0]", 13, "does not hold 2 integers");
    check_graph("g = Gather [1,2] #2; y = Flatten x", 13, "its index 2 is not within 2");
    check_graph("g = Gather [1,2] #0 axis=1; y = Flatten x", 13, "its axis or its shapes do not fit");
    check_graph("g = Gather x #0; y = Flatten g", 13, "input 'x' is not a constant");
    check_graph("g = Div [1] [0]; y = Flatten x", 13, "it divides by zero");
    check_graph("g = Mul [9223372036854775807] [2]; y = Flatten x", 13, "not a number of 64 bits");
    check_graph("g = Add [1,2] [1,2,3]; y = Flatten x", 13, "do not fit each other");
    check_graph("g = Cast [1.5e30] to=7; y = Flatten x", 13, "is not a number of 64 bits");
    check_graph("g = Cast x to=10; y = Flatten g", 13, "casts to data type 10");
    check_graph("y = Div x [0.0]", 13, "holds zero");
    check_graph("y = Div [1.0] x", 13, "division by data");
    check_graph("y = Mul x x", 13, "only with a constant");
    check_graph("y = Add x [1.0,2.0]", 13, "does not fit the shape of its data");
    check_graph("y = Slice x [0] [2] [1] [0]", 13, "its step is 0");
    check_graph("y = Slice x [0] [2] [7]", 13, "its axes are not those of 4 dimensions");
    check_graph("y = Slice x [0,0] [2,2] [2,2]", 13, "its axes are not those of 4 dimensions");
    check_graph("y = Slice x [3] [1] [2]", 13, "empty");
    check_graph("y = Slice x [0] [1,2] [2]", 13, "differ in length");
    check_graph("y = Squeeze x [1]", 13, "is not 1");
    check_graph("y = Unsqueeze x [9]", 13, "axis 9 is named twice or not within 5");
    check_graph("y = Unsqueeze x [1,1]", 13, "axis 1 is named twice");
    check_graph("y = Pad x [0,0,-1,0,0,0,0,0]", 13, "a padding of -1");
    check_graph("y = Pad x [0,0,65536,65536,0,0,65536,65536]", 13, "is empty or has more than");
    check_graph("y = Pad x [0,0,0]", 13, "3 paddings do not fit 4 dimensions");
    check_graph("y = Pad x [0,0,1,1,0,0,1,1] mode=reflect", 13, "only padding with a constant");
    check_graph("y = MaxPool x kernel_shape=2,2 dilations=2,2", 13, "dilated pooling");
    check_graph("y = MaxPool x", 13, "kernel_shape is missing");
    check_graph("y = MaxPool x kernel_shape=9,9", 13, "its kernel reaches over 9");
    check_graph("y = MaxPool x kernel_shape=0,2", 13, "not within 1..");
    check_graph("y = MaxPool x kernel_shape=65536,65536 dilations=65536,65536", 13, "its kernel reaches over");
    check_graph("y = MaxPool x kernel_shape=2,2 pads=2,0,0,0", 13, "not smaller than the kernel's reach");
    check_graph("y = MaxPool x kernel_shape=2,2 auto_pad=SAME", 13, "auto_pad has an unknown value");
    check_graph("y = Concat x axis=7", 13, "its axis is not one");
    check_graph("y = Concat x", 13, "attribute axis is missing");
    check_graph("y = Max x", 13, "input 1 is missing");
    check_graph("y = Clip x [0.0,1.0]", 13, "is not a single number");
    check_graph("y = Identity x", 13, "is not one number for each of at most");
    check_graph("y = Identity [1.0]", 13, "does not depend on its input");
}
END_TEST

START_TEST(a_node_without_a_name_is_named_by_its_place)
{
    check_graph("z = Relu x; y = Erf z", 13, "node 1 (Erf): weft does not compute this operator; docs/models.md");
}
END_TEST

START_TEST(weights_that_are_not_as_their_shape_says_are_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->graph->initializer[0]->raw_data.len -= 4;
    models_refuse(model, "tensor 'w0' does not hold the 150 numbers of its shape");
    model = models_unpack("lenet");
    model->graph->initializer[0]->raw_data.len = 0;
    models_refuse(model, "tensor 'w0' does not hold the 150 numbers");
    model = models_unpack("lenet");
    model->graph->initializer[0]->dims[0] = 5;
    models_refuse(model, "tensor 'w0' does not hold the 125 numbers");
    model = models_unpack("lenet");
    model->graph->initializer[0]->dims[2] = 0;
    models_refuse(model, "tensor 'w0' is empty or has more than");
    model = models_unpack("lenet");
    model->graph->initializer[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
    models_refuse(model, "tensor 'w0' is not of 32-bit floats; export the model with them");
    model = models_unpack("lenet");
    model->graph->initializer[0]->dims[0] = 1 << 29;
    models_refuse(model, "tensor 'w0' is empty or has more than");
    model = models_unpack("residual");
    model->graph->initializer[0]->n_float_data--;
    models_refuse(model, "does not hold the 216 numbers");
}
END_TEST

START_TEST(sparse_initializers_are_refused)
{
    Onnx__SparseTensorProto sparse = ONNX__SPARSE_TENSOR_PROTO__INIT, *all[] = {&sparse};
    Onnx__ModelProto *model = models_unpack("trivial");
    struct weft_error err;
    model->graph->sparse_initializer = all;
    model->graph->n_sparse_initializer = 1;
    models_expect_refused(models_load(model, &err), &err, "sparse", "it has sparse initializers");
    model->graph->sparse_initializer = NULL;
    model->graph->n_sparse_initializer = 0;
    onnx__model_proto__free_unpacked(model, NULL);
}
END_TEST

START_TEST(other_than_one_input_and_one_output_is_refused)
{
    Onnx__ModelProto *model = models_unpack("lenet");
    model->graph->input = realloc(model->graph->input, 2 * sizeof *model->graph->input);
    model->graph->input[model->graph->n_input++] = graph_text_value("second", 2, (const int64_t[]){0, 3});
    models_refuse(model, "it has several inputs ('image', 'second'); one is needed");
    model = models_unpack("lenet");
    model->graph->output = realloc(model->graph->output, 2 * sizeof *model->graph->output);
    model->graph->output[model->graph->n_output++] = graph_text_value("relu1_out", 0, NULL);
    models_refuse(model, "its graph has 2 outputs; one is needed");
    model = models_unpack("lenet");
    onnx__value_info_proto__free_unpacked(model->graph->output[--model->graph->n_output], NULL);
    models_refuse(model, "its graph has 0 outputs; one is needed");
    model = models_unpack("lenet");
    model->graph->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
    models_refuse(model, "input 'image' is not a tensor of 32-bit floats");
}
END_TEST

/* Says that the first weights of lenet lie in that file. */
static Onnx__ModelProto *external(const char *location, const char *offset, const char *length)
{
    const char *const texts[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    Onnx__ModelProto *model = models_unpack("lenet");
    Onnx__TensorProto *tensor = model->graph->initializer[0];
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tensor->external_data = calloc(3, sizeof *tensor->external_data);
    for (size_t i = 0; i < 3; i++) {
        if (!texts[i][1])
            continue;
        Onnx__StringStringEntryProto *entry = malloc(sizeof *entry);
        onnx__string_string_entry_proto__init(entry);
        entry->key = strdup(texts[i][0]);
        entry->value = strdup(texts[i][1]);
        tensor->external_data[tensor->n_external_data++] = entry;
    }
    return model;
}

START_TEST(weights_anywhere_but_beside_the_model_are_refused)
{
    models_refuse(external(NULL, NULL, NULL), "tensor 'w0' lies in another file, '', that is not beside the model");
    models_refuse(external("/etc/passwd", NULL, NULL), "'/etc/passwd', that is not beside the model");
    models_refuse(external("../weights", NULL, NULL), "'../weights', that is not beside the model");
    models_refuse(external("..", NULL, NULL), "'..', that is not beside the model");
    models_refuse(external("missing", NULL, NULL), "missing: cannot open it: No such file or directory");
}
END_TEST

/* Loads the model from a folder of its own, with a file of so many bytes beside it. */
static void check_beside(Onnx__ModelProto *model, size_t bytes, const char *reason)
{
    char folder[] = "/tmp/weft-onnx-XXXXXX", path[64], weights[64];
    struct weft_error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    snprintf(weights, sizeof weights, "%s/weights", folder);
    size_t size;
    uint8_t *packed = models_pack(model, &size);
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(packed, 1, size, file), size);
    fclose(file);
    file = fopen(weights, "wb");
    for (size_t i = 0; i < bytes; i++)
        fputc(0, file);
    fclose(file);
    struct weft_network *network = weft_network_load(path, &err);
    unlink(path);
    unlink(weights);
    rmdir(folder);
    if (reason)
        models_expect_refused(network, &err, "weights beside it", reason);
    else
        ck_assert_msg(network != NULL, "%s", err.message);
    weft_network_destroy(network);
    free(packed);
    onnx__model_proto__free_unpacked(model, NULL);
}

START_TEST(weights_beside_the_model_must_be_all_there)
{
    check_beside(external("weights", "8", "600"), 608, NULL);
    check_beside(external("weights", NULL, NULL), 600, NULL);
    check_beside(external("weights", "9", "600"), 608, "weights: it has only 608 bytes");
    check_beside(external("weights", "609", NULL), 608, "weights: it has only 608 bytes");
    check_beside(external("weights", "8", "596"), 608, "tensor 'w0' does not hold the 150 numbers");
    check_beside(external("weights", "-8", "600"), 608, "weights: it has only");
    check_beside(external("weights", "18446744073709551615", "600"), 608, "weights: it has only");
    check_beside(external("weights", "99999999999999999999", "600"), 608, "weights: it has only");
}
END_TEST

SUITE("onnx", TEST(shapes_that_are_computed_in_the_graph_are_folded), TEST(what_would_mix_images_is_refused),
      TEST(arguments_out_of_range_are_refused), TEST(a_node_without_a_name_is_named_by_its_place),
      TEST(weights_that_are_not_as_their_shape_says_are_refused), TEST(sparse_initializers_are_refused),
      TEST(other_than_one_input_and_one_output_is_refused), TEST(weights_anywhere_but_beside_the_model_are_refused),
      TEST(weights_beside_the_model_must_be_all_there))
