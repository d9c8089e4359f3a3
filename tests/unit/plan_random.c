/* Decode plans over random schemas and messages, whole, cut and damaged; against libavro. */
#include "schemas/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random_avro.h"
#include "support/suite.h"

/* The record that is looked for, with a random writer's type for each field, in random order among others.
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
    struct weft_error err = {0};
    struct weft_plan *plan = weft_plan_compile(text, NULL, random_fields, RANDOM_FIELDS, &err);
    ck_assert_msg(plan != NULL, "%s", err.message);
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

SUITE("plan_random", TEST(plans_agree_with_libavro_over_random_schemas),
      TEST(a_message_cut_anywhere_or_one_byte_longer_is_corrupt),
      TEST(a_damaged_message_gives_an_error_or_values_inside_of_it))
