#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"
#include "support/tape_fixture.h"

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

START_TEST(gradients_of_convolution_equal_finite_differences)
{
    for (size_t k = 0; k < CONVOLUTIONS; k++) {
        struct tape_fixture f = tape_fixture_new(convolutions[k].in, add_convolution, &convolutions[k]);
        assert_gradients_of_linear(&f);
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_pooling_equal_finite_differences)
{
    for (size_t k = 0; k < POOLS; k++) {
        struct tape_fixture largest = tape_fixture_new(pools[k].in, add_max_pool, &pools[k]);
        struct tape_fixture mean = tape_fixture_new(pools[k].in, add_average_pool, &pools[k]);
        assert_gradients(&largest);
        assert_gradients_of_linear(&mean);
        tape_fixture_destroy(&largest);
        tape_fixture_destroy(&mean);
    }
}
END_TEST

START_TEST(gradients_of_global_average_pooling_equal_finite_differences)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 4, 5}, add_global_average_pool, NULL);
    assert_gradients_of_linear(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_batch_norm_equal_finite_differences)
{
    for (int k = 0; k < 4; k++) {
        const struct weft_tape_mode *mode = k < 2 ? &training : NULL;
        struct tape_fixture f = tape_fixture_new((struct weft_shape){3, 3, 4}, add_batch_norm, &(const bool){k % 2});
        keep_clear_of_kinks(&f, mode);
        assert_gradients_in(&f, mode);
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_batch_norm_with_a_residual_equal_finite_differences)
{
    for (int k = 0; k < 4; k++) {
        const struct weft_tape_mode *mode = k < 2 ? &training : NULL;
        struct tape_fixture f =
            tape_fixture_new((struct weft_shape){2, 3, 3}, add_batch_norm_with_residual, &(const bool){k % 2});
        keep_clear_of_kinks(&f, mode);
        assert_gradients_in(&f, mode);
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_sums_equal_finite_differences)
{
    for (int relu = 0; relu <= 1; relu++) {
        struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 3, 3}, add_sum, &(const bool){relu});
        keep_clear_of_kinks(&f, &training);
        assert_gradients(&f);
        tape_fixture_destroy(&f);
    }
}
END_TEST

START_TEST(gradients_of_dropout_equal_finite_differences)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 5, 5}, add_dropout, NULL);
    assert_gradients_of_linear(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_dense_equal_finite_differences)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){7, 1, 1}, add_dense, NULL);
    assert_gradients_of_linear(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_relu_equal_finite_differences)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 3, 3}, add_relu, NULL);
    assert_gradients(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_flatten_equal_finite_differences)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 3, 2}, add_flatten, NULL);
    assert_gradients_of_linear(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_go_back_through_a_chain_of_layers)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
    f.tolerance = 1e-3;
    f.step = 0.5f;
    assert_gradients(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_of_values_with_several_readers_add_up)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){2, 4, 4}, add_braid, NULL);
    f.tolerance = 1e-3;
    f.step = 0.5f;
    assert_gradients(&f);
    tape_fixture_destroy(&f);
}
END_TEST

START_TEST(gradients_add_up_over_passes)
{
    struct tape_fixture f = tape_fixture_new((struct weft_shape){1, 6, 6}, add_chain, NULL);
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
    tape_fixture_destroy(&f);
}
END_TEST

/* Runs the model's last layer alone both ways; the gradients of its inputs, which are returned behind each other, are
 * at start before, and adds says that it counts. */
static float *input_gradients_from(struct tape_fixture *f, float start, bool adds)
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
        add_layers *add;
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
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        struct tape_fixture f = tape_fixture_new(all[k].in, all[k].add, all[k].argument);
        const struct weft_train_layer *layer = &f.model->layers[f.model->layer_count - 1];
        float *over = input_gradients_from(&f, NAN, false), *added = input_gradients_from(&f, 5, true);
        for (size_t i = 0; i < layer->input_count * IMAGES * weft_shape_size(all[k].in); i++)
            ck_assert_msg(fabsf(added[i] - 5 - over[i]) <= 1e-4f * (1 + fabsf(over[i])), "%s %zu: %g and 5 + %g",
                          layer->name, i, (double)added[i], (double)over[i]);
        free(over);
        free(added);
        tape_fixture_destroy(&f);
    }
}
END_TEST

SUITE("gradients", TEST(gradients_of_convolution_equal_finite_differences),
      TEST(gradients_of_pooling_equal_finite_differences),
      TEST(gradients_of_global_average_pooling_equal_finite_differences),
      TEST(gradients_of_batch_norm_equal_finite_differences),
      TEST(gradients_of_batch_norm_with_a_residual_equal_finite_differences),
      TEST(gradients_of_sums_equal_finite_differences), TEST(gradients_of_dropout_equal_finite_differences),
      TEST(gradients_of_dense_equal_finite_differences), TEST(gradients_of_relu_equal_finite_differences),
      TEST(gradients_of_flatten_equal_finite_differences), TEST(gradients_go_back_through_a_chain_of_layers),
      TEST(gradients_of_values_with_several_readers_add_up), TEST(gradients_add_up_over_passes),
      TEST(every_layer_overwrites_the_gradients_of_its_inputs_or_adds_to_them))
