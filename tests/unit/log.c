#include "base/log.h"

#include <jansson.h>
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

SUITE("log", TEST(a_line_names_time_level_event_and_message), TEST(a_message_from_outside_cannot_forge_a_line),
      TEST(json_lines_are_json_whatever_the_message))
