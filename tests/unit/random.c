#include "model/train/random.h"

#include <stdbool.h>

#include "support/suite.h"

START_TEST(random_numbers_repeat_by_seed_and_stay_in_their_bounds)
{
    struct weft_random a = weft_random_of(1, 2), b = weft_random_of(1, 2), c = weft_random_of(1, 3);
    size_t of[7] = {0};
    bool differs = false;
    for (int i = 0; i < 7000; i++) {
        size_t x = weft_random_below(&a, 7);
        ck_assert_uint_eq(x, weft_random_below(&b, 7));
        differs = differs || x != weft_random_below(&c, 7);
        of[x]++;
        float between = weft_random_between(&a, -2, 3);
        ck_assert(between >= -2 && between < 3);
        ck_assert_float_eq(between, weft_random_between(&b, -2, 3));
    }
    ck_assert(differs);
    /* Five standard deviations of a binomial count around 1000. */
    for (size_t i = 0; i < 7; i++)
        ck_assert_msg(of[i] > 850 && of[i] < 1150, "%zu came %zu times", i, of[i]);
}
END_TEST

SUITE("random", TEST(random_numbers_repeat_by_seed_and_stay_in_their_bounds))
