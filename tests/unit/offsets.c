#include "pubsub-bridge/offsets.h"

#include "support/suite.h"

START_TEST(nothing_read_gives_nothing_to_commit)
{
    struct weft_offsets *offsets = weft_offsets_new();
    ck_assert_int_eq(weft_offsets_next(offsets), -1);
    ck_assert(weft_offsets_read(offsets, 7, 0));
    ck_assert_int_eq(weft_offsets_next(offsets), 7);
    weft_offsets_destroy(offsets);
}
END_TEST

START_TEST(a_commit_goes_up_to_the_first_record_that_is_open)
{
    struct weft_offsets *offsets = weft_offsets_new();
    const int64_t read[] = {10, 11, 15, 16}; /* with a hole, as of a compacted topic */
    for (size_t i = 0; i < 4; i++)
        ck_assert(weft_offsets_read(offsets, read[i], 0));
    weft_offsets_done(offsets, 11);
    ck_assert_int_eq(weft_offsets_next(offsets), 10);
    weft_offsets_done(offsets, 10);
    ck_assert_int_eq(weft_offsets_next(offsets), 12);
    weft_offsets_done(offsets, 16);
    ck_assert_int_eq(weft_offsets_next(offsets), 12);
    ck_assert_uint_eq(weft_offsets_open(offsets), 1);
    weft_offsets_done(offsets, 15);
    ck_assert_int_eq(weft_offsets_next(offsets), 17);
    ck_assert_uint_eq(weft_offsets_open(offsets), 0);
    weft_offsets_destroy(offsets);
}
END_TEST

START_TEST(what_was_not_read_or_is_done_already_changes_nothing)
{
    struct weft_offsets *offsets = weft_offsets_new();
    for (int64_t i = 0; i < 3; i++)
        ck_assert(weft_offsets_read(offsets, 2 * i, 0));
    weft_offsets_done(offsets, 1);
    weft_offsets_done(offsets, 99);
    weft_offsets_done(offsets, 2);
    weft_offsets_done(offsets, 2);
    ck_assert_uint_eq(weft_offsets_open(offsets), 2);
    ck_assert_int_eq(weft_offsets_next(offsets), 0);
    weft_offsets_destroy(offsets);
}
END_TEST

START_TEST(what_lies_before_the_commit_is_counted_and_the_oldest_behind_it_known)
{
    struct weft_offsets *offsets = weft_offsets_new();
    ck_assert_int_eq(weft_offsets_oldest_ms(offsets), INT64_MAX);
    for (int64_t i = 0; i < 4; i++)
        ck_assert(weft_offsets_read(offsets, 10 * i, 1000 + i));
    weft_offsets_done(offsets, 20);
    ck_assert_uint_eq(weft_offsets_passed(offsets), 0);
    ck_assert_int_eq(weft_offsets_oldest_ms(offsets), 1000);
    weft_offsets_done(offsets, 0);
    ck_assert_uint_eq(weft_offsets_passed(offsets), 1);
    ck_assert_int_eq(weft_offsets_oldest_ms(offsets), 1001);
    weft_offsets_done(offsets, 10);
    ck_assert_uint_eq(weft_offsets_passed(offsets), 3);
    ck_assert_int_eq(weft_offsets_oldest_ms(offsets), 1003);
    weft_offsets_destroy(offsets);
}
END_TEST

START_TEST(it_agrees_with_a_plain_list_over_random_orders)
{
    enum { COUNT = 5000 };
    static bool done[COUNT];
    struct weft_offsets *offsets = weft_offsets_new();
    uint32_t state = 7;
    int64_t end = 0, first = 0;
    while (first < COUNT) {
        state = state * 1664525u + 1013904223u;
        if (end < COUNT && state >> 31) {
            ck_assert(weft_offsets_read(offsets, end++, 0));
        } else if (end > first) {
            int64_t one = first + (state >> 8) % (end - first);
            weft_offsets_done(offsets, one);
            done[one] = true;
        }
        while (first < end && done[first])
            first++;
        ck_assert_int_eq(weft_offsets_next(offsets), end ? first : -1);
    }
    weft_offsets_destroy(offsets);
}
END_TEST

SUITE("offsets", TEST(nothing_read_gives_nothing_to_commit), TEST(a_commit_goes_up_to_the_first_record_that_is_open),
      TEST(what_was_not_read_or_is_done_already_changes_nothing),
      TEST(what_lies_before_the_commit_is_counted_and_the_oldest_behind_it_known),
      TEST(it_agrees_with_a_plain_list_over_random_orders))
