/* What residual networks are made of (He et al., "Deep residual learning for image recognition", 2016). */
#ifndef WEFT_MODEL_TRAIN_RESIDUAL_H
#define WEFT_MODEL_TRAIN_RESIDUAL_H

#include "model/train/model.h"

/* A convolution with batch normalisation and ReLU. */
size_t weft_residual_stem_add(struct weft_model *model, size_t input, size_t channels, struct weft_window window);

/* The window of a 3x3 convolution that keeps the size with stride 1, and halves it with 2. */
static inline struct weft_window weft_window_3x3(size_t stride)
{
    return (struct weft_window){.kernel = 3, .stride = stride, .padding = 1};
}

/* Two 3x3 convolutions with batch normalisation, added to the input, which where shapes differ is projected by a 1x1
 * convolution with batch normalisation; ReLU after the first and after the sum. */
size_t weft_residual_block_add(struct weft_model *model, size_t input, size_t channels, size_t stride);

/* Global average pooling and a dense layer to the model's classes. */
size_t weft_residual_head_add(struct weft_model *model, size_t input);

enum { WEFT_RESIDUAL_STAGES = 3 };

/* Their network for small images: a stem, then stages of so many blocks with 16, 32 and 64 channels, each stage half as
 * high and wide as the one before. With n blocks in each stage it has 6n + 2 layers. */
void weft_residual_network_add(struct weft_model *model, const size_t blocks[WEFT_RESIDUAL_STAGES]);

#endif
