#include "model/train/layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/network.h"
#include "model/onnx/onnx_write.h"
#include "model/train/architecture.h"
#include "model/train/loss.h"
#include "model/train/tape.h"
#include "support/suite.h"

enum { IMAGES = 3 };

static const struct weft_tape_mode training = {.training = true, .portion = 1, .seed = 5};

struct fixture {
    struct weft_model *model;
    struct weft_tape *tape;
    struct weft_random random;
    float *gradients;
    float step;       /* of a finite difference */
    double tolerance; /* of what it says */
};

/* Values that differ by at least 0.05 from each other and from zero, so that a step of a finite difference crosses no
 * kink. */
static void fill_apart(float *values, size_t count, struct weft_random *random)
{
    size_t *order = calloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    weft_random_shuffle(random, order, count);
    for (size_t i = 0; i < count; i++)
        values[i] = ((float)order[i] - (float)count / 2 + 0.25f) * 0.05f;
    free(order);
}

static void draw_weights(struct fixture *f)
{
    for (size_t p = 0; p < f->model->parameter_count; p++) {
        const struct weft_parameter *parameter = &f->model->parameters[p];
        const bool variance = parameter->kind == WEFT_PARAMETER_AVERAGE && parameter->start == 1;
        for (size_t i = 0; i < parameter->count; i++)
            f->model->weights[parameter->offset + i] = weft_random_between(&f->random, variance ? 0.5f : -1, 1);
    }
}

/* A model that add() fills, with random weights, biases too, and a tape of IMAGES random images. */
static struct fixture fixture_of(const struct weft_variant *variant, struct weft_shape input,
                                 void (*add)(struct weft_model *model, const void *argument), const void *argument)
{
    struct weft_error err = {0};
    struct fixture f = {
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

static struct fixture fixture_new(struct weft_shape input, void (*add)(struct weft_model *model, const void *argument),
                                  const void *argument)
{
    return fixture_of(weft_variant_best(), input, add, argument);
}

static void fixture_destroy(struct fixture *f)
{
    free(f->gradients);
    weft_tape_destroy(f->tape);
    weft_model_destroy(f->model);
}

/* Draws weights until no value of any layer comes close to the kink of the ReLU that is part of the layer. */
static void keep_clear_of_kinks(struct fixture *f, const struct weft_tape_mode *mode)
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
static double project(struct fixture *f, const float *direction, const struct weft_tape_mode *mode)
{
    weft_tape_forward(f->tape, f->model->weights, IMAGES, mode);
    double sum = 0;
    for (size_t i = 0; i < IMAGES * f->model->class_count; i++)
        sum += (double)direction[i] * (double)weft_tape_logits(f->tape)[i];
    return sum;
}

static double difference(struct fixture *f, const float *direction, const struct weft_tape_mode *mode, float *at)
{
    const float kept = *at, upper = kept + f->step, lower = kept - f->step;
    *at = upper;
    double above = project(f, direction, mode);
    *at = lower;
    double below = project(f, direction, mode);
    *at = kept;
    return (above - below) / ((double)upper - (double)lower);
}

static void assert_close(const char *what, size_t index, double expected, double found, double tolerance)
{
    if (!(fabs(expected - found) <= tolerance * (1 + fabs(expected)))) /* an assertion of each would take its time */
        ck_abort_msg("%s %zu: %g expected, %g found", what, index, expected, found);
}

/* One pass forward and, from a random gradient by the logits, which is returned, backward. */
static float *run_both_ways(struct fixture *f, const struct weft_tape_mode *mode)
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

/* Compares backward with central differences, for every weight and every pixel. */
static void assert_gradients_in(struct fixture *f, const struct weft_tape_mode *mode)
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

static void assert_gradients(struct fixture *f)
{
    assert_gradients_in(f, &training);
}

/* A linear layer is the same at any distance: steps as large as the values leave no rounding to speak of. */
static void assert_gradients_of_linear(struct fixture *f)
{
    f->step = 1;
    f->tolerance = 1e-4;
    assert_gradients(f);
}

struct case_of_window {
    struct weft_shape in;
    size_t filters, groups; /* of convolution */
    struct weft_window window;
};

static const struct case_of_window convolutions[] = {
    {{1, 8, 9}, 3, 1, {5, 1, 2}}, {{2, 6, 6}, 4, 1, {5, 1, 0}}, {{3, 7, 5}, 2, 1, {3, 2, 1}},
    {{2, 4, 4}, 3, 1, {1, 1, 0}}, {{1, 3, 3}, 2, 1, {3, 1, 2}}, {{2, 9, 8}, 2, 1, {2, 3, 0}},
    {{1, 2, 2}, 1, 1, {5, 1, 2}}, {{1, 5, 4}, 2, 1, {3, 4, 1}}, {{4, 5, 6}, 6, 2, {3, 1, 1}},
    {{3, 6, 5}, 3, 3, {3, 2, 1}}, {{4, 3, 5}, 4, 2, {1, 1, 0}}, {{4, 5, 5}, 2, 1, {1, 2, 0}},
    {{1, 2, 3}, 2, 1, {2, 2, 3}},
};

/* Such as Winograd's transform takes where vectors are not longer. */
static const struct case_of_window even_convolutions[] = {
    {{16, 7, 7}, 32, 1, {3, 1, 1}}, {{32, 6, 5}, 16, 1, {3, 1, 0}}, {{16, 4, 9}, 16, 1, {3, 1, 1}},
    {{16, 3, 3}, 16, 1, {3, 1, 2}}, {{8, 5, 6}, 8, 1, {3, 1, 1}},   {{4, 8, 4}, 12, 1, {3, 1, 1}},
};

static const struct case_of_window pools[] = {{{2, 6, 6}, 0, 0, {2, 2, 0}}, {{1, 7, 5}, 0, 0, {2, 2, 0}},
                                              {{2, 7, 7}, 0, 0, {3, 2, 1}}, {{1, 4, 5}, 0, 0, {3, 1, 0}},
                                              {{2, 5, 4}, 0, 0, {3, 2, 2}}, {{1, 6, 6}, 0, 0, {2, 3, 0}}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_convolution(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_convolution_add(model, WEFT_MODEL_IMAGES,
                         (struct weft_convolution){.filters = c->filters, .window = c->window, .groups = c->groups});
}

static void add_convolution_without_bias(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_convolution_add(model, WEFT_MODEL_IMAGES,
                         (struct weft_convolution){
                             .filters = c->filters, .window = c->window, .groups = c->groups, .without_bias = true});
}

static void add_max_pool(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_max_pool_add(model, WEFT_MODEL_IMAGES, c->window);
}

static void add_average_pool(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_average_pool_add(model, WEFT_MODEL_IMAGES, c->window);
}

static void add_global_average_pool(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_global_average_pool_add(model, WEFT_MODEL_IMAGES);
}

static void add_relu(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_relu_add(model, WEFT_MODEL_IMAGES);
}

static void add_batch_norm(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    weft_batch_norm_add(model, WEFT_MODEL_IMAGES, (struct weft_batch_norm){.relu = *relu});
}

/* The residual goes through weights of its own, so that both inputs are told apart. */
static void add_batch_norm_with_residual(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    const size_t channels = model->input.channels;
    const struct weft_convolution pointwise = {.filters = channels, .window = {1, 1, 0}};
    const size_t residual = weft_convolution_add(model, WEFT_MODEL_IMAGES, pointwise);
    weft_batch_norm_residual_add(model, WEFT_MODEL_IMAGES, residual, (struct weft_batch_norm){.relu = *relu});
}

static void add_sum(struct weft_model *model, const void *argument)
{
    const bool *relu = argument;
    const size_t channels = model->input.channels;
    const struct weft_convolution pointwise = {.filters = channels, .window = {1, 1, 0}};
    weft_sum_add(model, WEFT_MODEL_IMAGES, weft_convolution_add(model, WEFT_MODEL_IMAGES, pointwise), *relu);
}

static void add_dropout(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_dropout_add(model, WEFT_MODEL_IMAGES, 0.3f);
}

static void add_dense(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_dense_add(model, WEFT_MODEL_IMAGES, 4);
}

static void add_flatten(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_flatten_add(model, WEFT_MODEL_IMAGES);
}

static void add_chain(struct weft_model *model, const void *argument)
{
    (void)argument;
    size_t x =
        weft_convolution_add(model, WEFT_MODEL_IMAGES, (struct weft_convolution){.filters = 2, .window = {3, 1, 1}});
    x = weft_convolution_add(model, x, (struct weft_convolution){.filters = 3, .window = {3, 2, 1}});
    weft_dense_add(model, weft_flatten_add(model, x), 3);
}

/* Values with two readers, sums of sums and a gradient that travels through several layers in one place. */
static void add_braid(struct weft_model *model, const void *argument)
{
    (void)argument;
    const struct weft_convolution same = {.filters = 2, .window = {3, 1, 1}};
    const size_t a = weft_convolution_add(model, WEFT_MODEL_IMAGES, same);
    const size_t b = weft_convolution_add(model, a, same);
    const size_t c = weft_sum_add(model, b, a, false);
    const size_t d = weft_sum_add(model, a, c, false);
    const size_t e = weft_convolution_add(model, d, (struct weft_convolution){.filters = 2, .window = {1, 1, 0}});
    weft_sum_add(model, weft_sum_add(model, e, b, false), weft_sum_add(model, c, WEFT_MODEL_IMAGES, false), false);
}

/* Where pixel (y, x) of the padded image lies among the floats of an image; SIZE_MAX outside. */
static size_t pixel_at(const struct case_of_window *c, size_t y, size_t x)
{
    const size_t padding = c->window.padding;
    if (y < padding || y >= c->in.height + padding || x < padding || x >= c->in.width + padding)
        return SIZE_MAX;
    return ((y - padding) * c->in.width + x - padding) * c->in.channels;
}

/* By loops: output of image and weights; with dy, gradients by both are added to dx and dw. */
static void convolve(const struct case_of_window *c, struct weft_shape out, const float *image, const float *weight,
                     const float *dy, double *y, double *dx, double *dw)
{
    const size_t part = c->in.channels / c->groups, filters = c->filters, k = c->window.kernel;
    for (size_t i = 0; i < weft_shape_size(out) * k * k * part; i++) {
        const size_t channel = i % part, kx = i / part % k, ky = i / part / k % k, o = i / part / k / k;
        const size_t filter = o % filters, ox = o / filters % out.width, oy = o / filters / out.width;
        const size_t from = pixel_at(c, oy * c->window.stride + ky, ox * c->window.stride + kx);
        if (from == SIZE_MAX)
            continue;
        const size_t at = from + filter / (filters / c->groups) * part + channel;
        const size_t w = ((ky * k + kx) * part + channel) * filters + filter;
        y[o] += (double)image[at] * (double)weight[w];
        dx[at] += (double)dy[o] * (double)weight[w];
        dw[w] += (double)dy[o] * (double)image[at];
    }
}

static void assert_convolution_is_naive(const struct case_of_window *c, const struct weft_variant *variant,
                                        bool without_bias)
{
    struct fixture f = fixture_of(variant, c->in, without_bias ? add_convolution_without_bias : add_convolution, c);
    const struct weft_train_layer *layer = &f.model->layers[0];
    const size_t outputs = weft_shape_size(layer->out), inputs = weft_shape_size(c->in);
    ck_assert_uint_eq(layer->out.height,
                      (c->in.height + 2 * c->window.padding - c->window.kernel) / c->window.stride + 1);
    for (size_t i = 0; i < IMAGES * inputs; i++)
        weft_tape_images(f.tape)[i] /= 0.025f * (float)(IMAGES * inputs); /* between -1 and 1 */
    float *dy = run_both_ways(&f, &training);
    double *y = calloc(IMAGES * outputs, sizeof *y), *dx = calloc(IMAGES * inputs, sizeof *dx);
    double *dw = calloc(f.model->weight_count, sizeof *dw);
    for (size_t i = 0; i < IMAGES * outputs; i++)
        if (!without_bias) {
            y[i] = (double)f.model->weights[layer->bias + i % c->filters];
            dw[layer->bias + i % c->filters] += (double)dy[i];
        }
    for (size_t n = 0; n < IMAGES; n++)
        convolve(c, layer->out, weft_tape_images(f.tape) + n * inputs, f.model->weights + layer->weight,
                 dy + n * outputs, y + n * outputs, dx + n * inputs, dw + layer->weight);
    for (size_t i = 0; i < IMAGES * outputs; i++)
        assert_close("output", i, y[i], (double)weft_tape_logits(f.tape)[i], 2e-4);
    for (size_t i = 0; i < IMAGES * inputs; i++)
        assert_close("pixel", i, dx[i], (double)weft_tape_image_gradients(f.tape)[i], 2e-4);
    for (size_t i = 0; i < f.model->weight_count; i++)
        assert_close("weight", i, dw[i], (double)f.gradients[i], 2e-4);
    free(y);
    free(dx);
    free(dw);
    free(dy);
    fixture_destroy(&f);
}

START_TEST(convolution_equals_naive_loops)
{
    for (size_t k = 0; k < COUNT(convolutions); k++) {
        assert_convolution_is_naive(&convolutions[k], weft_variant_best(), false);
        assert_convolution_is_naive(&convolutions[k], weft_variant_best(), true);
    }
}
END_TEST

START_TEST(convolution_by_transform_equals_naive_loops_in_each_variant)
{
    for (size_t v = 0; weft_variant_at(v); v++)
        for (size_t k = 0; k < COUNT(even_convolutions); k++)
            assert_convolution_is_naive(&even_convolutions[k], weft_variant_at(v), true);
}
END_TEST

START_TEST(pooling_equals_naive_loops)
{
    for (size_t k = 0; k < COUNT(pools); k++) {
        const struct case_of_window *c = &pools[k];
        const struct weft_window w = c->window;
        struct fixture largest = fixture_new(c->in, add_max_pool, c), mean = fixture_new(c->in, add_average_pool, c);
        const struct weft_shape out = largest.model->layers[0].out;
        weft_tape_forward(largest.tape, largest.model->weights, IMAGES, NULL);
        weft_tape_forward(mean.tape, mean.model->weights, IMAGES, NULL);
        for (size_t i = 0; i < IMAGES * weft_shape_size(out); i++) {
            const size_t channel = i % out.channels, ox = i / out.channels % out.width;
            const size_t oy = i / out.channels / out.width % out.height, n = i / weft_shape_size(out);
            float best = -INFINITY, sum = 0, count = 0;
            for (size_t ky = 0; ky < w.kernel; ky++)
                for (size_t kx = 0; kx < w.kernel; kx++) {
                    const size_t at = pixel_at(c, oy * w.stride + ky, ox * w.stride + kx);
                    if (at == SIZE_MAX)
                        continue;
                    const float pixel = weft_tape_images(mean.tape)[n * weft_shape_size(c->in) + at + channel];
                    best = fmaxf(best, pixel);
                    sum += pixel;
                    count++;
                }
            ck_assert_float_eq(weft_tape_logits(largest.tape)[i], best);
            ck_assert_float_eq_tol(weft_tape_logits(mean.tape)[i], sum / count, 1e-5f);
        }
        fixture_destroy(&largest);
        fixture_destroy(&mean);
    }
}
END_TEST

START_TEST(global_average_pooling_is_the_mean_of_each_channel)
{
    struct fixture f = fixture_new((struct weft_shape){3, 4, 5}, add_global_average_pool, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t i = 0; i < IMAGES * 3; i++) {
        double sum = 0;
        for (size_t p = 0; p < 20; p++)
            sum += (double)weft_tape_images(f.tape)[(i / 3 * 20 + p) * 3 + i % 3];
        ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], sum / 20, 1e-6);
    }
    fixture_destroy(&f);
}
END_TEST

START_TEST(dense_equals_naive_loops)
{
    struct fixture f = fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
    const struct weft_train_layer *layer = &f.model->layers[0];
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t n = 0; n < IMAGES; n++)
        for (size_t o = 0; o < 4; o++) {
            double sum = (double)f.model->weights[layer->bias + o];
            for (size_t i = 0; i < 7; i++)
                sum +=
                    (double)f.model->weights[layer->weight + o * 7 + i] * (double)weft_tape_images(f.tape)[n * 7 + i];
            ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[n * 4 + o], sum, 1e-5);
        }
    fixture_destroy(&f);
}
END_TEST

START_TEST(relu_keeps_what_is_positive)
{
    struct fixture f = fixture_new((struct weft_shape){2, 3, 3}, add_relu, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t i = 0; i < IMAGES * 18; i++)
        ck_assert_float_eq(weft_tape_logits(f.tape)[i], fmaxf(weft_tape_images(f.tape)[i], 0));
    fixture_destroy(&f);
}
END_TEST

START_TEST(flatten_gives_one_channel_after_another)
{
    struct fixture f = fixture_new((struct weft_shape){3, 2, 4}, add_flatten, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t n = 0; n < IMAGES; n++)
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < 8; p++)
                ck_assert_float_eq(weft_tape_logits(f.tape)[n * 24 + c * 8 + p],
                                   weft_tape_images(f.tape)[n * 24 + p * 3 + c]);
    fixture_destroy(&f);
}
END_TEST

START_TEST(a_sum_adds_and_rectifies)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct fixture f = fixture_new((struct weft_shape){2, 3, 3}, add_sum, &(const bool){relu});
        weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
        const float *w = f.model->weights, *x = weft_tape_images(f.tape);
        for (size_t i = 0; i < IMAGES * 18; i++) {
            const size_t first = i / 2 * 2, c = i % 2;
            const float other = x[first] * w[c] + x[first + 1] * w[2 + c] + w[4 + c];
            ck_assert_float_eq_tol(weft_tape_logits(f.tape)[i], relu ? fmaxf(x[i] + other, 0) : x[i] + other, 1e-5f);
        }
        fixture_destroy(&f);
    }
}
END_TEST

static double normalised(const struct fixture *f, size_t i, double mean, double variance)
{
    const struct weft_train_layer *layer = &f->model->layers[0];
    const size_t c = i % layer->in.channels;
    const double h = ((double)weft_tape_images(f->tape)[i] - mean) / sqrt(variance + 1e-5);
    const double y = h * (double)f->model->weights[layer->weight + c] + (double)f->model->weights[layer->bias + c];
    return layer->relu ? fmax(y, 0) : y;
}

/* Mean and variance (of all, not of a sample) of channel c over all pixels. */
static void moments(const struct fixture *f, size_t c, double *mean, double *variance)
{
    const size_t channels = f->model->input.channels, size = IMAGES * weft_shape_size(f->model->input);
    *mean = *variance = 0;
    for (size_t i = c; i < size; i += channels)
        *mean += (double)weft_tape_images(f->tape)[i] * (double)channels / (double)size;
    for (size_t i = c; i < size; i += channels)
        *variance += pow((double)weft_tape_images(f->tape)[i] - *mean, 2) * (double)channels / (double)size;
}

START_TEST(batch_norm_in_training_takes_the_statistics_of_the_pass)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct fixture f = fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){relu});
        weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
        for (size_t i = 0; i < IMAGES * 60; i++) {
            double mean, variance;
            moments(&f, i % 3, &mean, &variance);
            ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, mean, variance), 1e-5);
        }
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(batch_norm_in_evaluation_takes_the_running_statistics)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct fixture f = fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){relu});
        const struct weft_train_layer *layer = &f.model->layers[0];
        weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
        for (size_t i = 0; i < IMAGES * 60; i++) {
            const double mean = (double)f.model->weights[layer->mean + i % 3];
            const double variance = (double)f.model->weights[layer->variance + i % 3];
            ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, mean, variance), 1e-4);
        }
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(batch_norm_hands_its_statistics_to_the_running_ones)
{
    struct fixture f = fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){false});
    const struct weft_train_layer *layer = &f.model->layers[0];
    const struct weft_tape_mode quarter = {.training = true, .portion = 0.25f};
    free(run_both_ways(&f, &quarter));
    for (size_t c = 0; c < 3; c++) {
        double mean, variance;
        moments(&f, c, &mean, &variance);
        ck_assert_double_eq_tol((double)f.gradients[layer->mean + c], mean / 4, 1e-5);
        ck_assert_double_eq_tol((double)f.gradients[layer->variance + c], variance * 60 / 59 / 4, 1e-5);
    }
    memset(f.gradients, 0, f.model->weight_count * sizeof *f.gradients);
    free(run_both_ways(&f, NULL));
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq(f.gradients[layer->mean + i], 0);
    fixture_destroy(&f);
}
END_TEST

START_TEST(batch_norm_finds_a_small_variance_far_from_zero)
{
    struct fixture f = fixture_new((struct weft_shape){1, 16, 16}, add_batch_norm, &(const bool){false});
    for (size_t i = 0; i < IMAGES * 256; i++)
        weft_tape_images(f.tape)[i] = 1000 + (i % 2 ? 0.125f : -0.125f);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    for (size_t i = 0; i < IMAGES * 256; i++)
        ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, 1000, 0.125 * 0.125), 1e-3);
    fixture_destroy(&f);
}
END_TEST

START_TEST(a_scale_that_starts_at_zero_leaves_the_residual_alone)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){2, 3, 3}, 18, &err);
    const struct weft_convolution same = {.filters = 2, .window = {3, 1, 1}};
    weft_batch_norm_residual_add(model, weft_convolution_add(model, WEFT_MODEL_IMAGES, same), WEFT_MODEL_IMAGES,
                                 (struct weft_batch_norm){.starts_at_zero = true});
    ck_assert_int_eq(weft_model_finish(model, &random, &err), 0);
    struct weft_tape *tape = weft_tape_new(model, IMAGES, &err);
    fill_apart(weft_tape_images(tape), IMAGES * 18, &random);
    weft_tape_forward(tape, model->weights, IMAGES, &training);
    for (size_t i = 0; i < IMAGES * 18; i++)
        ck_assert_float_eq(weft_tape_logits(tape)[i], weft_tape_images(tape)[i]);
    weft_tape_destroy(tape);
    weft_model_destroy(model);
}
END_TEST

START_TEST(dropout_drops_its_rate_and_keeps_the_mean)
{
    struct fixture f = fixture_new((struct weft_shape){8, 20, 20}, add_dropout, NULL);
    const size_t count = IMAGES * 3200;
    for (size_t i = 0; i < count; i++)
        weft_tape_images(f.tape)[i] = 1;
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    size_t dropped = 0;
    for (size_t i = 0; i < count; i++) {
        const float y = weft_tape_logits(f.tape)[i];
        dropped += y == 0;
        if (y != 0)
            ck_assert_float_eq_tol(y, 1 / 0.7f, 1e-6f);
    }
    /* Five standard deviations. */
    ck_assert_double_eq_tol((double)dropped / (double)count, 0.3, 5 * sqrt(0.3 * 0.7 / (double)count));
    fixture_destroy(&f);
}
END_TEST

START_TEST(dropout_is_the_same_for_the_same_seed_and_nothing_in_evaluation)
{
    struct fixture f = fixture_new((struct weft_shape){8, 5, 5}, add_dropout, NULL);
    const size_t size = IMAGES * 200 * sizeof(float);
    const struct weft_tape_mode other = {.training = true, .portion = 1, .seed = 6};
    float *first = malloc(size);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    memcpy(first, weft_tape_logits(f.tape), size);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &other);
    ck_assert_mem_ne(first, weft_tape_logits(f.tape), size);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    ck_assert_mem_eq(first, weft_tape_logits(f.tape), size);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    ck_assert_mem_eq(weft_tape_images(f.tape), weft_tape_logits(f.tape), size);
    free(first);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_convolution_equal_finite_differences)
{
    for (size_t k = 0; k < COUNT(convolutions); k++) {
        struct fixture f = fixture_new(convolutions[k].in, add_convolution, &convolutions[k]);
        assert_gradients_of_linear(&f);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_pooling_equal_finite_differences)
{
    for (size_t k = 0; k < COUNT(pools); k++) {
        struct fixture largest = fixture_new(pools[k].in, add_max_pool, &pools[k]);
        struct fixture mean = fixture_new(pools[k].in, add_average_pool, &pools[k]);
        assert_gradients(&largest);
        assert_gradients_of_linear(&mean);
        fixture_destroy(&largest);
        fixture_destroy(&mean);
    }
}
END_TEST

START_TEST(gradients_of_global_average_pooling_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){3, 4, 5}, add_global_average_pool, NULL);
    assert_gradients_of_linear(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_batch_norm_equal_finite_differences)
{
    for (int k = 0; k < 4; k++) {
        const struct weft_tape_mode *mode = k < 2 ? &training : NULL;
        struct fixture f = fixture_new((struct weft_shape){3, 3, 4}, add_batch_norm, &(const bool){k % 2});
        keep_clear_of_kinks(&f, mode);
        assert_gradients_in(&f, mode);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_batch_norm_with_a_residual_equal_finite_differences)
{
    for (int k = 0; k < 4; k++) {
        const struct weft_tape_mode *mode = k < 2 ? &training : NULL;
        struct fixture f =
            fixture_new((struct weft_shape){2, 3, 3}, add_batch_norm_with_residual, &(const bool){k % 2});
        keep_clear_of_kinks(&f, mode);
        assert_gradients_in(&f, mode);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_sums_equal_finite_differences)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct fixture f = fixture_new((struct weft_shape){2, 3, 3}, add_sum, &(const bool){relu});
        keep_clear_of_kinks(&f, &training);
        assert_gradients(&f);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_dropout_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){2, 5, 5}, add_dropout, NULL);
    assert_gradients_of_linear(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_dense_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
    assert_gradients_of_linear(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_relu_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){2, 3, 3}, add_relu, NULL);
    assert_gradients(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_flatten_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){2, 3, 2}, add_flatten, NULL);
    assert_gradients_of_linear(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_go_back_through_a_chain_of_layers)
{
    struct fixture f = fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
    f.tolerance = 1e-3;
    f.step = 0.5f;
    assert_gradients(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_values_with_several_readers_add_up)
{
    struct fixture f = fixture_new((struct weft_shape){2, 4, 4}, add_braid, NULL);
    f.tolerance = 1e-3;
    f.step = 0.5f;
    assert_gradients(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_add_up_over_passes)
{
    struct fixture f = fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
    float *once = calloc(f.model->weight_count, sizeof *once);
    const size_t outputs = IMAGES * f.model->class_count;
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    for (int pass = 1; pass <= 2; pass++) {
        for (size_t i = 0; i < outputs; i++)
            weft_tape_logit_gradients(f.tape)[i] = 1;
        weft_tape_backward(f.tape, f.model->weights, IMAGES, f.gradients);
        if (pass == 1)
            memcpy(once, f.gradients, f.model->weight_count * sizeof *once);
    }
    for (size_t i = 0; i < f.model->weight_count; i++)
        ck_assert_float_eq_tol(f.gradients[i], 2 * once[i], 1e-3f * (1 + fabsf(once[i])));
    free(once);
    fixture_destroy(&f);
}
END_TEST

/* Runs the model's last layer alone both ways; the gradients of its inputs, which are returned behind each other, are
 * at start before, and adds says that it counts. */
static float *input_gradients_from(struct fixture *f, float start, bool adds)
{
    const struct weft_train_layer *layer = &f->model->layers[f->model->layer_count - 1];
    const size_t inputs = IMAGES * weft_shape_size(layer->in), outputs = IMAGES * weft_shape_size(layer->out);
    const size_t kept = layer->kept_once + IMAGES * layer->kept_each;
    float *memory = aligned_alloc(64, (8 * inputs + 8 * outputs + kept + layer->scratch + 64) / 16 * 64 + 64);
    float *x = memory, *y = x + (2 * inputs + 15) / 16 * 16, *dy = y + (outputs + 15) / 16 * 16;
    float *scratch = dy + (outputs + 15) / 16 * 16, *kept_floats = scratch + (layer->scratch + 15) / 16 * 16;
    float *dx = calloc(2 * inputs, sizeof *dx);
    for (size_t i = 0; i < 2 * inputs; i++) {
        x[i] = (float)(i * 7 % 11) - 5.5f;
        dx[i] = start;
    }
    for (size_t i = 0; i < outputs; i++)
        dy[i] = (float)(i % 3);
    const struct weft_pass pass = {.n = IMAGES,
                                   .training = true,
                                   .portion = 1,
                                   .random = weft_random_of(1, 1),
                                   .variant = f->model->variant,
                                   .weights = f->model->weights,
                                   .weight_gradients = f->gradients,
                                   .x = {x, layer->input_count == 2 ? x + inputs : NULL},
                                   .y = y,
                                   .dx = {dx, layer->input_count == 2 ? dx + inputs : NULL},
                                   .dx_adds = {adds, adds},
                                   .dy = dy,
                                   .kept = kept_floats,
                                   .scratch = scratch};
    layer->type->forward(layer, &pass);
    layer->type->backward(layer, &pass);
    free(memory);
    return dx;
}

START_TEST(every_layer_overwrites_the_gradients_of_its_inputs_or_adds_to_them)
{
    static const bool yes = true, no = false;
    static const struct {
        struct weft_shape in;
        void (*add)(struct weft_model *model, const void *argument);
        const void *argument;
    } all[] = {{{1, 8, 9}, add_convolution, &convolutions[0]},
               {{4, 5, 6}, add_convolution, &convolutions[8]},
               {{4, 3, 5}, add_convolution, &convolutions[10]},
               {{16, 7, 7}, add_convolution, &even_convolutions[0]},
               {{2, 6, 6}, add_max_pool, &pools[0]},
               {{2, 6, 6}, add_average_pool, &pools[0]},
               {{2, 6, 6}, add_global_average_pool, NULL},
               {{2, 3, 3}, add_relu, NULL},
               {{2, 3, 3}, add_batch_norm, &yes},
               {{17, 3, 3}, add_batch_norm, &no},
               {{16, 3, 3}, add_batch_norm_with_residual, &yes},
               {{2, 3, 3}, add_batch_norm_with_residual, &no},
               {{2, 3, 3}, add_sum, &yes},
               {{2, 3, 3}, add_sum, &no},
               {{2, 3, 3}, add_dropout, NULL},
               {{2, 3, 3}, add_flatten, NULL},
               {{7, 1, 1}, add_dense, NULL}};
    for (size_t k = 0; k < COUNT(all); k++) {
        struct fixture f = fixture_new(all[k].in, all[k].add, all[k].argument);
        const struct weft_train_layer *layer = &f.model->layers[f.model->layer_count - 1];
        float *over = input_gradients_from(&f, NAN, false), *added = input_gradients_from(&f, 5, true);
        for (size_t i = 0; i < layer->input_count * IMAGES * weft_shape_size(all[k].in); i++)
            ck_assert_msg(fabsf(added[i] - 5 - over[i]) <= 1e-4f * (1 + fabsf(over[i])), "%s %zu: %g and 5 + %g",
                          layer->name, i, (double)added[i], (double)over[i]);
        free(over);
        free(added);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_cross_entropy_equal_finite_differences)
{
    float logits[2 * 4] = {0.5f, -1, 2, 0.1f, -0.3f, 0.2f, 0.9f, -2}, gradients[8];
    const int32_t labels[] = {2, 0};
    const double scale = 0.5;
    const float step = 1e-2f;
    for (int smoothed = 0; smoothed <= 1; smoothed++) {
        const struct weft_target target = {.labels = labels, .smoothing = smoothed ? 0.1 : 0};
        weft_cross_entropy(logits, &target, 2, 4, scale, gradients);
        for (size_t i = 0; i < 8; i++) {
            const float kept = logits[i];
            logits[i] = kept + step;
            double above = weft_cross_entropy(logits, &target, 2, 4, scale, NULL).sum;
            logits[i] = kept - step;
            double below = weft_cross_entropy(logits, &target, 2, 4, scale, NULL).sum;
            logits[i] = kept;
            ck_assert_double_eq_tol((double)gradients[i], scale * (above - below) / (2 * (double)step), 1e-4);
        }
    }
}
END_TEST

START_TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes)
{
    const float logits[3 * 5] = {0};
    const int32_t labels[] = {0, 4, 2};
    struct weft_loss loss =
        weft_cross_entropy(logits, &(const struct weft_target){.labels = labels, .smoothing = 0.2}, 3, 5, 1, NULL);
    ck_assert_double_eq_tol(loss.sum, 3 * log(5), 1e-9);
    ck_assert_uint_eq(loss.correct, 1);
}
END_TEST

START_TEST(cross_entropy_of_huge_logits_is_finite)
{
    const float logits[] = {3e38f, -3e38f, 0, 1e30f, 1e30f, 1e30f};
    const int32_t labels[] = {0, 1};
    float gradients[6];
    struct weft_loss loss =
        weft_cross_entropy(logits, &(const struct weft_target){.labels = labels}, 2, 3, 1, gradients);
    ck_assert(isfinite(loss.sum));
    for (size_t i = 0; i < 6; i++)
        ck_assert(isfinite(gradients[i]));
}
END_TEST

START_TEST(a_window_larger_than_its_image_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){1, 3, 3}, 2, &err);
    size_t x =
        weft_convolution_add(model, WEFT_MODEL_IMAGES, (struct weft_convolution){.filters = 2, .window = {5, 1, 0}});
    weft_dense_add(model, weft_flatten_add(model, x), 2);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "conv1: its input of 3x3 is too small"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(a_model_must_end_in_one_logit_a_class)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){4, 1, 1}, 3, &err);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 2);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "2 values for 3 classes"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(a_layer_that_nobody_reads_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    struct weft_model *model = weft_model_new((struct weft_shape){4, 1, 1}, 3, &err);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 2);
    weft_dense_add(model, WEFT_MODEL_IMAGES, 3);
    ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "no layer reads what dense1 makes"));
    weft_model_destroy(model);
}
END_TEST

START_TEST(what_does_not_fit_together_is_a_fault_of_the_model)
{
    struct weft_error err = {0};
    struct weft_random random = weft_random_of(1, 0);
    for (int k = 0; k < 4; k++) {
        struct weft_model *model = weft_model_new((struct weft_shape){4, 3, 3}, 36, &err);
        const struct weft_convolution wider = {.filters = 6, .window = {1, 1, 0}, .groups = k == 0 ? 4 : 1};
        size_t x = weft_convolution_add(model, WEFT_MODEL_IMAGES, wider);
        if (k == 1)
            x = weft_sum_add(model, x, WEFT_MODEL_IMAGES, false);
        else if (k == 2)
            x = weft_batch_norm_residual_add(model, x, WEFT_MODEL_IMAGES, (struct weft_batch_norm){0});
        else if (k == 3)
            x = weft_dropout_add(model, x, 1);
        ck_assert_int_eq(weft_model_finish(model, &random, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.message, k == 0 ? "4 groups" : k == 3 ? "dropout of 1" : "cannot be added"));
        weft_model_destroy(model);
    }
}
END_TEST

START_TEST(a_file_of_each_architecture_gives_what_the_tape_gives)
{
    struct weft_error err = {0};
    for (size_t a = 0; weft_architecture_at(a); a++) {
        const struct weft_architecture *architecture = weft_architecture_at(a);
        struct fixture f = {.model = weft_model_new((struct weft_shape){1, 28, 28}, 10, &err),
                            .random = weft_random_of(3, a)};
        architecture->build(f.model);
        ck_assert_msg(weft_model_finish(f.model, &f.random, &err) == 0, "%s", err.message);
        for (size_t p = 0; p < f.model->parameter_count; p++)
            if (f.model->parameters[p].fan_in == 0) /* what starts alike: norms and biases */
                for (size_t i = 0; i < f.model->parameters[p].count; i++)
                    f.model->weights[f.model->parameters[p].offset + i] += weft_random_between(&f.random, 0, 0.5f);
        struct weft_tape *tape = weft_tape_new(f.model, IMAGES, &err);
        for (size_t i = 0; i < IMAGES * 784; i++)
            weft_tape_images(tape)[i] = weft_random_between(&f.random, -1, 2);
        weft_tape_forward(tape, f.model->weights, IMAGES, NULL);

        char path[] = "/tmp/weft-layers-XXXXXX.onnx";
        close(mkstemps(path, 5));
        struct weft_onnx_writer *writer = weft_onnx_writer_new(architecture->name);
        weft_model_write(f.model, f.model->weights, writer);
        ck_assert_msg(weft_onnx_writer_save(writer, path, &err) == 0, "%s", err.message);
        weft_onnx_writer_destroy(writer);
        struct weft_network *network = weft_network_load(path, &err);
        ck_assert_msg(network != NULL, "%s: %s", architecture->name, err.message);
        ck_assert_uint_eq(weft_network_info(network)->class_count, 10);
        struct weft_workspace *workspace = weft_workspace_new(network, IMAGES, &err);
        float logits[IMAGES * 10];
        weft_network_run_raw(network, workspace, weft_tape_images(tape), IMAGES, logits);
        double largest = 1; /* logits are sums of numbers as large as this, whose rounding they share */
        for (size_t i = 0; i < IMAGES * 10; i++)
            largest = fmax(largest, fabs((double)weft_tape_logits(tape)[i]));
        for (size_t i = 0; i < IMAGES * 10; i++) {
            const double expected = (double)weft_tape_logits(tape)[i];
            if (!(fabs(expected - (double)logits[i]) <= 1e-5 * largest))
                ck_abort_msg("%s, logit %zu: %g and %g", architecture->name, i, expected, (double)logits[i]);
        }
        weft_workspace_destroy(workspace);
        weft_network_destroy(network);
        unlink(path);
        weft_tape_destroy(tape);
        weft_model_destroy(f.model);
    }
}
END_TEST

SUITE("layers", TEST(convolution_equals_naive_loops), TEST(convolution_by_transform_equals_naive_loops_in_each_variant),
      TEST(pooling_equals_naive_loops), TEST(global_average_pooling_is_the_mean_of_each_channel),
      TEST(dense_equals_naive_loops), TEST(relu_keeps_what_is_positive), TEST(flatten_gives_one_channel_after_another),
      TEST(a_sum_adds_and_rectifies), TEST(batch_norm_in_training_takes_the_statistics_of_the_pass),
      TEST(batch_norm_in_evaluation_takes_the_running_statistics),
      TEST(batch_norm_hands_its_statistics_to_the_running_ones), TEST(batch_norm_finds_a_small_variance_far_from_zero),
      TEST(a_scale_that_starts_at_zero_leaves_the_residual_alone), TEST(dropout_drops_its_rate_and_keeps_the_mean),
      TEST(dropout_is_the_same_for_the_same_seed_and_nothing_in_evaluation),
      TEST(gradients_of_convolution_equal_finite_differences), TEST(gradients_of_pooling_equal_finite_differences),
      TEST(gradients_of_global_average_pooling_equal_finite_differences),
      TEST(gradients_of_batch_norm_equal_finite_differences),
      TEST(gradients_of_batch_norm_with_a_residual_equal_finite_differences),
      TEST(gradients_of_sums_equal_finite_differences), TEST(gradients_of_dropout_equal_finite_differences),
      TEST(gradients_of_dense_equal_finite_differences), TEST(gradients_of_relu_equal_finite_differences),
      TEST(gradients_of_flatten_equal_finite_differences), TEST(gradients_go_back_through_a_chain_of_layers),
      TEST(gradients_of_values_with_several_readers_add_up), TEST(gradients_add_up_over_passes),
      TEST(every_layer_overwrites_the_gradients_of_its_inputs_or_adds_to_them),
      TEST(gradients_of_cross_entropy_equal_finite_differences),
      TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes), TEST(cross_entropy_of_huge_logits_is_finite),
      TEST(a_window_larger_than_its_image_is_a_fault_of_the_model), TEST(a_model_must_end_in_one_logit_a_class),
      TEST(a_layer_that_nobody_reads_is_a_fault_of_the_model), TEST(what_does_not_fit_together_is_a_fault_of_the_model),
      TEST(a_file_of_each_architecture_gives_what_the_tape_gives))
