#include "base/log.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

/* Logs one event and gives the line. */
static void log_line(enum weft_log_format format, const char *message, char *line, size_t size)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct weft_log *log = weft_log_new(ends[1], WEFT_LOG_INFO, format);
    weft_log(log, WEFT_LOG_DEBUG, "not.this", "below the level");
    weft_log(log, WEFT_LOG_WARN, "test.event", "%s", message);
    weft_log_destroy(log);
    close(ends[1]);
    ssize_t n = read(ends[0], line, size - 1);
    close(ends[0]);
    ck_assert_int_gt(n, 0);
    line[n] = '\0';
}

START_TEST(a_line_names_time_level_event_and_message)
{
    char line[512];
    log_line(WEFT_LOG_LOGFMT, "worker 3 is here", line, sizeof line);
    ck_assert_str_eq(strstr(line, " level="), " level=warn event=test.event msg=\"worker 3 is here\"\n");
    ck_assert_int_eq(strncmp(line, "time=2", 6), 0);
}
END_TEST

START_TEST(a_message_from_outside_cannot_forge_a_line)
{
    char line[512];
    log_line(WEFT_LOG_LOGFMT, "a\nlevel=error msg=\"b\"", line, sizeof line);
    ck_assert_ptr_nonnull(strstr(line, "msg=\"a\\nlevel=error msg=\\\"b\\\"\""));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(json_lines_are_json_whatever_the_message)
{
    char line[4096], message[3000];
    memset(message, '"', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    log_line(WEFT_LOG_JSON, message, line, sizeof line);
    json_t *parsed = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(parsed);
    ck_assert_str_eq(json_string_value(json_object_get(parsed, "event")), "test.event");
    json_decref(parsed);
    log_line(WEFT_LOG_JSON, "tab\t bell\a", line, sizeof line);
    parsed = json_loads(line, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(parsed, "msg")), "tab\t bell\a");
    json_decref(parsed);
}
END_TEST

/* All that log writes to its pipe until it is destroyed; text has room for it. */
static void read_log(struct weft_log *log, int ends[2], char *text, size_t size)
{
    weft_log_destroy(log);
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(ends[0], text + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    close(ends[0]);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

START_TEST(of_an_event_that_comes_too_often_only_a_count_is_written)
{
    static char text[65536];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct weft_log *log = weft_log_new(ends[1], WEFT_LOG_INFO, WEFT_LOG_LOGFMT);
    for (int i = 0; i < 1000; i++)
        weft_log(log, WEFT_LOG_WARN, "test.often", "again");
    weft_log(log, WEFT_LOG_WARN, "test.other", "another event has its own measure");
    read_log(log, ends, text, sizeof text);
    /* One more for each second that this took. */
    size_t written = count(text, "event=test.often"), told = 0;
    ck_assert_uint_ge(written, 50);
    ck_assert_uint_lt(written, 1000);
    ck_assert_uint_eq(count(text, "event=test.other"), 1);
    for (const char *at = text; (at = strstr(at, "event=log.suppressed msg=\"")); at++)
        told += strtoul(at + strlen("event=log.suppressed msg=\""), NULL, 10);
    ck_assert_uint_eq(written + told, 1000);
}
END_TEST

START_TEST(who_debugs_sees_every_line)
{
    static char text[65536];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct weft_log *log = weft_log_new(ends[1], WEFT_LOG_DEBUG, WEFT_LOG_LOGFMT);
    for (int i = 0; i < 200; i++)
        weft_log(log, WEFT_LOG_DEBUG, "test.often", "again");
    read_log(log, ends, text, sizeof text);
    ck_assert_uint_eq(count(text, "event=test.often"), 200);
}
END_TEST

START_TEST(bytes_that_are_no_text_do_not_break_the_line)
{
    char line[512];
    log_line(WEFT_LOG_JSON, "topic \xff\xc3", line, sizeof line);
    json_t *parsed = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(parsed);
    ck_assert_str_eq(json_string_value(json_object_get(parsed, "msg")), "topic ??");
    json_decref(parsed);
}
END_TEST

SUITE("log", TEST(a_line_names_time_level_event_and_message), TEST(a_message_from_outside_cannot_forge_a_line),
      TEST(json_lines_are_json_whatever_the_message), TEST(of_an_event_that_comes_too_often_only_a_count_is_written),
      TEST(who_debugs_sees_every_line), TEST(bytes_that_are_no_text_do_not_break_the_line))
