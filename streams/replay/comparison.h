/* Two models' answers to the same requests, compared. Knows no Kafka.
 *
 *     enter the first model's answers (16 bytes are kept of each), then the second's; what they have in common is
 *     counted as the second's come
 */
#ifndef WEFT_STREAMS_REPLAY_COMPARISON_H
#define WEFT_STREAMS_REPLAY_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/result.h"
#include "streams/replay/mcnemar.h"

enum { WEFT_COMPARISON_TOP_MAX = 1000, WEFT_COMPARISON_TOPIC_SIZE = 250, WEFT_COMPARISON_CLASS_SIZE = 64 };

enum weft_side { WEFT_FIRST, WEFT_SECOND };

/* A request whose answer has changed. */
struct weft_change {
    char topic[WEFT_COMPARISON_TOPIC_SIZE];
    int32_t partition;
    int64_t offset;
    int32_t label[2];
    int32_t expected;    /* -1: not known */
    float before, after; /* the probability of the first model's answer, by the first and by the second model */
    float answer;        /* the probability of the second model's answer */
};

struct weft_comparison_report {
    uint64_t results[2], duplicated[2]; /* entered; of them, more than one for a request */
    uint64_t only[2];                   /* answered by one of the two alone */
    uint64_t strangers;                 /* other ids at the same place: the topics do not belong together */
    uint64_t compared, agreed;
    size_t class_count;
    const uint64_t *labels;            /* (class_count, class_count): row is the first's answer, column the second's */
    const char *const *classes;        /* class_count names, not checked in any way */
    uint64_t labelled, right[2];       /* of those compared: with a known truth, and answered with it */
    uint64_t only_right[2];            /* answered with it by one of the two alone */
    struct weft_mcnemar mcnemar;       /* of those */
    const struct weft_change *changes; /* those that changed most, the largest change first */
    size_t change_count;
};

struct weft_comparison;

/* top: how many of the changes are kept. */
struct weft_comparison *weft_comparison_new(size_t top, struct weft_error *err);
void weft_comparison_destroy(struct weft_comparison *comparison); /* accepts NULL */

/* All of the first side before any of the second. With the result's probabilities. WEFT_ERROR_CORRUPT for a result that
 * cannot be: a label without probability, a place that no topic has. */
int weft_comparison_enter(struct weft_comparison *comparison, enum weft_side side, const struct weft_result *result,
                          struct weft_error *err);

/* Valid as long as the comparison, until the next is entered. */
int weft_comparison_report(struct weft_comparison *comparison, struct weft_comparison_report *report,
                           struct weft_error *err);

#endif
