/* ONNX files as others write them: networks exported from PyTorch and Keras against ONNX Runtime's recorded outputs
 * (tests/data/models/exported), and files that are damaged or mean harm. The latter are made here: from recorded models
 * that are changed, or from graphs written down as text. */
#include <glob.h>
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/kernels/variant.h"
#include "model/network.h"
#include "model/onnx/onnx.pb-c.h"
#include "support/suite.h"

#define MODELS WEFT_SOURCE_DIR "/tests/data/models/"

/* Memory that is allocated now, and the most since a moment: the linker leads weft's calls here. What the C library
 * allocates for itself is not seen. */

static long long allocated, most;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *pointer);

static void *count(void *pointer)
{
    allocated += (long long)malloc_usable_size(pointer);
    if (allocated > most)
        most = allocated;
    return pointer;
}

void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
    return count(__real_calloc(items, size));
}

void *__wrap_realloc(void *pointer, size_t size)
{
    allocated -= (long long)malloc_usable_size(pointer);
    return count(__real_realloc(pointer, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return count(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *pointer)
{
    allocated -= (long long)malloc_usable_size(pointer);
    __real_free(pointer);
}

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is missing", path);
    struct stat status;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

/* Networks that others exported. */

static void check_outputs(const char *base, const struct weft_variant *variant, size_t batch)
{
    char path[600];
    size_t input_size, output_size;
    struct weft_error err = {0};
    snprintf(path, sizeof path, "%s.onnx", base);
    struct weft_network *network = weft_network_load_for(path, variant, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_workspace *workspace = weft_workspace_new(network, batch, NULL);
    snprintf(path, sizeof path, "%s.input", base);
    float *input = (float *)(void *)read_all(path, &input_size);
    snprintf(path, sizeof path, "%s.output", base);
    float *expected = (float *)(void *)read_all(path, &output_size);
    size_t images = input_size / sizeof(float) / info->image_size;
    ck_assert_uint_gt(images, 0);
    ck_assert_uint_eq(input_size, images * info->image_size * sizeof(float));
    ck_assert_uint_eq(output_size, images * info->class_count * sizeof(float));
    float *output = malloc(output_size);
    weft_network_run_raw(network, workspace, input, images, output);
    for (size_t i = 0; i < images * info->class_count; i++)
        ck_assert_msg(fabsf(output[i] - expected[i]) <= 1e-4f, "%s, %s, in batches of %zu: [%zu] is %g, expected %g",
                      base, variant->name, batch, i, (double)output[i], (double)expected[i]);
    free(input);
    free(expected);
    free(output);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

/* All recorded ones whose name begins so, which are at least so many, with every kernel variant. */
static void check_exported(const char *prefix, size_t at_least)
{
    char pattern[600];
    glob_t found;
    snprintf(pattern, sizeof pattern, MODELS "exported/%s*.onnx", prefix);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, at_least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        *strrchr(found.gl_pathv[i], '.') = '\0';
        for (size_t k = 0; weft_variant_at(k); k++)
            for (size_t batch = 1; batch <= 3; batch += 2)
                check_outputs(found.gl_pathv[i], weft_variant_at(k), batch);
    }
    globfree(&found);
}

START_TEST(networks_of_pytorchs_tracing_exporter_equal_onnx_runtime)
{
    check_exported("torch-*-trace", 9);
}
END_TEST

START_TEST(networks_of_pytorchs_present_exporter_equal_onnx_runtime)
{
    check_exported("torch-*-dynamo", 6);
}
END_TEST

START_TEST(weights_in_a_file_beside_the_model_are_read)
{
    check_exported("torch-*-default", 1);
}
END_TEST

START_TEST(networks_of_keras_equal_onnx_runtime)
{
    check_exported("keras-", 6);
}
END_TEST

/* Files made here. */

static struct weft_network *load_bytes(const uint8_t *bytes, size_t size, struct weft_error *err)
{
    char path[64];
    int fd = memfd_create("model", 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *err = (struct weft_error){0};
    struct weft_network *network = weft_network_load(path, err);
    close(fd);
    return network;
}

/* Packs the model and loads that. */
static struct weft_network *load_model(const Onnx__ModelProto *model, struct weft_error *err)
{
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size);
    ck_assert_uint_eq(onnx__model_proto__pack(model, bytes), size);
    struct weft_network *network = load_bytes(bytes, size, err);
    free(bytes);
    return network;
}

/* One image, unless that is a long computation. */
static void run(const struct weft_network *network)
{
    const struct weft_network_info *info = weft_network_info(network);
    if (info->multiply_adds > 10000000 || info->workspace_bytes > 64 << 20)
        return;
    struct weft_workspace *workspace = weft_workspace_new(network, 1, NULL);
    uint8_t *image = calloc(1, info->image_size);
    float *probabilities = malloc(info->class_count * sizeof *probabilities);
    weft_network_run(network, workspace, (const uint8_t *[]){image}, 1, probabilities);
    free(image);
    free(probabilities);
    weft_workspace_destroy(workspace);
}

static void expect_refused(struct weft_network *network, const struct weft_error *err, const char *what,
                           const char *reason)
{
    ck_assert_msg(network == NULL, "'%s' was taken; expected: %s", what, reason);
    ck_assert_int_eq(err->class, WEFT_ERROR_CONFIG);
    ck_assert_msg(strstr(err->message, reason) != NULL, "'%s': '%s' does not say '%s'", what, err->message, reason);
    ck_assert_msg(strchr(err->message, '\n') == NULL, "more than a line: %s", err->message);
}

/* Takes the bytes for a file: it is refused with a word, or it runs. */
static bool take(const uint8_t *bytes, size_t size)
{
    struct weft_error err;
    struct weft_network *network = load_bytes(bytes, size, &err);
    ck_assert_msg(network || err.message[0], "refused without a word");
    if (network)
        run(network);
    weft_network_destroy(network);
    return network != NULL;
}

/* Graphs as text: statements "y = Type input... attribute=value", separated by "; ". An input in brackets is a
 * constant: [1,-1] of integers, [0.5] of floats, without brackets but # (#2, #0.5) a scalar. A value with a comma is a
 * list, one that is no number a text. The input x is (N, 2, 4, 6) of floats; the last statement gives the output. */

static void *new (size_t size)
{
    void *item = calloc(1, size);
    ck_assert_ptr_nonnull(item);
    return item;
}

static Onnx__ValueInfoProto *new_value(const char *name, size_t rank, const int64_t dims[])
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

static Onnx__TensorProto *new_constant(const char *text)
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

static Onnx__NodeProto *new_node(Onnx__GraphProto *graph, char *statement)
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
            graph->initializer[graph->n_initializer++] = new_constant(word);
    }
    return node;
}

static Onnx__ModelProto *new_model(const char *text, int opset)
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
    graph->input[graph->n_input++] = new_value("x", 4, (const int64_t[]){0, 2, 4, 6});
    graph->node = new (MOST * sizeof *graph->node);
    graph->initializer = new (MOST * sizeof *graph->initializer);
    for (char *at = strtok_r(copy, ";", &rest); at; at = strtok_r(NULL, ";", &rest))
        graph->node[graph->n_node++] = new_node(graph, at + strspn(at, " "));
    graph->output = new (sizeof *graph->output);
    graph->output[graph->n_output++] = new_value(graph->node[graph->n_node - 1]->output[0], 0, NULL);
    free(copy);
    return model;
}

/* reason is NULL where the graph must load, and then run. */
static void check_graph(const char *text, int opset, const char *reason)
{
    struct weft_error err;
    Onnx__ModelProto *model = new_model(text, opset);
    struct weft_network *network = load_model(model, &err);
    if (reason) {
        expect_refused(network, &err, text, reason);
    } else {
        ck_assert_msg(network != NULL, "'%s': %s", text, err.message);
        run(network);
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

static Onnx__ModelProto *unpack(const char *name)
{
    char path[600];
    size_t size;
    snprintf(path, sizeof path, MODELS "%s.onnx", name);
    uint8_t *bytes = read_all(path, &size);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    ck_assert_ptr_nonnull(model);
    free(bytes);
    return model;
}

static void check_changed(Onnx__ModelProto *model, const char *reason)
{
    struct weft_error err;
    expect_refused(load_model(model, &err), &err, "changed model", reason);
    onnx__model_proto__free_unpacked(model, NULL);
}

START_TEST(weights_that_are_not_as_their_shape_says_are_refused)
{
    Onnx__ModelProto *model = unpack("lenet");
    model->graph->initializer[0]->raw_data.len -= 4;
    check_changed(model, "tensor 'w0' does not hold the 150 numbers of its shape");
    model = unpack("lenet");
    model->graph->initializer[0]->raw_data.len = 0;
    check_changed(model, "tensor 'w0' does not hold the 150 numbers");
    model = unpack("lenet");
    model->graph->initializer[0]->dims[0] = 5;
    check_changed(model, "tensor 'w0' does not hold the 125 numbers");
    model = unpack("lenet");
    model->graph->initializer[0]->dims[2] = 0;
    check_changed(model, "tensor 'w0' is empty or has more than");
    model = unpack("lenet");
    model->graph->initializer[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
    check_changed(model, "tensor 'w0' is not of 32-bit floats; export the model with them");
    model = unpack("lenet");
    model->graph->initializer[0]->dims[0] = 1 << 29;
    check_changed(model, "tensor 'w0' is empty or has more than");
    model = unpack("residual");
    model->graph->initializer[0]->n_float_data--;
    check_changed(model, "does not hold the 216 numbers");
}
END_TEST

START_TEST(sparse_initializers_are_refused)
{
    Onnx__SparseTensorProto sparse = ONNX__SPARSE_TENSOR_PROTO__INIT, *all[] = {&sparse};
    Onnx__ModelProto *model = unpack("trivial");
    struct weft_error err;
    model->graph->sparse_initializer = all;
    model->graph->n_sparse_initializer = 1;
    expect_refused(load_model(model, &err), &err, "sparse", "it has sparse initializers");
    model->graph->sparse_initializer = NULL;
    model->graph->n_sparse_initializer = 0;
    onnx__model_proto__free_unpacked(model, NULL);
}
END_TEST

START_TEST(other_than_one_input_and_one_output_is_refused)
{
    Onnx__ModelProto *model = unpack("lenet");
    model->graph->input = realloc(model->graph->input, 2 * sizeof *model->graph->input);
    model->graph->input[model->graph->n_input++] = new_value("second", 2, (const int64_t[]){0, 3});
    check_changed(model, "it has several inputs ('image', 'second'); one is needed");
    model = unpack("lenet");
    model->graph->output = realloc(model->graph->output, 2 * sizeof *model->graph->output);
    model->graph->output[model->graph->n_output++] = new_value("relu1_out", 0, NULL);
    check_changed(model, "its graph has 2 outputs; one is needed");
    model = unpack("lenet");
    onnx__value_info_proto__free_unpacked(model->graph->output[--model->graph->n_output], NULL);
    check_changed(model, "its graph has 0 outputs; one is needed");
    model = unpack("lenet");
    model->graph->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
    check_changed(model, "input 'image' is not a tensor of 32-bit floats");
}
END_TEST

/* Says that the first weights of lenet lie in that file. */
static Onnx__ModelProto *external(const char *location, const char *offset, const char *length)
{
    const char *const texts[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    Onnx__ModelProto *model = unpack("lenet");
    Onnx__TensorProto *tensor = model->graph->initializer[0];
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tensor->external_data = new (3 * sizeof *tensor->external_data);
    for (size_t i = 0; i < 3; i++) {
        if (!texts[i][1])
            continue;
        Onnx__StringStringEntryProto *entry = new (sizeof *entry);
        onnx__string_string_entry_proto__init(entry);
        entry->key = strdup(texts[i][0]);
        entry->value = strdup(texts[i][1]);
        tensor->external_data[tensor->n_external_data++] = entry;
    }
    return model;
}

START_TEST(weights_anywhere_but_beside_the_model_are_refused)
{
    check_changed(external(NULL, NULL, NULL), "tensor 'w0' lies in another file, '', that is not beside the model");
    check_changed(external("/etc/passwd", NULL, NULL), "'/etc/passwd', that is not beside the model");
    check_changed(external("../weights", NULL, NULL), "'../weights', that is not beside the model");
    check_changed(external("..", NULL, NULL), "'..', that is not beside the model");
    check_changed(external("missing", NULL, NULL), "missing: cannot open it: No such file or directory");
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
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *packed = malloc(size);
    onnx__model_proto__pack(model, packed);
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
        expect_refused(network, &err, "weights beside it", reason);
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

START_TEST(a_file_cut_at_any_byte_is_refused_or_runs)
{
    size_t size, refused = 0;
    uint8_t *bytes = read_all(MODELS "trivial.onnx", &size);
    for (size_t cut = 0; cut < size; cut++)
        refused += !take(bytes, cut);
    ck_assert_uint_gt(refused, size / 2);
    free(bytes);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Changes a few bytes of the model, so many times. */
static void damage(const char *name, int times)
{
    char path[600];
    size_t size;
    uint32_t random = 20;
    int taken = 0;
    snprintf(path, sizeof path, MODELS "%s.onnx", name);
    uint8_t *bytes = read_all(path, &size), *changed = malloc(size);
    for (int i = 0; i < times; i++) {
        memcpy(changed, bytes, size);
        /* Graphs come first and weights, which take every bit, last: most of the damage goes where it matters. */
        size_t reach = i % 4 ? size : size < 1500 ? size : 1500;
        for (uint32_t k = 1 + next_random(&random) % 4; k > 0; k--) {
            uint32_t bits = next_random(&random);
            changed[next_random(&random) % reach] ^= (uint8_t)(bits & 1 ? 1u << (bits >> 1) % 8 : bits >> 4);
        }
        taken += take(changed, size);
    }
    ck_assert_int_gt(taken, 0);
    ck_assert_int_lt(taken, times);
    free(bytes);
    free(changed);
}

START_TEST(a_damaged_file_is_refused_or_runs)
{
    damage("trivial", 1500);
    damage("exported/keras-plain-export", 500);
    damage("exported/torch-plain-trace11raw", 500);
    damage("exported/torch-padded-trace11raw", 500);
}
END_TEST

/* What header files say that loading may allocate: model/onnx/onnx_file.h, model/onnx/graph.h. */

static void expect_allocated_below(const uint8_t *bytes, size_t size, const char *reason, size_t limit)
{
    struct weft_error err;
    long long before = allocated;
    most = allocated;
    struct weft_network *network = load_bytes(bytes, size, &err);
    expect_refused(network, &err, "file", reason);
    ck_assert_msg(most - before <= (long long)limit, "%lld bytes were allocated for %zu", most - before, size);
}

START_TEST(a_file_of_nothing_but_empty_messages_does_not_swell)
{
    enum { SIZE = 16 << 20 };
    uint8_t *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i += 2) {
        bytes[i] = 14 << 3 | 2; /* metadata_props, no bytes */
        bytes[i + 1] = 0;
    }
    expect_allocated_below(bytes, SIZE, "it is not an ONNX model, or it is damaged", 3 * (size_t)SIZE + (65 << 20));
    free(bytes);
}
END_TEST

/* The statement is repeated, with the last one's output as its input. */
static void check_repeated(const char *type_and_inputs, size_t times, const char *reason, size_t limit)
{
    Onnx__ModelProto *model = new_model("y0 = Identity x", 13);
    Onnx__GraphProto *graph = model->graph;
    graph->node = realloc(graph->node, (times + 1) * sizeof *graph->node);
    for (size_t i = 0; i < times; i++) {
        char statement[200];
        snprintf(statement, sizeof statement, "y%zu = ", i + 1);
        size_t length = strlen(statement);
        snprintf(statement + length, sizeof statement - length, type_and_inputs, i);
        graph->node[graph->n_node++] = new_node(graph, statement);
    }
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size);
    onnx__model_proto__pack(model, bytes);
    expect_allocated_below(bytes, size, reason, limit);
    free(bytes);
    onnx__model_proto__free_unpacked(model, NULL);
}

START_TEST(a_small_file_with_many_large_constants_does_not_swell)
{
    check_repeated("ConstantOfShape [1024,1024,15]", 4000, "its constants compute to more than 64 MiB", 130 << 20);
    check_repeated("Pad y%zu [0,0,300,300,0,0,300,300]", 4000, "is empty or has more than", 65 << 20);
    check_repeated("Relu y%zu", 4096, "more than 4096 nodes", 65 << 20);
}
END_TEST

START_TEST(a_node_with_very_many_inputs_is_refused)
{
    Onnx__ModelProto *model = new_model("y = Concat x axis=1", 13);
    Onnx__NodeProto *node = model->graph->node[0];
    node->input = realloc(node->input, 100000 * sizeof *node->input);
    while (node->n_input < 100000)
        node->input[node->n_input++] = strdup("x");
    check_changed(model, "node 0 (Concat): it and those before it have more than 32768 inputs");
}
END_TEST

START_TEST(weights_used_over_and_over_are_counted_each_time)
{
    enum { CHANNELS = 1024 };
    Onnx__ModelProto *model = new_model("y0 = ReduceMean x axes=2,3", 13);
    Onnx__GraphProto *graph = model->graph;
    Onnx__TensorProto *weights = graph->initializer[graph->n_initializer++] = new_constant("[0.5]");
    weights->dims = realloc(weights->dims, 4 * sizeof *weights->dims);
    for (size_t i = 0; i < 4; i++)
        weights->dims[i] = i < 2 ? CHANNELS : 1;
    weights->n_dims = 4;
    weights->n_float_data = CHANNELS * CHANNELS;
    weights->float_data = realloc(weights->float_data, weights->n_float_data * sizeof *weights->float_data);
    memset(weights->float_data, 0, weights->n_float_data * sizeof *weights->float_data);
    graph->input[0]->type->tensor_type->shape->dim[1]->dim_value = CHANNELS;
    graph->node = realloc(graph->node, 301 * sizeof *graph->node);
    for (size_t i = 0; i < 300; i++) {
        char statement[64];
        snprintf(statement, sizeof statement, "y%zu = Conv y%zu [0.5]", i + 1, i);
        graph->node[graph->n_node++] = new_node(graph, statement);
    }
    size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size);
    onnx__model_proto__pack(model, bytes);
    expect_allocated_below(bytes, size, "(Conv): it is too large", 3 * size + (65 << 20));
    free(bytes);
    onnx__model_proto__free_unpacked(model, NULL);
}
END_TEST

SUITE("onnx", TEST(networks_of_pytorchs_tracing_exporter_equal_onnx_runtime),
      TEST(networks_of_pytorchs_present_exporter_equal_onnx_runtime), TEST(weights_in_a_file_beside_the_model_are_read),
      TEST(networks_of_keras_equal_onnx_runtime), TEST(shapes_that_are_computed_in_the_graph_are_folded),
      TEST(what_would_mix_images_is_refused), TEST(arguments_out_of_range_are_refused),
      TEST(a_node_without_a_name_is_named_by_its_place), TEST(weights_that_are_not_as_their_shape_says_are_refused),
      TEST(sparse_initializers_are_refused), TEST(other_than_one_input_and_one_output_is_refused),
      TEST(weights_anywhere_but_beside_the_model_are_refused), TEST(weights_beside_the_model_must_be_all_there),
      TEST(a_file_cut_at_any_byte_is_refused_or_runs), TEST(a_damaged_file_is_refused_or_runs),
      TEST(a_file_of_nothing_but_empty_messages_does_not_swell),
      TEST(a_small_file_with_many_large_constants_does_not_swell), TEST(a_node_with_very_many_inputs_is_refused),
      TEST(weights_used_over_and_over_are_counted_each_time))
