/* Proof of exactly-once: accounts for every request between the beginning of the source topic and the group's committed
 * offsets. Each must have one result or one dead letter among what a read_committed reader sees.
 *
 * Reads three topics, commits nothing, joins no group; may run beside the processor. Needs a byte of memory for each
 * offset of the range. */
#ifndef WEFT_STREAMS_VERIFY_H
#define WEFT_STREAMS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"

enum { WEFT_VERIFY_OFFENDERS_MAX = 10 };

struct weft_verify_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    struct weft_log *log;
    const char *source, *sink, *dead_letters, *group;
    bool (*stopped)(void *arg); /* asked now and then; may be NULL */
    void *arg;
};

enum weft_verify_fault {
    WEFT_VERIFY_MISSING,    /* a request without an answer */
    WEFT_VERIFY_DUPLICATED, /* a request with more than one */
    WEFT_VERIFY_UNEXPECTED, /* an answer to an offset where there is no request */
};

struct weft_verify_offender {
    enum weft_verify_fault fault;
    int32_t partition;
    int64_t offset;
};

struct weft_verify_partition {
    int64_t from, to; /* offsets of the source that are accounted for: [from, to) */
    uint64_t requests, results, dead_letters, missing, duplicated, unexpected;
};

struct weft_verify_report {
    struct weft_verify_partition *partitions;
    int partition_count;
    struct weft_verify_partition total; /* of the counts */
    uint64_t unreadable;                /* records of sink and dead letters that name no source */
    struct weft_verify_offender offenders[WEFT_VERIFY_OFFENDERS_MAX];
    size_t offender_count;
    bool committed; /* whether the group has committed anything */
    bool empty;     /* whether the source has no request at all */
};

/* 0 when it could be done, whatever came out. The report is to be cleared also after a failure. */
int weft_verify(const struct weft_verify_config *config, struct weft_verify_report *report, struct weft_error *err);
void weft_verify_report_clear(struct weft_verify_report *report);

/* Whether all is accounted for. Requests of which the group has not committed one prove nothing. */
bool weft_verify_passed(const struct weft_verify_report *report);

#endif
