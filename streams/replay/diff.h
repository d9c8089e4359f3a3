/* Reads the results of two models from one or two topics and compares them.
 *
 * Commits nothing, joins no group. Memory: 16 bytes for each result of the first. */
#ifndef WEFT_STREAMS_REPLAY_DIFF_H
#define WEFT_STREAMS_REPLAY_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/replay/comparison.h"

enum { WEFT_DIFF_MODELS_MAX = 8, WEFT_DIFF_NAME_SIZE = 64 };

struct weft_diff_config {
    const struct weft_settings *settings; /* all borrowed */
    struct weft_log *log;
    const char *topics[2];      /* may be the same */
    const char *models[2];      /* a name, name:version or the beginning of a sha256; NULL: any */
    size_t top;                 /* how many changes to keep */
    bool (*stopped)(void *arg); /* asked now and then; may be NULL */
    void *arg;
};

/* A model of which a topic has results. */
struct weft_diff_model {
    char name[WEFT_DIFF_NAME_SIZE], version[WEFT_DIFF_NAME_SIZE], sha256[65]; /* cut where longer, not checked */
    uint64_t results;
};

struct weft_diff_side {
    const char *topic;
    struct weft_diff_model models[WEFT_DIFF_MODELS_MAX]; /* those whose results were compared */
    size_t model_count;
    uint64_t passed_over; /* results of models that were not asked for */
    uint64_t unreadable;  /* records that are no results */
};

struct weft_diff {
    struct weft_diff_side sides[2];
    struct weft_comparison *comparison;
    struct weft_comparison_report report;
};

/* To be cleared also after a failure. */
int weft_diff_make(const struct weft_diff_config *config, struct weft_diff *diff, struct weft_error *err);
void weft_diff_clear(struct weft_diff *diff);

#endif
