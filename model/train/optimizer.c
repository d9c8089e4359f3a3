#include "model/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a running statistic, the part that each batch replaces; as PyTorch has it. */
static const float STATISTIC_RATE = 0.1f;
static const double ADAM_EPSILON = 1e-8;

struct weft_optimizer {
    struct weft_model *model;
    const struct weft_recipe *recipe;
    size_t count; /* of floats in state: as many moments, then the average, as there are, each of all weights */
    float *first, *second, *average;
    float state[];
};

struct weft_optimizer *weft_optimizer_new(struct weft_model *model, const struct weft_recipe *recipe,
                                          struct weft_error *err)
{
    const size_t n = model->weight_count, moments = recipe->optimizer == WEFT_OPTIMIZER_ADAMW ? 2 : 1;
    const size_t count = (moments + (recipe->average > 0)) * n;
    struct weft_optimizer *optimizer = calloc(1, sizeof *optimizer + count * sizeof *optimizer->state);
    if (!optimizer) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the optimizer of %zu weights", n);
        return NULL;
    }
    optimizer->model = model;
    optimizer->recipe = recipe;
    optimizer->count = count;
    optimizer->first = optimizer->state;
    optimizer->second = moments == 2 ? optimizer->state + n : NULL;
    if (recipe->average > 0) {
        optimizer->average = optimizer->state + moments * n;
        memcpy(optimizer->average, model->weights, n * sizeof *model->weights);
    }
    return optimizer;
}

void weft_optimizer_destroy(struct weft_optimizer *optimizer)
{
    free(optimizer);
}

/* v = m v + g; w -= rate (g + m v), with g the gradient plus decay w (Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", 2013, in the form that PyTorch computes). */
static void move_sgd(float *restrict w, float *restrict v, const float *restrict gradients, size_t n, float rate,
                     float momentum, float decay)
{
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i] + decay * w[i];
        v[i] = momentum * v[i] + g;
        w[i] -= rate * (g + momentum * v[i]);
    }
}

/* Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; the moments' start at 0 is made up for as in
 * Kingma and Ba, "Adam", 2015. */
static void move_adamw(float *restrict w, float *restrict m, float *restrict v, const float *restrict g, size_t n,
                       double rate, double decay, struct weft_interval betas, size_t step)
{
    const double t = (double)step + 1, root = sqrt(1 - pow(betas.high, t));
    const float size = (float)(rate * root / (1 - pow(betas.low, t))), epsilon = (float)(ADAM_EPSILON * root);
    const float b1 = (float)betas.low, b2 = (float)betas.high, keep = (float)(1 - rate * decay);
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        w[i] = keep * w[i] - size * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

/* x += rate * (to - x). */
static void approach(float *restrict x, const float *restrict to, size_t n, float rate)
{
    for (size_t i = 0; i < n; i++)
        x[i] += rate * (to[i] - x[i]);
}

static void move_parameter(struct weft_optimizer *optimizer, enum weft_parameter_kind kind, const float *gradients,
                           size_t at, size_t n, double rate, size_t step)
{
    const struct weft_recipe *recipe = optimizer->recipe;
    float *weights = optimizer->model->weights + at;
    const double decay = kind == WEFT_PARAMETER_DECAYS ? recipe->weight_decay : 0;
    if (kind == WEFT_PARAMETER_AVERAGE)
        approach(weights, gradients + at, n, STATISTIC_RATE);
    else if (optimizer->second)
        move_adamw(weights, optimizer->first + at, optimizer->second + at, gradients + at, n, rate, decay,
                   recipe->betas, step);
    else
        move_sgd(weights, optimizer->first + at, gradients + at, n, (float)rate, (float)recipe->momentum, (float)decay);
}

void weft_optimizer_move(struct weft_optimizer *optimizer, const float *gradients, size_t begin, size_t end,
                         double rate, size_t step)
{
    const struct weft_model *model = optimizer->model;
    for (size_t p = 0; p < model->parameter_count; p++) {
        const struct weft_parameter *parameter = &model->parameters[p];
        const size_t last = parameter->offset + parameter->count;
        const size_t from = parameter->offset > begin ? parameter->offset : begin, to = last < end ? last : end;
        if (from < to)
            move_parameter(optimizer, parameter->kind, gradients, from, to - from, rate, step);
    }
    if (optimizer->average) {
        /* The first steps are forgotten sooner, as they begin from random weights. */
        const double t = (double)step, decay = fmin(optimizer->recipe->average, (1 + t) / (10 + t));
        approach(optimizer->average + begin, model->weights + begin, end - begin, (float)(1 - decay));
    }
}

const float *weft_optimizer_average(const struct weft_optimizer *optimizer)
{
    return optimizer->average ? optimizer->average : optimizer->model->weights;
}

float *weft_optimizer_state(struct weft_optimizer *optimizer, size_t *count)
{
    *count = optimizer->count;
    return optimizer->state;
}
