#include "schemas/plan.h"

#include <string.h>

#include "support/suite.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define ONE(kind) ((const struct weft_plan_field[]){{"a", kind, false, 0}})
#define MAYBE(kind) ((const struct weft_plan_field[]){{"a", kind, true, 0}})

static struct weft_plan *compile(const char *schema, const struct weft_plan_field *fields, size_t count)
{
    struct weft_error err = {0};
    struct weft_plan *plan = weft_plan_compile(schema, NULL, fields, count, &err);
    ck_assert_msg(plan != NULL, "%s", err.message);
    return plan;
}

/* Decodes one body with the plan for one field. */
static int decode(const char *schema, const struct weft_plan_field *field, const void *body, size_t size,
                  struct weft_plan_value *value, struct weft_error *err)
{
    struct weft_plan *plan = compile(schema, field, 1);
    int result = weft_plan_run(plan, body, size, value, err);
    weft_plan_destroy(plan);
    return result;
}

static int64_t number_of(const char *schema, const struct weft_plan_field *field, const char *body, size_t size)
{
    struct weft_plan_value value;
    struct weft_error err = {0};
    ck_assert_msg(decode(schema, field, body, size, &value, &err) == 0, "%s", err.message);
    ck_assert(value.present);
    return value.number;
}

static bool is_absent(const char *schema, const struct weft_plan_field *field, const char *body, size_t size)
{
    struct weft_plan_value value;
    struct weft_error err = {0};
    ck_assert_msg(decode(schema, field, body, size, &value, &err) == 0, "%s", err.message);
    return !value.present;
}

static void assert_corrupt(const char *schema, const struct weft_plan_field *field, const void *body, size_t size,
                           const char *part)
{
    struct weft_plan_value value;
    struct weft_error err = {0};
    ck_assert_int_eq(decode(schema, field, body, size, &value, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

static void assert_not_compiled(const char *schema, const struct weft_plan_field *field, const char *part)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_plan_compile(schema, NULL, field, 1, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

#define NUMBER(schema, field, body) number_of(schema, field, body, sizeof body - 1)
#define ABSENT(schema, field, body) is_absent(schema, field, body, sizeof body - 1)
#define CORRUPT(schema, field, body, part) assert_corrupt(schema, field, body, sizeof body - 1, part)

START_TEST(fields_are_found_in_any_order_among_others)
{
    const struct weft_plan_field fields[] = {{"a", WEFT_PLAN_INT, false, 0}, {"b", WEFT_PLAN_STRING, false, 0}};
    struct weft_plan *plan =
        compile(RECORD(FIELD("x", "{\"type\":\"map\",\"values\":\"int\"}") "," FIELD("b", "\"string\"") "," FIELD(
                    "y", "[\"null\",\"double\"]") "," FIELD("a", "\"int\"") "," FIELD("z", "\"null\"")),
                fields, 2);
    const uint8_t body[] = "\2\2k\4\0\4hi\0\6";
    struct weft_plan_value values[2];
    ck_assert_int_eq(weft_plan_run(plan, body, sizeof body - 1, values, NULL), 0);
    ck_assert_int_eq(values[0].number, 3);
    ck_assert_ptr_eq(values[1].at, body + 6);
    ck_assert_uint_eq(values[1].size, 2);
    weft_plan_destroy(plan);
}
END_TEST

START_TEST(a_missing_field_is_absent_when_it_may_and_else_an_error_that_names_it)
{
    const char *schema = RECORD(FIELD("b", "\"int\""));
    ck_assert(ABSENT(schema, MAYBE(WEFT_PLAN_INT), "\2"));
    assert_not_compiled(schema, ONE(WEFT_PLAN_INT), "field \"a\" is missing");
}
END_TEST

START_TEST(a_wrong_type_is_an_error_that_names_both)
{
    assert_not_compiled(RECORD(FIELD("a", "\"double\"")), ONE(WEFT_PLAN_INT), "field \"a\" is double, not int");
    assert_not_compiled(RECORD(FIELD("a", "\"long\"")), ONE(WEFT_PLAN_INT), "field \"a\" is long, not int");
    assert_not_compiled(RECORD(FIELD("a", "\"null\"")), ONE(WEFT_PLAN_STRING), "field \"a\" is null, not string");
    assert_not_compiled(RECORD(FIELD("a", "[\"double\",\"null\"]")), ONE(WEFT_PLAN_INT), "field \"a\" is a union");
    assert_not_compiled(RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"double\"}")), ONE(WEFT_PLAN_FLOATS),
                        "field \"a\" is array, not array of float");
    assert_not_compiled("\"int\"", ONE(WEFT_PLAN_INT), "is int, not record");
    assert_not_compiled("{", ONE(WEFT_PLAN_INT), "not JSON");
}
END_TEST

START_TEST(an_int_is_read_as_a_long)
{
    ck_assert_int_eq(NUMBER(RECORD(FIELD("a", "\"int\"")), ONE(WEFT_PLAN_LONG), "\5"), -3);
    ck_assert_int_eq(
        NUMBER(RECORD(FIELD("a", "\"long\"")), ONE(WEFT_PLAN_LONG), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
        INT64_MIN);
}
END_TEST

START_TEST(an_int_that_does_not_fit_is_corrupt)
{
    const char *schema = RECORD(FIELD("a", "\"int\""));
    ck_assert_int_eq(NUMBER(schema, ONE(WEFT_PLAN_INT), "\xff\xff\xff\xff\x0f"), INT32_MIN);
    CORRUPT(schema, ONE(WEFT_PLAN_INT), "\x80\x80\x80\x80\x10", "does not fit an int");
}
END_TEST

START_TEST(string_and_bytes_stand_for_each_other)
{
    const char *types[] = {RECORD(FIELD("a", "\"string\"")), RECORD(FIELD("a", "\"bytes\""))};
    const enum weft_plan_kind kinds[] = {WEFT_PLAN_STRING, WEFT_PLAN_BYTES};
    for (size_t i = 0; i < 4; i++) {
        struct weft_plan_value value;
        ck_assert_int_eq(decode(types[i / 2], ONE(kinds[i % 2]), "\4hi", 3, &value, NULL), 0);
        ck_assert_uint_eq(value.size, 2);
        ck_assert_mem_eq(value.at, "hi", 2);
    }
}
END_TEST

START_TEST(a_string_must_be_utf8_and_bytes_need_not)
{
    const char *schema = RECORD(FIELD("a", "\"bytes\""));
    CORRUPT(schema, ONE(WEFT_PLAN_STRING), "\2\xff", "field \"a\" is not UTF-8");
    ck_assert(!ABSENT(schema, ONE(WEFT_PLAN_BYTES), "\2\xff"));
}
END_TEST

START_TEST(a_string_longer_than_allowed_is_corrupt)
{
    const struct weft_plan_field field = {"a", WEFT_PLAN_STRING, false, 3};
    const char *schema = RECORD(FIELD("a", "\"string\""));
    ck_assert(!ABSENT(schema, &field, "\6abc"));
    CORRUPT(schema, &field, "\10abcd", "field \"a\" has 4 bytes, more than 3");
}
END_TEST

START_TEST(an_optional_int_is_read_from_every_form_of_it)
{
    const char *null_int = RECORD(FIELD("a", "[\"null\",\"int\"]"));
    const char *int_null = RECORD(FIELD("a", "[\"int\",\"null\"]"));
    const struct weft_plan_field *field = MAYBE(WEFT_PLAN_INT);
    ck_assert(ABSENT(null_int, field, "\0"));
    ck_assert_int_eq(NUMBER(null_int, field, "\2\6"), 3);
    ck_assert(ABSENT(int_null, field, "\2"));
    ck_assert_int_eq(NUMBER(int_null, field, "\0\6"), 3);
    ck_assert_int_eq(NUMBER(RECORD(FIELD("a", "\"int\"")), field, "\6"), 3);
    ck_assert_int_eq(NUMBER(RECORD(FIELD("a", "[\"int\"]")), field, "\0\6"), 3);
    ck_assert(ABSENT(RECORD(FIELD("a", "\"null\"")), field, ""));
}
END_TEST

START_TEST(a_branch_that_cannot_be_read_spoils_only_the_messages_that_choose_it)
{
    const char *schema = RECORD(FIELD("a", "[\"null\",\"string\",\"int\"]"));
    ck_assert(ABSENT(schema, MAYBE(WEFT_PLAN_INT), "\0"));
    ck_assert_int_eq(NUMBER(schema, MAYBE(WEFT_PLAN_INT), "\4\6"), 3);
    CORRUPT(schema, MAYBE(WEFT_PLAN_INT), "\2\2x", "field \"a\" is string here");
    CORRUPT(schema, ONE(WEFT_PLAN_INT), "\0", "field \"a\" is null here");
}
END_TEST

START_TEST(a_branch_that_does_not_exist_is_corrupt)
{
    CORRUPT(RECORD(FIELD("a", "[\"null\",\"int\"]")), ONE(WEFT_PLAN_INT), "\4\6", "field \"a\"");
    CORRUPT(RECORD(FIELD("a", "[\"null\",\"int\"]")), ONE(WEFT_PLAN_INT), "\1\6", "field \"a\"");
}
END_TEST

START_TEST(a_path_leads_into_nested_records)
{
    const struct weft_plan_field fields[] = {
        {"s.b", WEFT_PLAN_INT, false, 0}, {"s.t.a", WEFT_PLAN_INT, false, 0}, {"st", WEFT_PLAN_INT, false, 0}};
    struct weft_plan *plan = compile(
        RECORD(FIELD("st", "\"int\"") "," FIELD(
            "s", "{\"type\":\"record\",\"name\":\"S\",\"fields\":[" FIELD(
                     "t", "{\"type\":\"record\",\"name\":\"T\","
                          "\"fields\":[" FIELD(
                              "a", "\"int\"") "]}") "," FIELD("c", "\"string\"") "," FIELD("b", "\"int\"") "]}")),
        fields, 3);
    struct weft_plan_value values[3];
    ck_assert_int_eq(weft_plan_run(plan, "\2\4\2x\6", 5, values, NULL), 0);
    ck_assert_int_eq(values[2].number, 1);
    ck_assert_int_eq(values[1].number, 2);
    ck_assert_int_eq(values[0].number, 3);
    weft_plan_destroy(plan);
    assert_not_compiled(RECORD(FIELD("s", "\"int\"")), fields, "field \"s\" is int, not record");
    assert_not_compiled(RECORD(FIELD("s", "{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}")), fields,
                        "field \"s.b\" is missing");
}
END_TEST

START_TEST(a_nested_record_may_be_nullable_if_what_it_holds_is_optional)
{
    const char *schema =
        RECORD(FIELD("s", "[\"null\",{\"type\":\"record\",\"name\":\"S\",\"fields\":[" FIELD("a", "\"int\"") "]}]"));
    const struct weft_plan_field maybe = {"s.a", WEFT_PLAN_INT, true, 0}, must = {"s.a", WEFT_PLAN_INT, false, 0};
    ck_assert(ABSENT(schema, &maybe, "\0"));
    ck_assert_int_eq(NUMBER(schema, &maybe, "\2\6"), 3);
    ck_assert_int_eq(NUMBER(schema, &must, "\2\6"), 3);
    CORRUPT(schema, &must, "\0", "field \"s\" is null here");
}
END_TEST

START_TEST(the_whole_message_may_be_a_union_of_records)
{
    const char *schema = "[{\"type\":\"record\",\"name\":\"A\",\"fields\":[" FIELD(
        "b", "\"int\"") "]},"
                        "{\"type\":\"record\",\"name\":\"B\",\"fields\":[" FIELD("a", "\"int\"") "]}]";
    ck_assert_int_eq(NUMBER(schema, ONE(WEFT_PLAN_INT), "\2\6"), 3);
    CORRUPT(schema, ONE(WEFT_PLAN_INT), "\0\6", "record here");
}
END_TEST

START_TEST(a_record_that_holds_itself_is_skipped_and_searched)
{
    const char *schema = RECORD(FIELD("n", "[\"null\",\"R\"]") "," FIELD("a", "\"int\""));
    ck_assert_int_eq(NUMBER(schema, ONE(WEFT_PLAN_INT), "\2\2\0\2\4\6"), 3);
    const struct weft_plan_field inner = {"n.a", WEFT_PLAN_INT, true, 0};
    ck_assert_int_eq(NUMBER(schema, &inner, "\2\0\4\6"), 2);
}
END_TEST

START_TEST(bytes_left_over_are_corrupt)
{
    CORRUPT(RECORD(FIELD("a", "\"int\"")), ONE(WEFT_PLAN_INT), "\6\0", "1 bytes are left over");
}
END_TEST

START_TEST(lengths_beyond_the_message_are_corrupt)
{
    const char *schema = RECORD(FIELD("a", "\"bytes\""));
    CORRUPT(schema, ONE(WEFT_PLAN_BYTES), "\6ab", "cut short");
    CORRUPT(schema, ONE(WEFT_PLAN_BYTES), "\1", "cut short");
    CORRUPT(schema, ONE(WEFT_PLAN_BYTES), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", "cut short");
    CORRUPT(schema, ONE(WEFT_PLAN_BYTES), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", "cut short");
    CORRUPT(schema, ONE(WEFT_PLAN_BYTES), "", "field \"a\"");
}
END_TEST

START_TEST(floats_are_read_from_blocks_of_any_form_and_from_integers)
{
    const char *floats = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"float\"}"));
    const char *ints = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"int\"}"));
    const char body[] = "\2\0\0\x80\x3f"              /* one item: 1 */
                        "\3\20\0\0\0\x40\0\0\x40\x40" /* two in 8 bytes: 2, 3 */
                        "\0";
    struct weft_plan_value value;
    float out[4] = {0, 0, 0, -1};
    ck_assert_int_eq(decode(floats, ONE(WEFT_PLAN_FLOATS), body, sizeof body - 1, &value, NULL), 0);
    ck_assert_int_eq(value.number, 3);
    weft_plan_floats(&value, out, 4);
    ck_assert_msg(out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == -1, "%f %f %f %f", (double)out[0],
                  (double)out[1], (double)out[2], (double)out[3]);

    ck_assert_int_eq(decode(ints, ONE(WEFT_PLAN_FLOATS), "\4\2\5\0", 4, &value, NULL), 0);
    weft_plan_floats(&value, out, 1);
    ck_assert_msg(out[0] == 1 && out[1] == 2, "only as many as asked for: %f", (double)out[1]);
    weft_plan_floats(&value, out, 4);
    ck_assert_msg(out[1] == -3, "%f", (double)out[1]);
}
END_TEST

START_TEST(counts_of_floats_beyond_the_message_are_corrupt)
{
    const char *floats = RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"float\"}"));
    CORRUPT(floats, ONE(WEFT_PLAN_FLOATS), "\6\0\0\x80\x3f\0", "field \"a\"");
    CORRUPT(floats, ONE(WEFT_PLAN_FLOATS), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0", "field \"a\"");
    CORRUPT(floats, ONE(WEFT_PLAN_FLOATS), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0", "field \"a\"");
    CORRUPT(floats, ONE(WEFT_PLAN_FLOATS), "\2\0\0\x80\x3f", "field \"a\"");
}
END_TEST

SUITE("plan", TEST(fields_are_found_in_any_order_among_others),
      TEST(a_missing_field_is_absent_when_it_may_and_else_an_error_that_names_it),
      TEST(a_wrong_type_is_an_error_that_names_both), TEST(an_int_is_read_as_a_long),
      TEST(an_int_that_does_not_fit_is_corrupt), TEST(string_and_bytes_stand_for_each_other),
      TEST(a_string_must_be_utf8_and_bytes_need_not), TEST(a_string_longer_than_allowed_is_corrupt),
      TEST(an_optional_int_is_read_from_every_form_of_it),
      TEST(a_branch_that_cannot_be_read_spoils_only_the_messages_that_choose_it),
      TEST(a_branch_that_does_not_exist_is_corrupt), TEST(a_path_leads_into_nested_records),
      TEST(a_nested_record_may_be_nullable_if_what_it_holds_is_optional),
      TEST(the_whole_message_may_be_a_union_of_records), TEST(a_record_that_holds_itself_is_skipped_and_searched),
      TEST(bytes_left_over_are_corrupt), TEST(lengths_beyond_the_message_are_corrupt),
      TEST(floats_are_read_from_blocks_of_any_form_and_from_integers),
      TEST(counts_of_floats_beyond_the_message_are_corrupt))
