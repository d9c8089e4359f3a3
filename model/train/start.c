#include "model/train/start.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/onnx/constants.h"
#include "model/onnx/graph_reader.h"
#include "model/onnx/onnx_write.h"

/* Numbers up to this are exact in a float. */
enum { WEIGHTS_MAX = 1 << 24 };

static bool same_shape(const struct weft_graph_value *value, const struct weft_onnx_tensor *tensor)
{
    bool same = value->rank == tensor->rank;
    for (size_t i = 0; same && i < value->rank; i++)
        same = value->dims[i] == (size_t)tensor->dims[i];
    return same;
}

/* A tensor's name is that of its layer, a dot, and its role. */
static bool is_of(const struct weft_onnx_tensor *tensor, const struct weft_train_layer *layer)
{
    const size_t size = strlen(layer->name);
    return strncmp(tensor->name, layer->name, size) == 0 && tensor->name[size] == '.';
}

/* places holds, for each number of a tensor, where among the model's weights it belongs. */
static int take(struct weft_model *model, const struct weft_graph *graph, const struct weft_onnx_tensor *places,
                struct weft_error *err)
{
    const long at = weft_graph_find(graph, places->name);
    const struct weft_graph_value *value = at >= 0 ? &graph->values[at] : NULL;
    if (!value || !value->tensor)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "it has no %s: it is not of the network that is to be trained",
                              places->name);
    if (graph->values[graph->output].size != model->class_count &&
        is_of(places, &model->layers[model->layer_count - 1]))
        return 0;
    if (!same_shape(value, places))
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "its %s is of another shape: it is not of the network that is to be trained",
                              places->name);
    const float *floats = weft_constant_floats(value, err);
    if (!floats)
        return -1;
    for (size_t i = 0; i < value->size; i++)
        model->weights[(size_t)places->values[i]] = floats[i];
    return 0;
}

/* The layers are written with places for weights: so the order in which a layer writes its numbers need not be known
 * here, nor be undone by it. */
static int take_all(struct weft_model *model, const struct weft_graph *graph, struct weft_error *err)
{
    int rc = 0;
    size_t taken = 0;
    struct weft_onnx_writer *writer = weft_onnx_writer_new("places");
    float *places = calloc(model->weight_count, sizeof *places);
    for (size_t i = 0; places && i < model->weight_count; i++)
        places[i] = (float)i;
    if (writer && places)
        weft_model_write(model, places, writer);
    for (size_t i = 0; writer && i < weft_onnx_writer_tensors(writer) && rc == 0; i++) {
        const struct weft_onnx_tensor tensor = weft_onnx_writer_tensor_at(writer, i);
        rc = take(model, graph, &tensor, err);
        taken += tensor.size;
    }
    if (rc == 0 && taken != model->weight_count)
        rc = weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its weights");
    weft_onnx_writer_destroy(writer);
    free(places);
    return rc;
}

int weft_start_load(struct weft_model *model, const char *path, struct weft_error *err)
{
    struct weft_graph *graph = NULL;
    int rc = -1;
    if (model->weight_count > WEIGHTS_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "a network of more than %d weights begins with random ones",
                              WEIGHTS_MAX);
    struct weft_onnx_file *file = weft_onnx_file_open(path, err);
    if (file)
        graph = weft_graph_read(file, err);
    if (graph)
        rc = take_all(model, graph, err);
    if (rc != 0) {
        weft_error_prefix(err, "the start %s", path);
        weft_onnx_file_clean(err);
    }
    weft_graph_destroy(graph);
    weft_onnx_file_close(file);
    return rc;
}
