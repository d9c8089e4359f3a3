/* What an operator asks of its ONNX node while it is read: attributes, inputs, outputs, each checked.
 *
 * Functions that give -1 or NULL have filled the reader's error. */
#ifndef WEFT_MODEL_ONNX_NODE_READER_H
#define WEFT_MODEL_ONNX_NODE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/onnx/graph.h"

struct weft_node_reader {
    struct weft_graph *graph;
    const Onnx__NodeProto *proto;
    int opset;
    struct weft_graph_node *node;
    bool *is_node; /* cleared where what it gives is a constant */
    struct weft_error *err;
};

/* Refuses the node; the caller names it. Gives -1. */
#define WEFT_NODE_REFUSE(reader, ...) weft_error_set((reader)->err, WEFT_ERROR_CONFIG, __VA_ARGS__)

/* NULL where there is none of this name. */
const Onnx__AttributeProto *weft_node_attribute(const struct weft_node_reader *r, const char *name);
bool weft_node_text_is(const Onnx__AttributeProto *a, const char *text);
int weft_node_int(const struct weft_node_reader *r, const char *name, int64_t otherwise, int64_t *value);
int weft_node_float(const struct weft_node_reader *r, const char *name, float otherwise, float *value);
/* count integers of min..WEFT_GRAPH_SIDE_MAX, each of them otherwise where there is no such attribute. */
int weft_node_sizes(const struct weft_node_reader *r, const char *name, size_t count, size_t min, size_t otherwise,
                    size_t *values);

bool weft_node_has_input(const struct weft_node_reader *r, size_t i);
struct weft_graph_value *weft_node_input(const struct weft_node_reader *r, size_t i);
/* Input i, which must be data, goes to the node's inputs. */
struct weft_graph_value *weft_node_data(const struct weft_node_reader *r, size_t i);
/* Input i, data or constant; one that is data goes to the node's inputs. */
const struct weft_graph_value *weft_node_tensor(const struct weft_node_reader *r, size_t i);
/* Data that is an image: (channels, height, width). */
struct weft_graph_value *weft_node_image(const struct weft_node_reader *r, size_t i);
struct weft_graph_value *weft_node_constant(const struct weft_node_reader *r, size_t i);
/* The floats of constant input i, which has size of them. */
const float *weft_node_floats(const struct weft_node_reader *r, size_t i, size_t size);

/* The integers of constant input i. */
const int64_t *weft_node_integers(const struct weft_node_reader *r, size_t i, size_t *count);
/* The dimensions of a tensor of that rank (to which they are yet to be added, if they are new) that attribute axes
 * names, or input i, from opset 13 or 18 on: bit k for dimension k. None named gives 0. */
int weft_node_axes(const struct weft_node_reader *r, size_t i, size_t rank, bool are_new, unsigned *axes);

/* Adds the node's only output to the graph. */
int weft_node_output(const struct weft_node_reader *r, size_t rank, const size_t dims[]);
int weft_node_output_like(const struct weft_node_reader *r, const struct weft_graph_value *value);

#endif
