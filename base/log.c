#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

struct weft_log {
    int fd;
    enum weft_log_level level;
    enum weft_log_format format;
};

struct weft_log *weft_log_new(int fd, enum weft_log_level level, enum weft_log_format format)
{
    struct weft_log *log = malloc(sizeof *log);
    if (log)
        *log = (struct weft_log){.fd = fd, .level = level, .format = format};
    return log;
}

void weft_log_destroy(struct weft_log *log)
{
    free(log);
}

static const char *level_name(enum weft_log_level level)
{
    switch (level) {
    case WEFT_LOG_ERROR: return "error";
    case WEFT_LOG_WARN: return "warn";
    case WEFT_LOG_INFO: return "info";
    case WEFT_LOG_DEBUG: return "debug";
    }
    return "info";
}

/* Copies text as the inside of a quoted string; the escapes chosen are valid in logfmt and in JSON alike. Bytes that
 * are not ASCII are kept: messages are UTF-8. */
static void quote(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 7 < size; p++) {
        if (*p == '"' || *p == '\\')
            n += (size_t)snprintf(out + n, size - n, "\\%c", *p);
        else if (*p == '\n')
            n += (size_t)snprintf(out + n, size - n, "\\n");
        else if (*p < 0x20)
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", *p);
        else
            out[n++] = (char)*p;
    }
    out[n] = '\0';
}

void weft_log(struct weft_log *log, enum weft_log_level level, const char *event, const char *format, ...)
{
    if (!log || level > log->level)
        return;
    char message[2048], quoted[2304], line[2560], when[32];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    quote(quoted, sizeof quoted, message);

    int64_t now = weft_clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);

    const char *layout = log->format == WEFT_LOG_JSON
                             ? "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\",\"msg\":\"%s\"}\n"
                             : "time=%s.%03dZ level=%s event=%s msg=\"%s\"\n";
    int length = snprintf(line, sizeof line, layout, when, (int)(now % 1000), level_name(level), event, quoted);
    if (length < 0)
        return;
    size_t n = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    /* One write per line keeps lines of several threads apart. A log that cannot be written is no reason to stop. */
    ssize_t written = write(log->fd, line, n);
    (void)written;
}
