#include "model/onnx/graph.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_SIZE = 2 * WEFT_GRAPH_VALUES_MAX };

struct weft_graph_made {
    struct weft_graph_made *next;
    max_align_t bytes[];
};

/* Open addressing: an entry lies at its hash or behind it, without a gap. */
struct weft_graph_index {
    uint64_t hashes[INDEX_SIZE];
    uint32_t values[INDEX_SIZE]; /* number of the value, plus one */
};

static uint64_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

/* The name's place in the index, or the free one where it belongs. */
static size_t place_of(const struct weft_graph *graph, const char *name, uint64_t hash)
{
    const struct weft_graph_index *index = graph->index;
    size_t at = hash % INDEX_SIZE;
    while (index->values[at] &&
           (index->hashes[at] != hash || strcmp(graph->values[index->values[at] - 1].name, name) != 0))
        at = (at + 1) % INDEX_SIZE;
    return at;
}

long weft_graph_find(const struct weft_graph *graph, const char *name)
{
    return (long)graph->index->values[place_of(graph, name, hash_of(name))] - 1;
}

long weft_graph_add(struct weft_graph *graph, struct weft_graph_value value, size_t size_max, struct weft_error *err)
{
    if (!value.name || !*value.name)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "a tensor has no name");
    uint64_t hash = hash_of(value.name);
    size_t at = place_of(graph, value.name, hash);
    if (graph->index->values[at])
        return weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' is given twice", value.name);
    if (graph->value_count == WEFT_GRAPH_VALUES_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "more than %d tensors", WEFT_GRAPH_VALUES_MAX);
    /* Lists of integers, of axes say, may be empty. */
    bool list = value.rank == 1 && value.tensor && value.tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    value.size = 1;
    for (size_t i = 0; i < value.rank; i++)
        if ((value.dims[i] == 0 && !list) || !weft_graph_product(value.size, value.dims[i], size_max, &value.size))
            return weft_error_set(err, WEFT_ERROR_CONFIG, "tensor '%.100s' is empty or has more than %zu elements",
                                  value.name, size_max);
    graph->index->hashes[at] = hash;
    graph->index->values[at] = (uint32_t)(graph->value_count + 1);
    graph->values[graph->value_count] = value;
    return (long)graph->value_count++;
}

bool weft_graph_take_weights(struct weft_graph *graph, size_t rows, size_t columns)
{
    size_t size;
    return weft_graph_product(rows, columns, WEFT_GRAPH_WEIGHTS_MAX, &size) &&
           (graph->weight_count += size) <= WEFT_GRAPH_WEIGHTS_MAX;
}

void *weft_graph_keep(struct weft_graph *graph, size_t count, size_t each, struct weft_error *err)
{
    size_t size;
    if (!weft_graph_product(count, each, WEFT_GRAPH_MADE_MAX, &size) ||
        size + sizeof *graph->made > WEFT_GRAPH_MADE_MAX - graph->made_bytes) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "its constants compute to more than %d MiB", WEFT_GRAPH_MADE_MAX >> 20);
        return NULL;
    }
    struct weft_graph_made *made = calloc(1, sizeof *made + size);
    if (!made) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its constants");
        return NULL;
    }
    graph->made_bytes += sizeof *made + size;
    made->next = graph->made;
    graph->made = made;
    return made->bytes;
}

struct weft_graph *weft_graph_new(size_t node_max, struct weft_error *err)
{
    struct weft_graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        goto no_memory;
    graph->values = calloc(WEFT_GRAPH_VALUES_MAX, sizeof *graph->values);
    graph->index = calloc(1, sizeof *graph->index);
    graph->nodes = calloc(node_max + 1, sizeof *graph->nodes);
    if (graph->values && graph->index && graph->nodes)
        return graph;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its graph");
    weft_graph_destroy(graph);
    return NULL;
}

void weft_graph_destroy(struct weft_graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; graph->nodes && i <= graph->node_count; i++) /* the last one may have failed half-read */
        free(graph->nodes[i].inputs);
    while (graph->made) {
        struct weft_graph_made *next = graph->made->next;
        free(graph->made);
        graph->made = next;
    }
    free(graph->nodes);
    free(graph->index);
    free(graph->values);
    free(graph);
}
