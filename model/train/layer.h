/* What every layer of a network in training is: a forward pass, its exact backward pass, and how ONNX writes it.
 *
 * Tensors are (n, channels, height, width) floats, rows from the top; a vector has height and width 1. A layer keeps no
 * state: its weights lie in the model's one array, its activations on a tape (model/train/tape.h), so that threads can
 * share the layer. A new layer is one .c file: three functions, a constructor in model/train/layers.h. */
#ifndef WEFT_MODEL_TRAIN_LAYER_H
#define WEFT_MODEL_TRAIN_LAYER_H

#include <stddef.h>

struct weft_train_layer;
struct weft_onnx_writer;

enum { WEFT_TRAIN_INPUTS_MAX = 2 };

struct weft_shape {
    size_t channels, height, width;
};

static inline size_t weft_shape_size(struct weft_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

/* A square window that moves over an image. */
struct weft_window {
    size_t kernel, stride, padding;
};

/* What one pass over n images reads and writes. */
struct weft_pass {
    size_t n;
    const float *weights;                  /* the model's, all of them */
    float *weight_gradients;               /* likewise; backward adds to them */
    const float *x[WEFT_TRAIN_INPUTS_MAX]; /* inputs */
    float *y;                              /* output, written by forward */
    float *dx[WEFT_TRAIN_INPUTS_MAX];      /* gradient by input; backward adds; NULL where nobody wants it */
    const float *dy;                       /* gradient by output */
    float *scratch;                        /* as many floats as the layer asked for */
};

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
    struct weft_window window; /* of convolution and pooling */
    size_t weight, bias;       /* where they begin among the model's weights */
    size_t scratch;            /* floats that a pass needs beside its tensors */
};

#endif
