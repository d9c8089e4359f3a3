#include "schemas/result.h"

#include <string.h>

#include "schemas/framing.h"
#include "support/http_stub.h"
#include "support/random_avro.h"
#include "support/suite.h"

enum { MESSAGE_MAX = 16384, SCHEMA_ID = 9 };

#define TEXT(text) ((struct weft_text){text, sizeof text - 1})

struct fixture {
    struct http_stub *stub;
    struct weft_registry *registry;
    struct weft_result_reader *reader;
};

static struct fixture set_up(const char *schema)
{
    struct fixture f;
    char *answer;
    json_t *json = json_pack("{s:s}", "schema", schema);
    char *body = json_dumps(json, JSON_COMPACT);
    ck_assert_int_gt(asprintf(&answer, HTTP_JSON("200 OK", "%s"), body), 0);
    f.stub = http_stub_start((const char *[]){answer, NULL});
    struct weft_registry_config config = {.url = http_stub_url(f.stub), .retries = -1};
    f.registry = weft_registry_new(&config, NULL);
    f.reader = weft_result_reader_new(f.registry, NULL);
    ck_assert_ptr_nonnull(f.reader);
    json_decref(json);
    free(body);
    free(answer);
    return f;
}

static void tear_down(struct fixture *f)
{
    weft_result_reader_destroy(f->reader);
    weft_registry_destroy(f->registry);
    http_stub_stop(f->stub);
}

static const float probabilities[] = {0.25f, 0, 1e-30f, 0.75f};

static struct weft_result sample(void)
{
    return (struct weft_result){
        .id = TEXT("request-1"),
        .label = 3,
        .class_name = TEXT("Ankle boot"),
        .probabilities = probabilities,
        .class_count = 4,
        .has_expected = true,
        .expected = -2,
        .model_name = TEXT("lenet"),
        .model_version = TEXT("1.0"),
        .model_sha256 = TEXT("00ff"),
        .source_topic = TEXT("req_predict"),
        .source_partition = 5,
        .source_offset = INT64_MAX,
        .source_timestamp_ms = 1700000000000,
        .scored_at_ms = -1,
    };
}

static void assert_text(struct weft_text got, struct weft_text want)
{
    ck_assert_uint_eq(got.size, want.size);
    ck_assert_mem_eq(got.at, want.at, want.size);
}

static void assert_same(const struct weft_result *got, const struct weft_result *want)
{
    assert_text(got->id, want->id);
    ck_assert_int_eq(got->label, want->label);
    assert_text(got->class_name, want->class_name);
    ck_assert_uint_eq(got->class_count, want->class_count);
    ck_assert_mem_eq(got->probabilities, want->probabilities, want->class_count * sizeof *want->probabilities);
    ck_assert_int_eq(got->has_expected, want->has_expected);
    if (want->has_expected)
        ck_assert_int_eq(got->expected, want->expected);
    assert_text(got->model_name, want->model_name);
    assert_text(got->model_version, want->model_version);
    assert_text(got->model_sha256, want->model_sha256);
    assert_text(got->source_topic, want->source_topic);
    ck_assert_int_eq(got->source_partition, want->source_partition);
    ck_assert_int_eq(got->source_offset, want->source_offset);
    ck_assert_int_eq(got->source_timestamp_ms, want->source_timestamp_ms);
    ck_assert_int_eq(got->scored_at_ms, want->scored_at_ms);
}

START_TEST(a_result_that_was_written_is_read_back)
{
    struct fixture f = set_up(weft_result_schema);
    for (int i = 0; i < 2; i++) {
        struct weft_result want = sample(), got;
        uint8_t message[MESSAGE_MAX];
        float read[WEFT_RESULT_CLASSES_MAX];
        want.has_expected = i == 0;
        size_t size = weft_result_write(&want, SCHEMA_ID, message, sizeof message);
        ck_assert_int_eq(weft_result_read(f.reader, message, size, &got, read, NULL), 0);
        ck_assert_ptr_eq(got.probabilities, read);
        assert_same(&got, &want);
    }
    tear_down(&f);
}
END_TEST

START_TEST(without_probabilities_the_array_is_empty)
{
    struct fixture f = set_up(weft_result_schema);
    struct weft_result want = sample(), got;
    uint8_t message[MESSAGE_MAX];
    float read[WEFT_RESULT_CLASSES_MAX];
    want.probabilities = NULL;
    want.class_count = 0;
    size_t size = weft_result_write(&want, SCHEMA_ID, message, sizeof message);
    ck_assert_int_eq(weft_result_read(f.reader, message, size, &got, read, NULL), 0);
    ck_assert_uint_eq(got.class_count, 0);
    assert_text(got.source_topic, want.source_topic);
    tear_down(&f);
}
END_TEST

START_TEST(more_probabilities_than_there_is_room_for_are_an_error_only_when_asked_for)
{
    static float many[WEFT_RESULT_CLASSES_MAX + 1];
    struct fixture f = set_up(weft_result_schema);
    struct weft_result want = sample(), got;
    uint8_t message[MESSAGE_MAX];
    float read[WEFT_RESULT_CLASSES_MAX];
    struct weft_error err = {0};
    want.probabilities = many;
    want.class_count = WEFT_RESULT_CLASSES_MAX + 1;
    size_t size = weft_result_write(&want, SCHEMA_ID, message, sizeof message);
    ck_assert_int_eq(weft_result_read(f.reader, message, size, &got, read, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_int_eq(weft_result_read(f.reader, message, size, &got, NULL, NULL), 0);
    ck_assert_uint_eq(got.class_count, WEFT_RESULT_CLASSES_MAX + 1);
    ck_assert_ptr_null(got.probabilities);
    tear_down(&f);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_not_overrun)
{
    struct weft_result result = sample();
    uint8_t message[MESSAGE_MAX];
    size_t needed = weft_result_write(&result, SCHEMA_ID, NULL, 0);
    for (size_t size = 0; size <= needed; size++) {
        memset(message, 0xaa, sizeof message);
        ck_assert_uint_eq(weft_result_write(&result, SCHEMA_ID, message, size), needed);
        for (size_t i = size; i < needed + 8; i++)
            ck_assert_uint_eq(message[i], 0xaa);
    }
}
END_TEST

static void text_of(avro_value_t *record, const char *name, struct weft_text *text)
{
    avro_value_t field;
    ck_assert_int_eq(avro_value_get_by_name(record, name, &field, NULL), 0);
    avro_value_get_string(&field, &text->at, &text->size);
    text->size--; /* libavro counts the zero at the end */
}

static void int_of(avro_value_t *record, const char *name, int32_t *number)
{
    avro_value_t field;
    ck_assert_int_eq(avro_value_get_by_name(record, name, &field, NULL), 0);
    ck_assert_int_eq(avro_value_get_int(&field, number), 0);
}

static void long_of(avro_value_t *record, const char *name, int64_t *number)
{
    avro_value_t field;
    ck_assert_int_eq(avro_value_get_by_name(record, name, &field, NULL), 0);
    ck_assert_int_eq(avro_value_get_long(&field, number), 0);
}

/* The result that a generic value of libavro's holds; texts belong to that value. */
static struct weft_result result_of(avro_value_t *root, float *numbers)
{
    struct weft_result result = {.probabilities = numbers};
    avro_value_t field, item, branch;
    int which = 0;
    text_of(root, "id", &result.id);
    int_of(root, "label", &result.label);
    text_of(root, "class", &result.class_name);
    avro_value_get_by_name(root, "probabilities", &field, NULL);
    avro_value_get_size(&field, &result.class_count);
    for (size_t i = 0; i < result.class_count; i++) {
        avro_value_get_by_index(&field, i, &item, NULL);
        avro_value_get_float(&item, &numbers[i]);
    }
    avro_value_get_by_name(root, "expected", &field, NULL);
    avro_value_get_discriminant(&field, &which);
    avro_value_get_current_branch(&field, &branch);
    result.has_expected = which == 1 && avro_value_get_int(&branch, &result.expected) == 0;
    avro_value_get_by_name(root, "model", &field, NULL);
    text_of(&field, "name", &result.model_name);
    text_of(&field, "version", &result.model_version);
    text_of(&field, "sha256", &result.model_sha256);
    avro_value_get_by_name(root, "source", &field, NULL);
    text_of(&field, "topic", &result.source_topic);
    int_of(&field, "partition", &result.source_partition);
    long_of(&field, "offset", &result.source_offset);
    long_of(&field, "timestamp", &result.source_timestamp_ms);
    long_of(root, "scored_at", &result.scored_at_ms);
    return result;
}

START_TEST(bytes_are_those_that_libavro_writes_and_are_read_as_it_wrote_them)
{
    struct fixture f = set_up(weft_result_schema);
    avro_schema_t schema;
    ck_assert_int_eq(avro_schema_from_json_length(weft_result_schema, strlen(weft_result_schema), &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    struct random_avro random = {.state = 1};
    for (int i = 0; i < 500; i++) {
        avro_value_t root;
        float numbers[16], read[WEFT_RESULT_CLASSES_MAX];
        uint8_t message[MESSAGE_MAX];
        size_t size;
        avro_generic_value_new(iface, &root);
        random_avro_fill(&random, &root, 5);
        struct weft_result want = result_of(&root, numbers), got;
        uint8_t *body = random_avro_encode(&root, &size);
        ck_assert_uint_eq(weft_result_write(&want, SCHEMA_ID, message, sizeof message), WEFT_FRAME_SIZE + size);
        ck_assert_mem_eq(message + WEFT_FRAME_SIZE, body, size);
        ck_assert_int_eq(weft_result_read(f.reader, message, WEFT_FRAME_SIZE + size, &got, read, NULL), 0);
        assert_same(&got, &want);
        free(body);
        avro_value_decref(&root);
    }
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    tear_down(&f);
}
END_TEST

START_TEST(a_result_of_a_newer_schema_is_read)
{
    /* Fields in another order, new ones between, the expected label dropped, the partition still an int. */
    struct fixture f = set_up("{\"type\":\"record\",\"name\":\"PredictResult\",\"namespace\":\"weft\",\"fields\":["
                              "{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Source\",\"fields\":["
                              "{\"name\":\"cluster\",\"type\":\"string\"},{\"name\":\"offset\",\"type\":\"int\"},"
                              "{\"name\":\"partition\",\"type\":\"int\"},{\"name\":\"timestamp\",\"type\":\"long\"},"
                              "{\"name\":\"topic\",\"type\":\"bytes\"}]}},"
                              "{\"name\":\"took\",\"type\":\"double\"},{\"name\":\"scored_at\",\"type\":\"long\"},"
                              "{\"name\":\"model\",\"type\":{\"type\":\"record\",\"name\":\"Model\",\"fields\":["
                              "{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"version\",\"type\":\"string\"},"
                              "{\"name\":\"sha256\",\"type\":\"string\"}]}},"
                              "{\"name\":\"probabilities\",\"type\":{\"type\":\"array\",\"items\":\"float\"}},"
                              "{\"name\":\"class\",\"type\":\"string\"},{\"name\":\"label\",\"type\":\"int\"},"
                              "{\"name\":\"id\",\"type\":\"string\"}]}");
    const char message[] = "\0\0\0\0\11"
                           "\2c\10\6\12\2t"
                           "12345678\14"
                           "\2n\2v\2s"
                           "\2\0\0\x80\x3f\0"
                           "\2k\16\2i";
    struct weft_result got;
    struct weft_error err = {0};
    float read[WEFT_RESULT_CLASSES_MAX];
    ck_assert_msg(weft_result_read(f.reader, message, sizeof message - 1, &got, read, &err) == 0, "%s", err.message);
    ck_assert_int_eq(got.source_offset, 4);
    ck_assert_int_eq(got.source_partition, 3);
    ck_assert_int_eq(got.source_timestamp_ms, 5);
    ck_assert_int_eq(got.scored_at_ms, 6);
    ck_assert_int_eq(got.label, 7);
    ck_assert(!got.has_expected);
    ck_assert(got.class_count == 1 && read[0] == 1);
    assert_text(got.source_topic, TEXT("t"));
    assert_text(got.id, TEXT("i"));
    tear_down(&f);
}
END_TEST

START_TEST(a_result_without_its_source_names_what_is_missing)
{
    struct fixture f = set_up("{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                              "{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"label\",\"type\":\"int\"}]}");
    struct weft_result got;
    struct weft_error err = {0};
    ck_assert_int_eq(weft_result_read(f.reader, "\0\0\0\0\11\2i\2", 8, &got, NULL, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, "field \"class\" is missing"), "%s", err.message);
    tear_down(&f);
}
END_TEST

SUITE("result", TEST(a_result_that_was_written_is_read_back), TEST(without_probabilities_the_array_is_empty),
      TEST(more_probabilities_than_there_is_room_for_are_an_error_only_when_asked_for),
      TEST(a_buffer_that_is_too_small_is_not_overrun),
      TEST(bytes_are_those_that_libavro_writes_and_are_read_as_it_wrote_them), TEST(a_result_of_a_newer_schema_is_read),
      TEST(a_result_without_its_source_names_what_is_missing))
