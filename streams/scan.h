/* Passes the records of given ranges of a topic to a function, from a few partitions at a time, so that memory stays
 * bounded however many there are.
 *
 *     struct weft_scan scan = {.reader = reader, .ranges = ranges, .see = see, .arg = mine};
 *     weft_scan_read(&scan, &err);                       all up to the ends of the ranges
 *     while (...) weft_scan_follow(&scan, 200, &err);    then, if wished, what comes behind them */
#ifndef WEFT_STREAMS_SCAN_H
#define WEFT_STREAMS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/settings.h"
#include "streams/bound.h"
#include "streams/reader.h"

struct weft_scan_range {
    int64_t next; /* the next record wanted; moves on */
    int64_t end;
};

struct weft_scan {
    struct weft_reader *reader;     /* borrowed, as all is; used by nobody else meanwhile */
    struct weft_scan_range *ranges; /* of each partition of the reader's topic */
    int (*see)(const rd_kafka_message_t *message, void *arg, struct weft_error *err); /* -1: ends the scan */
    bool (*stopped)(void *arg);                                                       /* may be NULL */
    void *arg, *stop_arg;
    struct weft_progress *progress; /* may be NULL */
    uint64_t *records;              /* for the progress: counted up */
    bool following;
};

/* A copy of the settings under which a reader's client keeps little in memory and lets no broker wait: for
 * weft_reader_new. Settings that somebody has made hold all the same. */
struct weft_settings *weft_scan_settings(const struct weft_settings *settings, struct weft_error *err);

/* Sets the ranges to all that the topic holds now. */
int weft_scan_all(struct weft_reader *reader, struct weft_scan_range *ranges, struct weft_error *err);

/* Sets the range of a partition, which holds the offsets [first, end), to what lies between the bounds of it; nothing
 * where they leave it out. from may be NULL: from the first. */
int weft_scan_between(struct weft_reader *reader, int32_t partition, int64_t first, int64_t end,
                      const struct weft_bound *from, const struct weft_bound *to, struct weft_scan_range *range,
                      struct weft_error *err);

/* WEFT_ERROR_UNAVAILABLE when it was stopped, or heard nothing for half a minute. */
int weft_scan_read(struct weft_scan *scan, struct weft_error *err);

/* Reads on for timeout_ms at least, and while there is something. */
int weft_scan_follow(struct weft_scan *scan, int timeout_ms, struct weft_error *err);

#endif
