#include "schemas/request.h"

#include <pthread.h>
#include <string.h>

#include "schemas/framing.h"
#include "support/http_stub.h"
#include "support/random_avro.h"
#include "support/suite.h"

enum { MESSAGE_MAX = 8192, SCHEMA_ID = 7 };

#define ANSWERS(...) ((const char *[]){__VA_ARGS__, NULL})

struct fixture {
    struct http_stub *stub;
    struct weft_registry *registry;
    struct weft_request_reader *reader;
};

static struct fixture set_up(const char *const *answers)
{
    struct fixture f;
    f.stub = http_stub_start(answers);
    struct weft_registry_config config = {.url = http_stub_url(f.stub), .retries = -1};
    f.registry = weft_registry_new(&config, NULL);
    f.reader = weft_request_reader_new(f.registry, NULL);
    ck_assert_ptr_nonnull(f.reader);
    return f;
}

static void tear_down(struct fixture *f)
{
    weft_request_reader_destroy(f->reader);
    weft_registry_destroy(f->registry);
    http_stub_stop(f->stub);
}

/* A registry's answer with this schema. The caller frees. */
static char *schema_answer(const char *schema)
{
    char *answer;
    json_t *json = json_pack("{s:s}", "schema", schema);
    char *body = json_dumps(json, JSON_COMPACT);
    ck_assert_int_gt(asprintf(&answer, HTTP_JSON("200 OK", "%s"), body), 0);
    json_decref(json);
    free(body);
    return answer;
}

static struct fixture set_up_schema(const char *schema)
{
    char *answer = schema_answer(schema);
    struct fixture f = set_up(ANSWERS(answer));
    free(answer);
    return f;
}

static const struct weft_request sample = {.id = "request-1",
                                           .id_size = 9,
                                           .image = (const uint8_t *)"\0\1\xff",
                                           .image_size = 3,
                                           .has_label = true,
                                           .label = -7};

static void assert_same(const struct weft_request *got, const struct weft_request *want)
{
    ck_assert_uint_eq(got->id_size, want->id_size);
    ck_assert_mem_eq(got->id, want->id, want->id_size);
    ck_assert_uint_eq(got->image_size, want->image_size);
    ck_assert_mem_eq(got->image, want->image, want->image_size);
    ck_assert_int_eq(got->has_label, want->has_label);
    if (want->has_label)
        ck_assert_int_eq(got->label, want->label);
}

static void assert_error(struct fixture *f, const void *value, size_t size, enum weft_error_class class,
                         const char *part)
{
    struct weft_request request;
    struct weft_error err = {0};
    ck_assert_int_eq(weft_request_read(f->reader, value, size, &request, &err), -1);
    ck_assert_msg(err.class == class, "%s: %s", weft_error_class_name(err.class), err.message);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

START_TEST(a_request_that_was_written_is_read_back)
{
    struct fixture f = set_up_schema(weft_request_schema);
    for (int i = 0; i < 2; i++) {
        struct weft_request want = sample, got;
        want.has_label = i == 0;
        uint8_t message[MESSAGE_MAX];
        size_t size = weft_request_write(&want, SCHEMA_ID, message, sizeof message);
        ck_assert_int_eq(weft_request_read(f.reader, message, size, &got, NULL), 0);
        assert_same(&got, &want);
    }
    ck_assert_uint_eq(http_stub_count(f.stub), 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_not_overrun)
{
    uint8_t message[MESSAGE_MAX];
    size_t needed = weft_request_write(&sample, SCHEMA_ID, NULL, 0);
    ck_assert_uint_eq(needed, WEFT_FRAME_SIZE + 10 + 4 + 2 + 1);
    for (size_t size = 0; size <= needed; size++) {
        memset(message, 0xaa, sizeof message);
        ck_assert_uint_eq(weft_request_write(&sample, SCHEMA_ID, message, size), needed);
        for (size_t i = size; i < needed + 8; i++)
            ck_assert_uint_eq(message[i], 0xaa);
    }
}
END_TEST

START_TEST(libavro_reads_what_is_written)
{
    uint8_t message[MESSAGE_MAX];
    size_t size = weft_request_write(&sample, SCHEMA_ID, message, sizeof message);
    avro_schema_t schema;
    avro_value_t root, field, branch;
    const char *id = NULL;
    const void *image = NULL;
    size_t id_size = 0, image_size = 0, entries = 0;
    int32_t label = 0;
    ck_assert_int_eq(avro_schema_from_json_length(weft_request_schema, strlen(weft_request_schema), &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &root);
    avro_reader_t reader =
        avro_reader_memory((const char *)message + WEFT_FRAME_SIZE, (int64_t)(size - WEFT_FRAME_SIZE));
    ck_assert_int_eq(avro_value_read(reader, &root), 0);
    avro_value_get_by_name(&root, "id", &field, NULL);
    avro_value_get_string(&field, &id, &id_size);
    ck_assert_str_eq(id, "request-1");
    avro_value_get_by_name(&root, "image", &field, NULL);
    avro_value_get_bytes(&field, &image, &image_size);
    ck_assert_uint_eq(image_size, 3);
    ck_assert_mem_eq(image, "\0\1\xff", 3);
    avro_value_get_by_name(&root, "label", &field, NULL);
    avro_value_get_current_branch(&field, &branch);
    ck_assert_int_eq(avro_value_get_int(&branch, &label), 0);
    ck_assert_int_eq(label, -7);
    avro_value_get_by_name(&root, "attributes", &field, NULL);
    avro_value_get_size(&field, &entries);
    ck_assert_uint_eq(entries, 0);
    avro_reader_free(reader);
    avro_value_decref(&root);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
}
END_TEST

START_TEST(what_libavro_writes_with_attributes_is_read)
{
    struct fixture f = set_up_schema(weft_request_schema);
    avro_schema_t schema;
    ck_assert_int_eq(avro_schema_from_json_length(weft_request_schema, strlen(weft_request_schema), &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    struct random_avro random = {.state = 1};
    for (int i = 0; i < 200; i++) {
        avro_value_t root, field, branch;
        struct weft_request want = {0}, got;
        uint8_t message[MESSAGE_MAX];
        size_t size;
        int which = 0;
        avro_generic_value_new(iface, &root);
        random_avro_fill(&random, &root, 4);
        avro_value_get_by_name(&root, "id", &field, NULL);
        avro_value_get_string(&field, &want.id, &want.id_size);
        want.id_size--;
        avro_value_get_by_name(&root, "image", &field, NULL);
        avro_value_get_bytes(&field, (const void **)&want.image, &want.image_size);
        avro_value_get_by_name(&root, "label", &field, NULL);
        avro_value_get_discriminant(&field, &which);
        avro_value_get_current_branch(&field, &branch);
        want.has_label = which == 1 && avro_value_get_int(&branch, &want.label) == 0;
        uint8_t *body = random_avro_encode(&root, &size);
        weft_frame_write(message, SCHEMA_ID);
        memcpy(message + WEFT_FRAME_SIZE, body, size);
        ck_assert_int_eq(weft_request_read(f.reader, message, WEFT_FRAME_SIZE + size, &got, NULL), 0);
        assert_same(&got, &want);
        free(body);
        avro_value_decref(&root);
    }
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    tear_down(&f);
}
END_TEST

START_TEST(what_was_not_framed_is_corrupt_and_asks_nobody)
{
    struct fixture f = set_up(ANSWERS(""));
    assert_error(&f, NULL, 0, WEFT_ERROR_CORRUPT, "null");
    assert_error(&f, "abc", 3, WEFT_ERROR_CORRUPT, "3 bytes");
    assert_error(&f, "{\"image\":1}", 11, WEFT_ERROR_CORRUPT, "0x7b");
    ck_assert_uint_eq(http_stub_count(f.stub), 0);
    tear_down(&f);
}
END_TEST

START_TEST(an_id_that_the_registry_does_not_know_is_corrupt)
{
    struct fixture f = set_up(ANSWERS(HTTP_JSON("404 Not Found", "{\"error_code\":40403,\"message\":\"?\"}")));
    assert_error(&f, "\0\0\0\0\7x", 6, WEFT_ERROR_CORRUPT, "schema id 7 is not known to the registry");
    tear_down(&f);
}
END_TEST

START_TEST(a_registry_that_is_away_is_no_fault_of_the_message)
{
    char *answer = schema_answer(weft_request_schema);
    struct fixture f = set_up(ANSWERS("", answer));
    struct weft_request got;
    uint8_t message[MESSAGE_MAX];
    size_t size = weft_request_write(&sample, SCHEMA_ID, message, sizeof message);
    assert_error(&f, message, size, WEFT_ERROR_UNAVAILABLE, "schema id 7");
    ck_assert_int_eq(weft_request_read(f.reader, message, size, &got, NULL), 0);
    assert_same(&got, &sample);
    tear_down(&f);
    free(answer);
}
END_TEST

START_TEST(html_instead_of_a_schema_is_no_fault_of_the_message)
{
    struct fixture f = set_up(ANSWERS(HTTP_ANSWER("200 OK", "text/html", "<html>")));
    assert_error(&f, "\0\0\0\0\7x", 6, WEFT_ERROR_CONFIG, "schema.registry.url");
    tear_down(&f);
}
END_TEST

START_TEST(every_message_of_a_schema_that_lacks_a_field_is_corrupt_and_the_registry_is_asked_once)
{
    struct fixture f = set_up_schema("{\"type\":\"record\",\"name\":\"Other\",\"fields\":[{\"name\":\"id\","
                                     "\"type\":\"string\"}]}");
    for (int i = 0; i < 3; i++)
        assert_error(&f, "\0\0\0\0\7\2x", 7, WEFT_ERROR_CORRUPT,
                     "schema id 7 cannot be read: field \"image\" is missing in the writer's schema");
    ck_assert_uint_eq(http_stub_count(f.stub), 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_schema_that_is_none_makes_its_messages_corrupt)
{
    struct fixture f = set_up_schema("not a schema");
    assert_error(&f, "\0\0\0\0\7\2x", 7, WEFT_ERROR_CORRUPT, "schema id 7 cannot be read: not JSON");
    tear_down(&f);
}
END_TEST

START_TEST(an_id_longer_than_allowed_is_corrupt)
{
    struct fixture f = set_up_schema(weft_request_schema);
    char id[WEFT_REQUEST_ID_MAX + 1];
    memset(id, 'x', sizeof id);
    struct weft_request request = sample, got;
    uint8_t message[MESSAGE_MAX];
    request.id = id;
    request.id_size = WEFT_REQUEST_ID_MAX;
    size_t size = weft_request_write(&request, SCHEMA_ID, message, sizeof message);
    ck_assert_int_eq(weft_request_read(f.reader, message, size, &got, NULL), 0);
    request.id_size = WEFT_REQUEST_ID_MAX + 1;
    size = weft_request_write(&request, SCHEMA_ID, message, sizeof message);
    assert_error(&f, message, size, WEFT_ERROR_CORRUPT, "field \"id\" has 4097 bytes, more than 4096");
    tear_down(&f);
}
END_TEST

START_TEST(a_request_cut_anywhere_is_corrupt)
{
    struct fixture f = set_up_schema(weft_request_schema);
    uint8_t message[MESSAGE_MAX];
    size_t size = weft_request_write(&sample, SCHEMA_ID, message, sizeof message);
    for (size_t cut = 0; cut < size; cut++)
        assert_error(&f, message, cut, WEFT_ERROR_CORRUPT, "");
    message[size] = 0;
    assert_error(&f, message, size + 1, WEFT_ERROR_CORRUPT, "left over");
    tear_down(&f);
}
END_TEST

static void *read_often(void *context)
{
    struct fixture *f = context;
    for (uint32_t i = 0; i < 1000; i++) {
        struct weft_request got;
        uint8_t message[64];
        /* Ids that share a bucket. */
        size_t size = weft_request_write(&sample, SCHEMA_ID + i % 4 * 256, message, sizeof message);
        if (weft_request_read(f->reader, message, size, &got, NULL) != 0 || got.label != sample.label)
            return "wrong";
    }
    return NULL;
}

START_TEST(threads_share_a_reader)
{
    char *answer = schema_answer(weft_request_schema);
    const char *answers[17] = {NULL};
    for (size_t i = 0; i < 16; i++)
        answers[i] = answer;
    struct fixture f = set_up(answers);
    pthread_t threads[4];
    void *fault;
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, &f), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &fault);
        ck_assert_ptr_null(fault);
    }
    tear_down(&f);
    free(answer);
}
END_TEST

SUITE("request", TEST(a_request_that_was_written_is_read_back), TEST(a_buffer_that_is_too_small_is_not_overrun),
      TEST(libavro_reads_what_is_written), TEST(what_libavro_writes_with_attributes_is_read),
      TEST(what_was_not_framed_is_corrupt_and_asks_nobody), TEST(an_id_that_the_registry_does_not_know_is_corrupt),
      TEST(a_registry_that_is_away_is_no_fault_of_the_message),
      TEST(html_instead_of_a_schema_is_no_fault_of_the_message),
      TEST(every_message_of_a_schema_that_lacks_a_field_is_corrupt_and_the_registry_is_asked_once),
      TEST(a_schema_that_is_none_makes_its_messages_corrupt), TEST(an_id_longer_than_allowed_is_corrupt),
      TEST(a_request_cut_anywhere_is_corrupt), TEST(threads_share_a_reader))
