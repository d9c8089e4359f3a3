/* Requests of other versions: the decode plan beside two readers that resolve schemas by themselves. */
#include <stdio.h>
#include <string.h>

#include "schemas/compatibility.h"
#include "schemas/plan.h"
#include "support/random_avro.h"
#include "support/suite.h"

#define RECORDED WEFT_SOURCE_DIR "/tests/data/schemas/evolution.json"

enum { FIELDS = 8 };

/* As record_evolution.py has them. */
static const struct weft_plan_field fields[FIELDS] = {
    {"id", WEFT_PLAN_STRING, false, 0},     {"image", WEFT_PLAN_BYTES, false, 0},
    {"label", WEFT_PLAN_INT, true, 0},      {"weight", WEFT_PLAN_INT, false, 0},
    {"offset", WEFT_PLAN_LONG, false, 0},   {"scores", WEFT_PLAN_FLOATS, false, 0},
    {"inner.at", WEFT_PLAN_LONG, false, 0}, {"inner.text", WEFT_PLAN_STRING, false, 0},
};

static struct weft_plan *compile(const char *writer, const char *reader)
{
    struct weft_error err = {0};
    struct weft_plan *plan = weft_plan_compile(writer, reader, fields, FIELDS, &err);
    ck_assert_msg(plan != NULL, "%s: %s", err.message, writer);
    return plan;
}

static size_t from_hex(const char *text, uint8_t *out)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        sscanf(text + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
    return size;
}

static void assert_read(const struct weft_plan_value *value, enum weft_plan_kind kind, const json_t *wanted)
{
    uint8_t bytes[4096];
    float numbers[64];
    ck_assert_int_eq(value->present, !json_is_null(wanted));
    if (!value->present)
        return;
    switch (kind) {
    case WEFT_PLAN_STRING:
        ck_assert_uint_eq(value->size, json_string_length(wanted));
        ck_assert_int_eq(memcmp(value->at, json_string_value(wanted), value->size), 0);
        break;
    case WEFT_PLAN_BYTES:
        ck_assert_uint_eq(value->size, from_hex(json_string_value(json_object_get(wanted, "hex")), bytes));
        ck_assert_int_eq(memcmp(value->at, bytes, value->size), 0);
        break;
    case WEFT_PLAN_INT:
    case WEFT_PLAN_LONG: ck_assert_int_eq(value->number, json_integer_value(wanted)); break;
    case WEFT_PLAN_FLOATS:
        ck_assert_uint_eq((size_t)value->number, json_array_size(wanted));
        weft_plan_floats(value, numbers, 64);
        for (size_t i = 0; i < (size_t)value->number; i++)
            ck_assert_msg(numbers[i] == (float)json_number_value(json_array_get(wanted, i)), "item %zu", i);
        break;
    }
}

START_TEST(plans_read_what_fastavro_reads)
{
    static uint8_t body[65536];
    json_error_t fault;
    json_t *recorded = json_load_file(RECORDED, JSON_ALLOW_NUL, &fault), *one;
    ck_assert_msg(recorded != NULL, "line %d: %s", fault.line, fault.text);
    char *reader = json_dumps(json_object_get(recorded, "reader"), 0);
    json_t *cases = json_object_get(recorded, "cases");
    size_t i;
    ck_assert_uint_ge(json_array_size(cases), 100);
    json_array_foreach(cases, i, one)
    {
        char *writer = json_dumps(json_object_get(one, "writer"), 0);
        size_t size = from_hex(json_string_value(json_object_get(one, "body")), body);
        struct weft_plan *plan = compile(writer, reader);
        struct weft_plan_value values[FIELDS];
        struct weft_error err = {0};
        ck_assert_msg(weft_plan_run(plan, body, size, values, &err) == 0, "case %zu: %s", i, err.message);
        for (size_t k = 0; k < FIELDS; k++)
            assert_read(&values[k], fields[k].kind, json_array_get(json_object_get(one, "read"), k));
        weft_plan_destroy(plan);
        free(writer);
    }
    free(reader);
    json_decref(recorded);
}
END_TEST

/* Whatever the compatibility check finds readable a plan reads; the other way round a plan may do more. */
START_TEST(plans_are_compiled_for_whatever_the_compatibility_check_lets_pass)
{
    json_t *recorded = json_load_file(RECORDED, JSON_ALLOW_NUL, NULL), *one;
    char *reader_text = json_dumps(json_object_get(recorded, "reader"), 0);
    struct weft_schema *reader = weft_schema_parse(reader_text, NULL);
    size_t i, readable = 0;
    json_array_foreach(json_object_get(recorded, "cases"), i, one)
    {
        /* One field in three gets a type that may or may not be readable. */
        static const char *const types[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};
        struct random_avro random = {.state = i};
        json_t *list = json_object_get(json_object_get(one, "writer"), "fields"), *field;
        size_t k;
        json_array_foreach(list, k, field) if (random_avro_below(&random, 3) == 0)
            json_object_set_new(field, "type", json_string(types[random_avro_below(&random, 8)]));
        char *text = json_dumps(json_object_get(one, "writer"), 0);
        struct weft_schema *writer = weft_schema_parse(text, NULL);
        struct weft_incompatibilities found = {0};
        ck_assert_ptr_nonnull(writer);
        ck_assert_int_eq(weft_compatibility_read(reader, writer, &found, NULL), 0);
        struct weft_plan *plan = weft_plan_compile(text, reader_text, fields, FIELDS, NULL);
        ck_assert_msg(plan || found.count, "%s", text);
        readable += found.count == 0;
        weft_plan_destroy(plan);
        weft_incompatibilities_clear(&found);
        weft_schema_destroy(writer);
        free(text);
    }
    ck_assert_uint_gt(readable, 10);
    weft_schema_destroy(reader);
    free(reader_text);
    json_decref(recorded);
}
END_TEST

/* libavro's resolver knows neither aliases nor defaults, and compares the names of types. */
#define READER                                                                                                         \
    "{\"type\":\"record\",\"name\":\"Request\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},"                     \
    "{\"name\":\"image\",\"type\":\"bytes\"},{\"name\":\"label\",\"type\":[\"null\",\"int\"]},"                        \
    "{\"name\":\"weight\",\"type\":\"int\"},{\"name\":\"offset\",\"type\":\"long\"},"                                  \
    "{\"name\":\"scores\",\"type\":{\"type\":\"array\",\"items\":\"float\"}},{\"name\":\"inner\",\"type\":"            \
    "{\"type\":\"record\",\"name\":\"Inner\",\"fields\":[{\"name\":\"at\",\"type\":\"long\"},"                         \
    "{\"name\":\"text\",\"type\":\"string\"}]}}]}"

static json_t *field_of(const char *name, json_t *type)
{
    return json_pack("{s:s,s:o}", "name", name, "type", type);
}

static json_t *one_of(struct random_avro *random, const char *const *types, uint32_t count)
{
    return json_loads(types[random_avro_below(random, count)], JSON_DECODE_ANY, NULL);
}

static json_t *shuffled(struct random_avro *random, json_t **list, size_t count)
{
    json_t *out = json_array();
    for (; count > 0; count--) {
        uint32_t pick = random_avro_below(random, (uint32_t)count);
        json_array_append_new(out, list[pick]);
        list[pick] = list[count - 1];
    }
    return out;
}

/* A random version of READER that libavro can resolve. */
static char *random_writer(struct random_avro *random)
{
    static const char *const labels[] = {"\"int\"", "[\"null\",\"int\"]", "[\"int\",\"null\"]", "\"null\""};
    static const char *const ints[] = {"\"int\"", "[\"int\"]"};
    static const char *const longs[] = {"\"int\"", "\"long\"", "[\"int\",\"long\"]"};
    static const char *const arrays[] = {"{\"type\":\"array\",\"items\":\"float\"}",
                                         "{\"type\":\"array\",\"items\":\"int\"}",
                                         "{\"type\":\"array\",\"items\":\"long\"}"};
    json_t *inner[4], *list[16];
    size_t count = 0;
    char name[16];
    inner[0] = field_of("at", one_of(random, longs, 3));
    inner[1] = field_of("text", json_string("string"));
    uint32_t more = random_avro_below(random, 2);
    if (more)
        inner[2] = field_of("more", random_avro_schema(random, 2));
    list[count++] = field_of("id", json_string("string"));
    list[count++] = field_of("image", json_string("bytes"));
    list[count++] = field_of("label", one_of(random, labels, 4));
    list[count++] = field_of("weight", one_of(random, ints, 2));
    list[count++] = field_of("offset", one_of(random, longs, 3));
    list[count++] = field_of("scores", one_of(random, arrays, 3));
    list[count++] = field_of("inner", json_pack("{s:s,s:s,s:o}", "type", "record", "name", "Inner", "fields",
                                                shuffled(random, inner, 2 + more)));
    for (uint32_t others = random_avro_below(random, 5); others > 0; others--) {
        snprintf(name, sizeof name, "other%u", others);
        list[count++] = field_of(name, random_avro_schema(random, 3));
    }
    json_t *schema =
        json_pack("{s:s,s:s,s:o}", "type", "record", "name", "Request", "fields", shuffled(random, list, count));
    char *text = json_dumps(schema, JSON_COMPACT);
    json_decref(schema);
    return text;
}

/* The field of libavro's record as the recorded cases have it; NULL stands for null. */
static json_t *libavro_field(avro_value_t *root, const char *path)
{
    avro_value_t at = *root, next, item;
    char names[32];
    snprintf(names, sizeof names, "%s", path);
    char *rest = names;
    for (char *name; (name = strsep(&rest, ".")) != NULL; at = next)
        ck_assert_int_eq(avro_value_get_by_name(&at, name, &next, NULL), 0);
    if (avro_value_get_type(&at) == AVRO_UNION) {
        ck_assert_int_eq(avro_value_get_current_branch(&at, &next), 0);
        at = next;
    }
    const char *text = NULL;
    const void *bytes = NULL;
    size_t size = 0, count = 0;
    int32_t number32 = 0;
    int64_t number64 = 0;
    float number = 0;
    switch (avro_value_get_type(&at)) {
    case AVRO_NULL: return json_null();
    case AVRO_STRING: avro_value_get_string(&at, &text, &size); return json_stringn(text, size - 1);
    case AVRO_INT32: avro_value_get_int(&at, &number32); return json_integer(number32);
    case AVRO_INT64: avro_value_get_long(&at, &number64); return json_integer(number64);
    case AVRO_BYTES: {
        char hex[8192] = "";
        avro_value_get_bytes(&at, &bytes, &size);
        for (size_t i = 0; i < size; i++)
            snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
        return json_pack("{s:s}", "hex", hex);
    }
    default: break;
    }
    json_t *list = json_array();
    avro_value_get_size(&at, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_get_by_index(&at, i, &item, NULL);
        avro_value_get_float(&item, &number);
        json_array_append_new(list, json_real((double)number));
    }
    return list;
}

static void compare_with_libavro(struct random_avro *random, avro_schema_t reader)
{
    avro_schema_t writer;
    avro_value_t written, resolved, read;
    size_t size;
    struct weft_plan_value values[FIELDS];
    struct weft_error err = {0};
    char *text = random_writer(random);
    ck_assert_msg(avro_schema_from_json_length(text, strlen(text), &writer) == 0, "%s", avro_strerror());
    avro_value_iface_t *writer_class = avro_generic_class_from_schema(writer);
    avro_value_iface_t *reader_class = avro_generic_class_from_schema(reader);
    avro_value_iface_t *resolver = avro_resolved_writer_new(writer, reader);
    ck_assert_msg(resolver != NULL, "%s: %s", avro_strerror(), text);
    avro_generic_value_new(writer_class, &written);
    avro_generic_value_new(reader_class, &read);
    avro_resolved_writer_new_value(resolver, &resolved);
    avro_resolved_writer_set_dest(&resolved, &read);
    random_avro_fill(random, &written, 6);
    uint8_t *body = random_avro_encode(&written, &size);
    avro_reader_t in = avro_reader_memory((const char *)body, (int64_t)size);
    ck_assert_msg(avro_value_read(in, &resolved) == 0, "%s: %s", avro_strerror(), text);

    struct weft_plan *plan = compile(text, READER);
    ck_assert_msg(weft_plan_run(plan, body, size, values, &err) == 0, "%s: %s", err.message, text);
    for (size_t k = 0; k < FIELDS; k++) {
        json_t *theirs = libavro_field(&read, fields[k].path);
        assert_read(&values[k], fields[k].kind, theirs);
        json_decref(theirs);
    }
    weft_plan_destroy(plan);
    avro_reader_free(in);
    free(body);
    avro_value_decref(&resolved);
    avro_value_decref(&read);
    avro_value_decref(&written);
    avro_value_iface_decref(resolver);
    avro_value_iface_decref(reader_class);
    avro_value_iface_decref(writer_class);
    avro_schema_decref(writer);
    free(text);
}

START_TEST(plans_read_what_libavro_resolves_over_random_versions)
{
    avro_schema_t reader;
    ck_assert_int_eq(avro_schema_from_json_length(READER, strlen(READER), &reader), 0);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct random_avro random = {.state = seed};
        compare_with_libavro(&random, reader);
    }
    avro_schema_decref(reader);
}
END_TEST

SUITE("evolution", TEST(plans_read_what_fastavro_reads),
      TEST(plans_are_compiled_for_whatever_the_compatibility_check_lets_pass),
      TEST(plans_read_what_libavro_resolves_over_random_versions))
