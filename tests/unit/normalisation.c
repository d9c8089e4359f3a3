#include "model/train/normalisation.h"

#include "support/suite.h"

START_TEST(normalisation_has_mean_and_deviation_of_the_pixels)
{
    uint8_t pixels[] = {0, 255, 0, 255, 51, 51, 51, 51};
    const struct weft_dataset dataset = {.count = 1, .channels = 2, .height = 2, .width = 2, .pixels = pixels};
    const struct weft_normalisation n = weft_normalisation_of(&dataset);
    ck_assert_double_eq_tol(n.mean[0], 0.5, 1e-9);
    ck_assert_double_eq_tol(n.std[0], 0.5, 1e-9);
    ck_assert_float_eq_tol(n.table[0][0], -1, 1e-6f);
    ck_assert_float_eq_tol(n.table[0][255], 1, 1e-6f);
    ck_assert_double_eq_tol(n.mean[1], 0.2, 1e-9);
    ck_assert_double_eq_tol(n.std[1], 1, 1e-9);
    ck_assert_float_eq_tol(n.table[1][51], 0, 1e-6f);
}
END_TEST

SUITE("normalisation", TEST(normalisation_has_mean_and_deviation_of_the_pixels))
