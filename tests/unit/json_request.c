#include "pubsub-bridge/json_request.h"

#include <stdio.h>
#include <string.h>

#include "schemas/framing.h"
#include "schemas/request.h"
#include "support/suite.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define ONE(type) RECORD(FIELD("a", type))
#define IMAGE(value) "{\"id\":\"i\",\"image\":" value "}"

enum { SCHEMA_ID = 7 };

static struct weft_arena *arena;

static struct weft_bytes bytes(const char *text)
{
    return (struct weft_bytes){(const uint8_t *)text, strlen(text)};
}

static int translate(const char *schema_text, struct weft_bytes json, struct weft_bytes *body, struct weft_error *err)
{
    struct weft_error fault = {0};
    struct weft_schema *schema = weft_schema_parse(schema_text, &fault);
    ck_assert_msg(schema != NULL, "%s", fault.message);
    int result = weft_json_request(schema, SCHEMA_ID, json, "message-1", arena, body, err);
    weft_schema_destroy(schema);
    if (result != 0)
        return result;
    struct weft_frame frame;
    ck_assert_int_eq(weft_frame_read(body->data, body->size, &frame, NULL), 0);
    ck_assert_uint_eq(frame.schema_id, SCHEMA_ID);
    *body = (struct weft_bytes){frame.body, frame.body_size};
    return 0;
}

/* The body that the JSON becomes is of these bytes. */
static void assert_becomes(const char *schema, const char *json, const void *expected, size_t size)
{
    struct weft_bytes body;
    struct weft_error err = {0};
    ck_assert_msg(translate(schema, bytes(json), &body, &err) == 0, "%s: %s", json, err.message);
    ck_assert_msg(body.size == size && memcmp(body.data, expected, size) == 0, "%s is otherwise in Avro", json);
}

#define BECOMES(schema, json, expected) assert_becomes(schema, json, expected, sizeof expected - 1)

static void assert_corrupt(const char *schema, struct weft_bytes json, const char *part)
{
    struct weft_bytes body;
    struct weft_error err = {0};
    ck_assert_msg(translate(schema, json, &body, &err) == -1, "%.*s was taken", (int)json.size, json.data);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "\"%s\" does not say \"%s\"", err.message, part);
}

static void assert_not_taken(const char *schema, const char *json, const char *part)
{
    assert_corrupt(schema, bytes(json), part);
}

static void assert_no_request(const char *json, const char *part)
{
    assert_not_taken(weft_request_schema, json, part);
}

START_TEST(a_request_of_all_fields_is_what_an_avro_client_writes)
{
    BECOMES(weft_request_schema, "{\"attributes\":{\"shop\":\"12\"},\"label\":6,\"image\":\"AAH/\",\"id\":\"shirt\"}",
            "\12shirt\6\0\1\xff\2\14\2\10shop\00412\0");
}
END_TEST

START_TEST(what_is_left_out_has_the_schemas_default)
{
    BECOMES(weft_request_schema, "{\"image\":\"\",\"id\":\"\"}", "\0\0\0\0");
    BECOMES(weft_request_schema, "{\"image\":\"\",\"id\":\"\",\"label\":null,\"attributes\":{}}", "\0\0\0\0");
    BECOMES("{\"type\":\"record\",\"name\":\"R\",\"fields\":["
            "{\"name\":\"b\",\"type\":\"bytes\",\"default\":\"\\u0000\\u00ffA\"},"
            "{\"name\":\"u\",\"type\":[\"int\",\"null\"],\"default\":-1},"
            "{\"name\":\"r\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":["
            "{\"name\":\"x\",\"type\":\"string\",\"default\":\"y\"},{\"name\":\"z\",\"type\":\"boolean\"}]},"
            "\"default\":{\"z\":true}}]}",
            "{}", "\6\0\xff\x41\0\1\2y\1");
}
END_TEST

START_TEST(a_request_without_an_id_has_the_messages)
{
    BECOMES(weft_request_schema, "{\"image\":\"AA==\"}", "\22message-1\2\0\0\0");
}
END_TEST

START_TEST(a_schema_without_an_id_gets_none)
{
    BECOMES(ONE("\"int\""), "{\"a\":1}", "\2");
}
END_TEST

START_TEST(an_image_is_base64_or_rows_or_channels_of_rows)
{
    BECOMES(weft_request_schema, IMAGE("\"AQIDBAX/\""), "\2i\14\1\2\3\4\5\xff\0\0");
    BECOMES(weft_request_schema, IMAGE("[1,2,3,4,5,255]"), "\2i\14\1\2\3\4\5\xff\0\0");
    BECOMES(weft_request_schema, IMAGE("[[1,2,3],[4,5,255]]"), "\2i\14\1\2\3\4\5\xff\0\0");
    BECOMES(weft_request_schema, IMAGE("[[[1,2]],[[3,4]],[[5,255]]]"), "\2i\14\1\2\3\4\5\xff\0\0");
    BECOMES(weft_request_schema, IMAGE("[]"), "\2i\0\0\0");
}
END_TEST

START_TEST(an_image_that_is_none_is_refused_where_the_fault_is)
{
    assert_no_request("{\"id\":\"i\"}", "the JSON: \"image\" is missing");
    assert_no_request(IMAGE("null"), "image: base64 or a list of numbers is wanted, this is null");
    assert_no_request(IMAGE("5"), "image: base64 or a list of numbers is wanted, this is a whole number");
    assert_no_request(IMAGE("{}"), "this is an object");
    for (const char *const *text = (const char *const[]){"A", "AA", "AAA", "AA=A", "A===", "====", "AA==AA==",
                                                         "AA\\n==", "AA =", "-_==", "AAAA\\u0000", "ÄÄ==", NULL};
         *text; text++) {
        char json[64];
        snprintf(json, sizeof json, IMAGE("\"%s\""), *text);
        assert_no_request(json, "image: this is not base64");
    }
    assert_no_request(IMAGE("[[1,2],[3,256]]"), "image[1][1]: a number from 0 to 255 is wanted, this is 256");
    assert_no_request(IMAGE("[0,-1]"), "image[1]: a number from 0 to 255 is wanted, this is -1");
    assert_no_request(IMAGE("[0,1.0]"), "image[1]: a whole number from 0 to 255 is wanted, this is a number with");
    assert_no_request(IMAGE("[0,\"1\"]"), "image[1]: a whole number from 0 to 255 is wanted, this is text");
    assert_no_request(IMAGE("[true]"), "image[0]: a whole number from 0 to 255 is wanted, this is true or false");
    assert_no_request(IMAGE("[0,[1]]"), "image[1]: a whole number from 0 to 255 is wanted, this is a list");
    assert_no_request(IMAGE("[[0],1]"), "image[1]: a list, as those before it, is wanted, this is a whole number");
    assert_no_request(IMAGE("[[1,2],[3]]"), "image[1]: it has 1 items, and those before it have 2");
    assert_no_request(IMAGE("[[],[3]]"), "image[1]: it has 1 items, and those before it have 0");
    assert_no_request(IMAGE("[[[1]],[[2],[3]]]"), "image[1]: it has 2 items");
    assert_no_request(IMAGE("[[[[1]]]]"), "image: lists within lists deeper");
}
END_TEST

START_TEST(what_is_of_another_type_is_refused_where_it_stands)
{
    assert_no_request("{\"id\":5,\"image\":\"\"}", "id: text is wanted, this is a whole number");
    assert_no_request("{\"id\":null,\"image\":\"\"}", "id: text is wanted, this is null");
    assert_no_request("{\"image\":\"\",\"label\":\"6\"}", "label: a whole number is wanted, this is text");
    assert_no_request("{\"image\":\"\",\"label\":6.5}", "label: a whole number is wanted, this is a number with");
    assert_no_request("{\"image\":\"\",\"label\":2147483648}", "label: 2147483648 is more than an int");
    assert_no_request("{\"image\":\"\",\"attributes\":[]}", "attributes: an object is wanted, this is a list");
    assert_no_request("{\"image\":\"\",\"attributes\":{\"shop\":12}}",
                      "attributes.shop: text is wanted, this is a whole number");
}
END_TEST

START_TEST(what_the_schema_does_not_have_is_refused)
{
    assert_no_request("{\"image\":\"\",\"lable\":1}",
                      "the JSON: the schema has no field \"lable\", but id, image, label, attributes");
    assert_no_request("{\"image\":\"\",\"\":1}", "no field \"\"");
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const struct {
        const char *json, *part;
    } cases[] = {
        {"", "the message is empty"},
        {" ", "not JSON: line 1"},
        {"{", "not JSON: line 1"},
        {"shirt", "not JSON: line 1"},
        {"{\"image\":\"\"} x", "not JSON: line 1 column 14: end of file expected"},
        {"{\"image\":\"\"}\n{}", "not JSON: line 2 column 1: end of file expected"},
        {"{\"image\":\"\",\"image\":\"\"}", "duplicate object key"},
        {"{\"image\":\"\",\"attributes\":{\"a\":\"\",\"a\":\"\"}}", "duplicate object key"},
        {"{\"image\":\"\",}", "not JSON"},
        {"{'image':''}", "not JSON"},
        {"{\"image\":NaN}", "not JSON"},
        {"{\"id\":\"\xff\",\"image\":\"\"}", "unable to decode byte 0xff"},
        {"{\"id\":\"\xc0\x80\",\"image\":\"\"}", "unable to decode byte 0xc0"},
        {"{\"id\":\"\\ud800\",\"image\":\"\"}", "invalid Unicode"},
        {"\xef\xbb\xbf{\"image\":\"\"}", "not JSON"},
        {"{\"image\":\"\",\"label\":99999999999999999999}", "too big integer"},
        {"[]", "the JSON: an object is wanted, this is a list"},
        {"\"text\"", "not JSON"},
        {"5", "not JSON"},
        {"null", "not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_no_request(cases[i].json, cases[i].part);
    assert_corrupt(weft_request_schema, (struct weft_bytes){(const uint8_t *)"\0\0\0\0\7\2i", 7}, "as Avro in a frame");
    assert_corrupt(weft_request_schema, (struct weft_bytes){(const uint8_t *)"{\"image\":\"\"}\0", 13}, "not JSON");
}
END_TEST

START_TEST(what_would_take_much_memory_is_refused_before_it_does)
{
    size_t size = 2 * (WEFT_JSON_VALUES_MAX + 2) + 32;
    char *json = malloc(size), *at = stpcpy(json, "{\"image\":[");
    for (int i = 0; i <= WEFT_JSON_VALUES_MAX; i++)
        at = stpcpy(at, "0,");
    strcpy(at - 1, "]}");
    assert_no_request(json, "more than 524288 values: send an image so large as base64");
    memset(json, '[', 5000);
    json[5000] = '\0';
    assert_no_request(json, "not JSON");
    free(json);
}
END_TEST

START_TEST(lists_that_say_to_be_huge_are_not_made_room_for)
{
    char json[40000] = "{\"image\":[[[", *at = json + strlen(json);
    for (int i = 0; i < 900; i++)
        at = stpcpy(at, "0,");
    at = stpcpy(at - 1, "]");
    for (int i = 0; i < 900; i++)
        at = stpcpy(at, ",[]");
    at = stpcpy(at, "]");
    for (int i = 0; i < 900; i++)
        at = stpcpy(at, ",[]");
    strcpy(at, "]}");
    assert_no_request(json, "image: its lists are not equally long");
}
END_TEST

START_TEST(every_kind_of_type_has_its_json)
{
    BECOMES(ONE("\"null\""), "{\"a\":null}", "");
    BECOMES(ONE("\"boolean\""), "{\"a\":true}", "\1");
    BECOMES(ONE("\"long\""), "{\"a\":-9223372036854775808}", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1");
    BECOMES(ONE("\"float\""), "{\"a\":-1.5}", "\0\0\xc0\xbf");
    BECOMES(ONE("\"float\""), "{\"a\":2}", "\0\0\0\x40");
    BECOMES(ONE("\"float\""), "{\"a\":\"-Infinity\"}", "\0\0\x80\xff");
    BECOMES(ONE("\"double\""), "{\"a\":0.1}", "\x9a\x99\x99\x99\x99\x99\xb9\x3f");
    BECOMES(ONE("\"double\""), "{\"a\":\"Infinity\"}", "\0\0\0\0\0\0\xf0\x7f");
    BECOMES(ONE("\"string\""), "{\"a\":\"\\u0000\\u00fc\"}", "\6\0\xc3\xbc");
    BECOMES(ONE("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"), "{\"a\":\"B\"}", "\2");
    BECOMES(ONE("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}"), "{\"a\":\"/wE=\"}", "\xff\1");
    BECOMES(ONE("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}"), "{\"a\":[255,1]}", "\xff\1");
    BECOMES(ONE("{\"type\":\"array\",\"items\":\"int\"}"), "{\"a\":[1,2]}", "\4\2\4\0");
    BECOMES("{\"type\":\"map\",\"values\":\"int\"}", "{\"b\":1,\"a\":2}", "\4\2b\2\2a\4\0");
}
END_TEST

START_TEST(a_value_that_its_type_cannot_hold_is_refused)
{
    assert_not_taken(ONE("\"null\""), "{\"a\":0}", "a: null is wanted, this is a whole number");
    assert_not_taken(ONE("\"boolean\""), "{\"a\":1}", "a: true or false is wanted");
    assert_not_taken(ONE("\"float\""), "{\"a\":1e39}", "more than a float holds");
    assert_not_taken(ONE("\"float\""), "{\"a\":\"1\"}", "a: a number is wanted, this is text");
    assert_not_taken(ONE("\"double\""), "{\"a\":1e999}", "real number overflow");
    assert_not_taken(ONE("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}"), "{\"a\":\"C\"}",
                     "a: \"C\" is no symbol of the enum E");
    assert_not_taken(ONE("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}"), "{\"a\":0}", "a: text is wanted");
    assert_not_taken(ONE("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}"), "{\"a\":\"AA==\"}",
                     "a: 2 bytes are wanted, these are 1");
    assert_not_taken(ONE("{\"type\":\"array\",\"items\":\"int\"}"), "{\"a\":[1,\"2\"]}", "a[1]: a whole number");
    assert_not_taken(ONE("{\"type\":\"array\",\"items\":\"int\"}"), "{\"a\":{}}", "a: a list is wanted");
}
END_TEST

START_TEST(a_union_takes_the_first_branch_that_fits)
{
    const char *several = ONE("[\"null\",\"int\",\"long\",\"double\",\"string\",\"bytes\"]");
    BECOMES(several, "{\"a\":null}", "\0");
    BECOMES(several, "{\"a\":1}", "\2\2");
    BECOMES(several, "{\"a\":2147483648}", "\4\x80\x80\x80\x80\x10");
    BECOMES(several, "{\"a\":1.0}", "\6\0\0\0\0\0\0\xf0\x3f");
    BECOMES(several, "{\"a\":\"AA==\"}", "\10\10\x41\x41==");
    BECOMES(several, "{\"a\":[1]}", "\12\2\1");
    assert_not_taken(several, "{\"a\":true}", "a: this is true or false that fits no branch of union<null, int,");
    BECOMES(ONE("[{\"type\":\"record\",\"name\":\"X\",\"fields\":[" FIELD(
                "x", "\"int\"") "]},"
                                "{\"type\":\"record\",\"name\":\"Y\",\"fields\":[" FIELD("y", "\"int\"") "]}]"),
            "{\"a\":{\"y\":1}}", "\2\2");
}
END_TEST

START_TEST(a_message_that_grows_in_avro_has_room)
{
    char schema[8192], *at = stpcpy(schema, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\","
                                            "\"type\":\"string\",\"default\":\"");
    memset(at, 'x', 5000);
    strcpy(at + 5000, "\"}]}");
    struct weft_bytes body;
    ck_assert_int_eq(translate(schema, bytes("{}"), &body, NULL), 0);
    ck_assert_uint_eq(body.size, 5002);
    ck_assert_int_eq(memcmp(body.data, "\x90\x4e", 2), 0);
    ck_assert_uint_eq(body.data[2], 'x');
    ck_assert_uint_eq(body.data[5001], 'x');
}
END_TEST

START_TEST(a_schema_without_end_ends)
{
    assert_not_taken("{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                     "{\"name\":\"a\",\"type\":\"R\",\"default\":{}},{\"name\":\"b\",\"type\":\"R\",\"default\":{}}]}",
                     "{}", "nested deeper");
}
END_TEST

__attribute__((constructor)) static void make_arena(void)
{
    arena = weft_arena_new();
}

SUITE("json_request", TEST(a_request_of_all_fields_is_what_an_avro_client_writes),
      TEST(what_is_left_out_has_the_schemas_default), TEST(a_request_without_an_id_has_the_messages),
      TEST(a_schema_without_an_id_gets_none), TEST(an_image_is_base64_or_rows_or_channels_of_rows),
      TEST(an_image_that_is_none_is_refused_where_the_fault_is),
      TEST(what_is_of_another_type_is_refused_where_it_stands), TEST(what_the_schema_does_not_have_is_refused),
      TEST(what_is_no_json_is_refused), TEST(what_would_take_much_memory_is_refused_before_it_does),
      TEST(lists_that_say_to_be_huge_are_not_made_room_for), TEST(every_kind_of_type_has_its_json),
      TEST(a_value_that_its_type_cannot_hold_is_refused), TEST(a_union_takes_the_first_branch_that_fits),
      TEST(a_message_that_grows_in_avro_has_room), TEST(a_schema_without_end_ends))
