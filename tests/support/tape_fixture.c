#include "support/tape_fixture.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct weft_tape_mode training = {.training = true, .portion = 1, .seed = 5};

void fill_apart(float *values, size_t count, struct weft_random *random)
{
    size_t *order = calloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    weft_random_shuffle(random, order, count);
    for (size_t i = 0; i < count; i++)
        values[i] = ((float)order[i] - (float)count / 2 + 0.25f) * 0.05f;
    free(order);
}

static void draw_weights(struct tape_fixture *f)
{
    for (size_t p = 0; p < f->model->parameter_count; p++) {
        const struct weft_parameter *parameter = &f->model->parameters[p];
        const bool variance = parameter->kind == WEFT_PARAMETER_AVERAGE && parameter->start == 1;
        for (size_t i = 0; i < parameter->count; i++)
            f->model->weights[parameter->offset + i] = weft_random_between(&f->random, variance ? 0.5f : -1, 1);
    }
}

struct tape_fixture tape_fixture_of(const struct weft_variant *variant, struct weft_shape input, add_layers *add,
                                    const void *argument)
{
    struct weft_error err = {0};
    struct tape_fixture f = {
        .model = weft_model_new(input, 0, &err), .random = weft_random_of(11, 0), .step = 0.01f, .tolerance = 4e-3};
    f.model->variant = variant;
    add(f.model, argument);
    f.model->class_count = weft_shape_size(weft_model_shape(f.model, f.model->layer_count));
    ck_assert_msg(weft_model_finish(f.model, &f.random, &err) == 0, "%s", err.message);
    draw_weights(&f);
    f.tape = weft_tape_new(f.model, IMAGES, &err);
    ck_assert_msg(f.tape != NULL, "%s", err.message);
    ck_assert_int_eq(weft_tape_want_image_gradients(f.tape), 0);
    f.gradients = calloc(f.model->weight_count + 1, sizeof *f.gradients);
    fill_apart(weft_tape_images(f.tape), IMAGES * weft_shape_size(input), &f.random);
    return f;
}

struct tape_fixture tape_fixture_new(struct weft_shape input, add_layers *add, const void *argument)
{
    return tape_fixture_of(weft_variant_best(), input, add, argument);
}

void tape_fixture_destroy(struct tape_fixture *f)
{
    free(f->gradients);
    weft_tape_destroy(f->tape);
    weft_model_destroy(f->model);
}

void keep_clear_of_kinks(struct tape_fixture *f, const struct weft_tape_mode *mode)
{
    struct weft_train_layer *last = &f->model->layers[f->model->layer_count - 1];
    const bool relu = last->relu;
    float nearest = 0;
    for (int tries = 0; tries < 1000 && nearest < 0.01f; tries++) {
        draw_weights(f);
        last->relu = false;
        weft_tape_forward(f->tape, f->model->weights, IMAGES, mode);
        last->relu = relu;
        nearest = INFINITY;
        for (size_t i = 0; i < IMAGES * f->model->class_count; i++)
            nearest = fminf(nearest, fabsf(weft_tape_logits(f->tape)[i]));
    }
    ck_assert_float_ge(nearest, 0.01f);
    f->step = 0.002f;
}

/* sum of direction * logits: a scalar whose gradient by the logits is direction. */
static double project(struct tape_fixture *f, const float *direction, const struct weft_tape_mode *mode)
{
    weft_tape_forward(f->tape, f->model->weights, IMAGES, mode);
    double sum = 0;
    for (size_t i = 0; i < IMAGES * f->model->class_count; i++)
        sum += (double)direction[i] * (double)weft_tape_logits(f->tape)[i];
    return sum;
}

static double difference(struct tape_fixture *f, const float *direction, const struct weft_tape_mode *mode, float *at)
{
    const float kept = *at, upper = kept + f->step, lower = kept - f->step;
    *at = upper;
    double above = project(f, direction, mode);
    *at = lower;
    double below = project(f, direction, mode);
    *at = kept;
    return (above - below) / ((double)upper - (double)lower);
}

void assert_close(const char *what, size_t index, double expected, double found, double tolerance)
{
    if (!(fabs(expected - found) <= tolerance * (1 + fabs(expected)))) /* an assertion of each would take its time */
        ck_abort_msg("%s %zu: %g expected, %g found", what, index, expected, found);
}

float *run_both_ways(struct tape_fixture *f, const struct weft_tape_mode *mode)
{
    const size_t outputs = IMAGES * f->model->class_count;
    float *direction = calloc(outputs, sizeof *direction);
    for (size_t i = 0; i < outputs; i++)
        direction[i] = weft_random_between(&f->random, -1, 1);
    weft_tape_forward(f->tape, f->model->weights, IMAGES, mode);
    memcpy(weft_tape_logit_gradients(f->tape), direction, outputs * sizeof *direction);
    weft_tape_backward(f->tape, f->model->weights, IMAGES, f->gradients);
    return direction;
}

void assert_gradients_in(struct tape_fixture *f, const struct weft_tape_mode *mode)
{
    float *direction = run_both_ways(f, mode);
    for (size_t p = 0; p < f->model->parameter_count; p++) {
        const struct weft_parameter *parameter = &f->model->parameters[p];
        for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
            if (parameter->kind != WEFT_PARAMETER_AVERAGE)
                assert_close("weight", i, difference(f, direction, mode, &f->model->weights[i]),
                             (double)f->gradients[i], f->tolerance);
    }
    for (size_t i = 0; i < IMAGES * weft_shape_size(f->model->input); i++)
        assert_close("pixel", i, difference(f, direction, mode, &weft_tape_images(f->tape)[i]),
                     (double)weft_tape_image_gradients(f->tape)[i], f->tolerance);
    free(direction);
}

void assert_gradients(struct tape_fixture *f)
{
    assert_gradients_in(f, &training);
}

void assert_gradients_of_linear(struct tape_fixture *f)
{
    f->step = 1;
    f->tolerance = 1e-4;
    assert_gradients(f);
}

const struct case_of_window convolutions[CONVOLUTIONS] = {
    {{1, 8, 9}, 3, 1, {5, 1, 2}},  {{2, 6, 6}, 4, 1, {5, 1, 0}},  {{3, 7, 5}, 2, 1, {3, 2, 1}},
    {{2, 4, 4}, 3, 1, {1, 1, 0}},  {{1, 3, 3}, 2, 1, {3, 1, 2}},  {{2, 9, 8}, 2, 1, {2, 3, 0}},
    {{1, 2, 2}, 1, 1, {5, 1, 2}},  {{1, 5, 4}, 2, 1, {3, 4, 1}},  {{4, 5, 6}, 6, 2, {3, 1, 1}},
    {{3, 6, 5}, 3, 3, {3, 2, 1}},  {{4, 3, 5}, 4, 2, {1, 1, 0}},  {{4, 5, 5}, 2, 1, {1, 2, 0}},
    {{1, 2, 3}, 2, 1, {2, 2, 3}},  {{2, 6, 7}, 17, 1, {3, 1, 1}}, {{1, 10, 9}, 3, 1, {9, 1, 4}},
    {{3, 7, 5}, 18, 1, {3, 2, 1}}, {{2, 4, 4}, 17, 1, {1, 1, 0}},
};

const struct case_of_window narrow_convolutions[NARROW_CONVOLUTIONS] = {
    {{1, 8, 9}, 3, 1, {5, 1, 2}},  {{6, 9, 9}, 16, 1, {5, 1, 0}},  {{5, 8, 8}, 13, 1, {7, 1, 3}},
    {{7, 9, 20}, 6, 1, {3, 1, 1}}, {{1, 12, 9}, 16, 1, {8, 1, 0}}, {{2, 5, 6}, 7, 1, {1, 1, 0}},
    {{3, 7, 5}, 2, 1, {3, 2, 1}},  {{3, 5, 4}, 5, 1, {3, 3, 2}},   {{1, 7, 8}, 8, 1, {3, 1, 1}},
};

const struct case_of_window even_convolutions[EVEN_CONVOLUTIONS] = {
    {{16, 7, 7}, 32, 1, {3, 1, 1}}, {{32, 6, 5}, 16, 1, {3, 1, 0}}, {{16, 4, 9}, 16, 1, {3, 1, 1}},
    {{16, 3, 3}, 16, 1, {3, 1, 2}}, {{8, 5, 6}, 8, 1, {3, 1, 1}},   {{4, 8, 4}, 12, 1, {3, 1, 1}},
};

const struct case_of_window pools[POOLS] = {{{2, 6, 6}, 0, 0, {2, 2, 0}}, {{1, 7, 5}, 0, 0, {2, 2, 0}},
                                            {{2, 7, 7}, 0, 0, {3, 2, 1}}, {{1, 4, 5}, 0, 0, {3, 1, 0}},
                                            {{2, 5, 4}, 0, 0, {3, 2, 2}}, {{1, 6, 6}, 0, 0, {2, 3, 0}}};

void add_convolution(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_convolution_add(model, WEFT_MODEL_IMAGES,
                         (struct weft_convolution){.filters = c->filters, .window = c->window, .groups = c->groups});
}

void add_convolution_without_bias(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_convolution_add(model, WEFT_MODEL_IMAGES,
                         (struct weft_convolution){
                             .filters = c->filters, .window = c->window, .groups = c->groups, .without_bias = true});
}

void add_max_pool(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_max_pool_add(model, WEFT_MODEL_IMAGES, c->window);
}

void add_average_pool(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_average_pool_add(model, WEFT_MODEL_IMAGES, c->window);
}

void add_global_average_pool(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_global_average_pool_add(model, WEFT_MODEL_IMAGES);
}

void add_relu(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_relu_add(model, WEFT_MODEL_IMAGES);
}

void add_batch_norm(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    weft_batch_norm_add(model, WEFT_MODEL_IMAGES, (struct weft_batch_norm){.relu = *relu});
}

/* The residual goes through weights of its own, so that both inputs are told apart. */
void add_batch_norm_with_residual(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    const size_t channels = model->input.channels;
    const struct weft_convolution pointwise = {.filters = channels, .window = {1, 1, 0}};
    const size_t residual = weft_convolution_add(model, WEFT_MODEL_IMAGES, pointwise);
    weft_batch_norm_residual_add(model, WEFT_MODEL_IMAGES, residual, (struct weft_batch_norm){.relu = *relu});
}

void add_sum(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    const size_t channels = model->input.channels;
    const struct weft_convolution pointwise = {.filters = channels, .window = {1, 1, 0}};
    weft_sum_add(model, WEFT_MODEL_IMAGES, weft_convolution_add(model, WEFT_MODEL_IMAGES, pointwise), *relu);
}

void add_dropout(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_dropout_add(model, WEFT_MODEL_IMAGES, 0.3f);
}

void add_dense(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_dense_add(model, WEFT_MODEL_IMAGES, 4);
}

void add_flatten(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_flatten_add(model, WEFT_MODEL_IMAGES);
}
