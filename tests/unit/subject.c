#include "schemas/subject.h"

#include <string.h>

#include "support/http_stub.h"
#include "support/suite.h"

#define NOT_THERE HTTP_JSON("404 Not Found", "{\"error_code\":40403,\"message\":\"Schema not found\"}")
#define NO_SUBJECT HTTP_JSON("404 Not Found", "{\"error_code\":40401,\"message\":\"Subject not found\"}")

/* Asks for the schema "int" of topic t, with these answers from the registry. */
static int ask_so(const char *const *answers, bool use_latest, bool may_register, uint32_t *id, struct weft_error *err)
{
    struct http_stub *stub = http_stub_start(answers);
    struct weft_registry_config config = {
        .url = http_stub_url(stub), .retries = -1, .timeout_ms = 20000, .use_latest = use_latest};
    struct weft_registry *registry = weft_registry_new(&config, err);
    int result = weft_subject_schema_id(registry, "t", "\"int\"", may_register, id, err);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
    return result;
}

static int ask(const char *const *answers, bool may_register, uint32_t *id, struct weft_error *err)
{
    return ask_so(answers, false, may_register, id, err);
}

START_TEST(a_schema_that_is_there_is_found)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {
        HTTP_JSON("200 OK", "{\"subject\":\"t-value\",\"id\":7,\"version\":1,\"schema\":\"\\\"int\\\"\"}"), NULL};
    ck_assert_int_eq(ask(answers, false, &id, &err), 0);
    ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(a_schema_that_was_registered_in_another_layout_is_found_as_the_latest)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {
        NOT_THERE, HTTP_JSON("200 OK", "{\"subject\":\"t-value\",\"id\":8,\"version\":2,\"schema\":\" \\\"int\\\" \"}"),
        NULL};
    ck_assert_int_eq(ask(answers, false, &id, &err), 0);
    ck_assert_uint_eq(id, 8);
}
END_TEST

START_TEST(a_missing_schema_is_registered_where_that_is_allowed)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {NO_SUBJECT, NO_SUBJECT, HTTP_JSON("200 OK", "{\"id\":9}"), NULL};
    ck_assert_msg(ask(answers, true, &id, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(id, 9);
}
END_TEST

START_TEST(a_schema_that_another_instance_registers_meanwhile_is_found)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {
        NO_SUBJECT, NO_SUBJECT, HTTP_JSON("409 Conflict", "{\"error_code\":409,\"message\":\"already exists\"}"),
        HTTP_JSON("200 OK", "{\"subject\":\"t-value\",\"id\":7,\"version\":1,\"schema\":\"\\\"int\\\"\"}"), NULL};
    ck_assert_msg(ask(answers, true, &id, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(a_missing_schema_is_an_error_where_it_must_not_be_registered)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {NO_SUBJECT, NO_SUBJECT, NULL};
    ck_assert_int_eq(ask(answers, false, &id, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "does not have weft's schema under t-value"));
}
END_TEST

START_TEST(another_latest_schema_is_not_ours)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *answers[] = {
        NOT_THERE, HTTP_JSON("200 OK", "{\"subject\":\"t-value\",\"id\":8,\"version\":2,\"schema\":\"\\\"long\\\"\"}"),
        NULL};
    ck_assert_int_eq(ask(answers, false, &id, &err), -1);
}
END_TEST

START_TEST(schemas_are_the_same_whatever_their_layout)
{
    ck_assert(
        weft_schema_same("{\"type\": \"array\",\n \"items\": \"int\"}", "{\"items\":\"int\",\"type\":\"array\"}"));
    ck_assert(!weft_schema_same("\"int\"", "\"long\""));
    ck_assert(!weft_schema_same("not json", "not json"));
}
END_TEST

START_TEST(a_strategy_names_the_subject_after_the_topic_or_the_record_or_both)
{
    const char *record = "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[]}";
    const char *names[] = {"t-value", "n.R", "t-n.R"};
    for (int i = WEFT_SUBJECT_TOPIC; i <= WEFT_SUBJECT_TOPIC_RECORD; i++) {
        char subject[WEFT_SUBJECT_SIZE];
        struct weft_error err = {0};
        struct weft_registry_config config = {.url = "http://127.0.0.1:1", .strategy = (enum weft_subject_strategy)i};
        struct weft_registry *registry = weft_registry_new(&config, NULL);
        ck_assert_int_eq(weft_subject_name(registry, "t", record, subject, &err), 0);
        ck_assert_str_eq(subject, names[i]);
        ck_assert_int_eq(weft_subject_name(registry, "t", "\"int\"", subject, &err), i == WEFT_SUBJECT_TOPIC ? 0 : -1);
        weft_registry_destroy(registry);
    }
}
END_TEST

START_TEST(the_latest_version_is_used_where_that_is_wanted_and_it_is_encoded_as_ours_is)
{
    uint32_t id = 0;
    struct weft_error err = {0};
    const char *same[] = {
        HTTP_JSON("200 OK", "{\"id\":8,\"version\":2,\"schema\":\"{\\\"type\\\":\\\"int\\\",\\\"unit\\\":1}\"}"), NULL};
    const char *other[] = {HTTP_JSON("200 OK", "{\"id\":8,\"version\":2,\"schema\":\"\\\"long\\\"\"}"), NULL};
    ck_assert_msg(ask_so(same, true, false, &id, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(id, 8);
    ck_assert_int_eq(ask_so(other, true, true, &id, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFLICT);
}
END_TEST

SUITE("subject", TEST(a_schema_that_is_there_is_found),
      TEST(a_schema_that_was_registered_in_another_layout_is_found_as_the_latest),
      TEST(a_missing_schema_is_registered_where_that_is_allowed),
      TEST(a_schema_that_another_instance_registers_meanwhile_is_found),
      TEST(a_missing_schema_is_an_error_where_it_must_not_be_registered), TEST(another_latest_schema_is_not_ours),
      TEST(schemas_are_the_same_whatever_their_layout),
      TEST(a_strategy_names_the_subject_after_the_topic_or_the_record_or_both),
      TEST(the_latest_version_is_used_where_that_is_wanted_and_it_is_encoded_as_ours_is))
