#include "schemas/difference.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

/* The differences, one a line: sign, path, what; new readers; old readers. */
static const char *difference(const char *old_text, const char *new_text)
{
    static char lines[4096];
    struct weft_schema *old = weft_schema_parse(old_text, NULL), *new = weft_schema_parse(new_text, NULL);
    struct weft_differences found = {0};
    size_t n = 0;
    ck_assert(old && new);
    ck_assert_int_eq(weft_difference_find(old, new, &found, NULL), 0);
    lines[0] = '\0';
    for (size_t i = 0; i < found.count; i++)
        n += (size_t)snprintf(lines + n, sizeof lines - n, "%c %s: %s; %s; %s\n", "+-~"[found.at[i].kind],
                              found.at[i].path, found.at[i].what, found.at[i].new_readers, found.at[i].old_readers);
    weft_differences_clear(&found);
    weft_schema_destroy(old);
    weft_schema_destroy(new);
    return lines;
}

START_TEST(a_field_added_or_removed_is_shown_with_what_readers_make_of_it)
{
    ck_assert_str_eq(difference(RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\"}"),
                                RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"c\",\"type\":\"string\","
                                       "\"default\":\"x\"}")),
                     "+ R.c: string, default \"x\"; take the default \"x\"; do not see it\n"
                     "- R.b: int, no default; do not see it; cannot read them: there is no default\n");
}
END_TEST

START_TEST(a_type_that_changed_is_shown_with_who_can_read_it)
{
    ck_assert_str_eq(
        difference(RECORD("{\"name\":\"a\",\"type\":\"int\"}"), RECORD("{\"name\":\"a\",\"type\":\"long\"}")),
        "~ R.a: int -> long; can read it; cannot read it\n");
    ck_assert_str_eq(difference(RECORD("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"int\"}}"),
                                RECORD("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"string\"}}")),
                     "~ R.a[]: int -> string; cannot read it; cannot read it\n");
}
END_TEST

START_TEST(a_field_renamed_under_an_alias_is_one_change)
{
    ck_assert_str_eq(difference(RECORD("{\"name\":\"a\",\"type\":\"int\"}"),
                                RECORD("{\"name\":\"b\",\"type\":\"int\",\"aliases\":[\"a\"]}")),
                     "~ R.b: renamed from a, which is its alias; can read it; cannot read them: there is no default\n");
}
END_TEST

START_TEST(defaults_symbols_and_logical_types_count_and_documentation_does_not)
{
    ck_assert_str_eq(difference(RECORD("{\"name\":\"a\",\"type\":\"int\"}"),
                                RECORD("{\"name\":\"a\",\"type\":\"int\",\"default\":1,\"doc\":\"x\"}")),
                     "~ R.a: default none -> 1; can read it; can read it\n");
    ck_assert_str_eq(difference("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}",
                                "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"C\",\"D\"]}"),
                     "~ E: symbols added: C, D; symbols removed: B; cannot read it; cannot read it\n");
    ck_assert_str_eq(difference(RECORD("{\"name\":\"a\",\"type\":\"long\"}"),
                                RECORD("{\"name\":\"a\",\"type\":{\"type\":\"long\",\"logicalType\":"
                                       "\"timestamp-millis\"}}")),
                     "~ R.a: long -> long (timestamp-millis); can read it; can read it\n");
}
END_TEST

START_TEST(a_record_that_holds_itself_is_compared_once)
{
    ck_assert_str_eq(
        difference(RECORD("{\"name\":\"n\",\"type\":[\"null\",\"R\"]},{\"name\":\"a\",\"type\":\"int\"}"),
                   RECORD("{\"name\":\"n\",\"type\":[\"null\",\"R\"]},{\"name\":\"a\",\"type\":\"long\"}")),
        "~ R.a: int -> long; can read it; cannot read it\n");
}
END_TEST

SUITE("difference", TEST(a_field_added_or_removed_is_shown_with_what_readers_make_of_it),
      TEST(a_type_that_changed_is_shown_with_who_can_read_it), TEST(a_field_renamed_under_an_alias_is_one_change),
      TEST(defaults_symbols_and_logical_types_count_and_documentation_does_not),
      TEST(a_record_that_holds_itself_is_compared_once))
