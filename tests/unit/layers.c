#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/train/layers.h"
#include "support/suite.h"
#include "support/tape_fixture.h"

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
    struct tape_fixture f =
        tape_fixture_of(variant, c->in, without_bias ? add_convolution_without_bias : add_convolution, c);
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
    tape_fixture_destroy(&f);
}

START_TEST(convolution_equals_naive_loops)
{
    for (size_t k = 0; k < CONVOLUTIONS; k++) {
        assert_convolution_is_naive(&convolutions[k], weft_variant_best(), false);
        assert_convolution_is_naive(&convolutions[k], weft_variant_best(), true);
    }
}
END_TEST

START_TEST(convolution_with_few_filters_equals_naive_loops_in_each_variant)
{
    for (size_t v = 0; weft_variant_at(v); v++)
        for (size_t k = 0; k < NARROW_CONVOLUTIONS; k++)
            assert_convolution_is_naive(&narrow_convolutions[k], weft_variant_at(v), k % 2);
}
END_TEST

START_TEST(convolution_by_transform_equals_naive_loops_in_each_variant)
{
    for (size_t v = 0; weft_variant_at(v); v++)
        for (size_t k = 0; k < EVEN_CONVOLUTIONS; k++)
            assert_convolution_is_naive(&even_convolutions[k], weft_variant_at(v), true);
}
END_TEST

START_TEST(pooling_equals_naive_loops)
{
    for (size_t k = 0; k < POOLS; k++) {
        const struct case_of_window *c = &pools[k];
        const struct weft_window w = c->window;
        struct tape_fixture largest = tape_fixture_new(c->in, add_max_pool, c),
                            mean = tape_fixture_new(c->in, add_average_pool, c);
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
        tape_fixture_destroy(&largest);
        tape_fixture_destroy(&mean);
    }
}
END_TEST

START_TEST(global_average_pooling_is_the_mean_of_each_channel)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 4, 5}, add_global_average_pool, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t i = 0; i < IMAGES * 3; i++) {
        double sum = 0;
        for (size_t p = 0; p < 20; p++)
            sum += (double)weft_tape_images(f.tape)[(i / 3 * 20 + p) * 3 + i % 3];
        ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], sum / 20, 1e-6);
    }
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(dense_equals_naive_loops)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
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
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(relu_keeps_what_is_positive)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 3, 3}, add_relu, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t i = 0; i < IMAGES * 18; i++)
        ck_assert_float_eq(weft_tape_logits(f.tape)[i], fmaxf(weft_tape_images(f.tape)[i], 0));
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(flatten_gives_one_channel_after_another)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 2, 4}, add_flatten, NULL);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
    for (size_t n = 0; n < IMAGES; n++)
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < 8; p++)
                ck_assert_float_eq(weft_tape_logits(f.tape)[n * 24 + c * 8 + p],
                                   weft_tape_images(f.tape)[n * 24 + p * 3 + c]);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(a_sum_adds_and_rectifies)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 3, 3}, add_sum, &(const bool){relu});
        weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
        const float *w = f.model->weights, *x = weft_tape_images(f.tape);
        for (size_t i = 0; i < IMAGES * 18; i++) {
            const size_t first = i / 2 * 2, c = i % 2;
            const float other = x[first] * w[c] + x[first + 1] * w[2 + c] + w[4 + c];
            ck_assert_float_eq_tol(weft_tape_logits(f.tape)[i], relu ? fmaxf(x[i] + other, 0) : x[i] + other, 1e-5f);
        }
        tape_fixture_destroy(&f);
    }
}
END_TEST

static double normalised(const struct tape_fixture *f, size_t i, double mean, double variance)
{
    const struct weft_train_layer *layer = &f->model->layers[0];
    const size_t c = i % layer->in.channels;
    const double h = ((double)weft_tape_images(f->tape)[i] - mean) / sqrt(variance + 1e-5);
    const double y = h * (double)f->model->weights[layer->weight + c] + (double)f->model->weights[layer->bias + c];
    return layer->relu ? fmax(y, 0) : y;
}

/* Mean and variance (of all, not of a sample) of channel c over all pixels. */
static void moments(const struct tape_fixture *f, size_t c, double *mean, double *variance)
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
        struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){relu});
        weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
        for (size_t i = 0; i < IMAGES * 60; i++) {
            double mean, variance;
            moments(&f, i % 3, &mean, &variance);
            ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, mean, variance), 1e-5);
        }
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(batch_norm_in_evaluation_takes_the_running_statistics)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){relu});
        const struct weft_train_layer *layer = &f.model->layers[0];
        weft_tape_forward(f.tape, f.model->weights, IMAGES, NULL);
        for (size_t i = 0; i < IMAGES * 60; i++) {
            const double mean = (double)f.model->weights[layer->mean + i % 3];
            const double variance = (double)f.model->weights[layer->variance + i % 3];
            ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, mean, variance), 1e-4);
        }
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(batch_norm_hands_its_statistics_to_the_running_ones)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 5, 4}, add_batch_norm, &(const bool){false});
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
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(batch_norm_finds_a_small_variance_far_from_zero)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){1, 16, 16}, add_batch_norm, &(const bool){false});
    for (size_t i = 0; i < IMAGES * 256; i++)
        weft_tape_images(f.tape)[i] = 1000 + (i % 2 ? 0.125f : -0.125f);
    weft_tape_forward(f.tape, f.model->weights, IMAGES, &training);
    for (size_t i = 0; i < IMAGES * 256; i++)
        ck_assert_double_eq_tol((double)weft_tape_logits(f.tape)[i], normalised(&f, i, 1000, 0.125 * 0.125), 1e-3);
    tape_fixture_destroy(&f);
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
    struct tape_fixture f = tape_fixture_new((struct weft_shape){8, 20, 20}, add_dropout, NULL);
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
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(dropout_is_the_same_for_the_same_seed_and_nothing_in_evaluation)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){8, 5, 5}, add_dropout, NULL);
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
    tape_fixture_destroy(&f);
}
END_TEST

SUITE("layers", TEST(convolution_equals_naive_loops),
      TEST(convolution_with_few_filters_equals_naive_loops_in_each_variant),
      TEST(convolution_by_transform_equals_naive_loops_in_each_variant), TEST(pooling_equals_naive_loops),
      TEST(global_average_pooling_is_the_mean_of_each_channel), TEST(dense_equals_naive_loops),
      TEST(relu_keeps_what_is_positive), TEST(flatten_gives_one_channel_after_another), TEST(a_sum_adds_and_rectifies),
      TEST(batch_norm_in_training_takes_the_statistics_of_the_pass),
      TEST(batch_norm_in_evaluation_takes_the_running_statistics),
      TEST(batch_norm_hands_its_statistics_to_the_running_ones), TEST(batch_norm_finds_a_small_variance_far_from_zero),
      TEST(a_scale_that_starts_at_zero_leaves_the_residual_alone), TEST(dropout_drops_its_rate_and_keeps_the_mean),
      TEST(dropout_is_the_same_for_the_same_seed_and_nothing_in_evaluation))
