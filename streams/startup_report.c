#include "streams/startup_report.h"

#include <stdarg.h>
#include <stdio.h>

static struct weft_check *add(struct weft_startup_report *report, const char *name)
{
    if (report->count == WEFT_CHECKS_MAX)
        report->count--;
    struct weft_check *check = &report->checks[report->count++];
    *check = (struct weft_check){.name = name};
    return check;
}

void weft_startup_note(struct weft_startup_report *report, const char *name, enum weft_check_outcome outcome,
                       const char *format, ...)
{
    struct weft_check *check = add(report, name);
    va_list args;
    check->outcome = outcome;
    report->unknown += outcome == WEFT_CHECK_UNKNOWN;
    va_start(args, format);
    vsnprintf(check->text, sizeof check->text, format, args);
    va_end(args);
}

void weft_startup_fail(struct weft_startup_report *report, const char *name, bool stops, const struct weft_error *why)
{
    struct weft_check *check = add(report, name);
    check->outcome = WEFT_CHECK_FAILED;
    check->class = why->class;
    check->stops = stops;
    report->failed++;
    report->stopping += stops;
    snprintf(check->text, sizeof check->text, "%s", why->message);
}

const char *weft_check_outcome_name(enum weft_check_outcome outcome)
{
    static const char *const names[] = {"ok", "failed", "unknown"};
    return names[outcome];
}

int weft_startup_verdict(const struct weft_startup_report *report, struct weft_error *err)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct weft_check *check = &report->checks[i];
        if (!check->stops)
            continue;
        weft_error_set(err, check->class, "%s", check->text);
        return report->stopping == 1 ? -1
                                     : weft_error_prefix(err, "%zu start-up checks have failed, the first: %s",
                                                         report->stopping, check->name);
    }
    return 0;
}
