/* Weights to begin with, from a model that has been trained before, instead of random ones. */
#ifndef WEFT_MODEL_TRAIN_START_H
#define WEFT_MODEL_TRAIN_START_H

#include "base/error.h"
#include "model/train/model.h"

/* Replaces the weights of a finished model by those of a file that the trainer has written for the same network; path
 * may be builtin:NAME. Where it knows another number of classes, the last layer keeps what it has. WEFT_ERROR_CONFIG
 * when the file is of another network. */
int weft_start_load(struct weft_model *model, const char *path, struct weft_error *err);

#endif
