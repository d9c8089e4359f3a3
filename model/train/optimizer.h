/* Stochastic gradient descent with Nesterov momentum and weight decay. */
#ifndef WEFT_MODEL_TRAIN_OPTIMIZER_H
#define WEFT_MODEL_TRAIN_OPTIMIZER_H

#include "base/error.h"
#include "model/train/model.h"

struct weft_optimizer;

struct weft_optimizer_options {
    double momentum;
    double weight_decay; /* on weights, not on biases */
};

/* The model must outlive the optimizer. */
struct weft_optimizer *weft_optimizer_new(const struct weft_model *model, struct weft_optimizer_options options,
                                          struct weft_error *err);
void weft_optimizer_destroy(struct weft_optimizer *optimizer); /* accepts NULL */

/* Moves weights against gradients; both have the model's weight_count. */
void weft_optimizer_step(struct weft_optimizer *optimizer, float *weights, const float *gradients, double rate);

#endif
