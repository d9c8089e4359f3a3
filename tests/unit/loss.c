#include "model/train/loss.h"

#include <math.h>
#include <string.h>

#include "support/suite.h"

enum { IMAGES = 2, CLASSES = 4 };

static const int32_t labels[IMAGES] = {2, 0}, others[IMAGES] = {3, 0};
static const float shares[IMAGES] = {0.3f, 0.4f};
static const float logits[IMAGES * CLASSES] = {0.5f, -1, 2, 0.25f, -3, 1, 0.125f, 4};
static const float answers[IMAGES * CLASSES] = {0.1f, 0.2f, 0.65f, 0.05f, 0.97f, 0.01f, 0.02f, 0};

static void assert_gradient(const struct weft_target *target)
{
    enum { N = IMAGES * CLASSES };
    const double scale = 0.5, step = 1e-2;
    float gradients[N], moved[N];
    weft_cross_entropy(logits, target, IMAGES, CLASSES, scale, gradients);
    for (size_t i = 0; i < N; i++) {
        memcpy(moved, logits, sizeof moved);
        moved[i] = (float)((double)logits[i] + step);
        const double above = weft_cross_entropy(moved, target, IMAGES, CLASSES, scale, NULL).sum;
        moved[i] = (float)((double)logits[i] - step);
        const double below = weft_cross_entropy(moved, target, IMAGES, CLASSES, scale, NULL).sum;
        ck_assert_double_eq_tol((double)gradients[i], scale * (above - below) / (2 * step), 1e-4);
    }
}

START_TEST(the_gradient_of_the_loss_is_that_of_finite_differences)
{
    assert_gradient(&(struct weft_target){.labels = labels});
    assert_gradient(&(struct weft_target){.labels = labels, .smoothing = 0.1});
    assert_gradient(&(struct weft_target){.labels = labels, .others = others, .shares = shares, .smoothing = 0.1});
    assert_gradient(
        &(struct weft_target){.labels = labels, .smoothing = 0.1, .teacher = answers, .weight = 0.3, .temperature = 1});
    assert_gradient(&(struct weft_target){.labels = labels, .teacher = answers, .weight = 0.9, .temperature = 4});
    assert_gradient(&(struct weft_target){.labels = labels, .teacher = answers, .weight = 1, .temperature = 2});
}
END_TEST

START_TEST(the_loss_of_a_mixed_image_is_the_mean_of_those_against_both_labels)
{
    const struct weft_target target = {.labels = labels, .others = others, .shares = shares, .smoothing = 0.1};
    double mean = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        const struct weft_target one = {.labels = labels + i, .smoothing = 0.1};
        const struct weft_target other = {.labels = others + i, .smoothing = 0.1};
        mean += (1 - (double)shares[i]) * weft_cross_entropy(logits + i * CLASSES, &one, 1, CLASSES, 0, NULL).sum +
                (double)shares[i] * weft_cross_entropy(logits + i * CLASSES, &other, 1, CLASSES, 0, NULL).sum;
    }
    ck_assert_double_eq_tol(weft_cross_entropy(logits, &target, IMAGES, CLASSES, 0, NULL).sum, mean, 1e-6);
}
END_TEST

START_TEST(the_loss_of_sure_answers_needs_no_large_numbers)
{
    const struct weft_loss loss =
        weft_cross_entropy((const float[]){0, 1e4f}, &(struct weft_target){.labels = (int32_t[]){0}}, 1, 2, 0, NULL);
    ck_assert_double_eq_tol(loss.sum, 1e4, 1e-6);
    ck_assert_uint_eq(loss.correct, 0);
}
END_TEST

START_TEST(a_student_that_answers_as_its_teacher_has_no_gradient)
{
    float same[IMAGES * CLASSES], gradients[IMAGES * CLASSES];
    for (size_t i = 0; i < IMAGES * CLASSES; i++)
        same[i] = logf(fmaxf(answers[i], 1e-30f)) + 3;
    const struct weft_target target = {.labels = labels, .teacher = answers, .weight = 1, .temperature = 4};
    weft_cross_entropy(same, &target, IMAGES, CLASSES, 1, gradients);
    for (size_t i = 0; i < IMAGES * CLASSES; i++)
        ck_assert_float_eq_tol(gradients[i], 0, 1e-5f);
}
END_TEST

START_TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes)
{
    const float equal[3 * 5] = {0};
    const int32_t truth[] = {0, 4, 2};
    struct weft_loss loss =
        weft_cross_entropy(equal, &(const struct weft_target){.labels = truth, .smoothing = 0.2}, 3, 5, 1, NULL);
    ck_assert_double_eq_tol(loss.sum, 3 * log(5), 1e-9);
    ck_assert_uint_eq(loss.correct, 1);
}
END_TEST

START_TEST(cross_entropy_of_huge_logits_is_finite)
{
    const float huge[] = {3e38f, -3e38f, 0, 1e30f, 1e30f, 1e30f};
    const int32_t truth[] = {0, 1};
    float gradients[6];
    struct weft_loss loss = weft_cross_entropy(huge, &(const struct weft_target){.labels = truth}, 2, 3, 1, gradients);
    ck_assert(isfinite(loss.sum));
    for (size_t i = 0; i < 6; i++)
        ck_assert(isfinite(gradients[i]));
}
END_TEST

SUITE("loss", TEST(the_gradient_of_the_loss_is_that_of_finite_differences),
      TEST(the_loss_of_a_mixed_image_is_the_mean_of_those_against_both_labels),
      TEST(the_loss_of_sure_answers_needs_no_large_numbers),
      TEST(a_student_that_answers_as_its_teacher_has_no_gradient),
      TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes), TEST(cross_entropy_of_huge_logits_is_finite))
