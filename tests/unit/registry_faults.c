#include "schemas/registry.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/http.h"
#include "support/http_stub.h"
#include "support/registry_fixture.h"
#include "support/suite.h"

#define UNKNOWN_ID HTTP_JSON("404 Not Found", "{\"error_code\":40403,\"message\":\"Schema 7 not found\"}")
#define SCHEMA_STRING HTTP_JSON("200 OK", "{\"schema\":\"\\\"string\\\"\"}")
/* base64 of "user:s3cret" */
#define AUTHORIZATION "Authorization: Basic dXNlcjpzM2NyZXQ="

START_TEST(a_known_id_works_while_the_registry_is_away)
{
    const char *first, *second;
    struct weft_error err = {0};
    struct http_stub *stub = http_stub_start(ANSWERS(SCHEMA_STRING));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &first, NULL), 0);
    ck_assert_str_eq(first, "\"string\"");
    http_stub_close(stub);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &second, NULL), 0);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(weft_registry_by_id(registry, 8, &second, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_UNAVAILABLE);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(html_is_no_answer_of_a_registry)
{
    assert_error(error_for(HTTP_ANSWER("200 OK", "text/html", "<html>hello</html>")), WEFT_ERROR_CONFIG,
                 "answered with text/html (status 200), is this a schema registry? check schema.registry.url");
    assert_error(error_for(HTTP_ANSWER("404 Not Found", "text/html", "<html>not here</html>")), WEFT_ERROR_CONFIG,
                 "is this a schema registry?");
}
END_TEST

START_TEST(a_wrong_path_is_not_taken_for_an_unknown_id)
{
    assert_error(error_for(HTTP_JSON("404 Not Found", "{\"error_code\":0,\"message\":\"no such path\"}")),
                 WEFT_ERROR_CONFIG, "no such path");
    assert_error(error_for(HTTP_ANSWER("404 Not Found", "text/plain", "")), WEFT_ERROR_CONFIG, "schema.registry.url");
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
    assert_error(error_for("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
                 WEFT_ERROR_CONFIG, "redirect");
}
END_TEST

START_TEST(wrong_credentials_are_refused)
{
    assert_error(error_for(HTTP_JSON("401 Unauthorized", "{\"error_code\":401,\"message\":\"who\\nare you\"}")),
                 WEFT_ERROR_REFUSED, "refuses the credentials (status 401): who are you");
    assert_error(error_for(HTTP_ANSWER("403 Forbidden", "text/html", "<html>")), WEFT_ERROR_REFUSED, "rights");
}
END_TEST

START_TEST(half_an_answer_is_none)
{
    assert_error(error_for("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"schema\":"), WEFT_ERROR_UNAVAILABLE,
                 "http://127.0.0.1");
    assert_error(error_for(HTTP_JSON("200 OK", "{\"schema\":")), WEFT_ERROR_CONFIG, "is this a schema registry?");
    assert_error(error_for(""), WEFT_ERROR_UNAVAILABLE, "http://127.0.0.1");
}
END_TEST

START_TEST(an_answer_longer_than_the_cap_is_cut_off)
{
    static char junk[10 * WEFT_HTTP_BODY_MAX];
    memset(junk, 'x', sizeof junk - 1);
    memcpy(junk, "HTTP/1.1 200 OK\r\n\r\n", 19);
    assert_error(error_for(junk), WEFT_ERROR_CONFIG, "more than 1048576 bytes");
}
END_TEST

START_TEST(json_without_what_was_asked_for_is_an_error)
{
    assert_error(error_for(HTTP_JSON("200 OK", "{}")), WEFT_ERROR_CONFIG, "\"schema\"");
    assert_error(error_for(HTTP_JSON("200 OK", "[]")), WEFT_ERROR_CONFIG, "is this a schema registry?");
    assert_error(error_for(HTTP_JSON("200 OK", "{\"schemaType\":\"PROTOBUF\",\"schema\":\"x\"}")), WEFT_ERROR_CORRUPT,
                 "PROTOBUF, not Avro");
}
END_TEST

START_TEST(after_a_500_the_question_is_asked_again)
{
    const char *text;
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_ANSWER("500 Internal Server Error", "text/html", "<p>"),
                                                     HTTP_JSON("429 Too Many Requests", "{}"), SCHEMA_STRING));
    struct weft_registry_config config = {.url = http_stub_url(stub), .retries = 2};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
    ck_assert_str_eq(text, "\"string\"");
    ck_assert_uint_eq(http_stub_count(stub), 3);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_500_for_ever_is_unavailable_after_the_rounds_that_were_allowed)
{
    const char *text, *error_500 = HTTP_JSON("500 Internal Server Error", "{\"error_code\":50001}");
    struct weft_error err = {0};
    struct http_stub *stub = http_stub_start(ANSWERS(error_500, error_500, error_500));
    struct weft_registry_config config = {.url = http_stub_url(stub), .retries = 1};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, &err), -1);
    assert_error(err, WEFT_ERROR_UNAVAILABLE, "status 500");
    ck_assert_uint_eq(http_stub_count(stub), 2);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(the_second_url_answers_when_the_first_is_away_and_is_preferred_then)
{
    const char *text;
    char urls[256];
    struct http_stub *away = http_stub_start(ANSWERS(HTTP_JSON("503 Service Unavailable", "{}")));
    struct http_stub *here = http_stub_start(ANSWERS(SCHEMA_STRING, UNKNOWN_ID));
    snprintf(urls, sizeof urls, "%s, %s/", http_stub_url(away), http_stub_url(here));
    struct weft_registry *registry = registry_at(urls);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
    ck_assert_str_eq(text, "\"string\"");
    ck_assert_int_eq(weft_registry_by_id(registry, 8, &text, NULL), 0);
    ck_assert_uint_eq(http_stub_count(away), 1);
    ck_assert_uint_eq(http_stub_count(here), 2);
    ck_assert_ptr_nonnull(strstr(http_stub_request(here, 1), "GET /schemas/ids/8 HTTP"));
    weft_registry_destroy(registry);
    http_stub_stop(away);
    http_stub_stop(here);
}
END_TEST

START_TEST(credentials_are_sent_wherever_they_stand)
{
    const char *text;
    struct http_stub *stub = http_stub_start(ANSWERS(UNKNOWN_ID, UNKNOWN_ID));
    char url[128];
    snprintf(url, sizeof url, "http://user:s3%%63ret@%s", http_stub_url(stub) + strlen("http://"));
    struct weft_registry_config configs[] = {{.url = url}, {.url = http_stub_url(stub), .basic_auth = "user:s3cret"}};
    for (size_t i = 0; i < 2; i++) {
        struct weft_registry *registry = weft_registry_new(&configs[i], NULL);
        ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
        ck_assert_msg(strstr(http_stub_request(stub, i), AUTHORIZATION), "%s", http_stub_request(stub, i));
        weft_registry_destroy(registry);
    }
    http_stub_stop(stub);
}
END_TEST

START_TEST(credentials_are_in_no_message)
{
    const char *urls[] = {"http://user:s3cret@127.0.0.1:1",
                          "http://user:s3cret@127.0.0.1:1/?x=1",
                          "https://user:s3cret@127.0.0.1:99999",
                          "ftp://user:s3cret@127.0.0.1",
                          "user:s3cret@127.0.0.1",
                          "http://user:s3 cret@127.0.0.1:1"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct weft_error err = {0};
        const char *text;
        struct weft_registry_config config = {.url = urls[i], .retries = -1};
        struct weft_registry *registry = weft_registry_new(&config, &err);
        ck_assert_int_eq(registry != NULL, i == 0);
        if (registry)
            ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, &err), -1);
        ck_assert_int_eq(err.class, i == 0 ? WEFT_ERROR_UNAVAILABLE : WEFT_ERROR_CONFIG);
        ck_assert_msg(!strstr(err.message, "s3") && !strstr(err.message, "user"), "%s", err.message);
        weft_registry_destroy(registry);
    }
}
END_TEST

START_TEST(no_url_at_all_is_an_error)
{
    struct weft_error err = {0};
    struct weft_registry_config config = {.url = " , "};
    ck_assert_ptr_null(weft_registry_new(&config, &err));
    assert_error(err, WEFT_ERROR_CONFIG, "schema.registry.url: no URL is given");
}
END_TEST

START_TEST(an_answer_that_drips_is_cut_off_by_the_time_limit)
{
    const char *text;
    struct weft_error err = {0};
    struct http_stub *stub = http_stub_start(ANSWERS(HTTP_DRIP SCHEMA_STRING));
    struct weft_registry_config config = {.url = http_stub_url(stub), .retries = -1, .timeout_ms = 200};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, &err), -1);
    assert_error(err, WEFT_ERROR_UNAVAILABLE, "timed out");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_server_that_says_when_to_come_back_is_left_alone_until_then)
{
    const char *text;
    struct http_stub *stub = http_stub_start(
        ANSWERS("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", SCHEMA_STRING));
    struct weft_registry_config config = {.url = http_stub_url(stub), .retries = 1, .wait_ms = 1};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    int64_t started_ms = weft_clock_ms();
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
    ck_assert_int_ge(weft_clock_ms() - started_ms, 990);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(what_the_registry_objects_to_in_one_id_is_a_fault_of_this_id)
{
    assert_error(error_for(HTTP_JSON("422 Unprocessable Entity", "{\"error_code\":42201,\"message\":\"no Avro\"}")),
                 WEFT_ERROR_CORRUPT, "no Avro");
    assert_error(error_for(HTTP_JSON("404 Not Found", "{\"error_code\":40402,\"message\":\"odd\"}")),
                 WEFT_ERROR_CORRUPT, "odd");
}
END_TEST

START_TEST(nonsense_from_a_registry_that_has_answered_before_passes)
{
    const char *text;
    struct weft_error err = {0};
    struct http_stub *stub =
        http_stub_start(ANSWERS(SCHEMA_STRING, HTTP_ANSWER("404 Not Found", "text/html", "<html>"), SCHEMA_STRING));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
    ck_assert_int_eq(weft_registry_by_id(registry, 8, &text, &err), -1);
    assert_error(err, WEFT_ERROR_UNAVAILABLE, "is this a schema registry?");
    ck_assert_int_eq(weft_registry_by_id(registry, 8, &text, NULL), 0);
    ck_assert_str_eq(text, "\"string\"");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_bearer_token_is_sent)
{
    const char *text;
    struct http_stub *stub = http_stub_start(ANSWERS(UNKNOWN_ID));
    struct weft_registry_config config = {.url = http_stub_url(stub), .bearer = "t0ken", .basic_auth = "a:b"};
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, NULL), 0);
    ck_assert_msg(strstr(http_stub_request(stub, 0), "Authorization: Bearer t0ken\r\n"), "%s",
                  http_stub_request(stub, 0));
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

START_TEST(a_certificate_of_ours_that_cannot_be_read_is_named_as_such)
{
    const char *text;
    struct weft_error err = {0};
    struct weft_registry_config config = {.url = "https://127.0.0.1:1", .cert_file = "/no/such.pem", .retries = -1};
    struct http_stub *stub = http_stub_start(ANSWERS("", ""));
    char url[64];
    snprintf(url, sizeof url, "https://%s", http_stub_url(stub) + strlen("http://"));
    config.url = url;
    struct weft_registry *registry = weft_registry_new(&config, NULL);
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, &err), -1);
    assert_error(err, WEFT_ERROR_CONFIG, "our certificate or key cannot be used");
    weft_registry_destroy(registry);
    http_stub_stop(stub);
}
END_TEST

SUITE("registry_faults", TEST(a_known_id_works_while_the_registry_is_away), TEST(html_is_no_answer_of_a_registry),
      TEST(a_wrong_path_is_not_taken_for_an_unknown_id), TEST(a_redirect_is_not_followed),
      TEST(wrong_credentials_are_refused), TEST(half_an_answer_is_none), TEST(an_answer_longer_than_the_cap_is_cut_off),
      TEST(json_without_what_was_asked_for_is_an_error), TEST(after_a_500_the_question_is_asked_again),
      TEST(a_500_for_ever_is_unavailable_after_the_rounds_that_were_allowed),
      TEST(the_second_url_answers_when_the_first_is_away_and_is_preferred_then),
      TEST(credentials_are_sent_wherever_they_stand), TEST(credentials_are_in_no_message),
      TEST(no_url_at_all_is_an_error), TEST(an_answer_that_drips_is_cut_off_by_the_time_limit),
      TEST(a_server_that_says_when_to_come_back_is_left_alone_until_then),
      TEST(what_the_registry_objects_to_in_one_id_is_a_fault_of_this_id),
      TEST(nonsense_from_a_registry_that_has_answered_before_passes), TEST(a_bearer_token_is_sent),
      TEST(a_certificate_of_ours_that_cannot_be_read_is_named_as_such))
