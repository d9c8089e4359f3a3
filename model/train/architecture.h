/* The networks that the trainer knows by name; one more is one small file and a line in architecture.c. */
#ifndef WEFT_MODEL_TRAIN_ARCHITECTURE_H
#define WEFT_MODEL_TRAIN_ARCHITECTURE_H

#include "model/train/model.h"

struct weft_architecture {
    const char *name;
    const char *description;
    /* Adds the layers, from the model's input to its class_count logits. */
    void (*build)(struct weft_model *model);
};

/* LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) with ReLU and max pooling. */
extern const struct weft_architecture weft_architecture_lenet;

/* Residual networks for small images (He et al., "Deep residual learning for image recognition", 2016). */
extern const struct weft_architecture weft_architecture_resnet20, weft_architecture_resnet32;

/* What is chosen for accuracy, and what for speed. */
extern const struct weft_architecture weft_architecture_accurate, weft_architecture_fast;

/* NULL after the last. */
const struct weft_architecture *weft_architecture_at(size_t index);

/* WEFT_ERROR_USAGE that names the known ones when there is no such name. */
const struct weft_architecture *weft_architecture_find(const char *name, struct weft_error *err);

#endif
