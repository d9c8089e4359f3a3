#include "model/train/optimizer.h"

#include <math.h>

#include "model/train/schedule.h"
#include "support/suite.h"

/* A weight that decays, a bias that does not, and a running statistic. */
struct fixture {
    struct weft_parameter parameters[3];
    float weights[3];
    struct weft_model model;
    struct weft_recipe recipe;
};

static void prepare(struct fixture *f)
{
    *f = (struct fixture){.parameters = {{.offset = 0, .count = 1, .kind = WEFT_PARAMETER_DECAYS},
                                         {.offset = 1, .count = 1, .kind = WEFT_PARAMETER_PLAIN},
                                         {.offset = 2, .count = 1, .kind = WEFT_PARAMETER_AVERAGE}},
                          .weights = {1, 1, 1},
                          .recipe = weft_recipe_defaults()};
    f->model = (struct weft_model){
        .parameters = f->parameters, .parameter_count = 3, .weights = f->weights, .weight_count = 3};
    f->recipe.weight_decay = 0.1;
}

START_TEST(nesterov_steps_follow_the_formula_and_spare_biases_from_decay)
{
    struct fixture f;
    prepare(&f);
    struct weft_optimizer *optimizer = weft_optimizer_new(&f.model, &f.recipe, NULL);
    const float gradients[] = {0.5f, 0.5f, 1};
    double expected[] = {1, 1}, velocity[] = {0, 0};
    for (size_t step = 0; step < 3; step++) {
        weft_optimizer_move(optimizer, gradients, 0, 3, 0.2, step);
        for (size_t i = 0; i < 2; i++) {
            double g = 0.5 + (i == 0 ? 0.1 * expected[i] : 0);
            velocity[i] = 0.9 * velocity[i] + g;
            expected[i] -= 0.2 * (g + 0.9 * velocity[i]);
            ck_assert_double_eq_tol((double)f.weights[i], expected[i], 1e-6);
        }
    }
    weft_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(adamw_steps_follow_the_formula_and_decay_apart_from_the_gradient)
{
    struct fixture f;
    prepare(&f);
    f.recipe.optimizer = WEFT_OPTIMIZER_ADAMW;
    struct weft_optimizer *optimizer = weft_optimizer_new(&f.model, &f.recipe, NULL);
    double expected[] = {1, 1}, m = 0, v = 0;
    for (size_t step = 0; step < 5; step++) {
        const double g = 0.5 - 0.3 * (double)step, t = (double)step + 1;
        const float gradients[] = {(float)g, (float)g, 1};
        weft_optimizer_move(optimizer, gradients, 0, 3, 0.01, step);
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        for (size_t i = 0; i < 2; i++) {
            expected[i] -= i == 0 ? 0.01 * 0.1 * expected[i] : 0;
            expected[i] -= 0.01 * (m / (1 - pow(0.9, t))) / (sqrt(v / (1 - pow(0.999, t))) + 1e-8);
            ck_assert_double_eq_tol((double)f.weights[i], expected[i], 1e-5);
        }
    }
    weft_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(a_running_statistic_goes_a_tenth_of_the_way_to_the_batch)
{
    struct fixture f;
    prepare(&f);
    struct weft_optimizer *optimizer = weft_optimizer_new(&f.model, &f.recipe, NULL);
    weft_optimizer_move(optimizer, (const float[]){0, 0, 3}, 0, 3, 0.2, 0);
    ck_assert_double_eq_tol((double)f.weights[2], 1.2, 1e-6);
    weft_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(the_average_follows_the_weights_quickly_at_first_and_slowly_later)
{
    struct fixture f;
    prepare(&f);
    f.recipe.average = 0.9;
    struct weft_optimizer *optimizer = weft_optimizer_new(&f.model, &f.recipe, NULL);
    double expected[] = {1, 1, 1};
    for (size_t step = 0; step < 200; step++) {
        weft_optimizer_move(optimizer, (const float[]){0.5f, -0.1f, 3}, 0, 3, 0.001, step);
        const double decay = fmin(0.9, (1 + (double)step) / (10 + (double)step));
        for (size_t i = 0; i < 3; i++) {
            expected[i] = decay * expected[i] + (1 - decay) * (double)f.weights[i];
            ck_assert_double_eq_tol((double)weft_optimizer_average(optimizer)[i], expected[i], 1e-5);
        }
    }
    weft_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(moving_range_by_range_is_moving_all)
{
    struct fixture whole, parts;
    prepare(&whole);
    prepare(&parts);
    whole.recipe.average = parts.recipe.average = 0.9;
    struct weft_optimizer *a = weft_optimizer_new(&whole.model, &whole.recipe, NULL);
    struct weft_optimizer *b = weft_optimizer_new(&parts.model, &parts.recipe, NULL);
    const float gradients[] = {0.5f, 0.25f, 3};
    for (size_t step = 0; step < 3; step++) {
        weft_optimizer_move(a, gradients, 0, 3, 0.1, step);
        weft_optimizer_move(b, gradients, 2, 3, 0.1, step);
        weft_optimizer_move(b, gradients, 0, 2, 0.1, step);
    }
    ck_assert_mem_eq(whole.weights, parts.weights, sizeof whole.weights);
    ck_assert_mem_eq(weft_optimizer_average(a), weft_optimizer_average(b), sizeof whole.weights);
    weft_optimizer_destroy(a);
    weft_optimizer_destroy(b);
}
END_TEST

START_TEST(the_cosine_rises_linearly_and_falls_to_its_end)
{
    const struct weft_schedule schedule = {
        .shape = WEFT_SCHEDULE_COSINE, .peak = 0.4, .final = 0.1, .warmup_steps = 4, .steps = 104};
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 0), 0.1, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 3), 0.4, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 4), 0.4, 1e-12);
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 54), 0.22, 1e-12);
    for (size_t step = 4; step < 104; step++)
        ck_assert_double_lt(weft_schedule_rate(&schedule, step + 1), weft_schedule_rate(&schedule, step));
    ck_assert_double_eq_tol(weft_schedule_rate(&schedule, 104), 0.04, 1e-12);
}
END_TEST

/* What torch.optim.lr_scheduler.OneCycleLR gives for max_lr 0.4, 10 steps, pct_start 0.3, final_div_factor 40. */
START_TEST(one_cycle_is_that_of_pytorch)
{
    static const double expected[] = {0.016, 0.208, 0.4};
    const struct weft_schedule schedule = {
        .shape = WEFT_SCHEDULE_ONE_CYCLE, .peak = 0.4, .final = 0.001, .warmup_steps = 3, .steps = 10};
    for (size_t step = 0; step < 3; step++)
        ck_assert_double_eq_tol(weft_schedule_rate(&schedule, step), expected[step], 1e-12);
    for (size_t step = 3; step < 10; step++) {
        const double at = (double)(step - 2) / 7;
        ck_assert_double_eq_tol(weft_schedule_rate(&schedule, step),
                                0.0004 + (0.4 - 0.0004) / 2 * (1 + cos(acos(-1.0) * at)), 1e-12);
    }
}
END_TEST

START_TEST(one_cycle_without_warm_up_begins_at_the_top)
{
    const struct weft_schedule schedule = {.shape = WEFT_SCHEDULE_ONE_CYCLE, .peak = 0.4, .steps = 1};
    ck_assert_double_eq(weft_schedule_rate(&schedule, 0), 0.4);
}
END_TEST

SUITE("optimizer", TEST(nesterov_steps_follow_the_formula_and_spare_biases_from_decay),
      TEST(adamw_steps_follow_the_formula_and_decay_apart_from_the_gradient),
      TEST(a_running_statistic_goes_a_tenth_of_the_way_to_the_batch),
      TEST(the_average_follows_the_weights_quickly_at_first_and_slowly_later),
      TEST(moving_range_by_range_is_moving_all), TEST(the_cosine_rises_linearly_and_falls_to_its_end),
      TEST(one_cycle_is_that_of_pytorch), TEST(one_cycle_without_warm_up_begins_at_the_top))
