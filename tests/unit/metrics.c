#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const double bounds[] = {0.5, 1, 10};

/* The page as text; the page is destroyed. */
static char *render(struct weft_metrics_page *page)
{
    size_t size = 0;
    char *text = weft_metrics_page_text(page, &size);
    weft_metrics_page_destroy(page);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), size);
    return text;
}

START_TEST(a_family_is_written_with_its_help_and_type_and_all_its_samples_together)
{
    struct weft_metrics_page *page = weft_metrics_page_new();
    const struct weft_label first[] = {{"worker", "0"}, {NULL, NULL}};
    const struct weft_label second[] = {{"worker", "1"}, {"state", "on"}, {NULL, NULL}};
    weft_metric_sample(weft_metrics_family(page, "a_total", WEFT_METRIC_COUNTER, "Of a."), first, 1);
    weft_metric_sample(weft_metrics_family(page, "b", WEFT_METRIC_GAUGE, "Of b."), NULL, 0.25);
    weft_metric_sample(weft_metrics_family(page, "a_total", WEFT_METRIC_COUNTER, "Of a."), second, 9007199254740991.0);
    char *text = render(page);
    ck_assert_str_eq(text, "# HELP a_total Of a.\n# TYPE a_total counter\n"
                           "a_total{worker=\"0\"} 1\na_total{worker=\"1\",state=\"on\"} 9007199254740991\n"
                           "# HELP b Of b.\n# TYPE b gauge\nb 0.25\n");
    free(text);
}
END_TEST

START_TEST(a_value_falls_into_the_first_bucket_whose_bound_is_not_below_it)
{
    struct weft_histogram histogram;
    weft_histogram_init(&histogram, bounds, 3);
    const double values[] = {0, 0.5, 0.6, 1, 9, 10, 11, 1e9};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        weft_histogram_observe(&histogram, values[i]);
    const uint64_t expected[] = {2, 2, 2, 2};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(weft_counter_value(&histogram.buckets[i]), expected[i]);
}
END_TEST

START_TEST(a_histogram_is_written_cumulated_and_summed_over_its_parts)
{
    struct weft_histogram one, other;
    weft_histogram_init(&one, bounds, 3);
    weft_histogram_init(&other, bounds, 3);
    weft_histogram_observe(&one, 0.25);
    weft_histogram_observe(&one, 100);
    weft_histogram_observe(&other, 2);
    const struct weft_histogram *parts[] = {&one, &other};
    const struct weft_label labels[] = {{"stage", "wait"}, {NULL, NULL}};
    struct weft_metrics_page *page = weft_metrics_page_new();
    weft_metric_histogram(weft_metrics_family(page, "h_seconds", WEFT_METRIC_HISTOGRAM, "Of h."), labels, parts, 2);
    char *text = render(page);
    ck_assert_str_eq(text, "# HELP h_seconds Of h.\n# TYPE h_seconds histogram\n"
                           "h_seconds_bucket{stage=\"wait\",le=\"0.5\"} 1\n"
                           "h_seconds_bucket{stage=\"wait\",le=\"1\"} 1\n"
                           "h_seconds_bucket{stage=\"wait\",le=\"10\"} 2\n"
                           "h_seconds_bucket{stage=\"wait\",le=\"+Inf\"} 3\n"
                           "h_seconds_sum{stage=\"wait\"} 102.25\nh_seconds_count{stage=\"wait\"} 3\n");
    free(text);
}
END_TEST

START_TEST(a_label_from_outside_can_forge_no_line_and_break_no_page)
{
    struct weft_metrics_page *page = weft_metrics_page_new();
    const struct weft_label labels[] = {
        {"name", "a\"\\\nb 1"}, {"odd", "\xc3\xa4\xff"}, {"good", "\xc3\xa4"}, {NULL, NULL}};
    weft_metric_sample(weft_metrics_family(page, "m", WEFT_METRIC_GAUGE, "Of m."), labels, 1);
    char *text = render(page);
    ck_assert_ptr_nonnull(strstr(text, "\nm{name=\"a\\\"\\\\\\nb 1\",odd=\"???\",good=\"\xc3\xa4\"} 1\n"));
    free(text);
}
END_TEST

enum { ROUNDS = 200000 };

static void *observe_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        weft_histogram_observe(arg, 1);
    return NULL;
}

START_TEST(what_one_thread_writes_another_reads_while_it_goes_on)
{
    struct weft_histogram histogram;
    pthread_t writer;
    weft_histogram_init(&histogram, bounds, 3);
    ck_assert_int_eq(pthread_create(&writer, NULL, observe_many, &histogram), 0);
    uint64_t last = 0;
    while (last < ROUNDS) {
        uint64_t now = weft_counter_value(&histogram.buckets[1]);
        ck_assert_uint_ge(now, last);
        last = now;
    }
    pthread_join(writer, NULL);
    ck_assert_uint_eq(last, ROUNDS);
    ck_assert_double_eq(histogram.sum, ROUNDS);
}
END_TEST

START_TEST(a_process_tells_its_memory_and_descriptors)
{
    struct weft_metrics_page *page = weft_metrics_page_new();
    weft_metrics_process(page);
    char *text = render(page);
    const char *memory = strstr(text, "\nprocess_resident_memory_bytes "), *files = strstr(text, "\nprocess_open_fds ");
    ck_assert(memory && files && strstr(text, "\nprocess_cpu_seconds_total ") && strstr(text, "\nprocess_max_fds "));
    ck_assert_double_gt(strtod(strchr(memory, ' '), NULL), 100000);
    ck_assert_double_ge(strtod(strchr(files, ' '), NULL), 3);
    free(text);
}
END_TEST

SUITE("metrics", TEST(a_family_is_written_with_its_help_and_type_and_all_its_samples_together),
      TEST(a_value_falls_into_the_first_bucket_whose_bound_is_not_below_it),
      TEST(a_histogram_is_written_cumulated_and_summed_over_its_parts),
      TEST(a_label_from_outside_can_forge_no_line_and_break_no_page),
      TEST(what_one_thread_writes_another_reads_while_it_goes_on), TEST(a_process_tells_its_memory_and_descriptors))
