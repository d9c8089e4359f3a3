/* The finished model as a file: graph, weights, and in its metadata what a runtime needs and how it came about. */
#ifndef WEFT_MODEL_TRAIN_RECIPE_H
#define WEFT_MODEL_TRAIN_RECIPE_H

#include "model/train/model.h"
#include "model/train/normalisation.h"
#include "model/trainer.h"

struct weft_recipe {
    const struct weft_train_options *options;
    const struct weft_train_result *result;
    const struct weft_model *model; /* its weights are written */
    const struct weft_normalisation *normalisation;
    const char *dataset;
    const char *const *labels; /* the model's class_count of them; NULL: "0", "1", ... */
};

int weft_recipe_save(const struct weft_recipe *recipe, const char *path, struct weft_error *err);

#endif
