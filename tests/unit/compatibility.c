#include "schemas/compatibility.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"

#define TABLE WEFT_SOURCE_DIR "/tests/data/schemas/compatibility.json"
#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

static struct weft_schema *parse(const char *text)
{
    struct weft_error err = {0};
    struct weft_schema *schema = weft_schema_parse(text, &err);
    ck_assert_msg(schema != NULL, "%s: %s", err.message, text);
    return schema;
}

static struct weft_incompatibilities compare(const char *reader, const char *writer)
{
    struct weft_incompatibilities found = {0};
    struct weft_error err = {0};
    struct weft_schema *wanted = parse(reader), *written = parse(writer);
    ck_assert_msg(weft_compatibility_read(wanted, written, &found, &err) == 0, "%s", err.message);
    weft_schema_destroy(wanted);
    weft_schema_destroy(written);
    return found;
}

/* The table's form of one reason: "kind path: reason". */
static const char *line_of(const struct weft_incompatibility *one)
{
    static char line[1200];
    snprintf(line, sizeof line, "%s %s: %s", weft_incompatibility_name(one->kind), one->path, one->reason);
    return line;
}

START_TEST(pairs_of_schemas_are_judged_and_the_reasons_given_as_in_the_table)
{
    json_error_t fault;
    json_t *table = json_load_file(TABLE, 0, &fault), *pair;
    size_t i;
    ck_assert_msg(table != NULL, "line %d: %s", fault.line, fault.text);
    ck_assert_uint_ge(json_array_size(table), 60);
    json_array_foreach(table, i, pair)
    {
        const char *what = json_string_value(json_object_get(pair, "what"));
        json_t *reasons = json_object_get(pair, "reasons");
        char *reader = json_dumps(json_object_get(pair, "reader"), JSON_ENCODE_ANY);
        char *writer = json_dumps(json_object_get(pair, "writer"), JSON_ENCODE_ANY);
        struct weft_incompatibilities found = compare(reader, writer);
        ck_assert_msg((found.count == 0) == json_is_true(json_object_get(pair, "readable")), "%s", what);
        for (size_t k = 0; k < found.count; k++) {
            const char *wanted = json_string_value(json_array_get(reasons, k));
            ck_assert_msg(wanted && !strcmp(wanted, line_of(&found.at[k])), "%s: \"%s\"", what, line_of(&found.at[k]));
        }
        ck_assert_msg(found.count == json_array_size(reasons), "%s: a reason is missing", what);
        weft_incompatibilities_clear(&found);
        free(reader);
        free(writer);
    }
    json_decref(table);
}
END_TEST

/* A is good as long as B is; B is found bad only after A was relied on. */
START_TEST(a_fault_behind_a_recursion_is_found_from_every_side)
{
#define MUTUAL(type)                                                                                                   \
    "[{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"b\",\"type\":{\"type\":\"record\",\"name\":\"B\","   \
    "\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"A\"]},{\"name\":\"v\",\"type\":" type                            \
    "}]}}]},{\"type\":\"record\",\"name\":\"C\",\"fields\":[{\"name\":\"a\",\"type\":\"A\"}]}]"
    struct weft_incompatibilities found = compare(MUTUAL("\"int\""), MUTUAL("\"string\""));
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(line_of(&found.at[0]), "type-mismatch union.b.v: reader has int, writer has string");
    weft_incompatibilities_clear(&found);
}
END_TEST

START_TEST(nesting_beyond_the_limit_is_an_error_and_no_verdict)
{
    char text[16384] = "";
    struct weft_incompatibilities found = {0};
    struct weft_error err = {0};
    for (int i = 0; i < 300; i++)
        strcat(text, "{\"type\":\"array\",\"items\":");
    strcat(text, "\"int\"");
    for (int i = 0; i < 300; i++)
        strcat(text, "}");
    struct weft_schema *schema = parse(text);
    ck_assert_int_eq(weft_compatibility_read(schema, schema, &found, &err), -1);
    ck_assert_msg(strstr(err.message, "nested deeper than 256"), "%s", err.message);
    weft_incompatibilities_clear(&found);
    weft_schema_destroy(schema);
}
END_TEST

/* Three versions: a; a and b without a default; a and b with one. */
static size_t reasons_at(enum weft_compatibility_level level, const char *candidate, bool *forward, size_t *version)
{
    struct weft_schema *versions[] = {
        parse(RECORD(FIELD("a", "\"int\""))), parse(RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\""))),
        parse(RECORD(FIELD("a", "\"int\"") ",{\"name\":\"b\",\"type\":\"int\",\"default\":0}"))};
    struct weft_schema *schema = parse(candidate);
    struct weft_incompatibilities found = {0};
    ck_assert_int_eq(weft_compatibility_check(schema, versions, 3, level, &found, NULL), 0);
    size_t count = found.count;
    *forward = count ? found.at[0].forward : false;
    *version = count ? found.at[0].version : 0;
    weft_incompatibilities_clear(&found);
    weft_schema_destroy(schema);
    for (size_t i = 0; i < 3; i++)
        weft_schema_destroy(versions[i]);
    return count;
}

START_TEST(a_level_says_who_must_read_whom_and_how_far_back)
{
    bool forward;
    size_t version;
    const char *needs_b = RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\""));
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_NONE, "\"string\"", &forward, &version), 0);
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_BACKWARD, needs_b, &forward, &version), 0);
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_BACKWARD_TRANSITIVE, needs_b, &forward, &version), 1);
    ck_assert(!forward && version == 0);

    const char *without_b = RECORD(FIELD("a", "\"int\""));
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_FORWARD, without_b, &forward, &version), 0);
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_FORWARD_TRANSITIVE, without_b, &forward, &version), 1);
    ck_assert(forward && version == 1);

    const char *without_a = RECORD("{\"name\":\"b\",\"type\":\"int\",\"default\":0}");
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_BACKWARD, without_a, &forward, &version), 0);
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_FULL, without_a, &forward, &version), 1);
    ck_assert(forward && version == 2);
    ck_assert_uint_eq(reasons_at(WEFT_LEVEL_FULL_TRANSITIVE, without_a, &forward, &version), 3);
}
END_TEST

START_TEST(levels_are_known_by_name)
{
    enum weft_compatibility_level level;
    struct weft_error err = {0};
    for (int i = WEFT_LEVEL_NONE; i <= WEFT_LEVEL_FULL_TRANSITIVE; i++) {
        const char *name = weft_compatibility_level_name((enum weft_compatibility_level)i);
        ck_assert_int_eq(weft_compatibility_level_parse(name, &level, &err), 0);
        ck_assert_int_eq((int)level, i);
    }
    ck_assert_int_eq(weft_compatibility_level_parse("full", &level, &err), 0);
    ck_assert_int_eq(weft_compatibility_level_parse("BACKWARDS", &level, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
}
END_TEST

SUITE("compatibility", TEST(pairs_of_schemas_are_judged_and_the_reasons_given_as_in_the_table),
      TEST(a_fault_behind_a_recursion_is_found_from_every_side),
      TEST(nesting_beyond_the_limit_is_an_error_and_no_verdict), TEST(a_level_says_who_must_read_whom_and_how_far_back),
      TEST(levels_are_known_by_name))
