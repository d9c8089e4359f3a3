#include "clients/histogram.h"
#include "clients/statistics.h"

#include <string.h>

#include "support/suite.h"

START_TEST(small_values_have_exact_percentiles)
{
    struct weft_histogram histogram = {0};
    for (int64_t value = 50; value >= 1; value--)
        weft_histogram_add(&histogram, value);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 50), 25);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 51), 26);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 99), 50);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 0), 1);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 100), 50);
}
END_TEST

START_TEST(large_values_are_at_most_a_thirtysecond_too_high)
{
    for (int64_t value = 1; value > 0 && value < INT64_MAX / 3; value = value * 3 / 2 + 1) {
        struct weft_histogram histogram = {0};
        weft_histogram_add(&histogram, value);
        weft_histogram_add(&histogram, INT64_MAX);
        int64_t median = weft_histogram_percentile(&histogram, 50);
        ck_assert_int_ge(median, value);
        ck_assert_int_le(median, value + value / 32);
        ck_assert_int_eq(weft_histogram_percentile(&histogram, 100), INT64_MAX);
    }
}
END_TEST

START_TEST(neighbouring_values_never_change_their_order)
{
    int64_t last = 0;
    for (int64_t value = 0; value < 5000; value++) {
        struct weft_histogram histogram = {0};
        weft_histogram_add(&histogram, value);
        weft_histogram_add(&histogram, INT64_MAX);
        int64_t median = weft_histogram_percentile(&histogram, 50);
        ck_assert_int_ge(median, last);
        last = median;
    }
}
END_TEST

START_TEST(a_negative_value_counts_as_nothing_and_an_empty_histogram_gives_nothing)
{
    struct weft_histogram histogram = {0};
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 50), 0);
    weft_histogram_add(&histogram, -7);
    ck_assert_int_eq(weft_histogram_percentile(&histogram, 50), 0);
    ck_assert_uint_eq(histogram.count, 1);
}
END_TEST

static struct weft_result result(int32_t label, const char *name, size_t class_count)
{
    return (struct weft_result){
        .label = label, .class_name = {name, strlen(name)}, .class_count = class_count, .source_timestamp_ms = 1000};
}

static void add(struct weft_statistics *statistics, struct weft_result one, int32_t expected, int64_t timestamp_ms)
{
    struct weft_error err = {0};
    one.has_expected = expected != INT32_MIN;
    one.expected = expected;
    ck_assert_msg(weft_statistics_add(statistics, &one, timestamp_ms, &err) == 0, "%s", err.message);
}

START_TEST(accuracy_counts_only_what_has_a_known_class)
{
    struct weft_statistics *statistics = weft_statistics_new(NULL);
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    ck_assert_double_lt(weft_summary_accuracy(summary), 0);
    add(statistics, result(0, "boot", 3), INT32_MIN, 1000);
    ck_assert_double_lt(weft_summary_accuracy(summary), 0);
    add(statistics, result(0, "boot", 3), 0, 1000);
    add(statistics, result(1, "shirt", 3), 1, 1000);
    add(statistics, result(1, "shirt", 3), 2, 1000);
    add(statistics, result(2, "bag", 3), 1, 1000);
    ck_assert_uint_eq(summary->count, 5);
    ck_assert_uint_eq(summary->labelled, 4);
    ck_assert_double_eq(weft_summary_accuracy(summary), 0.5);
    weft_statistics_destroy(statistics);
}
END_TEST

START_TEST(the_matrix_has_the_truth_in_rows_and_keeps_its_counts_as_classes_appear)
{
    struct weft_statistics *statistics = weft_statistics_new(NULL);
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    add(statistics, result(1, "shirt", 2), 0, 1000);
    add(statistics, result(1, "shirt", 2), 1, 1000);
    ck_assert_uint_eq(summary->class_count, 2);
    add(statistics, result(1, "shirt", 2), 4, 1000);
    ck_assert_uint_eq(summary->class_count, 5);
    ck_assert_uint_eq(summary->confusion[0 * 5 + 1], 1);
    ck_assert_uint_eq(summary->confusion[1 * 5 + 1], 1);
    ck_assert_uint_eq(summary->confusion[4 * 5 + 1], 1);
    ck_assert_uint_eq(summary->confusion[1 * 5 + 0], 0);
    ck_assert_str_eq(summary->names[1], "shirt");
    ck_assert_str_eq(summary->names[4], "class 4");
    weft_statistics_destroy(statistics);
}
END_TEST

START_TEST(labels_that_no_model_has_take_no_memory)
{
    struct weft_statistics *statistics = weft_statistics_new(NULL);
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    add(statistics, result(INT32_MAX, "far", 2), INT32_MAX, 1000);
    add(statistics, result(-1, "below", 2), -2, 1000);
    add(statistics, result(0, "boot", SIZE_MAX), WEFT_RESULT_CLASSES_MAX - 1, 1000);
    ck_assert_uint_eq(summary->class_count, WEFT_RESULT_CLASSES_MAX);
    ck_assert_uint_eq(summary->labelled, 3);
    ck_assert_uint_eq(summary->right, 1);
    weft_statistics_destroy(statistics);
}
END_TEST

START_TEST(latency_and_rate_come_from_the_timestamps)
{
    struct weft_statistics *statistics = weft_statistics_new(NULL);
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    for (int i = 0; i < 100; i++)
        add(statistics, result(0, "boot", 2), INT32_MIN, 1010 + i % 2 * 30);
    add(statistics, result(0, "boot", 2), INT32_MIN, -1);
    ck_assert_int_eq(weft_statistics_latency_ms(statistics, 50), 10);
    ck_assert_int_eq(weft_statistics_latency_ms(statistics, 99), 40);
    ck_assert_uint_eq(summary->count, 101);
    ck_assert_double_eq_tol(weft_summary_rate(summary), 100 / 0.040, 1e-6);
    weft_statistics_destroy(statistics);
}
END_TEST

SUITE("clients_statistics", TEST(small_values_have_exact_percentiles),
      TEST(large_values_are_at_most_a_thirtysecond_too_high), TEST(neighbouring_values_never_change_their_order),
      TEST(a_negative_value_counts_as_nothing_and_an_empty_histogram_gives_nothing),
      TEST(accuracy_counts_only_what_has_a_known_class),
      TEST(the_matrix_has_the_truth_in_rows_and_keeps_its_counts_as_classes_appear),
      TEST(labels_that_no_model_has_take_no_memory), TEST(latency_and_rate_come_from_the_timestamps))
