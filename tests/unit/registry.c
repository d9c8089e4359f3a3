#include "schemas/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "support/http_stub.h"
#include "support/registry_fixture.h"
#include "support/suite.h"

#define UNKNOWN_ID HTTP_JSON("404 Not Found", "{\"error_code\":40403,\"message\":\"Schema 7 not found\"}")
#define SCHEMA_STRING HTTP_JSON("200 OK", "{\"schema\":\"\\\"string\\\"\"}")

START_TEST(a_schema_is_registered_without_white_space_and_its_id_kept)
{
    uint32_t id = 0;
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"id\":42,\"guid\":\"x\",\"odd\":[1]}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    const char *schema = " { \"type\" : \"record\", \"name\":\"R\",\n \"doc\":\"a \\\" b  c\\\\\", \"fields\":[ ] }\n";
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_registry_register(registry, "topic-value", schema, &id, NULL), 0);
        ck_assert_uint_eq(id, 42);
    }
    ck_assert_uint_eq(http_stub_count(stub), 1);
    const char *request = http_stub_request(stub, 0);
    ck_assert_int_eq(strncmp(request, "POST /subjects/topic-value/versions HTTP/1.1\r\n", 46), 0);
    ck_assert_msg(strstr(request, "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"doc\\\":\\\"a "
                                  "\\\\\\\" b  c\\\\\\\\\\\",\\\"fields\\\":[]}\"}"),
                  "%s", request);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(the_same_schema_under_another_subject_is_registered_there_too)
{
    uint32_t id = 0;
    struct http_stub *stub =
        http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"id\":1}"), HTTP_JSON("200 OK", "{\"id\":2}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register(registry, "a", "\"string\"", &id, NULL), 0);
    ck_assert_int_eq(weft_registry_register(registry, "b", "\"string\"", &id, NULL), 0);
    ck_assert_uint_eq(id, 2);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_subject_is_escaped_in_the_path)
{
    bool found;
    struct weft_registry_schema schema;
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_JSON("404 Not Found", "{\"error_code\":40401}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_latest(registry, "a/b c?", &schema, &found, NULL), 0);
    ck_assert(!found);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "GET /subjects/a%2Fb%20c%3F/versions/latest HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_known_schema_is_found_and_an_unknown_one_is_not)
{
    bool found;
    struct weft_registry_schema schema;
    struct http_stub *stub = http_stub_start(ANSWERS(
        HTTP_JSON("200 OK", "{\"version\":3,\"schema\":\"\\\"string\\\"\",\"id\":9,\"subject\":\"s\"}"),
        HTTP_JSON("404 Not Found", "{\"error_code\":40401}"), HTTP_JSON("404 Not Found", "{\"error_code\":40403}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_lookup(registry, "s", "\"string\"", &schema, &found, NULL), 0);
    ck_assert(found);
    ck_assert_uint_eq(schema.id, 9);
    ck_assert_int_eq(schema.version, 3);
    ck_assert_str_eq(schema.schema, "\"string\"");
    weft_registry_schema_clear(&schema);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_registry_lookup(registry, "t", "\"string\"", &schema, &found, NULL), 0);
        ck_assert(!found);
    }
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(an_id_that_the_registry_does_not_know_is_an_answer_and_kept_for_a_moment)
{
    const char *text = "";
    struct http_stub *stub = http_stub_start(ANSWERS(UNKNOWN_ID));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
        ck_assert_ptr_null(text);
    }
    ck_assert_uint_eq(http_stub_count(stub), 1);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(an_id_beyond_what_registries_count_is_unknown_without_asking)
{
    const char *text = "";
    struct weft_registry *registry = registry_at("http://127.0.0.1:1");
    ck_assert_int_eq(weft_registry_by_id(registry, UINT32_MAX, &text, NULL), 0);
    ck_assert_ptr_null(text);
    weft_registry_destroy(registry);
}
END_TEST

START_TEST(an_incompatible_schema_is_a_conflict)
{
    uint32_t id;
    struct weft_error err = {0};
    struct http_stub *stub =
        http_stub_start(ANSWERS(HTTP_JSON("409 Conflict", "{\"error_code\":409,\"message\":\"no default\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register(registry, "s", "\"int\"", &id, &err), -1);
    assert_error(err, WEFT_ERROR_CONFLICT, "no default");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_conflict_with_the_same_schema_is_none)
{
    uint32_t id = 0;
    struct http_stub *stub = http_stub_start(
        ANSWERS(HTTP_JSON("409 Conflict", "{\"error_code\":409,\"message\":\"already exists\"}"),
                HTTP_JSON("200 OK", "{\"subject\":\"s\",\"id\":7,\"version\":1,\"schema\":\"\\\"int\\\"\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register(registry, "s", "\"int\"", &id, NULL), 0);
    ck_assert_uint_eq(id, 7);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(what_is_not_json_is_not_sent)
{
    uint32_t id;
    struct weft_error err = {0};
    struct weft_registry *registry = registry_at("http://127.0.0.1:1");
    ck_assert_int_eq(weft_registry_register(registry, "s", "{\n\"type\": rec}", &id, &err), -1);
    assert_error(err, WEFT_ERROR_CONFIG, "not JSON: line 2");
    weft_registry_destroy(registry);
}
END_TEST

#define LEVEL(level) HTTP_JSON("200 OK", "{\"compatibilityLevel\":\"" level "\"}")

START_TEST(compatibility_is_asked_for_and_an_unknown_subject_takes_any_schema)
{
    enum weft_registry_verdict verdict;
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"is_compatible\":false,\"messages\":[]}"),
                                                     LEVEL("BACKWARD"), HTTP_JSON("200 OK", "{\"is_compatible\":true}"),
                                                     HTTP_JSON("404 Not Found", "{\"error_code\":40402}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    const enum weft_registry_verdict verdicts[] = {WEFT_REGISTRY_INCOMPATIBLE, WEFT_REGISTRY_COMPATIBLE,
                                                   WEFT_REGISTRY_COMPATIBLE};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(weft_registry_compatible(registry, "s", "\"int\"", NULL, 0, &verdict, NULL), 0);
        ck_assert_int_eq(verdict, verdicts[i]);
    }
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(where_no_level_is_set_at_all_any_schema_is_compatible)
{
    enum weft_registry_verdict verdict;
    struct http_stub *stub =
        http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"is_compatible\":false}"), LEVEL("NONE"), LEVEL("NONE")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_compatible(registry, "s", "\"int\"", NULL, 0, &verdict, NULL), 0);
    ck_assert_int_eq(verdict, WEFT_REGISTRY_COMPATIBLE);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_registry_that_cannot_judge_a_schema_with_references_gives_no_verdict)
{
    enum weft_registry_verdict verdict;
    struct weft_error err = {0};
    const struct weft_registry_reference reference = {.name = "Point", .subject = "point", .version = 3};
    const char *invalid = HTTP_JSON("422 Unprocessable Entity", "{\"error_code\":42201,\"message\":\"no Avro\"}");
    struct http_stub *stub = http_stub_start(ANSWERS(invalid, invalid));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_compatible(registry, "s", "\"Point\"", &reference, 1, &verdict, NULL), 0);
    ck_assert_int_eq(verdict, WEFT_REGISTRY_UNJUDGED);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "\"references\":[{"));
    ck_assert_int_eq(weft_registry_compatible(registry, "s", "\"Point\"", NULL, 0, &verdict, &err), -1);
    assert_error(err, WEFT_ERROR_CONFIG, "no Avro");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_schema_that_is_not_avro_is_not_registered)
{
    uint32_t id;
    struct weft_error err = {0};
    struct http_stub *stub = http_stub_start(
        ANSWERS(HTTP_JSON("422 Unprocessable Entity", "{\"error_code\":42201,\"message\":\"no Avro\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register(registry, "s", "{\"type\":\"record\"}", &id, &err), -1);
    assert_error(err, WEFT_ERROR_CONFIG, "does not accept this (status 422): no Avro");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_schema_with_references_is_looked_up_with_them)
{
    bool found;
    struct weft_registry_schema schema;
    const struct weft_registry_reference reference = {.name = "Point", .subject = "point", .version = 3};
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_JSON("404 Not Found", "{\"error_code\":40403}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_lookup_with(registry, "s", "\"Point\"", &reference, 1, &schema, &found, NULL), 0);
    ck_assert(!found);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0),
                                 "\"references\":[{\"name\":\"Point\",\"subject\":\"point\",\"version\":3}]"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(the_same_text_with_other_references_is_another_schema)
{
    uint32_t id;
    const struct weft_registry_reference first = {"Point", "point", 1}, second = {"Point", "point", 2};
    struct http_stub *stub =
        http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"id\":1}"), HTTP_JSON("200 OK", "{\"id\":2}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register_with(registry, "s", "\"Point\"", &first, 1, &id, NULL), 0);
    ck_assert_int_eq(weft_registry_register_with(registry, "s", "\"Point\"", &second, 1, &id, NULL), 0);
    ck_assert_uint_eq(id, 2);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(the_level_in_force_is_the_global_one_where_the_subject_has_none)
{
    char level[WEFT_REGISTRY_LEVEL_SIZE];
    struct http_stub *stub = http_stub_start(
        ANSWERS(LEVEL("FULL"), HTTP_JSON("404 Not Found", "{\"error_code\":40408}"), LEVEL("BACKWARD")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_effective_compatibility(registry, "s", level, NULL), 0);
    ck_assert_str_eq(level, "FULL");
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "GET /config/s?defaultToGlobal=true HTTP"));
    ck_assert_int_eq(weft_registry_effective_compatibility(registry, "s", level, NULL), 0);
    ck_assert_str_eq(level, "BACKWARD");
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 2), "GET /config HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_level_is_read_and_set)
{
    char level[WEFT_REGISTRY_LEVEL_SIZE];
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_JSON("200 OK", "{\"compatibilityLevel\":\"FULL\"}"),
                                                     HTTP_JSON("404 Not Found", "{\"error_code\":40408}"),
                                                     HTTP_JSON("200 OK", "{\"compatibility\":\"NONE\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_get_compatibility(registry, "s", level, NULL), 0);
    ck_assert_str_eq(level, "FULL");
    ck_assert_int_eq(weft_registry_get_compatibility(registry, "s", level, NULL), 0);
    ck_assert_str_eq(level, "");
    ck_assert_int_eq(weft_registry_set_compatibility(registry, "s", "NONE", NULL), 0);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 2), "PUT /config/s HTTP"));
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 2), "\r\n\r\n{\"compatibility\":\"NONE\"}"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

static void *ask_often(void *context)
{
    const char *text;
    for (uint32_t i = 0; i < 200; i++)
        if (weft_registry_by_id(context, i % 4, &text, NULL) != 0 || !text || strcmp(text, "\"string\"") != 0)
            return "wrong";
    return NULL;
}

START_TEST(threads_share_a_client)
{
    const char *answers[33] = {NULL};
    for (size_t i = 0; i < 32; i++)
        answers[i] = SCHEMA_STRING;
    struct http_stub *stub = http_stub_start(answers);
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    pthread_t threads[4];
    void *fault;
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, registry), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &fault);
        ck_assert_ptr_null(fault);
    }
    ck_assert_uint_le(http_stub_count(stub), 16);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_guid_is_asked_for_as_its_text_and_kept)
{
    const uint8_t guid[] = {0x89, 0x79, 0x1c, 0x4b, 0x00, 0x01, 0x02, 0x03,
                            0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0xab, 0xff};
    const char *text;
    struct http_stub *stub = http_stub_start(ANSWERS(SCHEMA_STRING));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_registry_by_guid(registry, guid, &text, NULL), 0);
        ck_assert_str_eq(text, "\"string\"");
    }
    ck_assert_ptr_nonnull(
        strstr(http_stub_request(stub, 0), "GET /schemas/guids/89791c4b-0001-0203-0405-06070809abff HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(normalisation_is_asked_for_where_it_is_wanted)
{
    uint32_t id;
    bool found;
    struct weft_registry_schema schema;
    struct http_stub *stub = http_stub_start(
        ANSWERS(HTTP_JSON("200 OK", "{\"id\":1}"), HTTP_JSON("404 Not Found", "{\"error_code\":40403}")));
    struct weft_registry_config config = {.url = http_stub_url(stub), .normalize = true};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_register(registry, "s", "\"int\"", &id, NULL), 0);
    ck_assert_int_eq(weft_registry_lookup(registry, "t", "\"int\"", &schema, &found, NULL), 0);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "POST /subjects/s/versions?normalize=true HTTP"));
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 1), "POST /subjects/t?normalize=true HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_schema_with_references_is_registered_with_them_and_fetched_whole)
{
    uint32_t id;
    const char *text;
    const struct weft_registry_reference reference = {.name = "Point", .subject = "point", .version = 3};
    struct http_stub *stub = http_stub_start(ANSWERS(
        HTTP_JSON("200 OK", "{\"id\":1}"),
        HTTP_JSON("200 OK", "{\"schema\":\"[\\\"null\\\",\\\"Point\\\"]\",\"references\":[{\"name\":\"Point\","
                            "\"subject\":\"point\",\"version\":3}]}"),
        HTTP_JSON("200 OK", "{\"schema\":\"{\\\"type\\\":\\\"fixed\\\",\\\"name\\\":\\\"Point\\\",\\\"size\\\":2}"
                            "\",\"version\":3,\"id\":5}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_register_with(registry, "s", "[\"null\",\"Point\"]", &reference, 1, &id, NULL), 0);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0),
                                 "\"references\":[{\"name\":\"Point\",\"subject\":\"point\",\"version\":3}]"));
    ck_assert_int_eq(weft_registry_by_id(registry, 1, &text, NULL), 0);
    ck_assert_str_eq(text, "[\"null\",{\"type\":\"fixed\",\"name\":\"Point\",\"size\":2,\"namespace\":\"\"}]");
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 2), "GET /subjects/point/versions/3?deleted=true HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

/* Each schema refers to the next: the registry would be asked for ever. */
START_TEST(references_without_end_are_given_up)
{
    static char answers[100][256];
    const char *list[101] = {0}, *text;
    struct weft_error err = {0};
    for (int i = 0; i < 100; i++) {
        snprintf(answers[i], sizeof answers[i],
                 "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"schema\":\"\\\"N%d\\\"\",\"references\":[{\"name\":"
                 "\"N%d\",\"subject\":\"s\",\"version\":1}]}",
                 i, i);
        list[i] = answers[i];
    }
    struct http_stub *stub = http_stub_start(list);
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_id(registry, 1, &text, &err), -1);
    assert_error(err, WEFT_ERROR_CORRUPT, "refers to more than 64 others");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(subjects_and_versions_are_listed)
{
    struct weft_registry_subjects subjects;
    int *versions;
    size_t count;
    struct http_stub *stub =
        http_stub_start(ANSWERS(HTTP_JSON("200 OK", "[\"b\",\"a\"]"), HTTP_JSON("200 OK", "[1,4]"),
                                HTTP_JSON("404 Not Found", "{\"error_code\":40401}"), HTTP_JSON("200 OK", "[\"x\"]")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_subjects(registry, &subjects, NULL), 0);
    ck_assert_uint_eq(subjects.count, 2);
    ck_assert_str_eq(subjects.names[0], "a");
    weft_registry_subjects_clear(&subjects);
    ck_assert_int_eq(weft_registry_versions(registry, "a", &versions, &count, NULL), 0);
    ck_assert(count == 2 && versions[1] == 4);
    free(versions);
    ck_assert_int_eq(weft_registry_versions(registry, "a", &versions, &count, NULL), 0);
    ck_assert_uint_eq(count, 0);
    free(versions);
    ck_assert_int_eq(weft_registry_versions(registry, "a", &versions, &count, NULL), -1);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_version_is_deleted_and_what_others_need_is_kept)
{
    bool found;
    struct weft_error err = {0};
    struct http_stub *stub = http_stub_start(
        ANSWERS(HTTP_JSON("200 OK", "2"), HTTP_JSON("404 Not Found", "{\"error_code\":40401}"),
                HTTP_JSON("422 Unprocessable Entity", "{\"error_code\":42206,\"message\":\"referenced\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_delete(registry, "s", 2, true, &found, NULL), 0);
    ck_assert(found);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "DELETE /subjects/s/versions/2?permanent=true HTTP"));
    ck_assert_int_eq(weft_registry_delete(registry, "s", 0, false, &found, NULL), 0);
    ck_assert(!found);
    ck_assert_int_eq(weft_registry_delete(registry, "s", 0, false, &found, &err), -1);
    assert_error(err, WEFT_ERROR_CONFLICT, "keeps this: referenced");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_registry_that_has_no_guids_knows_none)
{
    const uint8_t guid[16] = {1};
    const char *text = "", *no_path = HTTP_JSON("404 Not Found", "{\"error_code\":0,\"message\":\"no such path\"}");
    struct weft_error err = {0};
    struct http_stub *stub =
        http_stub_start(ANSWERS(no_path, HTTP_JSON("200 OK", "{\"compatibilityLevel\":\"FULL\"}")));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_guid(registry, guid, &text, NULL), 0);
    ck_assert_ptr_null(text);
    weft_registry_destroy(registry);
    http_stub_stop(stub);

    stub = http_stub_start(ANSWERS(no_path, no_path));
    registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_guid(registry, guid, &text, &err), -1);
    assert_error(err, WEFT_ERROR_CONFIG, "is this a schema registry?");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

SUITE("registry", TEST(a_schema_is_registered_without_white_space_and_its_id_kept),
      TEST(the_same_schema_under_another_subject_is_registered_there_too), TEST(a_subject_is_escaped_in_the_path),
      TEST(a_known_schema_is_found_and_an_unknown_one_is_not),
      TEST(an_id_that_the_registry_does_not_know_is_an_answer_and_kept_for_a_moment),
      TEST(an_id_beyond_what_registries_count_is_unknown_without_asking), TEST(an_incompatible_schema_is_a_conflict),
      TEST(a_conflict_with_the_same_schema_is_none), TEST(what_is_not_json_is_not_sent),
      TEST(compatibility_is_asked_for_and_an_unknown_subject_takes_any_schema),
      TEST(where_no_level_is_set_at_all_any_schema_is_compatible),
      TEST(a_registry_that_cannot_judge_a_schema_with_references_gives_no_verdict),
      TEST(a_schema_that_is_not_avro_is_not_registered), TEST(a_schema_with_references_is_looked_up_with_them),
      TEST(the_same_text_with_other_references_is_another_schema),
      TEST(the_level_in_force_is_the_global_one_where_the_subject_has_none), TEST(a_level_is_read_and_set),
      TEST(threads_share_a_client), TEST(a_guid_is_asked_for_as_its_text_and_kept),
      TEST(normalisation_is_asked_for_where_it_is_wanted),
      TEST(a_schema_with_references_is_registered_with_them_and_fetched_whole),
      TEST(references_without_end_are_given_up), TEST(subjects_and_versions_are_listed),
      TEST(a_version_is_deleted_and_what_others_need_is_kept), TEST(a_registry_that_has_no_guids_knows_none))
