/* What pooling layers share: their windows and their node. */
#ifndef WEFT_MODEL_TRAIN_POOLING_H
#define WEFT_MODEL_TRAIN_POOLING_H

#include "model/kernels/train_vectors.h"
#include "model/train/layers.h"

/* Pixels of the output beside each other, and the pixels of the input under their windows: at least one for each,
 * because padding is smaller than the kernel. */
struct weft_pooled {
    size_t to, from; /* floats from the first of the pass */
    struct weft_pool_windows windows;
};

/* From the pixel on as many as have windows of one size; pixel counts through the images of the pass. */
static inline struct weft_pooled weft_pooled_at(const struct weft_train_layer *layer, size_t pixel)
{
    const struct weft_shape in = layer->in, out = layer->out;
    const struct weft_window window = layer->window;
    const size_t x = pixel % out.width, y = pixel / out.width % out.height, image = pixel / out.width / out.height;
    const struct weft_window_part ys = weft_window_part(window, y, in.height);
    const struct weft_window_part xs = weft_window_part(window, x, in.width);
    size_t count = 1;
    if (xs.last - xs.first == window.kernel) /* the last that is whole ends at or before the image's end */
        count += (in.width - xs.last) / window.stride;
    return (struct weft_pooled){
        pixel * out.channels,
        ((image * in.height + ys.first) * in.width + xs.first) * in.channels,
        {ys.last - ys.first, xs.last - xs.first, in.width * in.channels, in.channels, count,
         window.stride * in.channels},
    };
}

static inline size_t weft_pooled_count(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    return pass->n * layer->out.height * layer->out.width;
}

/* Whether each pixel of the input lies under one window. */
static inline bool weft_pooling_tiles(const struct weft_train_layer *layer)
{
    const struct weft_window w = layer->window;
    return w.stride == w.kernel && w.padding == 0 && layer->in.height % w.stride == 0 &&
           layer->in.width % w.stride == 0;
}

/* Where the gradient by the input does not hold anything yet, it becomes 0: windows add to it. */
void weft_pooling_begin_gradient(const struct weft_train_layer *layer, const struct weft_pass *pass);

/* The node of ONNX with the window's attributes. */
void weft_pooling_write(const char *op_type, const struct weft_train_layer *layer, const char *input,
                        const char *output, struct weft_onnx_writer *writer);

size_t weft_pooling_add(struct weft_model *model, size_t input, const struct weft_train_layer_type *type,
                        struct weft_window window);

#endif
