#include "base/cursor.h"

#include "support/suite.h"

static bool read_long(const char *bytes, size_t size, int64_t *value)
{
    struct weft_cursor c = weft_cursor_of(bytes, size);
    return weft_cursor_long(&c, value) && weft_cursor_left(&c) == 0;
}

START_TEST(longs_are_zig_zag_varints)
{
    int64_t value;
    ck_assert(read_long("\x00", 1, &value) && value == 0);
    ck_assert(read_long("\x01", 1, &value) && value == -1);
    ck_assert(read_long("\x02", 1, &value) && value == 1);
    ck_assert(read_long("\x80\x01", 2, &value) && value == 64);
    ck_assert(read_long("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &value) && value == INT64_MIN);
    ck_assert(read_long("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &value) && value == INT64_MAX);
}
END_TEST

START_TEST(a_long_that_does_not_end_or_does_not_fit_is_refused)
{
    int64_t value;
    struct weft_cursor c = weft_cursor_of("\x80\x80", 2);
    ck_assert(!weft_cursor_long(&c, &value));
    ck_assert_uint_eq(weft_cursor_left(&c), 2);
    ck_assert(!read_long("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, &value));
    ck_assert(!read_long("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, &value));
    ck_assert(!read_long("", 0, &value));
}
END_TEST

START_TEST(a_length_beyond_the_end_is_refused_and_nothing_moves)
{
    const uint8_t *bytes;
    size_t size;
    struct weft_cursor c = weft_cursor_of("\x06"
                                          "ab",
                                          3);
    ck_assert(!weft_cursor_bytes(&c, &bytes, &size));
    ck_assert_uint_eq(weft_cursor_left(&c), 3);
    c = weft_cursor_of("\x01"
                       "ab",
                       3);
    ck_assert(!weft_cursor_bytes(&c, &bytes, &size));
    c = weft_cursor_of("\x04"
                       "ab",
                       3);
    ck_assert(weft_cursor_bytes(&c, &bytes, &size));
    ck_assert_uint_eq(size, 2);
    ck_assert_mem_eq(bytes, "ab", 2);
}
END_TEST

START_TEST(a_null_value_is_an_empty_input)
{
    struct weft_cursor c = weft_cursor_of(NULL, 0);
    int64_t value;
    ck_assert_uint_eq(weft_cursor_left(&c), 0);
    ck_assert(!weft_cursor_long(&c, &value));
    ck_assert(!weft_cursor_skip(&c, 1));
}
END_TEST

START_TEST(a_block_of_items_says_where_it_ends_or_does_not)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool valid;
        int64_t count;
        long end; /* -1: not said */
    } cases[] = {
        {"\x06"
         "abc",
         4, true, 3, -1},
        {"\x05\x06"
         "abc",
         5, true, 3, 5},
        {"\x05\x08"
         "abc",
         5, false, 0, 0}, /* beyond the input */
        {"\x05\x01"
         "abc",
         5, false, 0, 0}, /* of -1 bytes */
        {"\x05", 1, false, 0, 0},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t count;
        const uint8_t *end;
        struct weft_cursor c = weft_cursor_of(cases[i].bytes, cases[i].size);
        ck_assert_msg(weft_cursor_block(&c, &count, &end) == cases[i].valid, "case %zu", i);
        if (!cases[i].valid)
            continue;
        ck_assert_int_eq(count, cases[i].count);
        ck_assert_int_eq(end ? end - (const uint8_t *)cases[i].bytes : -1, cases[i].end);
    }
}
END_TEST

SUITE("cursor", TEST(longs_are_zig_zag_varints), TEST(a_long_that_does_not_end_or_does_not_fit_is_refused),
      TEST(a_length_beyond_the_end_is_refused_and_nothing_moves), TEST(a_null_value_is_an_empty_input),
      TEST(a_block_of_items_says_where_it_ends_or_does_not))
