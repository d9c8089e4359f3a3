/* The trained model as a file: graph, weights, and in its metadata what a runtime needs and how it came about. */
#ifndef WEFT_MODEL_TRAIN_EXPORT_H
#define WEFT_MODEL_TRAIN_EXPORT_H

#include "model/train/material.h"
#include "model/train/model.h"
#include "model/trainer.h"

int weft_export(const struct weft_train_options *options, const struct weft_train_result *result,
                const struct weft_material *material, const struct weft_model *model, const float *weights,
                const char *path, struct weft_error *err);

#endif
