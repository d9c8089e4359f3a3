/* Which layouts the recorded models (tests/data/models) get. That they compute the same is shown in network.c. */
#include "model/arrangement.h"

#include <unistd.h>

#include "model/onnx/graph_reader.h"
#include "support/graph_text.h"
#include "support/models.h"
#include "support/suite.h"

struct arranged {
    struct weft_onnx_file *file;
    struct weft_graph *graph;
    struct weft_layers layers;
};

static size_t costs; /* that were worked out: the linker leads weft's calls here */

size_t __real_weft_layer_cost(const struct weft_layer *layer, const struct weft_variant *variant);
size_t __wrap_weft_layer_cost(const struct weft_layer *layer, const struct weft_variant *variant);

size_t __wrap_weft_layer_cost(const struct weft_layer *layer, const struct weft_variant *variant)
{
    costs++;
    return __real_weft_layer_cost(layer, variant);
}

static void arrange_file(struct arranged *a, const char *path, const struct weft_variant *variant)
{
    struct weft_error err = {0};
    a->file = weft_onnx_file_open(path, &err);
    ck_assert_msg(a->file != NULL, "%s", err.message);
    a->graph = weft_graph_read(a->file, &err);
    ck_assert_msg(a->graph != NULL, "%s", err.message);
    ck_assert_int_eq(weft_fold(&a->layers, a->graph, &err), 0);
    ck_assert_int_eq(weft_arrange(&a->layers, variant), 0);
}

static void arrange(struct arranged *a, const char *name, const struct weft_variant *variant)
{
    char path[512];
    models_path(path, name, "onnx");
    arrange_file(a, path, variant);
}

static void clear(struct arranged *a)
{
    weft_layers_clear(&a->layers);
    weft_graph_destroy(a->graph);
    weft_onnx_file_close(a->file);
}

static size_t count_of(const struct weft_layers *layers, enum weft_layer_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < layers->count; i++)
        count += layers->layers[i].kind == kind;
    return count;
}

/* All but the first, which reads the image, and one with few filters, which may go either way. */
START_TEST(convolutions_with_many_filters_work_on_pixels)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        struct arranged a;
        size_t seen = 0;
        arrange(&a, "wide", variant);
        for (size_t i = 0; i < a.layers.count; i++) {
            const struct weft_layer *layer = &a.layers.layers[i];
            if (layer->kind != WEFT_LAYER_CONV || layer->as.conv.shape.filters < 16)
                continue;
            bool is_first = layer->inputs[0] == a.layers.input;
            ck_assert_int_eq(layer->as.conv.shape.in, is_first ? WEFT_LAYOUT_PLANES : WEFT_LAYOUT_PIXELS);
            ck_assert_int_eq(layer->as.conv.shape.out, WEFT_LAYOUT_PIXELS);
            seen++;
        }
        ck_assert_uint_eq(seen, 6);
        ck_assert_uint_ge(count_of(&a.layers, WEFT_LAYER_CONVERT), 1);
        clear(&a);
    }
}
END_TEST

START_TEST(few_channels_stay_in_planes)
{
    struct arranged a;
    arrange(&a, "lenet", weft_variant_best());
    for (size_t i = 0; i < a.layers.count; i++)
        if (a.layers.layers[i].kind == WEFT_LAYER_CONV)
            ck_assert_int_eq(a.layers.layers[i].as.conv.shape.out, WEFT_LAYOUT_PLANES);
    ck_assert_uint_eq(count_of(&a.layers, WEFT_LAYER_CONVERT), 0);
    clear(&a);
}
END_TEST

/* The floats of a tensor as its giver leaves it. */
static size_t given_size(const struct weft_layers *layers, size_t tensor)
{
    for (size_t i = 0; i < layers->count; i++)
        if (layers->layers[i].output == tensor)
            return layers->layers[i].output_size;
    return layers->tensors[tensor].size;
}

START_TEST(every_layer_finds_its_inputs_as_large_as_it_reads_them)
{
    static const char *const names[] = {"lenet", "residual", "wide", "mixed", "keras", "perceptron", "trivial"};
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
            struct arranged a;
            arrange(&a, names[m], variant);
            for (size_t i = 0; i < a.layers.count; i++) {
                const struct weft_layer *layer = &a.layers.layers[i];
                for (size_t k = 0; k < layer->input_count; k++)
                    ck_assert_msg(layer->input_sizes[k] == given_size(&a.layers, layer->inputs[k]),
                                  "%s by %s, layer %zu, input %zu", names[m], variant->name, i, k);
            }
            ck_assert_uint_eq(given_size(&a.layers, a.layers.output), a.graph->values[a.graph->output].size);
            clear(&a);
        }
    }
}
END_TEST

/* Of each layer in each of three forms, and of converting each tensor: however many trials there are. */
START_TEST(costs_are_worked_out_once_in_the_largest_graph_too)
{
    struct arranged a;
    char path[64];
    size_t size;
    Onnx__ModelProto *model = graph_text_model("y0 = ReduceMean x axes=2,3", 13);
    graph_text_repeat(model, "Add y%zu y0", WEFT_GRAPH_NODES_MAX - 1);
    uint8_t *bytes = models_pack(model, &size);
    int fd = models_file(path, bytes, size);
    costs = 0;
    arrange_file(&a, path, weft_variant_best());
    ck_assert_uint_ge(a.layers.count, WEFT_GRAPH_NODES_MAX);
    ck_assert_uint_le(costs, 3 * WEFT_GRAPH_NODES_MAX + a.graph->value_count);
    clear(&a);
    close(fd);
    free(bytes);
    onnx__model_proto__free_unpacked(model, NULL);
}
END_TEST

SUITE("arrangement", TEST(convolutions_with_many_filters_work_on_pixels), TEST(few_channels_stay_in_planes),
      TEST(every_layer_finds_its_inputs_as_large_as_it_reads_them),
      TEST(costs_are_worked_out_once_in_the_largest_graph_too))
