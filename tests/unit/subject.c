#include "schemas/subject.h"

#include <string.h>

#include "support/http_stub.h"
#include "support/suite.h"

#define NOT_THERE HTTP_JSON("404 Not Found", "{\"error_code\":40403,\"message\":\"Schema not found\"}")
#define NO_SUBJECT HTTP_JSON("404 Not Found", "{\"error_code\":40401,\"message\":\"Subject not found\"}")

/* Asks for the schema "int" of topic t, with these answers from the registry. */
static int ask(const char *const *answers, bool may_register, uint32_t *id, struct weft_error *err)
{
    struct http_stub *stub = http_stub_start(answers);
    struct weft_registry_config config = {.url = http_stub_url(stub), .retries = -1, .timeout_ms = 20000};
    struct weft_registry *registry = weft_registry_new(&config, err);
    int result = weft_subject_schema_id(registry, "t", "\"int\"", may_register, id, err);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
    return result;
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

SUITE("subject", TEST(a_schema_that_is_there_is_found),
      TEST(a_schema_that_was_registered_in_another_layout_is_found_as_the_latest),
      TEST(a_missing_schema_is_registered_where_that_is_allowed),
      TEST(a_schema_that_another_instance_registers_meanwhile_is_found),
      TEST(a_missing_schema_is_an_error_where_it_must_not_be_registered), TEST(another_latest_schema_is_not_ours),
      TEST(schemas_are_the_same_whatever_their_layout))
