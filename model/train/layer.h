/* What every layer of a network in training is: a forward pass, its exact backward pass, and how ONNX writes it.
 *
 * Tensors are (n, height, width, channels) floats: channels last, rows from the top; a vector has height and width 1. A
 * layer keeps no state: its weights lie in the model's one array, its activations on a tape (model/train/tape.h), so
 * that threads can share the layer. A new layer is one .c file: three functions, a constructor in
 * model/train/layers.h. */
#ifndef WEFT_MODEL_TRAIN_LAYER_H
#define WEFT_MODEL_TRAIN_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/variant.h"
#include "model/train/random.h"
#include "model/train/window.h"

struct weft_convolution_method;
struct weft_onnx_writer;
struct weft_train_layer;

enum { WEFT_TRAIN_INPUTS_MAX = 2 };

struct weft_shape {
    size_t channels, height, width;
};

static inline size_t weft_shape_size(struct weft_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

static inline bool weft_shapes_equal(struct weft_shape a, struct weft_shape b)
{
    return a.channels == b.channels && a.height == b.height && a.width == b.width;
}

/* What one pass over n images reads and writes. */
struct weft_pass {
    size_t n;
    bool training;             /* statistics of these images instead of the running ones; dropout */
    float portion;             /* n / images of the whole batch, of which this pass may be a share */
    struct weft_random random; /* of this layer in this pass */
    const struct weft_variant *variant;
    const float *weights;                  /* the model's, all of them */
    float *weight_gradients;               /* likewise; backward adds to them */
    const float *x[WEFT_TRAIN_INPUTS_MAX]; /* inputs */
    float *y;                              /* output, written by forward */
    float *dx[WEFT_TRAIN_INPUTS_MAX];      /* gradient by input, written by backward; NULL where nobody wants it */
    bool dx_adds[WEFT_TRAIN_INPUTS_MAX];   /* it holds what other readers gave, and backward adds to it */
    float *dy;                             /* gradient by output; backward may spoil it */
    float *kept;    /* what forward keeps for backward: kept_once, then kept_each of each image */
    float *scratch; /* as many floats as the layer asked for */
};

enum { WEFT_SHARES_NOTHING = WEFT_TRAIN_INPUTS_MAX };

struct weft_train_layer_type {
    const char *prefix; /* of the layer's name: "conv" gives conv1, conv2, ... */
    void (*forward)(const struct weft_train_layer *layer, const struct weft_pass *pass);
    void (*backward)(const struct weft_train_layer *layer, const struct weft_pass *pass);
    void (*write)(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer);
};

struct weft_train_layer {
    const struct weft_train_layer_type *type;
    char name[24];
    size_t inputs[WEFT_TRAIN_INPUTS_MAX]; /* values of the model: 0 is the images, i + 1 what layer i makes */
    size_t input_count;
    struct weft_shape in, out;
    size_t sharing; /* the input, shaped as the output, whose dx may lie where dy lies; or WEFT_SHARES_NOTHING */

    /* Where its parameters begin among the model's weights. */
    size_t weight, bias;
    size_t mean, variance; /* of batch normalisation: running ones */

    /* Attributes, as far as the layer has them. */
    struct weft_window window;
    size_t groups;
    bool has_bias, relu;
    const struct weft_convolution_method *method;
    float rate; /* of dropout */

    size_t kept_once, kept_each; /* floats kept from forward to backward: for the pass, and for each image */
    size_t scratch;              /* floats that a pass needs beside its tensors */
    size_t multiply_adds;        /* of a forward pass over one image, as by definition */
};

#endif
