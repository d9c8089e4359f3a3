/* The layers that an architecture is made of. Each adds itself to the model behind the value it is given and returns
 * the value that it makes; what does not fit is kept as the model's fault and told by weft_model_finish. */
#ifndef WEFT_MODEL_TRAIN_LAYERS_H
#define WEFT_MODEL_TRAIN_LAYERS_H

#include "model/train/model.h"

struct weft_convolution {
    size_t filters;
    struct weft_window window;
    size_t groups;     /* 0 is 1 */
    bool without_bias; /* where a batch normalisation follows, which would take it away */
};

/* Cross-correlation, as ONNX's Conv. */
size_t weft_convolution_add(struct weft_model *model, size_t input, struct weft_convolution convolution);

/* Normalises each channel over the images of a pass and their pixels, then scales and shifts it (Ioffe and Szegedy,
 * "Batch normalization", 2015). Where a batch is divided between threads, each share has statistics of its own (Hoffer
 * et al., "Train longer, generalize better", 2017). */
struct weft_batch_norm {
    bool relu;
    bool starts_at_zero; /* scale 0 instead of 1: a residual block begins as the identity (Goyal et al., 2017) */
};

size_t weft_batch_norm_add(struct weft_model *model, size_t input, struct weft_batch_norm norm);

/* The same plus the residual, which is shaped as the input: before the ReLU, in one go. */
size_t weft_batch_norm_residual_add(struct weft_model *model, size_t input, size_t residual,
                                    struct weft_batch_norm norm);

size_t weft_relu_add(struct weft_model *model, size_t input);

/* a + b: two values of one shape. */
size_t weft_sum_add(struct weft_model *model, size_t a, size_t b, bool relu);

/* Incomplete windows at the right and the bottom are left out; padding is never the maximum. */
size_t weft_max_pool_add(struct weft_model *model, size_t input, struct weft_window window);

/* Likewise; padding does not count. */
size_t weft_average_pool_add(struct weft_model *model, size_t input, struct weft_window window);

/* (h, w, c) becomes (1, 1, c). */
size_t weft_global_average_pool_add(struct weft_model *model, size_t input);

/* (h, w, c) becomes a vector of c*h*w, channel by channel as ONNX's Flatten has it. */
size_t weft_flatten_add(struct weft_model *model, size_t input);

/* Fully connected, with bias; the input is a vector. */
size_t weft_dense_add(struct weft_model *model, size_t input, size_t outputs);

/* In training, each value is 0 with probability rate, and the others grow so that the mean stays (Srivastava et al.,
 * "Dropout", 2014). */
size_t weft_dropout_add(struct weft_model *model, size_t input, float rate);

#endif
