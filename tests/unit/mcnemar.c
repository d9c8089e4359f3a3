#include "streams/replay/mcnemar.h"

#include <math.h>

#include "support/suite.h"

static void expect(uint64_t only_first, uint64_t only_second, bool exact, double statistic, double p)
{
    struct weft_mcnemar got = weft_mcnemar(only_first, only_second);
    ck_assert_int_eq(got.exact, exact);
    ck_assert_double_eq_tol(got.statistic, statistic, 1e-9 * (1 + statistic));
    ck_assert_msg(fabs(got.p - p) <= 1e-9 * p, "p of %llu and %llu is %.12g", (unsigned long long)only_first,
                  (unsigned long long)only_second, got.p);
}

START_TEST(few_differences_are_judged_by_the_binomial_distribution)
{
    expect(3, 9, true, 0, 0.14599609375);
    expect(9, 3, true, 0, 0.14599609375);
    expect(0, 6, true, 0, 0.03125);
    expect(1, 0, true, 0, 1);
    expect(12, 12, true, 0, 1);
}
END_TEST

START_TEST(many_are_judged_by_chi_squared_with_its_correction)
{
    expect(121, 59, false, 20.67222222222222, 5.450094825427123e-06);
    expect(20, 5, false, 7.84, 0.005110260660855864);
    expect(100000, 101000, false, 4.965179104477612, 0.025862636568928052);
}
END_TEST

START_TEST(where_nothing_differs_nothing_is_shown)
{
    expect(0, 0, true, 0, 1);
    expect(50, 50, false, 0, 1);
    expect(50, 51, false, 0, 1);
}
END_TEST

SUITE("mcnemar", TEST(few_differences_are_judged_by_the_binomial_distribution),
      TEST(many_are_judged_by_chi_squared_with_its_correction), TEST(where_nothing_differs_nothing_is_shown))
