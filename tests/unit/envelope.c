#include "pubsub-bridge/envelope.h"

#include <stdio.h>
#include <string.h>

#include "pubsub-bridge/path.h"
#include "support/suite.h"

#define HERE "kafka:cluster/requests"
#define THERE "pubsub:projects/p/topics/requests"

static struct weft_arena *arena;

static struct weft_bytes bytes(const char *text)
{
    return (struct weft_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* A record with an empty value and neither key nor headers. */
static struct weft_record plain_record(void)
{
    return (struct weft_record){
        .topic = "requests", .partition = 3, .offset = 42, .timestamp_ms = 1700000000123, .value = bytes("")};
}

static Pubsub__Message *seal(const struct weft_record *record)
{
    struct weft_error err = {0};
    Pubsub__Message *message = weft_envelope_seal(record, HERE, arena, &err);
    ck_assert_msg(message != NULL, "%s", err.message);
    return message;
}

static void assert_unmappable(const struct weft_record *record, const char *part)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_envelope_seal(record, HERE, arena, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

/* Over the wire, so that what Pub/Sub would see is what is opened; within Pub/Sub's limits on the way. */
static struct weft_record open_sealed(const struct weft_record *record)
{
    Pubsub__Message *sealed = seal(record);
    ck_assert_uint_le(sealed->n_attributes, WEFT_PUBSUB_ATTRIBUTES_MAX);
    for (size_t i = 0; i < sealed->n_attributes; i++) {
        ck_assert_uint_le(strlen(sealed->attributes[i]->name), WEFT_PUBSUB_NAME_MAX);
        ck_assert_uint_ge(strlen(sealed->attributes[i]->name), 1);
        ck_assert_uint_le(strlen(sealed->attributes[i]->value), WEFT_PUBSUB_VALUE_MAX);
        ck_assert_int_ne(strncmp(sealed->attributes[i]->name, "goog", 4), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(sealed->attributes[i]->name, sealed->attributes[k]->name);
    }
    size_t size = pubsub__message__get_packed_size(sealed);
    uint8_t *wire = weft_arena_take(arena, size + 1);
    ck_assert_uint_eq(pubsub__message__pack(sealed, wire), size);
    ProtobufCAllocator allocator = weft_arena_allocator(arena);
    Pubsub__Message *message = pubsub__message__unpack(&allocator, size, wire);
    ck_assert_ptr_nonnull(message);
    struct weft_record opened;
    struct weft_error err = {0};
    ck_assert_msg(weft_envelope_open(message, THERE, arena, &opened, &err) == 0, "%s", err.message);
    return opened;
}

static void assert_bytes_eq(struct weft_bytes a, struct weft_bytes b)
{
    ck_assert_int_eq(a.data == NULL, b.data == NULL);
    ck_assert_uint_eq(a.size, b.size);
    ck_assert(a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* All but the path, which has been added at the end. */
static void assert_survives(const struct weft_record *record)
{
    struct weft_record opened = open_sealed(record);
    ck_assert_str_eq(opened.topic, record->topic);
    ck_assert_int_eq(opened.partition, record->partition);
    ck_assert_int_eq(opened.offset, record->offset);
    ck_assert_int_eq(opened.timestamp_ms, record->timestamp_ms);
    assert_bytes_eq(opened.key, record->key);
    assert_bytes_eq(opened.value, record->value);
    ck_assert_uint_eq(opened.header_count, record->header_count + 1);
    for (size_t i = 0; i < record->header_count; i++) {
        ck_assert_str_eq(opened.headers[i].name, record->headers[i].name);
        assert_bytes_eq(opened.headers[i].value, record->headers[i].value);
    }
    ck_assert_str_eq(opened.headers[record->header_count].name, WEFT_PATH_NAME);
}

START_TEST(a_record_of_text_gives_attributes_that_people_can_read)
{
    const struct weft_record_header headers[] = {{"trace", bytes("abc")}};
    struct weft_record record = plain_record();
    record.key = bytes("customer-7");
    record.value = bytes("hello");
    record.headers = headers;
    record.header_count = 1;
    Pubsub__Message *message = seal(&record);
    ck_assert_uint_eq(message->data.len, 5);
    ck_assert_mem_eq(message->data.data, "hello", 5);
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.topic"), "requests");
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.partition"), "3");
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.offset"), "42");
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.timestamp"), "1700000000123");
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.key"), "customer-7");
    ck_assert_str_eq(weft_envelope_attribute(message, "trace"), "abc");
    ck_assert_str_eq(weft_envelope_attribute(message, "kafka.headers"), "trace");
    ck_assert_str_eq(weft_envelope_attribute(message, WEFT_PATH_NAME), HERE);
    assert_survives(&record);
}
END_TEST

START_TEST(a_tombstone_is_no_empty_value_and_no_key_no_empty_key)
{
    struct weft_record record = plain_record();
    assert_survives(&record);
    record.value = (struct weft_bytes){0};
    assert_survives(&record);
    record.key = bytes("");
    assert_survives(&record);
}
END_TEST

START_TEST(a_key_of_any_bytes_and_any_length_survives)
{
    static uint8_t key[40000];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 31);
    struct weft_record record = plain_record();
    const size_t sizes[] = {1, 2, 3, 4, 767, 768, 769, 1024, 1025, sizeof key};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        record.key = (struct weft_bytes){key, sizes[i]};
        assert_survives(&record);
    }
    memset(key, 'k', sizeof key); /* text, of lengths around an attribute's */
    for (size_t size = 1023; size <= 1025; size++) {
        record.key = (struct weft_bytes){key, size};
        assert_survives(&record);
    }
}
END_TEST

START_TEST(headers_keep_their_order_their_repetitions_and_their_nulls)
{
    static const uint8_t binary[] = {0, 255, 10, 0};
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    const struct weft_record_header headers[] = {
        {"z", bytes("1")},
        {"a", bytes("2")},
        {"z", bytes("3")},
        {"none", {0}},
        {"empty", bytes("")},
        {"", bytes("no name")},
        {"google", bytes("a name that Pub/Sub refuses")},
        {"kafka.key", bytes("a name of the bridge's own")},
        {"a,b=c~d%e", bytes("signs")},
        {"gr\xc3\xbc\xc3\x9f", bytes("\xe2\x82\xac")},
        {"bad \xff name", bytes("x")},
        {"binary", {binary, sizeof binary}},
        {"long", bytes(longer)},
        {longer, bytes("a long name")},
    };
    struct weft_record record = plain_record();
    record.headers = headers;
    record.header_count = sizeof headers / sizeof *headers;
    assert_survives(&record);
}
END_TEST

START_TEST(more_headers_than_attributes_go_into_the_list)
{
    struct weft_record_header headers[3000];
    struct weft_record record = plain_record();
    record.headers = headers;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char *name = weft_arena_take(arena, 16);
        snprintf(name, 16, "header-%zu", i);
        headers[i] = (struct weft_record_header){name, bytes("value")};
    }
    const size_t counts[] = {93, 94, 95, 96, 100, 101, 3000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        record.header_count = counts[i];
        assert_survives(&record);
    }
}
END_TEST

START_TEST(random_records_survive_bit_by_bit)
{
    uint32_t state = 1;
#define RANDOM(below) ((state = state * 1664525u + 1013904223u) >> 8) % (uint32_t)(below)
    static uint8_t noise[1 << 16];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(RANDOM(256));
    for (int round = 0; round < 10000; round++) {
        struct weft_record_header headers[12];
        struct weft_record record = plain_record();
        struct weft_bytes *values[] = {&record.key, &record.value};
        record.timestamp_ms = RANDOM(4) ? (int64_t)(RANDOM(1000000)) * 1000003 : -1;
        record.headers = headers;
        record.header_count = RANDOM(12);
        for (size_t i = 0; i < 2; i++) {
            size_t at = RANDOM(sizeof noise / 2), size = RANDOM(round % 100 ? 200 : 20000);
            *values[i] = RANDOM(5) ? (struct weft_bytes){noise + at, size} : (struct weft_bytes){0};
        }
        for (size_t i = 0; i < record.header_count; i++) {
            char *name = weft_arena_take(arena, 12);
            size_t length = RANDOM(11), at = RANDOM(sizeof noise / 2);
            for (size_t k = 0; k < length; k++) /* few letters, so that names repeat; any byte at times */
                name[k] = (char)(RANDOM(3) ? 'a' + (int)(RANDOM(2)) : 1 + (int)(RANDOM(255)));
            name[length] = '\0';
            headers[i] = (struct weft_record_header){name, {RANDOM(5) ? noise + at : NULL, 0}};
            headers[i].value.size = headers[i].value.data ? RANDOM(200) : 0;
            if (RANDOM(2) && headers[i].value.data)
                headers[i].value = bytes("text");
        }
        assert_survives(&record);
        weft_arena_reset(arena);
    }
#undef RANDOM
}
END_TEST

START_TEST(the_path_grows_by_each_place)
{
    struct weft_record record = plain_record();
    struct weft_record opened = open_sealed(&record);
    struct weft_bytes path = weft_record_header_value(&opened, WEFT_PATH_NAME);
    ck_assert_mem_eq(path.data, HERE "," THERE, path.size);
    ck_assert(weft_path_holds((const char *)path.data, path.size, HERE));
    ck_assert(weft_path_holds((const char *)path.data, path.size, THERE));
    ck_assert(!weft_path_holds((const char *)path.data, path.size, "kafka:cluster/request"));
    struct weft_record again = open_sealed(&opened);
    ck_assert_uint_eq(again.header_count, 1);
    path = weft_record_header_value(&again, WEFT_PATH_NAME);
    ck_assert_mem_eq(path.data, HERE "," THERE "," HERE "," THERE, path.size);
}
END_TEST

START_TEST(what_no_message_can_hold_is_refused_with_the_reason)
{
    static uint8_t large[10000000];
    struct weft_record record = plain_record();
    record.value = (struct weft_bytes){large, sizeof large};
    assert_unmappable(&record, "more than Pub/Sub's 9900000");
    record = plain_record();
    record.key = (struct weft_bytes){large, 100000};
    assert_unmappable(&record, "more than the 100 attributes");
    const struct weft_record_header headers[] = {{WEFT_PATH_NAME, {large, 10}}};
    record = plain_record();
    record.headers = headers;
    record.header_count = 1;
    assert_unmappable(&record, "no path");
}
END_TEST

/* A message with the attributes name, value, name, value, ..., NULL. */
static Pubsub__Message *message_of(const char *const *attributes)
{
    Pubsub__Message *message = weft_arena_take(arena, sizeof *message);
    pubsub__message__init(message);
    message->attributes = weft_arena_take(arena, 100 * sizeof *message->attributes);
    for (; attributes[0]; attributes += 2) {
        Pubsub__Attribute *attribute = weft_arena_take(arena, sizeof *attribute);
        pubsub__attribute__init(attribute);
        attribute->name = (char *)(uintptr_t)attributes[0];
        attribute->value = (char *)(uintptr_t)attributes[1];
        message->attributes[message->n_attributes++] = attribute;
    }
    return message;
}

START_TEST(a_message_of_another_client_gives_what_is_natural)
{
    const char *const attributes[] = {"b", "2", "a", "1", "kafka.key", "no topic, so a name as any", NULL};
    Pubsub__Timestamp published = PUBSUB__TIMESTAMP__INIT;
    published.seconds = 1700000000;
    published.nanos = 999999999;
    Pubsub__Message *message = message_of(attributes);
    message->ordering_key = (char *)(uintptr_t) "customer-7";
    message->publish_time = &published;
    struct weft_record record;
    ck_assert_int_eq(weft_envelope_open(message, THERE, arena, &record, NULL), 0);
    ck_assert_ptr_null(record.topic);
    ck_assert_int_eq(record.partition, -1);
    ck_assert_int_eq(record.timestamp_ms, 1700000000999);
    assert_bytes_eq(record.key, bytes("customer-7"));
    assert_bytes_eq(record.value, bytes(""));
    ck_assert_uint_eq(record.header_count, 4);
    ck_assert_str_eq(record.headers[0].name, "a");
    assert_bytes_eq(record.headers[1].value, bytes("2"));
    assert_bytes_eq(weft_record_header_value(&record, WEFT_PATH_NAME), bytes(THERE));
}
END_TEST

START_TEST(attributes_added_on_the_way_become_headers)
{
    struct weft_record record = plain_record();
    Pubsub__Message *sealed = seal(&record);
    const char *const added[] = {"CloudPubSubDeadLetterSourceDeliveryCount", "5", NULL};
    Pubsub__Message *message = message_of(added);
    for (size_t i = 0; i < sealed->n_attributes; i++)
        message->attributes[message->n_attributes++] = sealed->attributes[i];
    struct weft_record opened;
    ck_assert_int_eq(weft_envelope_open(message, THERE, arena, &opened, NULL), 0);
    ck_assert_uint_eq(opened.header_count, 2);
    ck_assert_str_eq(opened.headers[0].name, added[0]);
}
END_TEST

START_TEST(attributes_that_no_bridge_writes_are_corrupt)
{
    const char *const cases[][2] = {
        {"kafka.partition", "-1"},
        {"kafka.partition", "2147483648"},
        {"kafka.partition", ""},
        {"kafka.offset", " 1"},
        {"kafka.offset", "99999999999999999999"},
        {"kafka.timestamp", "now"},
        {"kafka.value", "nil"},
        {"kafka.key.base64", "=AAA"},
        {"kafka.key.base64", "AAA"},
        {"kafka.key.base64", "A\nAA"},
        {"kafka.headers", "absent"},
        {"kafka.headers", "a=A"},
        {"kafka.headers", "a~b"},
        {"kafka.headers", "%4=AAAA"},
        {"kafka.headers", "%00=AAAA"},
        {"kafka.headers", "a~,,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *attributes[9] = {"kafka.topic", "t", "kafka.partition", "0", "kafka.offset", "0"};
        size_t at = strcmp(cases[i][0], "kafka.partition") == 0 ? 2 : strcmp(cases[i][0], "kafka.offset") == 0 ? 4 : 6;
        attributes[at] = cases[i][0];
        attributes[at + 1] = cases[i][1];
        struct weft_record record;
        struct weft_error err = {0};
        int result = weft_envelope_open(message_of(attributes), THERE, arena, &record, &err);
        ck_assert_msg(result == -1, "%s=%s was taken", cases[i][0], cases[i][1]);
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        ck_assert_msg(strstr(err.message, cases[i][0]), "%s", err.message);
    }
}
END_TEST

__attribute__((constructor)) static void make_arena(void)
{
    arena = weft_arena_new();
}

SUITE("envelope", TEST(a_record_of_text_gives_attributes_that_people_can_read),
      TEST(a_tombstone_is_no_empty_value_and_no_key_no_empty_key), TEST(a_key_of_any_bytes_and_any_length_survives),
      TEST(headers_keep_their_order_their_repetitions_and_their_nulls),
      TEST(more_headers_than_attributes_go_into_the_list), TEST(random_records_survive_bit_by_bit),
      TEST(the_path_grows_by_each_place), TEST(what_no_message_can_hold_is_refused_with_the_reason),
      TEST(a_message_of_another_client_gives_what_is_natural), TEST(attributes_added_on_the_way_become_headers),
      TEST(attributes_that_no_bridge_writes_are_corrupt))
