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

SUITE("cursor", TEST(longs_are_zig_zag_varints), TEST(a_long_that_does_not_end_or_does_not_fit_is_refused),
      TEST(a_length_beyond_the_end_is_refused_and_nothing_moves), TEST(a_null_value_is_an_empty_input))
