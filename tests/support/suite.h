/* The frame of a unit test: one file, one suite, one Check case per test, so that ctest can run each alone.
 *
 *     START_TEST(a_short_message_is_refused) { ... } END_TEST
 *     SUITE("framing", TEST(a_short_message_is_refused), TEST(...))
 *
 * A START_TEST that is not in the SUITE shows as a failed ctest, because its case runs no check. */
#ifndef WEFT_TESTS_SUPPORT_SUITE_H
#define WEFT_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

struct suite_test {
    const char *name;
    const TTest *test;
};

/* clang-format off */
#define TEST(function) {#function, function}
/* clang-format on */

#define SUITE(suite_name, ...)                                                                                         \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct suite_test tests[] = {__VA_ARGS__};                                                               \
        Suite *suite = suite_create(suite_name);                                                                       \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {                                                    \
            TCase *one = tcase_create(tests[i].name);                                                                  \
            tcase_add_test(one, tests[i].test);                                                                        \
            suite_add_tcase(suite, one);                                                                               \
        }                                                                                                              \
        SRunner *runner = srunner_create(suite);                                                                       \
        srunner_run_all(runner, CK_ENV);                                                                               \
        int failed = srunner_ntests_failed(runner);                                                                    \
        srunner_free(runner);                                                                                          \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                                   \
    }

#endif
