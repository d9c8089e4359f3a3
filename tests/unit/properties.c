#include "base/properties.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

/* Writes each property as [name|value|line]. */
static int collect(const char *name, const char *value, int line, void *arg, struct weft_error *err)
{
    (void)err;
    char *out = arg;
    sprintf(out + strlen(out), "[%s|%s|%d]", name, value, line);
    return 0;
}

static void expect(const char *text, const char *properties)
{
    char copy[512], got[512] = "";
    struct weft_error err = {0};
    snprintf(copy, sizeof copy, "%s", text);
    ck_assert_msg(weft_properties_parse(copy, "test", collect, got, &err) == 0, "%s", err.message);
    ck_assert_str_eq(got, properties);
}

START_TEST(names_and_values_are_separated_as_in_java)
{
    expect("a=1\nb: 2\nc 3\nd = 4\n e\t5", "[a|1|1][b|2|2][c|3|3][d|4|4][e|5|5]");
    expect("a=\nb:=x\nc==", "[a||1][b|=x|2][c|=|3]");
}
END_TEST

START_TEST(comments_and_empty_lines_are_passed_over)
{
    expect("# one\n\n  ! two\n \t\na=1 # not a comment\n", "[a|1 # not a comment|5]");
}
END_TEST

START_TEST(a_backslash_joins_lines)
{
    expect("a=x,\\\n    y,\\\n    z\nb=2\n", "[a|x,y,z|1][b|2|4]");
    expect("a=x\\\r\n  y\r\nb=2\r\n", "[a|xy|1][b|2|3]");
    expect("path=c:\\\\\nb=1", "[path|c:\\|1][b|1|2]");
}
END_TEST

START_TEST(escapes_are_undone_in_names_and_values)
{
    expect("a\\=b=c\\:d\\tx", "[a=b|c:d\tx|1]");
    expect("n=\\u00e9\\u20ac", "[n|\u00e9\u20ac|1]");
    expect("n=a\\", "[n|a\\|1]");
}
END_TEST

START_TEST(a_line_without_a_name_stops_the_reading)
{
    char text[] = "a=1\n=\n", got[64] = "";
    struct weft_error err = {0};
    ck_assert_int_eq(weft_properties_parse(text, "x.properties", collect, got, &err), -1);
    ck_assert_str_eq(err.message, "x.properties:2: expected name=value");
    ck_assert_str_eq(got, "[a|1|1]");
}
END_TEST

SUITE("properties", TEST(names_and_values_are_separated_as_in_java), TEST(comments_and_empty_lines_are_passed_over),
      TEST(a_backslash_joins_lines), TEST(escapes_are_undone_in_names_and_values),
      TEST(a_line_without_a_name_stops_the_reading))
