/* What pooling layers share: their windows and their node. */
#ifndef WEFT_MODEL_TRAIN_POOLING_H
#define WEFT_MODEL_TRAIN_POOLING_H

#include "model/kernels/train_vectors.h"
#include "model/train/layers.h"

/* A pixel of the output, and the pixels of the input under its window: at least one, because padding is smaller than
 * the kernel. */
struct weft_pooled {
    size_t to, from; /* floats from the first of the pass */
    struct weft_pool_area area;
};

/* pixel counts through the images of the pass. */
static inline struct weft_pooled weft_pooled_at(const struct weft_train_layer *layer, size_t pixel)
{
    const struct weft_shape in = layer->in, out = layer->out;
    const size_t x = pixel % out.width, y = pixel / out.width % out.height, image = pixel / out.width / out.height;
    const struct weft_window_part ys = weft_window_part(layer->window, y, in.height);
    const struct weft_window_part xs = weft_window_part(layer->window, x, in.width);
    return (struct weft_pooled){
        pixel * out.channels,
        ((image * in.height + ys.first) * in.width + xs.first) * in.channels,
        {ys.last - ys.first, xs.last - xs.first, in.width * in.channels, in.channels},
    };
}

static inline size_t weft_pooled_count(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    return pass->n * layer->out.height * layer->out.width;
}

/* Where the gradient by the input does not hold anything yet, it becomes 0: windows add to it. */
void weft_pooling_begin_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass);

/* The node of ONNX with the window's attributes. */
void weft_pooling_write(const char *op_type, const struct weft_train_layer *layer, const char *input,
                        const char *output, struct weft_onnx_writer *writer);

size_t weft_pooling_add(struct weft_model *model, size_t input, const struct weft_train_layer_type *type,
                        struct weft_window window);

#endif
