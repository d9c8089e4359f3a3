#include "model/train/loss.h"

#include <math.h>

#include "support/suite.h"

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

SUITE("loss", TEST(gradients_of_cross_entropy_equal_finite_differences),
      TEST(cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes), TEST(cross_entropy_of_huge_logits_is_finite))
