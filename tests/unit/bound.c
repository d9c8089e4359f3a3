#include "streams/bound.h"

#include <string.h>

#include "support/suite.h"

static struct weft_bound parse(const char *text)
{
    struct weft_error err = {0};
    struct weft_bound bound;
    ck_assert_msg(weft_bound_parse(text, "from", &bound, &err) == 0, "%s", err.message);
    return bound;
}

static void expect_time(const char *text, int64_t ms)
{
    struct weft_bound bound = parse(text);
    ck_assert_int_eq(bound.kind, WEFT_BOUND_TIME);
    ck_assert_msg(bound.value == ms, "%s is %lld", text, (long long)bound.value);
}

START_TEST(a_number_is_an_offset_of_every_partition)
{
    struct weft_bound bound = parse("1200");
    int64_t offset;
    ck_assert_int_eq(bound.kind, WEFT_BOUND_OFFSET);
    ck_assert(weft_bound_offset(&bound, 7, &offset));
    ck_assert_int_eq(offset, 1200);
}
END_TEST

START_TEST(a_list_leaves_out_the_partitions_that_it_does_not_name)
{
    struct weft_bound bound = parse("0:1200,13:8");
    int64_t offset;
    ck_assert(weft_bound_offset(&bound, 13, &offset));
    ck_assert_int_eq(offset, 8);
    ck_assert(!weft_bound_offset(&bound, 1, &offset));
}
END_TEST

START_TEST(times_are_read_with_and_without_a_zone)
{
    expect_time("2026-03-01", 1772323200000);
    expect_time("2026-03-01T12:30", 1772368200000);
    expect_time("2026-03-01T12:30:15Z", 1772368215000);
    expect_time("2026-03-01 12:30:15.25", 1772368215250);
    expect_time("2026-03-01T12:30:15+02:00", 1772361015000);
    expect_time("2026-03-01T12:30:15-01:30", 1772373615000);
}
END_TEST

START_TEST(what_is_none_of_these_is_refused)
{
    static const char *const wrong[] = {"",
                                        "now",
                                        "-5",
                                        "12x",
                                        "0:1,",
                                        "0:1,,1:2",
                                        "0:",
                                        "1:x",
                                        "2026-3-1",
                                        "2026-02-31",
                                        "2026-03-01T",
                                        "2026-03-01T25:00",
                                        "2026-03-01T12:00:00+2",
                                        "99999999999999999999",
                                        "2026-03-01T12:00:00."};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error err = {0};
        struct weft_bound bound;
        ck_assert_msg(weft_bound_parse(wrong[i], "to", &bound, &err) == -1, "'%s' was taken", wrong[i]);
        ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(err.message, "--to"));
    }
}
END_TEST

/* Checks a range of a partition that holds [100, 500), in which the times are at 100 or 300. */
static void expect_range(const char *begin, const char *end, int64_t from, int64_t to, int64_t deleted)
{
    const struct weft_bound first = parse(begin), last = parse(end);
    const struct weft_bound_partition live = {
        .first = 100, .end = 500, .at_from = first.value == 1772323200000 ? 100 : 300, .at_to = 300};
    int64_t got_from, got_to, got_deleted;
    ck_assert(weft_bound_range(&first, &last, 2, &live, &got_from, &got_to, &got_deleted));
    ck_assert_msg(got_from == from && got_to == to && got_deleted == deleted, "%s to %s: %lld to %lld, %lld deleted",
                  begin, end, (long long)got_from, (long long)got_to, (long long)got_deleted);
}

START_TEST(a_range_is_what_is_there_and_says_what_is_gone)
{
    expect_range("beginning", "end", 100, 500, 100);
    expect_range("200", "end", 200, 500, 0);
    expect_range("40", "300", 100, 300, 60);
    expect_range("40", "60", 100, 100, 20);
    expect_range("200", "9999", 200, 500, 0);
    expect_range("9999", "end", 500, 500, 0);
    expect_range("400", "200", 200, 200, 0);
    expect_range("2:150", "2:160", 150, 160, 0);
}
END_TEST

START_TEST(a_time_before_the_first_record_may_mean_all_that_is_gone)
{
    expect_range("2026-03-01", "end", 100, 500, 100);
    expect_range("2026-04-01", "end", 300, 500, 0);
    expect_range("beginning", "2026-04-01", 100, 300, 100);
}
END_TEST

SUITE("bound", TEST(a_number_is_an_offset_of_every_partition),
      TEST(a_list_leaves_out_the_partitions_that_it_does_not_name), TEST(times_are_read_with_and_without_a_zone),
      TEST(what_is_none_of_these_is_refused), TEST(a_range_is_what_is_there_and_says_what_is_gone),
      TEST(a_time_before_the_first_record_may_mean_all_that_is_gone))
