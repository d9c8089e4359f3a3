/* Moves the weights against their gradients, and keeps their moving average. */
#ifndef WEFT_MODEL_TRAIN_OPTIMIZER_H
#define WEFT_MODEL_TRAIN_OPTIMIZER_H

#include "base/error.h"
#include "model/train/model.h"
#include "model/train/recipe.h"

struct weft_optimizer;

/* For the model's weights, which are the first that the average knows. The model must outlive the optimizer. */
struct weft_optimizer *weft_optimizer_new(struct weft_model *model, const struct weft_recipe *recipe,
                                          struct weft_error *err);
void weft_optimizer_destroy(struct weft_optimizer *optimizer); /* accepts NULL */

/* Moves weights begin..end-1 of the model; gradients has all. step counts from 0. Threads may move different ranges. */
void weft_optimizer_move(struct weft_optimizer *optimizer, const float *gradients, size_t begin, size_t end,
                         double rate, size_t step);

/* The moving average of the weights, or the model's weights themselves where the recipe wants none. */
const float *weft_optimizer_average(const struct weft_optimizer *optimizer);

/* All that it remembers from step to step, beside the weights. */
float *weft_optimizer_state(struct weft_optimizer *optimizer, size_t *count);

#endif
