/* What the checks before a start have found, all of it. */
#ifndef WEFT_STREAMS_STARTUP_REPORT_H
#define WEFT_STREAMS_STARTUP_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { WEFT_CHECKS_MAX = 24, WEFT_CHECK_TEXT_SIZE = 640 };

enum weft_check_outcome {
    WEFT_CHECK_OK,
    WEFT_CHECK_FAILED,
    WEFT_CHECK_UNKNOWN, /* could not be checked */
};

struct weft_check {
    const char *name; /* fixed, for programs: "topic.sink" */
    enum weft_check_outcome outcome;
    enum weft_error_class class;     /* of what has failed */
    bool stops;                      /* failed, and a start would fail for it; otherwise it goes on, and waits or writes
                                        dead letters */
    char text[WEFT_CHECK_TEXT_SIZE]; /* what was found; where something is wrong, what it is and what to do */
};

struct weft_startup_report {
    struct weft_check checks[WEFT_CHECKS_MAX];
    size_t count;
    size_t failed, unknown, stopping; /* how many; those that stop a start are also among the failed */
};

const char *weft_check_outcome_name(enum weft_check_outcome outcome);

/* What becomes of a start: 0, or -1 with the failure that stops it, or the first of several. */
int weft_startup_verdict(const struct weft_startup_report *report, struct weft_error *err);

/* Adds a check, which is ok or unknown. */
void weft_startup_note(struct weft_startup_report *report, const char *name, enum weft_check_outcome outcome,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds one that has failed. */
void weft_startup_fail(struct weft_startup_report *report, const char *name, bool stops, const struct weft_error *why);

#endif
