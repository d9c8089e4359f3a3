#include "schemas/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "schemas/encoder.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "support/suite.h"

static struct weft_schema *parse(const char *text)
{
    struct weft_error err = {0};
    struct weft_schema *schema = weft_schema_parse(text, &err);
    ck_assert_msg(schema != NULL, "%s", err.message);
    return schema;
}

static void assert_refused(const char *text, const char *part)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_schema_parse(text, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

/* Whether skipping takes exactly all of the bytes. */
static bool skips(const char *schema_text, const void *bytes, size_t size)
{
    struct weft_schema *schema = parse(schema_text);
    struct weft_cursor c = weft_cursor_of(bytes, size);
    bool all = weft_schema_skip(weft_schema_root(schema), &c) && weft_cursor_left(&c) == 0;
    weft_schema_destroy(schema);
    return all;
}

#define SKIPS(schema, bytes) skips(schema, bytes, sizeof bytes - 1)

START_TEST(our_own_schemas_parse)
{
    struct weft_schema *request = parse(weft_request_schema);
    ck_assert_int_eq(weft_schema_root(request)->kind, WEFT_SCHEMA_RECORD);
    ck_assert_str_eq(weft_schema_root(request)->name, "weft.PredictRequest");
    ck_assert_uint_eq(weft_schema_root(request)->count, 4);
    weft_schema_destroy(request);
    weft_schema_destroy(parse(weft_result_schema));
}
END_TEST

START_TEST(our_own_schemas_are_compact)
{
    ck_assert_ptr_nonnull(strstr(weft_request_schema, "{\"type\":\"record\",\"name\":\"PredictRequest\","));
    ck_assert_ptr_nonnull(strstr(weft_request_schema, "\"doc\":\"An image to be classified.\""));
    ck_assert_ptr_null(strchr(weft_request_schema, '\n'));
    ck_assert_ptr_null(strstr(weft_result_schema, "\", \""));
}
END_TEST

START_TEST(a_type_may_refer_to_itself)
{
    struct weft_schema *schema = parse("{\"type\":\"record\",\"name\":\"a.List\",\"fields\":["
                                       "{\"name\":\"next\",\"type\":[\"null\",\"List\"]}]}");
    const struct weft_schema_type *root = weft_schema_root(schema);
    ck_assert_ptr_eq(root->members[0].type->members[1].type, root);
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(names_resolve_in_the_namespace_around_them)
{
    struct weft_schema *schema = parse("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":["
                                       "{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},"
                                       "{\"name\":\"b\",\"type\":\"F\"},{\"name\":\"c\",\"type\":\"n.F\"},"
                                       "{\"name\":\"d\",\"type\":{\"type\":\"record\",\"name\":\"m.S\",\"fields\":["
                                       "{\"name\":\"e\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},{"
                                       "\"name\":\"f\",\"type\":\"F\"}]}}]}");
    const struct weft_schema_type *root = weft_schema_root(schema);
    ck_assert_uint_eq(root->members[1].type->count, 2);
    ck_assert_uint_eq(root->members[2].type->count, 2);
    ck_assert_uint_eq(root->members[3].type->members[1].type->count, 3);
    ck_assert_str_eq(root->members[3].type->members[0].type->name, "m.F");
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(what_is_no_schema_is_refused_with_the_place_of_the_fault)
{
    assert_refused("", "not JSON");
    assert_refused("{\"type\":", "line 1");
    assert_refused("7", "neither text, list nor object");
    assert_refused("\"strin\"", "unknown type \"strin\"");
    assert_refused("{\"type\":\"record\",\"name\":\"R\"}", "no list of fields");
    assert_refused("{\"type\":\"record\",\"fields\":[]}", "not a name");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[7]}", "no name");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a b\",\"type\":\"int\"}]}", "no name");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\"}]}", "field \"a\": a type");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"Q\"}]}",
                   "field \"a\": unknown type \"Q\"");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
                   "{\"name\":\"a\",\"type\":\"int\"}]}",
                   "twice");
    assert_refused("[{\"type\":\"fixed\",\"name\":\"F\",\"size\":1},{\"type\":\"fixed\",\"name\":\"F\",\"size\":1}]",
                   "defined twice");
    assert_refused("{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "no usable size");
    assert_refused("{\"type\":\"fixed\",\"name\":\"F\",\"size\":9223372036854775807}", "no usable size");
    assert_refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}", "no symbols");
    assert_refused("[\"null\",[\"int\"]]", "union");
    assert_refused("{\"type\":\"array\"}", "type is missing");
}
END_TEST

START_TEST(every_kind_of_value_is_skipped)
{
    ck_assert(SKIPS("\"null\"", ""));
    ck_assert(SKIPS("\"boolean\"", "\1"));
    ck_assert(SKIPS("\"int\"", "\x80\1"));
    ck_assert(SKIPS("\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"));
    ck_assert(SKIPS("\"float\"", "abcd"));
    ck_assert(SKIPS("\"double\"", "abcdefgh"));
    ck_assert(SKIPS("\"bytes\"", "\4ab"));
    ck_assert(SKIPS("{\"type\":\"string\"}", "\0"));
    ck_assert(SKIPS("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", "abc"));
    ck_assert(SKIPS("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\2"));
    ck_assert(SKIPS("{\"type\":\"array\",\"items\":\"int\"}", "\4\2\2\2\6\0"));
    ck_assert(SKIPS("{\"type\":\"map\",\"values\":\"int\"}", "\2\2k\6\0"));
    ck_assert(SKIPS("[\"null\",\"int\"]", "\2\6"));
    ck_assert(SKIPS("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "\2"));
}
END_TEST

START_TEST(a_block_that_announces_its_size_is_jumped_over)
{
    ck_assert(SKIPS("{\"type\":\"array\",\"items\":\"string\"}", "\3\6\4ab\0"));
    ck_assert(!SKIPS("{\"type\":\"array\",\"items\":\"string\"}", "\3\7\4ab\0"));
    ck_assert(!SKIPS("{\"type\":\"array\",\"items\":\"string\"}", "\3\x10\4ab\0"));
}
END_TEST

START_TEST(values_that_are_none_are_not_skipped)
{
    ck_assert(!SKIPS("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\4"));
    ck_assert(!SKIPS("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\1"));
    ck_assert(!SKIPS("[\"null\",\"int\"]", "\4"));
    ck_assert(!SKIPS("[\"null\",\"int\"]", "\1"));
    ck_assert(!SKIPS("\"bytes\"", "\1"));
    ck_assert(!SKIPS("\"bytes\"", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"));
    ck_assert(!SKIPS("\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"));
    ck_assert(!SKIPS("{\"type\":\"array\",\"items\":\"int\"}", "\4\2"));
}
END_TEST

START_TEST(a_huge_count_of_items_that_take_no_bytes_costs_no_time)
{
    const char *items[] = {
        "{\"type\":\"array\",\"items\":\"null\"}",
        "{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":0}}",
        "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}}",
    };
    uint8_t bytes[16];
    struct weft_encoder e = {.out = bytes, .size = sizeof bytes};
    weft_encoder_long(&e, INT64_MAX);
    weft_encoder_long(&e, 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert(skips(items[i], bytes, e.used));
}
END_TEST

/* R60 holds R59 twice, and so on down to R0 that holds a null: 2^60 nulls. */
START_TEST(records_that_double_without_bytes_cost_no_time)
{
    char text[16384] = "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[{\"name\":\"a\",\"type\":\"null\"}]}";
    for (int i = 1; i <= 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":\"R%d\"},{\"name\":\"b\","
                 "\"type\":\"R%d\"}]}",
                 i, i - 1, i - 1);
    strcat(text, "]");
    ck_assert(SKIPS(text, "\x78"));
}
END_TEST

START_TEST(nesting_without_end_stops_at_a_limit)
{
    const char *list = "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"L\"]}]}";
    uint8_t bytes[200000];
    memset(bytes, 2, sizeof bytes);
    bytes[sizeof bytes - 1] = 0;
    ck_assert(!skips(list, bytes, sizeof bytes));
    ck_assert(skips(list, bytes + sizeof bytes - 100, 100));
    ck_assert(!SKIPS("{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"e\",\"type\":\"E\"}]}", ""));
}
END_TEST

SUITE("schema", TEST(our_own_schemas_parse), TEST(our_own_schemas_are_compact), TEST(a_type_may_refer_to_itself),
      TEST(names_resolve_in_the_namespace_around_them), TEST(what_is_no_schema_is_refused_with_the_place_of_the_fault),
      TEST(every_kind_of_value_is_skipped), TEST(a_block_that_announces_its_size_is_jumped_over),
      TEST(values_that_are_none_are_not_skipped), TEST(a_huge_count_of_items_that_take_no_bytes_costs_no_time),
      TEST(records_that_double_without_bytes_cost_no_time), TEST(nesting_without_end_stops_at_a_limit))
