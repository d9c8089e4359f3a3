#include "model/network.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/arrangement.h"
#include "model/fold.h"
#include "model/onnx/graph_reader.h"
#include "model/onnx/metadata.h"
#include "model/onnx/onnx_file.h"

enum {
    ALIGNMENT = 64,            /* bytes */
    TILE_MAX = 32,             /* images that go through the layers together */
    TILE_FLOATS = 1 << 18,     /* and what their tensors may take of the second-level cache */
    WORKSPACE_FLOATS = 1 << 28 /* at most, for one image */
};

struct weft_network {
    struct weft_network_info info;
    struct weft_metadata metadata;
    struct weft_layers layers;
    const struct weft_variant *variant;
    size_t *offsets;       /* of each tensor in the arena, in floats, for one image */
    size_t arena, scratch; /* floats: the tensors of one image; what a layer needs beside them */
    size_t tile;           /* images */
    bool channels_last;    /* the graph's input is (N, H, W, C) */
    bool ends_in_softmax;
};

struct weft_workspace {
    size_t tile;    /* images that fit */
    float *arena;   /* tensor t of image i lies at offsets[t] * tile + i * its size */
    float *scratch; /* behind the arena, in the same piece of memory */
    const float **inputs;
};

/* A tensor that has its place while layers up to last run. */
struct placed {
    size_t offset, size, last;
};

/* Puts a tensor into the first gap; live is sorted by offset. Those not needed any more at layer now make room. */
static size_t place(struct placed *live, size_t *count, size_t size, size_t now, size_t last)
{
    size_t kept = 0, at = 0, offset = 0;
    for (size_t i = 0; i < *count; i++)
        if (live[i].last >= now)
            live[kept++] = live[i];
    size = (size + 15) / 16 * 16; /* keeps all tensors aligned */
    for (; at < kept && live[at].offset < offset + size; at++)
        offset = live[at].offset + live[at].size;
    memmove(live + at + 1, live + at, (kept - at) * sizeof *live);
    live[at] = (struct placed){offset, size, last};
    *count = kept + 1;
    return offset;
}

/* Gives every tensor its place in the arena: two share one if they are never needed at the same time. */
static int plan(struct weft_network *network, struct weft_error *err)
{
    const struct weft_layers *layers = &network->layers;
    size_t *last = calloc(layers->tensor_count, sizeof *last), count = 0;
    size_t input_size = layers->tensors[layers->input].size;
    struct placed *live = calloc(layers->count + 2, sizeof *live);
    int result = -1;
    network->offsets = calloc(layers->tensor_count, sizeof *network->offsets);
    if (!last || !live || !network->offsets) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its plan");
        goto out;
    }
    for (size_t i = 0; i < layers->count; i++) {
        last[layers->layers[i].output] = i; /* also where nothing looks at it */
        for (size_t k = 0; k < layers->layers[i].input_count; k++)
            last[layers->layers[i].inputs[k]] = i;
    }
    last[layers->output] = layers->count;
    network->offsets[layers->input] = place(live, &count, input_size, 0, last[layers->input]);
    network->arena = input_size;
    for (size_t i = 0; i < layers->count; i++) {
        const struct weft_layer *layer = &layers->layers[i];
        size_t offset = place(live, &count, layer->output_size, i, last[layer->output]);
        network->offsets[layer->output] = offset;
        if (offset + layer->output_size > network->arena)
            network->arena = offset + layer->output_size;
        if (weft_layer_scratch(layer) > network->scratch)
            network->scratch = weft_layer_scratch(layer);
    }
    network->arena = (network->arena + 15) / 16 * 16;
    if (network->arena + network->scratch > WORKSPACE_FLOATS) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "one image needs %zu MiB of memory to score, more than %d",
                       (network->arena + network->scratch) >> 18, WORKSPACE_FLOATS >> 18);
        goto out;
    }
    network->tile = TILE_FLOATS / network->arena;
    network->tile = network->tile < 1 ? 1 : network->tile > TILE_MAX ? TILE_MAX : network->tile;
    result = 0;
out:
    free(last);
    free(live);
    return result;
}

/* What the input is as an image: (C, H, W), or (H, W, C) where only that gives 1 or 3 channels, or a vector, which is
 * taken for a square if it can be one. */
static void describe_input(struct weft_network *network, const struct weft_graph_value *x)
{
    struct weft_network_info *info = &network->info;
    size_t side = (size_t)sqrt((double)x->size);
    info->channels = 1;
    info->image_size = x->size;
    if (x->rank == 3) {
        bool first = x->dims[0] == 1 || x->dims[0] == 3, last = x->dims[2] == 1 || x->dims[2] == 3;
        network->channels_last = last && !first;
        info->channels = x->dims[network->channels_last ? 2 : 0];
        info->height = x->dims[network->channels_last ? 0 : 1];
        info->width = x->dims[network->channels_last ? 1 : 2];
    } else if (x->rank == 2) {
        info->height = x->dims[0];
        info->width = x->dims[1];
    } else {
        info->height = side * side == x->size ? side : 1;
        info->width = x->size / info->height;
    }
}

/* The file's name without folder and ending. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path);
    char *dot = name ? strrchr(name, '.') : NULL;
    if (dot && dot != name)
        *dot = '\0';
    return name;
}

static int describe(struct weft_network *network, const char *path, const struct weft_onnx_file *file,
                    const struct weft_graph *graph, struct weft_error *err)
{
    struct weft_network_info *info = &network->info;
    struct weft_metadata *metadata = &network->metadata;
    describe_input(network, &graph->values[graph->input]);
    info->class_count = graph->values[graph->output].size;
    if (weft_metadata_read(metadata, file->model, info->class_count, info->channels, err) != 0)
        return -1;
    if (!metadata->name && !(metadata->name = name_of(path)))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
    info->name = metadata->name;
    info->version = metadata->version;
    info->dataset = metadata->dataset;
    info->accuracy = metadata->accuracy;
    info->labels = (const char *const *)metadata->labels;
    info->mean = metadata->mean;
    info->self_test = metadata->self_test;
    memcpy(info->sha256, file->sha256, sizeof info->sha256);
    info->parameter_count = network->layers.parameter_count;
    info->multiply_adds = network->layers.multiply_adds;
    info->workspace_bytes = (network->arena + network->scratch) * sizeof(float);
    return 0;
}

static int build(struct weft_network *network, const char *path, const struct weft_onnx_file *file,
                 const struct weft_graph *graph, struct weft_error *err)
{
    struct weft_layers *layers = &network->layers;
    if (weft_fold(layers, graph, err) != 0)
        return -1;
    if (weft_arrange(layers, network->variant) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its layout");
    for (size_t i = 0; i < layers->count; i++)
        if (weft_layer_pack(&layers->layers[i], network->variant) != 0)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its weights");
    network->ends_in_softmax = layers->count > 0 && layers->layers[layers->count - 1].output == layers->output &&
                               layers->layers[layers->count - 1].kind == WEFT_LAYER_SOFTMAX &&
                               !layers->layers[layers->count - 1].as.softmax.logarithm;
    if (plan(network, err) != 0)
        return -1;
    return describe(network, path, file, graph, err);
}

struct weft_network *weft_network_load(const char *path, struct weft_error *err)
{
    return weft_network_load_for(path, weft_variant_best(), err);
}

struct weft_network *weft_network_load_for(const char *path, const struct weft_variant *variant, struct weft_error *err)
{
    struct weft_network *network = NULL;
    struct weft_graph *graph = NULL;
    struct weft_onnx_file *file = weft_onnx_file_open(path, err);
    if (!file)
        return NULL;
    /* Workers are the threads; one that calls OpenBLAS must not start more. */
    openblas_set_num_threads(1);
    graph = weft_graph_read(file, err);
    if (!graph)
        goto fail;
    network = calloc(1, sizeof *network);
    if (!network) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
        goto fail;
    }
    network->variant = variant;
    if (build(network, path, file, graph, err) != 0)
        goto fail;
    weft_graph_destroy(graph);
    weft_onnx_file_close(file);
    return network;
fail:
    weft_error_prefix(err, "model %s", path);
    weft_onnx_file_clean(err);
    weft_graph_destroy(graph);
    weft_onnx_file_close(file);
    weft_network_destroy(network);
    return NULL;
}

void weft_network_destroy(struct weft_network *network)
{
    if (!network)
        return;
    weft_layers_clear(&network->layers);
    weft_metadata_clear(&network->metadata);
    free(network->offsets);
    free(network);
}

const struct weft_network_info *weft_network_info(const struct weft_network *network)
{
    return &network->info;
}

struct weft_workspace *weft_workspace_new(const struct weft_network *network, size_t max_batch, struct weft_error *err)
{
    struct weft_workspace *workspace = calloc(1, sizeof *workspace);
    size_t inputs = 1;
    if (!workspace)
        goto no_memory;
    for (size_t i = 0; i < network->layers.count; i++)
        if (network->layers.layers[i].input_count > inputs)
            inputs = network->layers.layers[i].input_count;
    workspace->tile = max_batch < 1 ? 1 : max_batch < network->tile ? max_batch : network->tile;
    size_t floats = network->arena * workspace->tile + network->scratch;
    workspace->arena = aligned_alloc(ALIGNMENT, (floats * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    workspace->inputs = calloc(inputs, sizeof *workspace->inputs);
    if (!workspace->arena || !workspace->inputs)
        goto no_memory;
    workspace->scratch = workspace->arena + network->arena * workspace->tile;
    return workspace;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for a workspace");
    weft_workspace_destroy(workspace);
    return NULL;
}

void weft_workspace_destroy(struct weft_workspace *workspace)
{
    if (!workspace)
        return;
    free(workspace->arena);
    free(workspace->inputs);
    free(workspace);
}

static float *tensor(const struct weft_network *network, const struct weft_workspace *workspace, size_t index)
{
    return workspace->arena + network->offsets[index] * workspace->tile;
}

/* Runs all layers on n <= tile images and gives the output, which lies in the workspace (or is the input). */
static const float *run_layers(const struct weft_network *network, struct weft_workspace *workspace, const float *input,
                               size_t n)
{
    const struct weft_layers *layers = &network->layers;
    for (size_t i = 0; i < layers->count; i++) {
        const struct weft_layer *layer = &layers->layers[i];
        for (size_t k = 0; k < layer->input_count; k++)
            workspace->inputs[k] =
                layer->inputs[k] == layers->input ? input : tensor(network, workspace, layer->inputs[k]);
        weft_layer_run(layer, network->variant, tensor(network, workspace, layer->output), workspace->inputs, n,
                       workspace->scratch);
    }
    return layers->output == layers->input ? input : tensor(network, workspace, layers->output);
}

/* One image from (C, H, W) bytes to what the graph takes. */
static void normalise(const struct weft_network *network, float *to, const uint8_t *image)
{
    const struct weft_network_info *info = &network->info;
    size_t plane = info->height * info->width;
    for (size_t c = 0; c < info->channels; c++) {
        float deviation = network->metadata.deviation[c];
        float scale = 1 / (255 * deviation), shift = -network->metadata.mean[c] / deviation;
        if (!network->channels_last || info->channels == 1) {
            network->variant->from_bytes(to + c * plane, image + c * plane, plane, scale, shift);
            continue;
        }
        for (size_t i = 0; i < plane; i++)
            to[i * info->channels + c] = (float)image[c * plane + i] * scale + shift;
    }
}

void weft_network_run(const struct weft_network *network, struct weft_workspace *workspace,
                      const uint8_t *const images[], size_t n, float *probabilities)
{
    const struct weft_network_info *info = &network->info;
    float *input = tensor(network, workspace, network->layers.input);
    for (size_t from = 0, count; from < n; from += count) {
        count = n - from < workspace->tile ? n - from : workspace->tile;
        for (size_t i = 0; i < count; i++)
            normalise(network, input + i * info->image_size, images[from + i]);
        const float *output = run_layers(network, workspace, input, count);
        if (network->ends_in_softmax)
            memcpy(probabilities, output, count * info->class_count * sizeof *output);
        else
            weft_softmax(probabilities, output, count, info->class_count, false);
        probabilities += count * info->class_count;
    }
}

void weft_network_run_raw(const struct weft_network *network, struct weft_workspace *workspace, const float *input,
                          size_t n, float *output)
{
    const struct weft_network_info *info = &network->info;
    for (size_t from = 0, count; from < n; from += count) {
        count = n - from < workspace->tile ? n - from : workspace->tile;
        const float *from_layers = run_layers(network, workspace, input + from * info->image_size, count);
        memcpy(output + from * info->class_count, from_layers, count * info->class_count * sizeof *output);
    }
}
