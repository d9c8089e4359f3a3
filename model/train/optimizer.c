#include "model/train/optimizer.h"

#include <stdlib.h>

struct weft_optimizer {
    const struct weft_model *model;
    struct weft_optimizer_options options;
    float velocity[];
};

struct weft_optimizer *weft_optimizer_new(const struct weft_model *model, struct weft_optimizer_options options,
                                          struct weft_error *err)
{
    struct weft_optimizer *optimizer = calloc(1, sizeof *optimizer + model->weight_count * sizeof *optimizer->velocity);
    if (!optimizer) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the optimizer of %zu weights", model->weight_count);
        return NULL;
    }
    optimizer->model = model;
    optimizer->options = options;
    return optimizer;
}

void weft_optimizer_destroy(struct weft_optimizer *optimizer)
{
    free(optimizer);
}

/* v = m v + g; w -= rate (g + m v), with g the gradient plus decay w (Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", 2013, in the form that PyTorch computes). */
void weft_optimizer_step(struct weft_optimizer *optimizer, float *weights, const float *gradients, double rate)
{
    const float momentum = (float)optimizer->options.momentum, step = (float)rate;
    float *velocity = optimizer->velocity;
    for (size_t p = 0; p < optimizer->model->parameter_count; p++) {
        const struct weft_parameter *parameter = &optimizer->model->parameters[p];
        const float decay = parameter->decays ? (float)optimizer->options.weight_decay : 0;
        for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++) {
            float g = gradients[i] + decay * weights[i];
            velocity[i] = momentum * velocity[i] + g;
            weights[i] -= step * (g + momentum * velocity[i]);
        }
    }
}
