/* Proof of exactly-once: accounts for every request of a range of the source topic. Each must have one result or one
 * dead letter among what a read_committed reader sees.
 *
 * Reads three topics, commits nothing, joins no group; may run beside the processor, as the range ends where the group
 * had committed when it began. Ten million offsets are proved within 64 MB. */
#ifndef WEFT_STREAMS_VERIFY_H
#define WEFT_STREAMS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/account.h"
#include "streams/bound.h"

struct weft_verify_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    struct weft_log *log;
    const char *source, *sink, *dead_letters, *group;
    const struct weft_bound *from, *to; /* NULL: the source's beginning; what the group has committed */
    bool (*stopped)(void *arg);         /* asked now and then; may be NULL */
    void *arg;
};

struct weft_verify_report {
    struct weft_account *account; /* closed */
    uint64_t unreadable;          /* records of sink and dead letters that name no source */
    bool committed;               /* whether the group has committed anything */
    bool empty;                   /* whether the source has no request at all */
    bool presumed;                /* that the source is compacted: its settings could not be read */
};

/* 0 when it could be done, whatever came out. The report is to be cleared also after a failure. */
int weft_verify(const struct weft_verify_config *config, struct weft_verify_report *report, struct weft_error *err);
void weft_verify_report_clear(struct weft_verify_report *report);

/* Whether all is accounted for. Requests of which the group has not committed one prove nothing. */
bool weft_verify_passed(const struct weft_verify_report *report);

#endif
