#include "schemas/plan.h"

#include <stdio.h>
#include <string.h>

#include "schemas/encoder.h"
#include "support/random_avro.h"
#include "support/suite.h"

enum { VALUES_MAX = 8, BODY_MAX = 4096 };

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

/* The record that the random test looks for, with a random writer's type for each field, in random order among others.
 */
static const struct weft_plan_field random_fields[] = {
    {"id", WEFT_PLAN_STRING, false, 0},   {"image", WEFT_PLAN_BYTES, false, 0},  {"label", WEFT_PLAN_INT, true, 0},
    {"offset", WEFT_PLAN_LONG, false, 0}, {"inner.at", WEFT_PLAN_LONG, true, 0}, {"floats", WEFT_PLAN_FLOATS, false, 0},
};
enum { RANDOM_FIELDS = sizeof random_fields / sizeof *random_fields };

static json_t *field_of(const char *name, json_t *type)
{
    return json_pack("{s:s,s:o}", "name", name, "type", type);
}

static json_t *one_of(struct random_avro *random, const char *const *types, uint32_t count)
{
    return json_loads(types[random_avro_below(random, count)], JSON_DECODE_ANY, NULL);
}

static char *random_writer(struct random_avro *random)
{
    static const char *const texts[] = {"\"string\"", "\"bytes\"", "[\"null\",\"string\"]"};
    static const char *const ints[] = {"\"int\"", "[\"null\",\"int\"]", "[\"int\",\"null\"]", "\"null\"",
                                       "[\"string\",\"null\",\"int\"]"};
    static const char *const longs[] = {"\"int\"", "\"long\"", "[\"int\",\"long\"]"};
    static const char *const arrays[] = {"{\"type\":\"array\",\"items\":\"float\"}",
                                         "{\"type\":\"array\",\"items\":\"int\"}",
                                         "{\"type\":\"array\",\"items\":\"long\"}"};
    json_t *fields[16];
    char name[16];
    size_t count = 0;
    fields[count++] = field_of("id", one_of(random, texts, 3));
    fields[count++] = field_of("image", one_of(random, texts, 2));
    if (random_avro_below(random, 4))
        fields[count++] = field_of("label", one_of(random, ints, 5));
    fields[count++] = field_of("offset", one_of(random, longs, 3));
    fields[count++] = field_of("floats", one_of(random, arrays, 3));
    if (random_avro_below(random, 4)) {
        json_t *inner =
            json_pack("{s:s,s:s,s:[o,o]}", "type", "record", "name", "Inner", "fields",
                      field_of("x", random_avro_schema(random, 2)), field_of("at", one_of(random, longs, 3)));
        if (random_avro_below(random, 2))
            inner = json_pack("[s,o]", "null", inner);
        fields[count++] = field_of("inner", inner);
    }
    for (uint32_t others = random_avro_below(random, 5); others > 0; others--) {
        snprintf(name, sizeof name, "other%u", others);
        fields[count++] = field_of(name, random_avro_schema(random, 3));
    }
    json_t *list = json_array();
    for (; count > 0; count--) {
        uint32_t pick = random_avro_below(random, (uint32_t)count);
        json_array_append_new(list, fields[pick]);
        fields[pick] = fields[count - 1];
    }
    json_t *schema = json_pack("{s:s,s:s,s:o}", "type", "record", "name", "Root", "fields", list);
    char *text = json_dumps(schema, JSON_COMPACT);
    json_decref(schema);
    return text;
}

/* What libavro has at the path, inside of unions: false when it is null or not there. */
static bool libavro_value(avro_value_t *root, const char *path, avro_value_t *out)
{
    char names[32];
    *out = *root;
    snprintf(names, sizeof names, "%s", path);
    char *rest = names;
    for (char *name; (name = strsep(&rest, ".")) != NULL;) {
        avro_value_t next = {0};
        if (avro_value_get_by_name(out, name, &next, NULL) != 0)
            return false;
        while (avro_value_get_type(&next) == AVRO_UNION) {
            avro_value_t branch = {0};
            avro_value_get_current_branch(&next, &branch);
            next = branch;
        }
        *out = next;
        if (avro_value_get_type(out) == AVRO_NULL)
            return false;
    }
    return true;
}

static void assert_same_number(avro_value_t *theirs, int64_t ours)
{
    int32_t number32 = 0;
    int64_t number64 = 0;
    if (avro_value_get_type(theirs) == AVRO_INT32) {
        avro_value_get_int(theirs, &number32);
        number64 = number32;
    } else {
        ck_assert_int_eq(avro_value_get_long(theirs, &number64), 0);
    }
    ck_assert_int_eq(ours, number64);
}

static void assert_same_text(avro_value_t *theirs, const struct weft_plan_value *ours)
{
    const void *bytes = NULL;
    size_t size = 0;
    if (avro_value_get_type(theirs) == AVRO_STRING) {
        const char *text = NULL;
        avro_value_get_string(theirs, &text, &size);
        bytes = text;
        size--; /* libavro counts the zero at the end */
    } else {
        avro_value_get_bytes(theirs, &bytes, &size);
    }
    ck_assert_uint_eq(ours->size, size);
    if (size)
        ck_assert_mem_eq(ours->at, bytes, size);
}

static void assert_same_floats(avro_value_t *theirs, const struct weft_plan_value *ours)
{
    float numbers[16];
    size_t count = 0;
    avro_value_get_size(theirs, &count);
    ck_assert_uint_eq((size_t)ours->number, count);
    weft_plan_floats(ours, numbers, 16);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        float number = 0;
        int32_t number32 = 0;
        int64_t number64 = 0;
        avro_value_get_by_index(theirs, i, &item, NULL);
        switch (avro_value_get_type(&item)) {
        case AVRO_FLOAT: avro_value_get_float(&item, &number); break;
        case AVRO_INT32: number = avro_value_get_int(&item, &number32) ? 0 : (float)number32; break;
        default: number = avro_value_get_long(&item, &number64) ? 0 : (float)number64; break;
        }
        ck_assert_msg(numbers[i] == number, "item %zu", i);
    }
}

/* Whether the message can be given: nothing that must be there is null, and the label is not a string. Checks, where it
 * can, that the plan found what libavro wrote. */
static bool agree(avro_value_t *root, const struct weft_plan_value *values, bool compare)
{
    for (size_t i = 0; i < RANDOM_FIELDS; i++) {
        avro_value_t theirs;
        bool there = libavro_value(root, random_fields[i].path, &theirs);
        if (!there && !random_fields[i].optional)
            return false;
        if (there && random_fields[i].kind == WEFT_PLAN_INT && avro_value_get_type(&theirs) != AVRO_INT32)
            return false;
        if (!compare)
            continue;
        ck_assert_int_eq(values[i].present, there);
        if (!there)
            continue;
        switch (random_fields[i].kind) {
        case WEFT_PLAN_STRING:
        case WEFT_PLAN_BYTES: assert_same_text(&theirs, &values[i]); break;
        case WEFT_PLAN_INT:
        case WEFT_PLAN_LONG: assert_same_number(&theirs, values[i].number); break;
        case WEFT_PLAN_FLOATS: assert_same_floats(&theirs, &values[i]); break;
        }
    }
    return true;
}

/* One random schema and one random value of it, written by libavro. */
static void with_random_message(uint64_t seed,
                                void (*check)(const struct weft_plan *plan, avro_value_t *root, const uint8_t *body,
                                              size_t size, struct random_avro *random))
{
    struct random_avro random = {.state = seed};
    char *text = random_writer(&random);
    avro_schema_t schema;
    avro_value_t root;
    size_t size;
    ck_assert_msg(avro_schema_from_json_length(text, strlen(text), &schema) == 0, "%s: %s", avro_strerror(), text);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &root);
    random_avro_fill(&random, &root, 6);
    uint8_t *body = random_avro_encode(&root, &size);
    struct weft_plan *plan = compile(text, random_fields, RANDOM_FIELDS);
    check(plan, &root, body, size, &random);
    weft_plan_destroy(plan);
    free(body);
    avro_value_decref(&root);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    free(text);
}

static void check_agreement(const struct weft_plan *plan, avro_value_t *root, const uint8_t *body, size_t size,
                            struct random_avro *random)
{
    (void)random;
    struct weft_plan_value values[RANDOM_FIELDS];
    struct weft_error err = {0};
    bool decoded = weft_plan_run(plan, body, size, values, &err) == 0;
    ck_assert_msg(decoded == agree(root, values, false), "%s", err.message);
    if (decoded)
        agree(root, values, true);
}

START_TEST(plans_agree_with_libavro_over_random_schemas)
{
    for (uint64_t seed = 1; seed <= 5000; seed++)
        with_random_message(seed, check_agreement);
}
END_TEST

static void check_cuts(const struct weft_plan *plan, avro_value_t *root, const uint8_t *body, size_t size,
                       struct random_avro *random)
{
    (void)root;
    (void)random;
    struct weft_plan_value values[RANDOM_FIELDS];
    for (size_t cut = 0; cut <= size + 1; cut++) {
        if (cut == size)
            continue;
        /* A copy of its own size lets a sanitizer see every byte read beyond. */
        uint8_t *copy = calloc(1, cut ? cut : 1);
        struct weft_error err = {0};
        memcpy(copy, body, cut < size ? cut : size);
        ck_assert_int_eq(weft_plan_run(plan, copy, cut, values, &err), -1);
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        free(copy);
    }
}

START_TEST(a_message_cut_anywhere_or_one_byte_longer_is_corrupt)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        with_random_message(seed, check_cuts);
}
END_TEST

static void check_damage(const struct weft_plan *plan, avro_value_t *root, const uint8_t *body, size_t size,
                         struct random_avro *random)
{
    (void)root;
    struct weft_plan_value values[RANDOM_FIELDS];
    uint8_t *copy = malloc(size);
    for (int round = 0; round < 20; round++) {
        memcpy(copy, body, size);
        for (uint32_t hits = 1 + random_avro_below(random, 4); hits > 0; hits--)
            copy[random_avro_below(random, (uint32_t)size)] = (uint8_t)random_avro_below(random, 256);
        if (weft_plan_run(plan, copy, size, values, NULL) != 0)
            continue;
        for (size_t i = 0; i < RANDOM_FIELDS; i++) {
            if (!values[i].present || !values[i].at)
                continue;
            ck_assert(values[i].at >= copy && values[i].at + values[i].size <= copy + size);
        }
    }
    free(copy);
}

START_TEST(a_damaged_message_gives_an_error_or_values_inside_of_it)
{
    for (uint64_t seed = 1; seed <= 1000; seed++)
        with_random_message(seed, check_damage);
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
      TEST(counts_of_floats_beyond_the_message_are_corrupt), TEST(plans_agree_with_libavro_over_random_schemas),
      TEST(a_message_cut_anywhere_or_one_byte_longer_is_corrupt),
      TEST(a_damaged_message_gives_an_error_or_values_inside_of_it))
