/* What a listener knows of the results it has heard, in memory that does not grow with their number. */
#ifndef WEFT_CLIENTS_STATISTICS_H
#define WEFT_CLIENTS_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/result.h"

struct weft_statistics;

struct weft_summary {
    uint64_t count;    /* of results */
    uint64_t labelled; /* of them with an expected class */
    uint64_t right;    /* of these answered with it */
    /* (class_count, class_count): row is the truth, column the answer; of labels from 0 to WEFT_RESULT_CLASSES_MAX. */
    uint64_t *confusion;
    size_t class_count;
    /* class_count names, as the results gave them; "class 3" for one that has not been answered yet. */
    const char **names;
    uint64_t timed;            /* results whose record and request both have a timestamp; of these: */
    int64_t first_ms, last_ms; /* earliest timestamp of a request, latest of a result */
};

struct weft_statistics *weft_statistics_new(struct weft_error *err);
void weft_statistics_destroy(struct weft_statistics *statistics); /* accepts NULL */

/* timestamp_ms is that of the result's record; a negative one, as Kafka has it where there is none, is left out. */
int weft_statistics_add(struct weft_statistics *statistics, const struct weft_result *result, int64_t timestamp_ms,
                        struct weft_error *err);

/* Valid as long as the statistics; what it points to until the next result is added. */
const struct weft_summary *weft_statistics_summary(const struct weft_statistics *statistics);

/* The latency that percent (0..100) of the results did not exceed, at most 3 % too high: from the request's timestamp
 * to that of its result's record, both by the clocks of those who wrote them. */
int64_t weft_statistics_latency_ms(const struct weft_statistics *statistics, double percent);

/* right / labelled, or -1 where nothing was labelled. */
double weft_summary_accuracy(const struct weft_summary *summary);

/* Results a second from the first request to the last result, or 0 where the timestamps do not tell. */
double weft_summary_rate(const struct weft_summary *summary);

#endif
