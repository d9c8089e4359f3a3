#include "pubsub-bridge/json_value.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "pubsub-bridge/json_request.h"
#include "schemas/framing.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "support/random_avro.h"
#include "support/suite.h"

#define ARRAY(items) "{\"type\":\"array\",\"items\":" items "}"

static struct weft_schema *parse(const char *text)
{
    struct weft_error err = {0};
    struct weft_schema *schema = weft_schema_parse(text, &err);
    ck_assert_msg(schema != NULL, "%s", err.message);
    return schema;
}

static void assert_becomes(const char *schema_text, const void *body, size_t size, const char *expected)
{
    size_t length;
    struct weft_error err = {0};
    struct weft_schema *schema = parse(schema_text);
    char *json = weft_json_value(schema, body, size, &length, &err);
    ck_assert_msg(json != NULL, "%s", err.message);
    ck_assert_str_eq(json, expected);
    ck_assert_uint_eq(length, strlen(expected));
    free(json);
    weft_schema_destroy(schema);
}

#define BECOMES(schema, body, expected) assert_becomes(schema, body, sizeof body - 1, expected)

static void assert_corrupt(const char *schema_text, const void *body, size_t size, const char *part)
{
    size_t length;
    struct weft_error err = {0};
    struct weft_schema *schema = parse(schema_text);
    ck_assert_ptr_null(weft_json_value(schema, body, size, &length, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "\"%s\" does not say \"%s\"", err.message, part);
    weft_schema_destroy(schema);
}

#define CORRUPT(schema, body, part) assert_corrupt(schema, body, sizeof body - 1, part)

START_TEST(a_result_is_what_weft_listen_prints_of_it)
{
    const float probabilities[] = {0.25f, 0.75f};
    const struct weft_result result = {
        .id = {"shirt", 5},
        .label = 1,
        .class_name = {"Shirt", 5},
        .probabilities = probabilities,
        .class_count = 2,
        .has_expected = true,
        .expected = 6,
        .model_name = {"m", 1},
        .model_version = {"2", 1},
        .model_sha256 = {"ab", 2},
        .source_topic = {"req", 3},
        .source_partition = 3,
        .source_offset = 42,
        .source_timestamp_ms = 1700000000123,
        .scored_at_ms = 1700000000456,
    };
    uint8_t message[512];
    size_t size = weft_result_write(&result, 1, message, sizeof message);
    ck_assert_uint_le(size, sizeof message);
    assert_becomes(weft_result_schema, message + WEFT_FRAME_SIZE, size - WEFT_FRAME_SIZE,
                   "{\"id\":\"shirt\",\"label\":1,\"class\":\"Shirt\",\"probabilities\":[0.25,0.75],\"expected\":6,"
                   "\"model\":{\"name\":\"m\",\"version\":\"2\",\"sha256\":\"ab\"},\"source\":{\"topic\":\"req\","
                   "\"partition\":3,\"offset\":42,\"timestamp\":1700000000123},\"scored_at\":1700000000456}");
}
END_TEST

START_TEST(a_request_has_its_image_in_base64_and_a_null_where_there_is_no_label)
{
    BECOMES(weft_request_schema, "\2i\6\0\1\xff\0\0",
            "{\"id\":\"i\",\"image\":\"AAH/\",\"label\":null,\"attributes\":{}}");
}
END_TEST

START_TEST(every_kind_of_type_has_its_json)
{
    BECOMES("\"null\"", "", "null");
    BECOMES("\"boolean\"", "\1", "true");
    BECOMES("\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", "-9223372036854775808");
    BECOMES("\"float\"", "\xcd\xcc\xcc\x3d", "0.100000001");
    BECOMES("\"double\"", "\x7d\xc3\x94\x25\xad\x49\xb2\x54", "1e+100");
    BECOMES("\"double\"", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.10000000000000001");
    BECOMES("\"float\"", "\0\0\0\x40", "2.0");
    BECOMES("\"float\"", "\0\0\0\x80", "-0.0");
    BECOMES("\"float\"", "\0\0\xc0\x7f", "\"NaN\"");
    BECOMES("\"float\"", "\0\0\x80\x7f", "\"Infinity\"");
    BECOMES("\"double\"", "\0\0\0\0\0\0\xf0\xff", "\"-Infinity\"");
    BECOMES("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\2", "\"B\"");
    BECOMES("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\xff\1", "\"/wE=\"");
    BECOMES("[\"null\",\"string\"]", "\2\2x", "\"x\"");
    BECOMES(ARRAY("\"int\""), "\4\2\4\2\6\0", "[1,2,3]");
    BECOMES(ARRAY("\"int\""), "\3\4\2\4\0", "[1,2]"); /* a block that tells its size */
    BECOMES("{\"type\":\"map\",\"values\":\"int\"}", "\4\2b\2\2a\4\0", "{\"b\":1,\"a\":2}");
    BECOMES("{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}", "", "{}");
}
END_TEST

START_TEST(text_is_escaped_as_json_has_it)
{
    BECOMES("\"string\"", "\26a\"\\\n\0\x1f\x7f\xc3\xbc/\t", "\"a\\\"\\\\\\u000a\\u0000\\u001f\x7f\xc3\xbc/\\u0009\"");
    BECOMES("{\"type\":\"map\",\"values\":\"null\"}", "\2\2\"\0", "{\"\\\"\":null}");
}
END_TEST

START_TEST(what_is_not_of_the_schema_is_refused_where_it_ends)
{
    CORRUPT("\"string\"", "\4a", "more bytes than there are, or a length below 0, at byte 0 of the body");
    CORRUPT("\"string\"", "\1", "a length below 0");
    CORRUPT("\"string\"", "\2\xff", "text that is not UTF-8, at byte 2");
    CORRUPT("{\"type\":\"map\",\"values\":\"null\"}", "\2\2\xff\0", "text that is not UTF-8");
    CORRUPT("\"int\"", "", "it ends within a number");
    CORRUPT("\"int\"", "\xff\xff\xff\xff\x1f", "an int cannot hold");
    CORRUPT("\"double\"", "\0\0\0\0\0\0\0", "it ends within a number");
    CORRUPT("\"boolean\"", "\2", "neither 0 nor 1");
    CORRUPT("[\"null\",\"int\"]", "\4", "a branch that the union does not have");
    CORRUPT("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", "\1", "a symbol that the enum does not have");
    CORRUPT("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\1", "it ends within a fixed");
    CORRUPT(ARRAY("\"int\""), "\2\2", "no number of items");
    CORRUPT(ARRAY("\"int\""), "\3\2\2\4\0", "items that do not end where it says that they do");
    CORRUPT("\"null\"", "\0", "bytes are left over, at byte 0");
}
END_TEST

START_TEST(announced_items_of_no_bytes_take_no_more_than_a_message_may_have)
{
    CORRUPT(ARRAY("\"null\""), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0",
            "as JSON it has more than Pub/Sub's 9900000");
}
END_TEST

START_TEST(a_schema_without_end_ends)
{
    CORRUPT("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"R\"}]}", "", "nested deeper");
}
END_TEST

/* jansson's parser wants an object or a list outside. */
static json_t *in_record(json_t *type)
{
    return json_pack("{s:s,s:s,s:[{s:s,s:o}]}", "type", "record", "name", "Outer", "fields", "name", "value", "type",
                     type);
}

START_TEST(random_values_come_back_from_json_bit_by_bit)
{
    struct random_avro random = {.state = 1};
    struct weft_arena *arena = weft_arena_new();
    for (int i = 0; i < 1000; i++) {
        json_t *type = in_record(random_avro_schema(&random, 3));
        char *text = json_dumps(type, JSON_COMPACT);
        json_decref(type);
        avro_schema_t theirs;
        avro_value_t value;
        ck_assert_int_eq(avro_schema_from_json_length(text, strlen(text), &theirs), 0);
        avro_value_iface_t *iface = avro_generic_class_from_schema(theirs);
        avro_generic_value_new(iface, &value);
        random_avro_fill(&random, &value, 3);
        size_t size, length;
        uint8_t *body = random_avro_encode(&value, &size);
        struct weft_schema *schema = parse(text);
        struct weft_error err = {0};
        char *json = weft_json_value(schema, body, size, &length, &err);
        ck_assert_msg(json != NULL, "%s: %s", text, err.message);
        struct weft_bytes message;
        int result =
            weft_json_request(schema, 0, (struct weft_bytes){(uint8_t *)json, length}, "", arena, &message, &err);
        ck_assert_msg(result == 0, "%s: %s: %s", text, json, err.message);
        ck_assert_msg(message.size == size + WEFT_FRAME_SIZE && memcmp(message.data + WEFT_FRAME_SIZE, body, size) == 0,
                      "%s: %s", text, json);
        free(json);
        free(body);
        free(text);
        weft_schema_destroy(schema);
        avro_value_decref(&value);
        avro_value_iface_decref(iface);
        avro_schema_decref(theirs);
        weft_arena_reset(arena);
    }
    weft_arena_destroy(arena);
}
END_TEST

SUITE("json_value", TEST(a_result_is_what_weft_listen_prints_of_it),
      TEST(a_request_has_its_image_in_base64_and_a_null_where_there_is_no_label), TEST(every_kind_of_type_has_its_json),
      TEST(text_is_escaped_as_json_has_it), TEST(what_is_not_of_the_schema_is_refused_where_it_ends),
      TEST(announced_items_of_no_bytes_take_no_more_than_a_message_may_have), TEST(a_schema_without_end_ends),
      TEST(random_values_come_back_from_json_bit_by_bit))
