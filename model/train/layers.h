/* The layers that an architecture is made of. Each adds itself to the model behind the value it is given and returns
 * the value that it makes; what does not fit is kept as the model's fault and told by weft_model_finish. */
#ifndef WEFT_MODEL_TRAIN_LAYERS_H
#define WEFT_MODEL_TRAIN_LAYERS_H

#include "model/train/model.h"

/* Cross-correlation with bias, as ONNX's Conv. */
size_t weft_convolution_add(struct weft_model *model, size_t input, size_t channels, struct weft_window window);

size_t weft_relu_add(struct weft_model *model, size_t input);

/* Incomplete windows at the right and the bottom are left out; padding is never the maximum. */
size_t weft_max_pool_add(struct weft_model *model, size_t input, struct weft_window window);

/* (c, h, w) becomes a vector of c*h*w. */
size_t weft_flatten_add(struct weft_model *model, size_t input);

/* Fully connected, with bias; the input is a vector. */
size_t weft_dense_add(struct weft_model *model, size_t input, size_t outputs);

#endif
