#include "schemas/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const char record[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                             "{\"name\":\"id\",\"type\":\"string\"},"
                             "{\"name\":\"image\",\"type\":\"bytes\"},"
                             "{\"name\":\"label\",\"type\":[\"null\",\"int\"]},"
                             "{\"name\":\"floats\",\"type\":{\"type\":\"array\",\"items\":\"float\"}},"
                             "{\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}}]}";

/* id "ab", image 01 ff, label 5, floats [1.0], more {"k": true} */
static const char whole[] = "\x04"
                            "ab\x04\x01\xff\x02\x0a\x02\x00\x00\x80\x3f\x00\x02\x02k\x01\x00";

static void expect(const char *text, const void *body, size_t size, const char *json, const char *why)
{
    struct weft_error err = {0};
    struct weft_schema *schema = weft_schema_parse(text, &err);
    ck_assert_msg(schema != NULL, "%s", err.message);
    json_t *value = weft_inspect(schema, body, size, &err);
    char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_str_eq(got, json);
    ck_assert_str_eq(err.message, why);
    free(got);
    json_decref(value);
    weft_schema_destroy(schema);
}

START_TEST(a_whole_value_is_shown_whole)
{
    expect(record, whole, sizeof whole - 1,
           "{\"id\":\"ab\",\"image\":\"01ff\",\"label\":5,\"floats\":[1.0],\"more\":{\"k\":true}}", "");
}
END_TEST

START_TEST(of_a_value_that_ends_early_is_shown_what_there_is)
{
    expect(record, whole, 5, "{\"id\":\"ab\"}",
           "image: announces more bytes than there are, or a length below 0, at byte 3 of the body (2 are left)");
    expect(record, whole, 10, "{\"id\":\"ab\",\"image\":\"01ff\",\"label\":5,\"floats\":[]}",
           "floats.0: the bytes end within a number, at byte 9 of the body (1 are left)");
    expect(record, "", 0, "{}",
           "id: announces more bytes than there are, or a length below 0, at byte 0 of the body (0 are left)");
}
END_TEST

START_TEST(every_cut_of_a_value_says_where_it_ends)
{
    struct weft_error err = {0};
    struct weft_schema *schema = weft_schema_parse(record, &err);
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, whole, size);
        json_decref(weft_inspect(schema, exact, size, &err));
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        free(exact);
    }
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(bytes_left_over_are_told)
{
    expect("\"int\"", "\x02\x02\x02", 3, "1", "2 bytes are left over behind the value");
}
END_TEST

START_TEST(a_choice_that_there_is_not_is_told)
{
    expect("[\"null\",\"int\"]", "\x04", 1, "null",
           "the value: a branch that the union does not have, at byte 1 of the body (0 are left)");
}
END_TEST

START_TEST(what_is_long_is_cut)
{
    char body[102] = {(char)0xc8, 0x01}; /* 100 bytes */
    expect("\"bytes\"", body, sizeof body,
           "\"0000000000000000000000000000000000000000000000000000000000000000... (100 bytes)\"", "");
}
END_TEST

START_TEST(a_count_of_items_without_bytes_keeps_nobody_at_work)
{
    expect("{\"type\":\"array\",\"items\":\"null\"}", "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 9, "[]",
           "the value: announces more items than anybody needs, at byte 9 of the body (0 are left)");
}
END_TEST

START_TEST(a_block_that_ends_elsewhere_than_it_says_is_told)
{
    static const char array[] = "{\"type\":\"array\",\"items\":\"int\"}";
    expect(array, "\x03\x04\x02\x04\x00", 5, "[1,2]", "");
    expect(array, "\x03\x02\x02\x04\x00", 5, "[1,2]",
           "the value: its items do not end where it says that they do, at byte 4 of the body (1 are left)");
    expect(array, "\x03\x01\x02\x04\x00", 5, "[]",
           "the value: no number of items, or one of bytes that there are not, at byte 0 of the body (5 are left)");
}
END_TEST

START_TEST(a_type_within_itself_ends_somewhere)
{
    char body[4096];
    struct weft_error err = {0};
    memset(body, 2, sizeof body);
    struct weft_schema *schema = weft_schema_parse(
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}", &err);
    ck_assert_msg(schema != NULL, "%s", err.message);
    json_decref(weft_inspect(schema, body, sizeof body, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "nested deeper than anybody needs"));
    weft_schema_destroy(schema);
}
END_TEST

SUITE("inspect", TEST(a_whole_value_is_shown_whole), TEST(of_a_value_that_ends_early_is_shown_what_there_is),
      TEST(every_cut_of_a_value_says_where_it_ends), TEST(bytes_left_over_are_told),
      TEST(a_choice_that_there_is_not_is_told), TEST(what_is_long_is_cut),
      TEST(a_count_of_items_without_bytes_keeps_nobody_at_work), TEST(a_block_that_ends_elsewhere_than_it_says_is_told),
      TEST(a_type_within_itself_ends_somewhere))
