/* Another network whose answers are learnt too: any ONNX file that weft runs, with its own normalisation. */
#ifndef WEFT_MODEL_TRAIN_TEACHER_H
#define WEFT_MODEL_TRAIN_TEACHER_H

#include "model/network.h"
#include "model/train/layer.h"

/* Loads it; WEFT_ERROR_CONFIG unless it takes images of this shape and knows so many classes. The caller destroys. */
struct weft_network *weft_teacher_load(const char *path, struct weft_shape shape, size_t class_count,
                                       struct weft_error *err);

#endif
