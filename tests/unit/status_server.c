#include "base/status_server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/suite.h"

static void write_metrics(struct weft_metrics_page *page, void *arg)
{
    (void)arg;
    weft_metric_sample(weft_metrics_family(page, "m", WEFT_METRIC_GAUGE, "Of m."), NULL, 7);
}

static bool healthy(char *reason, void *arg)
{
    (void)reason;
    (void)arg;
    return true;
}

static bool ready(char *reason, void *arg)
{
    const char *why = arg;
    snprintf(reason, WEFT_STATUS_REASON_SIZE, "%s", why);
    return why[0] == '\0';
}

static json_t *info(void *arg)
{
    (void)arg;
    return json_pack("{s:s}", "program", "test");
}

/* why not ready: "" for ready. */
static struct weft_status_server *start(const char *address, const char *why)
{
    static char reason[64];
    struct weft_error err = {0};
    snprintf(reason, sizeof reason, "%s", why);
    const struct weft_status_source source = {
        .metrics = write_metrics, .healthy = healthy, .ready = ready, .info = info, .arg = reason};
    struct weft_status_server *server = weft_status_server_start(address, &source, NULL, &err);
    ck_assert_msg(server != NULL, "%s", err.message);
    return server;
}

static int connect_to(const struct weft_status_server *server)
{
    const char *port = strrchr(weft_status_server_url(server), ':') + 1;
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Sends a request's first line and gives the whole answer, in a static buffer. */
static const char *ask(const struct weft_status_server *server, const char *line)
{
    static char answer[8192];
    size_t size = 0;
    int fd = connect_to(server);
    ck_assert_int_gt(dprintf(fd, "%s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", line), 0);
    for (ssize_t n; (n = read(fd, answer + size, sizeof answer - 1 - size)) > 0;)
        size += (size_t)n;
    close(fd);
    answer[size] = '\0';
    return answer;
}

static void assert_answer(const struct weft_status_server *server, const char *line, const char *status,
                          const char *body)
{
    const char *answer = ask(server, line);
    ck_assert_msg(strncmp(answer + strlen("HTTP/1.1 "), status, 3) == 0, "%s: %s", line, answer);
    const char *found = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found + 4, body);
}

START_TEST(the_four_pages_are_answered_at_a_free_port)
{
    struct weft_status_server *server = start("0", "");
    ck_assert_int_eq(strncmp(weft_status_server_url(server), "http://127.0.0.1:", 17), 0);
    assert_answer(server, "GET /metrics", "200", "# HELP m Of m.\n# TYPE m gauge\nm 7\n");
    ck_assert_ptr_nonnull(strstr(ask(server, "GET /metrics"), "text/plain; version=0.0.4"));
    assert_answer(server, "GET /healthz", "200", "ok\n");
    assert_answer(server, "GET /readyz", "200", "ok\n");
    assert_answer(server, "GET /info", "200", "{\n  \"program\": \"test\"\n}\n");
    ck_assert_ptr_nonnull(strstr(ask(server, "GET /info"), "application/json"));
    weft_status_server_stop(server);
}
END_TEST

START_TEST(who_is_not_ready_says_why_with_503)
{
    struct weft_status_server *server = start("127.0.0.1:0", "joining");
    assert_answer(server, "GET /readyz", "503", "joining\n");
    assert_answer(server, "GET /healthz", "200", "ok\n");
    weft_status_server_stop(server);
}
END_TEST

START_TEST(other_pages_and_methods_are_refused)
{
    struct weft_status_server *server = start("localhost:0", "");
    assert_answer(server, "GET /metrics/", "404", "there are /metrics, /healthz, /readyz and /info\n");
    assert_answer(server, "DELETE /metrics", "405", "only GET and HEAD are answered here\n");
    assert_answer(server, "HEAD /metrics", "200", "");
    weft_status_server_stop(server);
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error_that_says_so)
{
    struct weft_status_server *server = start("0", "");
    struct weft_error err = {0};
    const struct weft_status_source source = {0};
    const char *address = weft_status_server_url(server) + strlen("http://");
    ck_assert_ptr_null(weft_status_server_start(address, &source, NULL, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, address));
    ck_assert_ptr_nonnull(strstr(err.message, "Choose another port"));
    weft_status_server_stop(server);
}
END_TEST

START_TEST(what_is_no_address_is_an_error_that_says_what_one_is)
{
    static const char *const wrong[] = {"",        ":9464",           "localhost", "localhost:", "localhost:http",
                                        "1:2:3:4", "127.0.0.1:65536", "::1:9464",  "[]:9464",    "9464 "};
    const struct weft_status_source source = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error err = {0};
        ck_assert_ptr_null(weft_status_server_start(wrong[i], &source, NULL, &err));
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
        ck_assert_ptr_nonnull(strstr(err.message, "HOST:PORT"));
    }
}
END_TEST

START_TEST(an_ipv6_address_stands_in_brackets)
{
    struct weft_error err = {0};
    const struct weft_status_source source = {0};
    struct weft_status_server *server = weft_status_server_start("[::1]:0", &source, NULL, &err);
    /* A machine without IPv6 has no such address. */
    if (!server)
        ck_assert_ptr_nonnull(strstr(err.message, "Cannot assign requested address"));
    else
        ck_assert_int_eq(strncmp(weft_status_server_url(server), "http://[::1]:", 13), 0);
    weft_status_server_stop(server);
}
END_TEST

START_TEST(clients_that_say_nothing_do_not_keep_it_from_stopping)
{
    int idle[8];
    struct weft_status_server *server = start("0", "");
    for (size_t i = 0; i < 8; i++)
        idle[i] = connect_to(server);
    assert_answer(server, "GET /healthz", "200", "ok\n");
    weft_status_server_stop(server);
    for (size_t i = 0; i < 8; i++)
        close(idle[i]);
}
END_TEST

SUITE("status_server", TEST(the_four_pages_are_answered_at_a_free_port), TEST(who_is_not_ready_says_why_with_503),
      TEST(other_pages_and_methods_are_refused), TEST(a_port_that_is_taken_is_an_error_that_says_so),
      TEST(what_is_no_address_is_an_error_that_says_what_one_is), TEST(an_ipv6_address_stands_in_brackets),
      TEST(clients_that_say_nothing_do_not_keep_it_from_stopping))
