/* One step of a network that is ready to run: what is left of the graph's nodes after folding. */
#ifndef WEFT_MODEL_LAYER_H
#define WEFT_MODEL_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/conv.h"
#include "model/kernels/dense.h"
#include "model/kernels/pool.h"

enum { WEFT_LAYER_RANK_MAX = 6 };

enum weft_layer_kind {
    WEFT_LAYER_CONV,
    WEFT_LAYER_DENSE,
    WEFT_LAYER_POOL,
    WEFT_LAYER_ADD,
    WEFT_LAYER_SCALE, /* a factor (weights) and a summand (bias) for each channel */
    WEFT_LAYER_PICK,  /* numbers at regular distances: Transpose, Slice */
    WEFT_LAYER_PAD,
    WEFT_LAYER_SOFTMAX,
    WEFT_LAYER_CONCAT,
    WEFT_LAYER_CONVERT, /* from one layout to the other */
};

/* inputs and output number tensors. Sizes are floats of one image, in its layout. */
struct weft_layer {
    enum weft_layer_kind kind;
    size_t *inputs, *input_sizes, input_count;
    size_t output, output_size;
    float low, high;       /* CONV, DENSE, ADD, SCALE: the output is clamped to these */
    float *weights, *bias; /* CONV, DENSE: until they are packed */
    union {
        struct {
            struct weft_conv_shape shape;
            struct weft_conv *packed;
            bool has_residual; /* the second input is added before clamping */
            bool has_pool;     /* and the maximum pool comes after it */
            struct weft_pool_shape pool;
            size_t unpooled, group; /* floats between the two, and images that go through both together */
        } conv;
        struct {
            size_t inputs, outputs;
            bool transposed;
            struct weft_dense *packed;
        } dense;
        struct weft_pool_shape pool;
        struct {
            size_t channels;
            enum weft_layout layout;
        } scale;
        struct {
            size_t rank, dims[WEFT_LAYER_RANK_MAX], strides[WEFT_LAYER_RANK_MAX]; /* output's; input's along them */
            size_t offset;                                                        /* of the first one in the input */
        } pick;
        struct {
            size_t in[3], out[3], before[3];
            float value;
        } pad;
        struct {
            bool logarithm;
        } softmax;
        struct {
            size_t outer; /* product of the dimensions before the axis; in pixels, the pixels */
        } concat;
        struct {
            size_t channels, pixels;
            enum weft_layout to;
        } convert;
    } as;
};

/* What the layer is expected to take for an image, in vector operations; SIZE_MAX when its layouts are not for it. */
size_t weft_layer_cost(const struct weft_layer *layer, const struct weft_variant *variant);

/* Packs the weights for the variant and frees them as they were. -1 when memory is short. */
int weft_layer_pack(struct weft_layer *layer, const struct weft_variant *variant);

/* Frees what the layer holds, not the struct. */
void weft_layer_clear(struct weft_layer *layer);

/* Floats of scratch memory that a run of the packed layer needs. */
size_t weft_layer_scratch(const struct weft_layer *layer);

/* Computes n images: inputs[i] is (n, input_sizes[i]), out (n, output_size). */
void weft_layer_run(const struct weft_layer *layer, const struct weft_variant *variant, float *out,
                    const float *const inputs[], size_t n, float *scratch);

/* out (n, size) = the softmax of each row, or its logarithm; out may be x. */
void weft_softmax(float *out, const float *x, size_t n, size_t size, bool logarithm);

#endif
