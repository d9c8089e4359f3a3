#include "base/error.h"

#include <string.h>

#include "support/suite.h"

START_TEST(a_prefix_goes_before_the_message_and_keeps_the_class)
{
    struct weft_error err = {0};
    ck_assert_int_eq(weft_error_set(&err, WEFT_ERROR_CORRUPT, "byte %d is odd", 7), -1);
    ck_assert_int_eq(weft_error_prefix(&err, "reading %s", "x.onnx"), -1);
    ck_assert_str_eq(err.message, "reading x.onnx: byte 7 is odd");
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_cut_not_overrun)
{
    struct weft_error err = {0};
    char text[2 * WEFT_ERROR_MESSAGE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    weft_error_set(&err, WEFT_ERROR_INTERNAL, "%s", text);
    ck_assert_uint_eq(strlen(err.message), WEFT_ERROR_MESSAGE_MAX - 1);
    weft_error_prefix(&err, "%s", "where");
    ck_assert_uint_eq(strlen(err.message), WEFT_ERROR_MESSAGE_MAX - 1);
    ck_assert_int_eq(strncmp(err.message, "where: xxx", 10), 0);
}
END_TEST

START_TEST(an_error_may_be_set_from_its_own_message)
{
    struct weft_error err = {0};
    weft_error_set(&err, WEFT_ERROR_CONFIG, "inner");
    weft_error_set(&err, WEFT_ERROR_CONFIG, "outer (%s)", err.message);
    ck_assert_str_eq(err.message, "outer (inner)");
}
END_TEST

START_TEST(a_message_is_one_line_whatever_it_quotes)
{
    struct weft_error err = {0};
    weft_error_set(&err, WEFT_ERROR_CONFIG, "it is '%s'", "two\nlines\x1b[2J");
    ck_assert_str_eq(err.message, "it is 'two?lines?[2J'");
    weft_error_prefix(&err, "%s", "in\tit");
    ck_assert_str_eq(err.message, "in?it: it is 'two?lines?[2J'");
}
END_TEST

SUITE("error", TEST(a_prefix_goes_before_the_message_and_keeps_the_class),
      TEST(a_message_that_is_too_long_is_cut_not_overrun), TEST(an_error_may_be_set_from_its_own_message),
      TEST(a_message_is_one_line_whatever_it_quotes))
