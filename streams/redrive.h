/* Sends dead letters back to the topic that they came from, each at most once.
 *
 * The original (key, value, headers without those of the dead letter) goes to the partition it came from, with the
 * header weft.redrive.attempt. In the same transaction a receipt is written beside the letters (streams/deadletter.h).
 * Whoever redrives claims the transactional id weft-redrive-<dead letters> first, which ends and fences any other, and
 * reads the receipts then: so a letter is sent once, whether runs are repeated, interrupted or at the same time. */
#ifndef WEFT_STREAMS_REDRIVE_H
#define WEFT_STREAMS_REDRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/letters.h"

/* What becomes of a dead letter. */
enum weft_redrive_fate {
    WEFT_REDRIVE_SEND,
    WEFT_REDRIVE_DONE,      /* was redriven before */
    WEFT_REDRIVE_CUT,       /* it is not whole */
    WEFT_REDRIVE_ATTEMPTS,  /* was redriven as often as may be, and came back */
    WEFT_REDRIVE_ELSEWHERE, /* came from another topic */
    WEFT_REDRIVE_NO_SOURCE, /* does not say where it came from */
    WEFT_REDRIVE_LIMIT,     /* would be sent, if fewer had been before it */
    WEFT_REDRIVE_FATES,
};

/* The fate in a few words, as of "12 ...". */
const char *weft_redrive_fate_text(enum weft_redrive_fate fate);

enum weft_redrive_fate weft_redrive_judge(const struct weft_letter *letter, const char *source, int32_t attempts_max);

struct weft_redrive_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    struct weft_log *log;
    const char *source, *dead_letters;
    const struct weft_letters_filter *filter;
    int32_t attempts_max;
    uint64_t limit; /* send so many at most; 0: all */
    bool execute;   /* else only count */
    bool (*stopped)(void *arg);
    void *arg;
};

struct weft_redrive_report {
    uint64_t fates[WEFT_REDRIVE_FATES]; /* how many letters */
    uint64_t *partitions;               /* of the source: how many letters are to go there */
    int partition_count;
    uint64_t sent; /* committed */
};

/* The report holds also after a failure, and is to be cleared. WEFT_ERROR_FENCED when another redrive took over. */
int weft_redrive(const struct weft_redrive_config *config, struct weft_redrive_report *report, struct weft_error *err);
void weft_redrive_report_clear(struct weft_redrive_report *report);

#endif
