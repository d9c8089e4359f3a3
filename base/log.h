/* The program's log: one line an event on stderr, logfmt or JSON.
 *
 *     weft_log(log, WEFT_LOG_INFO, "worker.assigned", "worker %d got %d partitions", index, count);
 *     time=2026-01-31T12:00:00.000Z level=info event=worker.assigned msg="worker 0 got 4 partitions"
 *
 * Never pass payloads, keys or secrets. Threads may share one log; each line is written whole. Of one event, when many
 * come at once, 50 lines are written and then one a second, and how many were not is told (event log.suppressed);
 * debugging is not limited. */
#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

struct weft_log;

enum weft_log_level { WEFT_LOG_ERROR, WEFT_LOG_WARN, WEFT_LOG_INFO, WEFT_LOG_DEBUG };
enum weft_log_format { WEFT_LOG_LOGFMT, WEFT_LOG_JSON };

/* Writes to fd, which stays the caller's, events up to level. NULL when memory is short. */
struct weft_log *weft_log_new(int fd, enum weft_log_level level, enum weft_log_format format);

/* Tells what is still untold. Accepts NULL. */
void weft_log_destroy(struct weft_log *log);

/* event is a fixed dotted name that programs may match, a constant; the rest is for people. log may be NULL: nothing is
 * written. */
void weft_log(struct weft_log *log, enum weft_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
