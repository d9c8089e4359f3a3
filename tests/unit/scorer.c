#include "streams/scorer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "schemas/result.h"
#include "streams/canary.h"
#include "support/http_stub.h"
#include "support/model_file.h"
#include "support/suite.h"

enum { PIXELS = 28 * 28, REQUEST_SCHEMA = 1, RESULT_SCHEMA = 2, MANY = 100, MESSAGE_MAX = 1024 };

/* A scorer with the trivial network, whose registry answers in the order: request's schema, result's schema. */
struct fixture {
    struct http_stub *stub;
    struct weft_registry *registry;
    struct weft_request_reader *requests;
    struct weft_result_reader *results;
    struct weft_network *network;
    struct weft_scorer *scorer;
    struct weft_error err;
};

/* The registry's whole answer with this schema; the caller frees it. */
static char *schema_answer(const char *schema)
{
    json_t *body = json_pack("{s:s}", "schema", schema);
    char *text = json_dumps(body, JSON_COMPACT), *answer = NULL;
    json_decref(body);
    ck_assert_int_gt(asprintf(&answer, HTTP_JSON("200 OK", "%s"), text), 0);
    free(text);
    return answer;
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){0};
    char *request = schema_answer(weft_request_schema), *result = schema_answer(weft_result_schema);
    f->stub = http_stub_start((const char *[]){request, result, NULL});
    free(request);
    free(result);
    const struct weft_registry_config registry = {.url = http_stub_url(f->stub), .retries = -1, .timeout_ms = 20000};
    f->registry = weft_registry_new(&registry, &f->err);
    f->requests = weft_request_reader_new(f->registry, &f->err);
    f->results = weft_result_reader_new(f->registry, &f->err);
    f->network = weft_network_load(WEFT_SOURCE_DIR "/tests/data/models/trivial.onnx", &f->err);
    ck_assert_msg(f->network != NULL, "%s", f->err.message);
    const struct weft_scorer_config config = {
        .network = f->network, .reader = f->requests, .result_schema_id = RESULT_SCHEMA};
    f->scorer = weft_scorer_new(&config, &f->err);
    ck_assert_msg(f->scorer != NULL, "%s", f->err.message);
}

static void tear_down(struct fixture *f)
{
    weft_scorer_destroy(f->scorer);
    weft_network_destroy(f->network);
    weft_result_reader_destroy(f->results);
    weft_request_reader_destroy(f->requests);
    weft_registry_destroy(f->registry);
    http_stub_stop(f->stub);
}

/* Encodes a request of so many pixels of one shade into bytes. */
static struct weft_scorer_request request_of(uint8_t *bytes, const char *id, uint8_t shade, size_t pixels,
                                             int64_t offset)
{
    static uint8_t image[PIXELS];
    memset(image, shade, sizeof image);
    const struct weft_request request = {
        .id = id, .id_size = strlen(id), .image = image, .image_size = pixels, .has_label = true, .label = 3};
    size_t size = weft_request_write(&request, REQUEST_SCHEMA, bytes, MESSAGE_MAX);
    ck_assert_uint_le(size, MESSAGE_MAX);
    return (struct weft_scorer_request){
        .value = bytes, .size = size, .topic = "in", .partition = 7, .offset = offset, .timestamp_ms = 1234};
}

static struct weft_result read_result(struct fixture *f, const struct weft_scorer_answer *answer, float *probabilities)
{
    struct weft_result result;
    ck_assert_ptr_nonnull(answer->bytes);
    ck_assert_msg(weft_result_read(f->results, answer->bytes, answer->size, &result, probabilities, &f->err) == 0, "%s",
                  f->err.message);
    return result;
}

static bool text_is(struct weft_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.at, wanted, text.size) == 0;
}

START_TEST(a_request_gets_a_result_that_names_its_origin_and_the_model)
{
    struct fixture f;
    set_up(&f);
    uint8_t bytes[MESSAGE_MAX];
    float probabilities[WEFT_RESULT_CLASSES_MAX];
    struct weft_scorer_request request = request_of(bytes, "one", 200, PIXELS, 42);
    struct weft_scorer_answer answer;
    ck_assert_msg(weft_scorer_score(f.scorer, &request, 1, &answer, &f.err) == 0, "%s", f.err.message);
    struct weft_result result = read_result(&f, &answer, probabilities);
    ck_assert(text_is(result.id, "one"));
    ck_assert(text_is(result.source_topic, "in"));
    ck_assert_int_eq(result.source_partition, 7);
    ck_assert_int_eq(result.source_offset, 42);
    ck_assert_int_eq(result.source_timestamp_ms, 1234);
    ck_assert(result.has_expected && result.expected == 3);
    ck_assert(text_is(result.model_name, weft_network_info(f.network)->name));
    ck_assert(text_is(result.model_sha256, weft_network_info(f.network)->sha256));
    ck_assert_uint_eq(result.class_count, 10);
    ck_assert_int_gt(result.scored_at_ms, 1600000000000);
    tear_down(&f);
}
END_TEST

START_TEST(a_value_whose_frame_stands_in_a_header_is_read)
{
    struct fixture f;
    set_up(&f);
    uint8_t bytes[MESSAGE_MAX];
    struct weft_scorer_request request = request_of(bytes, "a", 9, PIXELS, 11);
    request.frame = bytes;
    request.frame_size = WEFT_FRAME_SIZE;
    request.value = bytes + WEFT_FRAME_SIZE;
    request.size -= WEFT_FRAME_SIZE;
    struct weft_scorer_answer answer;
    ck_assert_int_eq(weft_scorer_score(f.scorer, &request, 1, &answer, &f.err), 0);
    ck_assert_msg(answer.bytes != NULL, "%s", answer.reason);
    tear_down(&f);
}
END_TEST

START_TEST(the_label_is_that_of_the_highest_probability)
{
    struct fixture f;
    set_up(&f);
    uint8_t bytes[MESSAGE_MAX];
    float probabilities[WEFT_RESULT_CLASSES_MAX];
    struct weft_scorer_request request = request_of(bytes, "one", 90, PIXELS, 0);
    struct weft_scorer_answer answer;
    ck_assert_int_eq(weft_scorer_score(f.scorer, &request, 1, &answer, &f.err), 0);
    struct weft_result result = read_result(&f, &answer, probabilities);
    double sum = 0;
    for (size_t i = 0; i < result.class_count; i++) {
        ck_assert_float_le(probabilities[i], probabilities[result.label]);
        sum += (double)probabilities[i];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    ck_assert(text_is(result.class_name, weft_network_info(f.network)->labels[result.label]));
    tear_down(&f);
}
END_TEST

START_TEST(in_a_batch_of_good_and_bad_each_request_gets_its_own_answer)
{
    struct fixture f;
    set_up(&f);
    static uint8_t bytes[MANY][MESSAGE_MAX];
    struct weft_scorer_request requests[MANY];
    struct weft_scorer_answer answers[MANY];
    for (int i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof id, "id-%d", i);
        requests[i] = request_of(bytes[i], id, (uint8_t)i, i % 7 == 3 ? PIXELS - 1 : PIXELS, i);
        if (i % 11 == 5)
            requests[i].value = NULL, requests[i].size = 0;
    }
    /* Twice: the second call works in what the first one left. */
    for (int turn = 0; turn < 2; turn++) {
        ck_assert_msg(weft_scorer_score(f.scorer, requests, MANY, answers, &f.err) == 0, "%s", f.err.message);
        for (int i = 0; i < MANY; i++) {
            char id[16];
            snprintf(id, sizeof id, "id-%d", i);
            if (i % 11 == 5 || i % 7 == 3) {
                ck_assert_ptr_null(answers[i].bytes);
                ck_assert_str_eq(answers[i].error_class, "corrupt");
                ck_assert_ptr_nonnull(strstr(answers[i].reason, i % 11 == 5 ? "null" : "783 bytes"));
                continue;
            }
            ck_assert_ptr_null(answers[i].error_class);
            struct weft_result result = read_result(&f, &answers[i], NULL);
            ck_assert(text_is(result.id, id));
            ck_assert_int_eq(result.source_offset, i);
        }
    }
    tear_down(&f);
}
END_TEST

START_TEST(the_answer_to_an_image_does_not_depend_on_its_neighbours)
{
    struct fixture f;
    set_up(&f);
    static uint8_t bytes[MANY][MESSAGE_MAX];
    static float alone[WEFT_RESULT_CLASSES_MAX], together[WEFT_RESULT_CLASSES_MAX];
    struct weft_scorer_request requests[MANY];
    struct weft_scorer_answer answers[MANY], answer;
    for (int i = 0; i < MANY; i++)
        requests[i] = request_of(bytes[i], "x", (uint8_t)(2 * i), PIXELS, i);
    ck_assert_int_eq(weft_scorer_score(f.scorer, &requests[71], 1, &answer, &f.err), 0);
    read_result(&f, &answer, alone);
    ck_assert_int_eq(weft_scorer_score(f.scorer, requests, MANY, answers, &f.err), 0);
    read_result(&f, &answers[71], together);
    for (int i = 0; i < 10; i++)
        ck_assert_float_eq_tol(alone[i], together[i], 1e-6f);
    tear_down(&f);
}
END_TEST

/* Answers MANY requests, with keys or without, and counts those whose answer is not by the model that the key, or the
 * id, chooses at 50 %. */
static int answered_by_another(struct fixture *f, bool keys)
{
    static uint8_t bytes[MANY][MESSAGE_MAX];
    static char names[MANY][16];
    struct weft_scorer_request requests[MANY];
    struct weft_scorer_answer answers[MANY];
    float probabilities[WEFT_RESULT_CLASSES_MAX];
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "name-%d", i);
        requests[i] = request_of(bytes[i], keys ? "one for all" : names[i], 1, PIXELS, i);
        requests[i].key = keys ? names[i] : NULL;
        requests[i].key_size = keys ? strlen(names[i]) : 0;
    }
    ck_assert_msg(weft_scorer_score(f->scorer, requests, MANY, answers, &f->err) == 0, "%s", f->err.message);
    for (int i = 0; i < MANY; i++) {
        struct weft_result result = read_result(f, &answers[i], probabilities);
        wrong += text_is(result.model_version, "2") != weft_canary_takes(names[i], strlen(names[i]), 50);
    }
    return wrong;
}

START_TEST(a_canary_answers_for_its_share_of_the_keys_or_of_the_ids)
{
    struct fixture f;
    set_up(&f);
    const char *path = "canary.onnx";
    model_file_edit(WEFT_SOURCE_DIR "/tests/data/models/trivial.onnx", path,
                    "weft.version\x12\x01"
                    "1",
                    "weft.version\x12\x01"
                    "2");
    struct weft_network *canary = weft_network_load(path, &f.err);
    ck_assert_msg(canary != NULL, "%s", f.err.message);
    const struct weft_scorer_config config = {.network = f.network,
                                              .canary = canary,
                                              .canary_percent = 50,
                                              .reader = f.requests,
                                              .result_schema_id = RESULT_SCHEMA};
    weft_scorer_destroy(f.scorer);
    f.scorer = weft_scorer_new(&config, &f.err);
    ck_assert_msg(f.scorer != NULL, "%s", f.err.message);
    ck_assert_int_eq(answered_by_another(&f, true), 0);
    ck_assert_int_eq(answered_by_another(&f, false), 0);
    unlink(path);
    tear_down(&f);
    weft_network_destroy(canary);
}
END_TEST

START_TEST(a_shadow_scores_what_is_answered_and_nothing_else)
{
    struct fixture f;
    set_up(&f);
    static uint8_t bytes[MANY][MESSAGE_MAX];
    struct weft_scorer_request requests[MANY];
    struct weft_scorer_answer answers[MANY];
    ck_assert_int_eq(weft_scorer_replace(f.scorer, f.network, NULL, f.network, &f.err), 0);
    for (int i = 0; i < MANY; i++)
        requests[i] = request_of(bytes[i], "id", (uint8_t)i, i % 3 ? PIXELS : PIXELS - 1, i);
    ck_assert_int_eq(weft_scorer_score(f.scorer, requests, MANY, answers, &f.err), 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(answers[i].bytes != NULL, i % 3 != 0);
        ck_assert_int_eq(answers[i].shadow != NULL, i % 3 != 0);
    }
    ck_assert_int_eq(weft_scorer_replace(f.scorer, f.network, NULL, NULL, &f.err), 0);
    ck_assert_int_eq(weft_scorer_score(f.scorer, requests, MANY, answers, &f.err), 0);
    ck_assert_ptr_nonnull(answers[1].bytes);
    ck_assert_ptr_null(answers[1].shadow);
    tear_down(&f);
}
END_TEST

START_TEST(while_the_registry_is_away_the_batch_waits_and_nothing_is_refused)
{
    struct fixture f;
    set_up(&f);
    http_stub_close(f.stub);
    uint8_t bytes[MESSAGE_MAX];
    struct weft_scorer_request request = request_of(bytes, "one", 1, PIXELS, 0);
    struct weft_scorer_answer answer;
    ck_assert_int_eq(weft_scorer_score(f.scorer, &request, 1, &answer, &f.err), -1);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_UNAVAILABLE);
    tear_down(&f);
}
END_TEST

SUITE("scorer", TEST(a_request_gets_a_result_that_names_its_origin_and_the_model),
      TEST(a_value_whose_frame_stands_in_a_header_is_read), TEST(the_label_is_that_of_the_highest_probability),
      TEST(in_a_batch_of_good_and_bad_each_request_gets_its_own_answer),
      TEST(the_answer_to_an_image_does_not_depend_on_its_neighbours),
      TEST(a_canary_answers_for_its_share_of_the_keys_or_of_the_ids),
      TEST(a_shadow_scores_what_is_answered_and_nothing_else),
      TEST(while_the_registry_is_away_the_batch_waits_and_nothing_is_refused))
