#include "model/train/layers.h"

#include <math.h>
#include <string.h>

#include "model/train/loss.h"
#include "model/train/tape.h"
#include "support/suite.h"

enum { IMAGES = 3 };

struct fixture {
    struct weft_model *model;
    struct weft_tape *tape;
    struct weft_random random;
    float *gradients;
};

/* A model that add() fills, with random weights, biases too, and a tape of IMAGES random images. All pixels differ by
 * at least 0.05 from each other and from zero, so that a step of a finite difference crosses no kink. */
static struct fixture fixture_new(struct weft_shape input, void (*add)(struct weft_model *model, const void *argument),
                                  const void *argument)
{
    struct weft_error err = {0};
    struct fixture f = {.model = weft_model_new(input, 0, &err), .random = weft_random_of(11, 0)};
    add(f.model, argument);
    f.model->class_count = weft_shape_size(weft_model_shape(f.model, f.model->layer_count));
    ck_assert_msg(weft_model_finish(f.model, &f.random, &err) == 0, "%s", err.message);
    for (size_t i = 0; i < f.model->weight_count; i++)
        f.model->weights[i] = weft_random_between(&f.random, -1, 1);
    f.tape = weft_tape_new(f.model, IMAGES, &err);
    ck_assert_msg(f.tape != NULL, "%s", err.message);
    ck_assert_int_eq(weft_tape_want_image_gradients(f.tape), 0);
    f.gradients = calloc(f.model->weight_count + 1, sizeof *f.gradients);

    const size_t count = IMAGES * weft_shape_size(input);
    size_t *order = calloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    weft_random_shuffle(&f.random, order, count);
    for (size_t i = 0; i < count; i++)
        weft_tape_images(f.tape)[i] = ((float)order[i] - (float)count / 2 + 0.25f) * 0.05f;
    free(order);
    return f;
}

static void fixture_destroy(struct fixture *f)
{
    free(f->gradients);
    weft_tape_destroy(f->tape);
    weft_model_destroy(f->model);
}

/* sum of direction * logits: a scalar whose gradient by the logits is direction. */
static double project(struct fixture *f, const float *direction)
{
    weft_tape_forward(f->tape, f->model->weights, IMAGES);
    double sum = 0;
    for (size_t i = 0; i < IMAGES * f->model->class_count; i++)
        sum += (double)direction[i] * (double)weft_tape_logits(f->tape)[i];
    return sum;
}

static double difference(struct fixture *f, const float *direction, float *at)
{
    const float step = 0.01f, kept = *at;
    *at = kept + step;
    double above = project(f, direction);
    *at = kept - step;
    double below = project(f, direction);
    const double taken = 2 * (double)step;
    *at = kept;
    return (above - below) / taken;
}

static void assert_close(const char *what, size_t index, double expected, double found)
{
    ck_assert_msg(fabs(expected - found) <= 4e-3 * (1 + fabs(expected)), "%s %zu: %g by differences, %g by backward",
                  what, index, expected, found);
}

/* Compares backward with central differences, for every weight and every pixel. */
static void assert_gradients(struct fixture *f)
{
    const size_t outputs = IMAGES * f->model->class_count, inputs = IMAGES * weft_shape_size(f->model->input);
    float *direction = calloc(outputs, sizeof *direction);
    for (size_t i = 0; i < outputs; i++)
        direction[i] = weft_random_between(&f->random, -1, 1);
    weft_tape_forward(f->tape, f->model->weights, IMAGES);
    memcpy(weft_tape_logit_gradients(f->tape), direction, outputs * sizeof *direction);
    weft_tape_backward(f->tape, f->model->weights, IMAGES, f->gradients);
    for (size_t i = 0; i < f->model->weight_count; i++)
        assert_close("weight", i, difference(f, direction, &f->model->weights[i]), (double)f->gradients[i]);
    for (size_t i = 0; i < inputs; i++)
        assert_close("pixel", i, difference(f, direction, &weft_tape_images(f->tape)[i]),
                     (double)weft_tape_image_gradients(f->tape)[i]);
    free(direction);
}

struct case_of_window {
    struct weft_shape in;
    size_t channels; /* out; convolution only */
    struct weft_window window;
};

static const struct case_of_window convolutions[] = {
    {{1, 8, 9}, 3, {5, 1, 2}}, {{2, 6, 6}, 4, {5, 1, 0}}, {{3, 7, 5}, 2, {3, 2, 1}}, {{2, 4, 4}, 3, {1, 1, 0}},
    {{1, 3, 3}, 2, {3, 1, 2}}, {{2, 9, 8}, 2, {2, 3, 0}}, {{1, 2, 2}, 1, {5, 1, 2}}, {{1, 5, 4}, 2, {3, 4, 1}},
};

static const struct case_of_window pools[] = {
    {{2, 6, 6}, 0, {2, 2, 0}}, {{1, 7, 5}, 0, {2, 2, 0}}, {{2, 7, 7}, 0, {3, 2, 1}}, {{1, 4, 5}, 0, {3, 1, 0}}};

static void add_convolution(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_convolution_add(model, WEFT_MODEL_IMAGES, c->channels, c->window);
}

static void add_pool(struct weft_model *model, const void *argument)
{
    const struct case_of_window *c = argument;
    weft_max_pool_add(model, WEFT_MODEL_IMAGES, c->window);
}

static void add_relu(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_relu_add(model, WEFT_MODEL_IMAGES);
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

static void add_flatten_and_dense(struct weft_model *model, const void *argument)
{
    (void)argument;
    weft_dense_add(model, weft_flatten_add(model, WEFT_MODEL_IMAGES), 3);
}

static void add_chain(struct weft_model *model, const void *argument)
{
    (void)argument;
    size_t x = weft_convolution_add(model, WEFT_MODEL_IMAGES, 2, (struct weft_window){3, 1, 1});
    x = weft_convolution_add(model, x, 3, (struct weft_window){3, 2, 1});
    weft_dense_add(model, weft_flatten_add(model, x), 3);
}

/* x at (c, y, x) in coordinates of the padded image; nothing outside. */
static const float *pixel(const float *image, const struct case_of_window *c, size_t channel, size_t y, size_t x)
{
    if (y < c->window.padding || y >= c->in.height + c->window.padding || x < c->window.padding ||
        x >= c->in.width + c->window.padding)
        return NULL;
    return image + (channel * c->in.height + y - c->window.padding) * c->in.width + x - c->window.padding;
}

START_TEST(convolution_equals_naive_loops)
{
    for (size_t k = 0; k < sizeof convolutions / sizeof *convolutions; k++) {
        const struct case_of_window *c = &convolutions[k];
        const struct weft_window w = c->window;
        struct fixture f = fixture_new(c->in, add_convolution, c);
        const struct weft_train_layer *layer = &f.model->layers[0];
        const float *weight = f.model->weights + layer->weight;
        weft_tape_forward(f.tape, f.model->weights, IMAGES);
        const float *found = weft_tape_logits(f.tape);
        ck_assert_uint_eq(layer->out.height, (c->in.height + 2 * w.padding - w.kernel) / w.stride + 1);
        for (size_t n = 0; n < IMAGES; n++)
            for (size_t o = 0; o < c->channels; o++)
                for (size_t oy = 0; oy < layer->out.height; oy++)
                    for (size_t ox = 0; ox < layer->out.width; ox++) {
                        double sum = (double)f.model->weights[layer->bias + o];
                        for (size_t i = 0; i < c->in.channels; i++)
                            for (size_t ky = 0; ky < w.kernel; ky++)
                                for (size_t kx = 0; kx < w.kernel; kx++) {
                                    const float *p = pixel(weft_tape_images(f.tape) + n * weft_shape_size(c->in), c, i,
                                                           oy * w.stride + ky, ox * w.stride + kx);
                                    size_t at = ((o * c->in.channels + i) * w.kernel + ky) * w.kernel + kx;
                                    sum += p ? (double)*p * (double)weight[at] : 0;
                                }
                        ck_assert_double_eq_tol((double)*found++, sum, 1e-4);
                    }
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(max_pooling_equals_naive_loops)
{
    for (size_t k = 0; k < sizeof pools / sizeof *pools; k++) {
        const struct case_of_window *c = &pools[k];
        const struct weft_window w = c->window;
        struct fixture f = fixture_new(c->in, add_pool, c);
        const struct weft_shape out = f.model->layers[0].out;
        weft_tape_forward(f.tape, f.model->weights, IMAGES);
        const float *found = weft_tape_logits(f.tape);
        for (size_t n = 0; n < IMAGES; n++)
            for (size_t i = 0; i < c->in.channels; i++)
                for (size_t oy = 0; oy < out.height; oy++)
                    for (size_t ox = 0; ox < out.width; ox++) {
                        float best = -INFINITY;
                        for (size_t ky = 0; ky < w.kernel; ky++)
                            for (size_t kx = 0; kx < w.kernel; kx++) {
                                const float *p = pixel(weft_tape_images(f.tape) + n * weft_shape_size(c->in), c, i,
                                                       oy * w.stride + ky, ox * w.stride + kx);
                                best = p && *p > best ? *p : best;
                            }
                        ck_assert_float_eq(*found++, best);
                    }
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(dense_equals_naive_loops)
{
    struct fixture f = fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
    const struct weft_train_layer *layer = &f.model->layers[0];
    weft_tape_forward(f.tape, f.model->weights, IMAGES);
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
    weft_tape_forward(f.tape, f.model->weights, IMAGES);
    for (size_t i = 0; i < IMAGES * 18; i++)
        ck_assert_float_eq(weft_tape_logits(f.tape)[i], fmaxf(weft_tape_images(f.tape)[i], 0));
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_convolution_equal_finite_differences)
{
    for (size_t k = 0; k < sizeof convolutions / sizeof *convolutions; k++) {
        struct fixture f = fixture_new(convolutions[k].in, add_convolution, &convolutions[k]);
        assert_gradients(&f);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_max_pooling_equal_finite_differences)
{
    for (size_t k = 0; k < sizeof pools / sizeof *pools; k++) {
        struct fixture f = fixture_new(pools[k].in, add_pool, &pools[k]);
        assert_gradients(&f);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_dense_equal_finite_differences)
{
    struct fixture f = fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
    assert_gradients(&f);
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
    struct fixture f = fixture_new((struct weft_shape){2, 3, 2}, add_flatten_and_dense, NULL);
    assert_gradients(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_go_back_through_a_chain_of_layers)
{
    struct fixture f = fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
    assert_gradients(&f);
    fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_add_up_over_passes)
{
    struct fixture f = fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
    float *once = calloc(f.model->weight_count, sizeof *once);
    const size_t outputs = IMAGES * f.model->class_count;
    weft_tape_forward(f.tape, f.model->weights, IMAGES);
    for (size_t i = 0; i < outputs; i++)
        weft_tape_logit_gradients(f.tape)[i] = 1;
    weft_tape_backward(f.tape, f.model->weights, IMAGES, f.gradients);
    memcpy(once, f.gradients, f.model->weight_count * sizeof *once);
    weft_tape_backward(f.tape, f.model->weights, IMAGES, f.gradients);
    for (size_t i = 0; i < f.model->weight_count; i++)
        ck_assert_float_eq_tol(f.gradients[i], 2 * once[i], 1e-3f * (1 + fabsf(once[i])));
    free(once);
    fixture_destroy(&f);
}
END_TEST

/* Runs backward of the model's last layer alone, with the gradient of its input already at start. */
static float *input_gradient_from(struct fixture *f, float start)
{
    const struct weft_train_layer *layer = &f->model->layers[f->model->layer_count - 1];
    const size_t inputs = IMAGES * weft_shape_size(layer->in), outputs = IMAGES * weft_shape_size(layer->out);
    float *x = calloc(inputs, sizeof *x), *dx = calloc(inputs, sizeof *dx);
    float *y = calloc(outputs, sizeof *y), *dy = calloc(outputs, sizeof *dy);
    float *scratch = calloc(layer->scratch + 1, sizeof *scratch);
    for (size_t i = 0; i < inputs; i++) {
        x[i] = (float)(i * 7 % 11) - 5.5f;
        dx[i] = start;
    }
    for (size_t i = 0; i < outputs; i++)
        dy[i] = (float)(i % 3);
    const struct weft_pass pass = {.n = IMAGES,
                                   .weights = f->model->weights,
                                   .weight_gradients = f->gradients,
                                   .x = {x},
                                   .y = y,
                                   .dx = {dx},
                                   .dy = dy,
                                   .scratch = scratch};
    layer->type->forward(layer, &pass);
    layer->type->backward(layer, &pass);
    free(x);
    free(y);
    free(dy);
    free(scratch);
    return dx;
}

START_TEST(every_layer_adds_to_the_gradient_of_its_input)
{
    static const struct {
        struct weft_shape in;
        void (*add)(struct weft_model *model, const void *argument);
        const void *argument;
    } all[] = {{{1, 8, 9}, add_convolution, &convolutions[0]},
               {{2, 6, 6}, add_pool, &pools[0]},
               {{2, 3, 3}, add_relu, NULL},
               {{2, 3, 3}, add_flatten, NULL},
               {{7, 1, 1}, add_dense, NULL}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        struct fixture f = fixture_new(all[k].in, all[k].add, all[k].argument);
        float *from_zero = input_gradient_from(&f, 0), *from_five = input_gradient_from(&f, 5);
        for (size_t i = 0; i < IMAGES * weft_shape_size(all[k].in); i++)
            ck_assert_float_eq_tol(from_five[i], from_zero[i] + 5, 1e-4f);
        free(from_zero);
        free(from_five);
        fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_cross_entropy_equal_finite_differences)
{
    float logits[2 * 4] = {0.5f, -1, 2, 0.1f, -0.3f, 0.2f, 0.9f, -2}, gradients[8];
    const int32_t labels[] = {2, 0};
    const float scale = 0.5f, step = 1e-2f;
    for (int smoothed = 0; smoothed <= 1; smoothed++) {
        const float smoothing = smoothed ? 0.1f : 0;
        weft_cross_entropy(logits, labels, 2, 4, smoothing, scale, gradients);
        for (size_t i = 0; i < 8; i++) {
            const float kept = logits[i];
            logits[i] = kept + step;
            double above = weft_cross_entropy(logits, labels, 2, 4, smoothing, scale, NULL).sum;
            logits[i] = kept - step;
            double below = weft_cross_entropy(logits, labels, 2, 4, smoothing, scale, NULL).sum;
            logits[i] = kept;
            ck_assert_double_eq_tol((double)gradients[i], (double)scale * (above - below) / (2 * (double)step), 1e-4);
        }
    }
}
END_TEST

START_TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes)
{
    const float logits[3 * 5] = {0};
    const int32_t labels[] = {0, 4, 2};
    struct weft_loss loss = weft_cross_entropy(logits, labels, 3, 5, 0.2f, 1, NULL);
    ck_assert_double_eq_tol(loss.sum, 3 * log(5), 1e-9);
    ck_assert_uint_eq(loss.correct, 1);
}
END_TEST

START_TEST(cross_entropy_of_huge_logits_is_finite)
{
    const float logits[] = {3e38f, -3e38f, 0, 1e30f, 1e30f, 1e30f};
    const int32_t labels[] = {0, 1};
    float gradients[6];
    struct weft_loss loss = weft_cross_entropy(logits, labels, 2, 3, 0, 1, gradients);
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
    size_t x = weft_convolution_add(model, WEFT_MODEL_IMAGES, 2, (struct weft_window){5, 1, 0});
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

SUITE("layers", TEST(convolution_equals_naive_loops), TEST(max_pooling_equals_naive_loops),
      TEST(dense_equals_naive_loops), TEST(relu_keeps_what_is_positive),
      TEST(gradients_of_convolution_equal_finite_differences), TEST(gradients_of_max_pooling_equal_finite_differences),
      TEST(gradients_of_dense_equal_finite_differences), TEST(gradients_of_relu_equal_finite_differences),
      TEST(gradients_of_flatten_equal_finite_differences), TEST(gradients_go_back_through_a_chain_of_layers),
      TEST(gradients_add_up_over_passes), TEST(every_layer_adds_to_the_gradient_of_its_input),
      TEST(gradients_of_cross_entropy_equal_finite_differences),
      TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes), TEST(cross_entropy_of_huge_logits_is_finite),
      TEST(a_window_larger_than_its_image_is_a_fault_of_the_model), TEST(a_model_must_end_in_one_logit_a_class))
