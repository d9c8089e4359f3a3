/* A model's graph, checked: every node is an operator that weft computes, every shape is known and within bounds.
 *
 * Shapes of data are those of one image, without the batch dimension that ONNX puts first; constants have all theirs.
 */
#ifndef WEFT_MODEL_ONNX_GRAPH_H
#define WEFT_MODEL_ONNX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/kernels/conv.h"
#include "model/kernels/pool.h"
#include "model/onnx/onnx.pb-c.h"

/* What a file of so many bytes makes weft allocate, at most: 3 * bytes + 64 MiB for the file (model/onnx/onnx_file.h),
 * 64 MiB for what is computed from constants, 64 MiB for the graph and its layers, and twice WEFT_GRAPH_WEIGHTS_MAX
 * floats: the weights as they are folded, and packed. A workspace is limited in model/network.c. */
enum {
    WEFT_GRAPH_NODES_MAX = 4096,
    WEFT_GRAPH_INPUTS_MAX = 32768, /* of all nodes */
    WEFT_GRAPH_VALUES_MAX = 16384,
    WEFT_GRAPH_RANK_MAX = 6,
    WEFT_GRAPH_SIDE_MAX = 1 << 16,    /* of images, kernels, strides and paddings */
    WEFT_GRAPH_DATA_MAX = 1 << 26,    /* floats of one image's activations in a node, padding included */
    WEFT_GRAPH_WEIGHTS_MAX = 1 << 28, /* floats of all nodes' weights, packed */
    WEFT_GRAPH_MADE_MAX = 64 << 20,   /* bytes of constants that are computed while loading */
    WEFT_GRAPH_CLASSES_MAX = 1024,
};

/* Stands for the number of images where a file computes with shapes: the first dimension of data. */
#define WEFT_GRAPH_BATCH INT64_MIN

struct weft_graph_value {
    const char *name;
    const Onnx__TensorProto *tensor; /* of a constant, else NULL */
    size_t rank;
    size_t dims[WEFT_GRAPH_RANK_MAX];
    size_t size; /* product of dims */
};

enum weft_graph_op {
    WEFT_GRAPH_CONV,
    WEFT_GRAPH_SCALE, /* BatchNormalization; Add, Sub, Mul, Div with a constant */
    WEFT_GRAPH_CLAMP, /* Relu, Clip, Min, Max */
    WEFT_GRAPH_ADD,
    WEFT_GRAPH_POOL,    /* also ReduceMean, ReduceMax */
    WEFT_GRAPH_DENSE,   /* Gemm, MatMul */
    WEFT_GRAPH_RESHAPE, /* Reshape, Flatten, Squeeze, Identity, Dropout, ...: the same numbers in the same order */
    WEFT_GRAPH_PICK,    /* Transpose, Slice: numbers at regular distances */
    WEFT_GRAPH_PAD,
    WEFT_GRAPH_SOFTMAX,
    WEFT_GRAPH_CONCAT,
};

/* inputs and output are indices of values; floats are borrowed from the model. */
struct weft_graph_node {
    enum weft_graph_op op;
    const char *name; /* "" where it has none */
    const char *type; /* as ONNX calls it */
    size_t *inputs;   /* those that are data */
    size_t input_count;
    size_t output;
    union {
        struct {
            struct weft_conv_shape shape;
            const float *weights; /* (groups * filters, channels, kernel_height, kernel_width) */
            const float *bias;    /* or NULL */
        } conv;
        struct {
            size_t count; /* of the equal pieces, dims[0] or more, that have a factor and a summand each */
            const float *factor, *summand;
            size_t parameter_count;
        } scale;
        struct {
            float low, high;
        } clamp;
        struct weft_pool_shape pool;
        struct {
            size_t inputs, outputs;
            const float *weights; /* (inputs, outputs), or (outputs, inputs) */
            bool transposed;
            float alpha;       /* of the weights */
            const float *bias; /* or NULL */
            bool single_bias;
            float beta; /* of the bias */
        } dense;
        struct {
            size_t offset,
                strides[WEFT_GRAPH_RANK_MAX]; /* in the input, along the output's axes; modulo SIZE_MAX + 1 */
        } pick;
        struct {
            size_t before[3]; /* along the three dimensions that the image has */
            float value;
        } pad;
        struct {
            bool logarithm;
        } softmax;
        struct {
            size_t axis;
        } concat;
    } as;
};

struct weft_graph_made;
struct weft_graph_index;

struct weft_graph {
    struct weft_graph_value *values;
    size_t value_count;
    struct weft_graph_index *index; /* of values by name */
    struct weft_graph_node *nodes;  /* in an order that computes inputs before they are used */
    size_t node_count;
    size_t input, output;         /* values */
    size_t batch;                 /* the fixed batch dimension of the graph's input, 0 where it is free */
    size_t input_count;           /* of all nodes */
    size_t weight_count;          /* floats of nodes' weights, packed */
    struct weft_graph_made *made; /* constants computed while loading */
    size_t made_bytes;
};

/* An empty one, with room for so many nodes. */
struct weft_graph *weft_graph_new(size_t node_max, struct weft_error *err);
void weft_graph_destroy(struct weft_graph *graph); /* accepts NULL */

/* Index of the value of that name, or -1. */
long weft_graph_find(const struct weft_graph *graph, const char *name);

/* Adds a value, whose size it computes; the name must be new. Gives its index, or -1 with an error. */
long weft_graph_add(struct weft_graph *graph, struct weft_graph_value value, size_t size_max, struct weft_error *err);

/* Counts what a node's weights take when they are packed; false when it is too much. */
bool weft_graph_take_weights(struct weft_graph *graph, size_t rows, size_t columns);

/* Memory as long as the graph, zeroed. NULL past WEFT_GRAPH_MADE_MAX, with an error. */
void *weft_graph_keep(struct weft_graph *graph, size_t count, size_t each, struct weft_error *err);

/* *product = a * b, false on overflow or above max. */
static inline bool weft_graph_product(size_t a, size_t b, size_t max, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product) && *product <= max;
}

#endif
