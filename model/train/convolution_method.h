/* The ways to pass through a convolution in training; where none of the others fits, columns do.
 *
 * Weights are (kernel, kernel, channels of a group, filters): a matrix (depth, filters). */
#ifndef WEFT_MODEL_TRAIN_CONVOLUTION_METHOD_H
#define WEFT_MODEL_TRAIN_CONVOLUTION_METHOD_H

#include "model/train/layer.h"

struct weft_convolution_method {
    bool adds_bias; /* forward does, where there is one */
    bool (*fits)(const struct weft_train_layer *layer, const struct weft_variant *variant);      /* columns: NULL */
    size_t (*scratch)(const struct weft_train_layer *layer, const struct weft_variant *variant); /* floats */
    void (*forward)(const struct weft_train_layer *layer, const struct weft_pass *pass);
    void (*backward)(const struct weft_train_layer *layer, const struct weft_pass *pass);
};

extern const struct weft_convolution_method weft_convolution_winograd, weft_convolution_narrow,
    weft_convolution_columns;

static inline size_t weft_convolution_group_channels(const struct weft_train_layer *layer)
{
    return layer->in.channels / layer->groups;
}

static inline size_t weft_convolution_depth(const struct weft_train_layer *layer)
{
    return layer->window.kernel * layer->window.kernel * weft_convolution_group_channels(layer);
}

static inline size_t weft_convolution_pixels(const struct weft_train_layer *layer)
{
    return layer->out.height * layer->out.width;
}

#endif
