#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum {
    BURST = 50,         /* lines of one event that may come at once */
    INTERVAL_MS = 1000, /* after them, one line each interval */
    EVENTS_MAX = 64,
};

/* What has been written of one event lately. */
struct event {
    const char *name;
    int64_t allowance_ms; /* a line costs INTERVAL_MS of it; it grows with time up to BURST lines */
    int64_t updated_ms;
    uint64_t suppressed; /* lines, since the last one that was written */
};

struct weft_log {
    int fd;
    enum weft_log_level level;
    enum weft_log_format format;
    pthread_mutex_t lock; /* for the events */
    struct event events[EVENTS_MAX];
    size_t event_count;
};

struct weft_log *weft_log_new(int fd, enum weft_log_level level, enum weft_log_format format)
{
    struct weft_log *log = malloc(sizeof *log);
    if (!log)
        return NULL;
    *log = (struct weft_log){.fd = fd, .level = level, .format = format};
    pthread_mutex_init(&log->lock, NULL);
    return log;
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

/* Messages quote topics, paths and answers from outside, and may have been cut amid a character. */
static void keep_utf8(char *text)
{
    bool valid = weft_json_can_hold(text);
    for (unsigned char *p = (unsigned char *)text; !valid && *p; p++)
        if (*p >= 0x80)
            *p = '?';
}

/* Copies text as the inside of a quoted string; the escapes chosen are valid in logfmt and in JSON alike. Bytes that
 * are not ASCII are kept: the text is UTF-8. */
static void quote(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 7 < size; p++) {
        if (*p == '"' || *p == '\\')
            n += (size_t)snprintf(out + n, size - n, "\\%c", *p);
        else if (*p == '\n')
            n += (size_t)snprintf(out + n, size - n, "\\n");
        else if (*p < 0x20 || *p == 0x7f)
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", *p);
        else
            out[n++] = (char)*p;
    }
    out[n] = '\0';
}

static void write_line(const struct weft_log *log, enum weft_log_level level, const char *event, const char *message)
{
    enum { QUOTED_SIZE = 2304 };
    char quoted[QUOTED_SIZE], line[QUOTED_SIZE + 256], when[32];
    quote(quoted, sizeof quoted, message);
    keep_utf8(quoted);
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

/* With the lock held. */
static void tell_suppressed(const struct weft_log *log, struct event *event)
{
    char message[256];
    snprintf(message, sizeof message, "%llu more %s suppressed", (unsigned long long)event->suppressed, event->name);
    event->suppressed = 0;
    write_line(log, WEFT_LOG_WARN, "log.suppressed", message);
}

/* With the lock held: the event of the name, or NULL when there are too many to keep account of. */
static struct event *find_event(struct weft_log *log, const char *name, int64_t now)
{
    for (size_t i = 0; i < log->event_count; i++)
        if (strcmp(log->events[i].name, name) == 0)
            return &log->events[i];
    if (log->event_count == EVENTS_MAX)
        return NULL;
    struct event *event = &log->events[log->event_count++];
    *event = (struct event){.name = name, .allowance_ms = BURST * INTERVAL_MS, .updated_ms = now};
    return event;
}

/* Whether there is room for a line of the event. What has been suppressed, of any event, is told as soon as there is
 * room for that. */
static bool admit(struct weft_log *log, const char *name)
{
    int64_t now = weft_clock_ms();
    bool admitted = true;
    pthread_mutex_lock(&log->lock);
    struct event *wanted = find_event(log, name, now);
    for (size_t i = 0; i < log->event_count; i++) {
        struct event *event = &log->events[i];
        event->allowance_ms += now - event->updated_ms;
        if (event->allowance_ms > BURST * INTERVAL_MS)
            event->allowance_ms = BURST * INTERVAL_MS;
        event->updated_ms = now;
        if (event->suppressed > 0 && event->allowance_ms >= INTERVAL_MS)
            tell_suppressed(log, event);
    }
    if (wanted && wanted->allowance_ms < INTERVAL_MS) {
        wanted->suppressed++;
        admitted = false;
    } else if (wanted) {
        wanted->allowance_ms -= INTERVAL_MS;
    }
    pthread_mutex_unlock(&log->lock);
    return admitted;
}

void weft_log_destroy(struct weft_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->event_count; i++)
        if (log->events[i].suppressed > 0)
            tell_suppressed(log, &log->events[i]);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void weft_log(struct weft_log *log, enum weft_log_level level, const char *event, const char *format, ...)
{
    /* Who asks for debugging wants all of it. */
    if (!log || level > log->level || (level != WEFT_LOG_DEBUG && !admit(log, event)))
        return;
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    write_line(log, level, event, message);
}
