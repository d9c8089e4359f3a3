/* ONNX files that are damaged or mean harm: they are refused or run, in bounded memory and time. */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/network.h"
#include "support/graph_text.h"
#include "support/models.h"
#include "support/suite.h"

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

/* Takes the bytes for a file: it is refused with a word, or it runs. */
static bool take(const uint8_t *bytes, size_t size)
{
    struct weft_error err;
    struct weft_network *network = models_load_bytes(bytes, size, &err);
    ck_assert_msg(network || err.message[0], "refused without a word");
    if (network)
        models_run(network);
    weft_network_destroy(network);
    return network != NULL;
}

START_TEST(a_file_cut_at_any_byte_is_refused_or_runs)
{
    char path[512];
    size_t size, refused = 0;
    models_path(path, "trivial", "onnx");
    uint8_t *bytes = models_read(path, &size);
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
    char path[512];
    size_t size;
    uint32_t random = 20;
    int taken = 0;
    models_path(path, name, "onnx");
    uint8_t *bytes = models_read(path, &size), *changed = malloc(size);
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
    struct weft_network *network = models_load_bytes(bytes, size, &err);
    models_expect_refused(network, &err, "file", reason);
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

static void check_model_allocates_below(Onnx__ModelProto *model, const char *reason, size_t limit)
{
    size_t size;
    uint8_t *bytes = models_pack(model, &size);
    expect_allocated_below(bytes, size, reason, limit);
    free(bytes);
    onnx__model_proto__free_unpacked(model, NULL);
}

static void check_repeated(const char *rest, size_t times, const char *reason, size_t limit)
{
    Onnx__ModelProto *model = graph_text_model("y0 = Identity x", 13);
    graph_text_repeat(model, rest, times);
    check_model_allocates_below(model, reason, limit);
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
    Onnx__ModelProto *model = graph_text_model("y = Concat x axis=1", 13);
    Onnx__NodeProto *node = model->graph->node[0];
    node->input = realloc(node->input, 100000 * sizeof *node->input);
    while (node->n_input < 100000)
        node->input[node->n_input++] = strdup("x");
    models_refuse(model, "node 0 (Concat): it and those before it have more than 32768 inputs");
}
END_TEST

START_TEST(weights_used_over_and_over_are_counted_each_time)
{
    enum { CHANNELS = 1024 };
    Onnx__ModelProto *model = graph_text_model("y0 = ReduceMean x axes=2,3", 13);
    Onnx__GraphProto *graph = model->graph;
    Onnx__TensorProto *weights = graph->initializer[graph->n_initializer++] = graph_text_constant("[0.5]");
    weights->dims = realloc(weights->dims, 4 * sizeof *weights->dims);
    for (size_t i = 0; i < 4; i++)
        weights->dims[i] = i < 2 ? CHANNELS : 1;
    weights->n_dims = 4;
    weights->n_float_data = CHANNELS * CHANNELS;
    weights->float_data = realloc(weights->float_data, weights->n_float_data * sizeof *weights->float_data);
    memset(weights->float_data, 0, weights->n_float_data * sizeof *weights->float_data);
    graph->input[0]->type->tensor_type->shape->dim[1]->dim_value = CHANNELS;
    graph_text_repeat(model, "Conv y%zu [0.5]", 300);
    check_model_allocates_below(model, "(Conv): it is too large",
                                3 * onnx__model_proto__get_packed_size(model) + (65 << 20));
}
END_TEST

/* To look at all its numbers for each of them would take minutes, and the test's time. */
START_TEST(a_large_constant_that_thousands_of_nodes_cut_is_not_gone_through_each_time)
{
    Onnx__ModelProto *model = graph_text_model("c = ConstantOfShape [15000000]", 13);
    graph_text_repeat(model, "Slice c [0] [1]", 4000);
    models_refuse(model, "does not depend on its input");
}
END_TEST

SUITE("onnx_hostile", TEST(a_file_cut_at_any_byte_is_refused_or_runs), TEST(a_damaged_file_is_refused_or_runs),
      TEST(a_file_of_nothing_but_empty_messages_does_not_swell),
      TEST(a_small_file_with_many_large_constants_does_not_swell), TEST(a_node_with_very_many_inputs_is_refused),
      TEST(weights_used_over_and_over_are_counted_each_time),
      TEST(a_large_constant_that_thousands_of_nodes_cut_is_not_gone_through_each_time))
