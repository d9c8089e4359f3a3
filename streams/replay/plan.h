/* What a replay would do, or has still to do: the frozen range of each partition, and the topics it would write to. */
#ifndef WEFT_STREAMS_REPLAY_PLAN_H
#define WEFT_STREAMS_REPLAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/replay/ledger.h"

/* What is asked for; all borrowed. */
struct weft_replay_request {
    const struct weft_settings *settings;
    struct weft_log *log;
    const char *source, *group;
    struct weft_replay_ledger_terms terms; /* from and to may be empty: as remembered, or else beginning and end */
};

/* A topic to be written to. */
struct weft_replay_topic {
    int partitions;   /* 0: there is no such topic */
    uint64_t records; /* at most; 0 when a committed reader sees none */
};

struct weft_replay_plan {
    struct weft_replay_ledger ledger; /* as remembered, or as it would be written */
    bool resumed;                     /* it is remembered */
    uint64_t *deleted; /* of each partition of the ledger: offsets still to be read that are no longer there */
    int source_partitions;
    struct weft_replay_topic sink, dead_letters;
};

/* Asks the cluster; changes nothing. WEFT_ERROR_CONFLICT when the terms are not those that are remembered. */
int weft_replay_plan_make(const struct weft_replay_request *request, struct weft_replay_plan *plan,
                          struct weft_error *err);
void weft_replay_plan_clear(struct weft_replay_plan *plan);

/* For a replay that is not remembered: WEFT_ERROR_CONFLICT when a topic of its holds somebody's records. */
int weft_replay_plan_fresh(const struct weft_replay_plan *plan, struct weft_error *err);

/* Whether the terms asked for are those that the ledger was begun with; an empty bound fits any. */
int weft_replay_agree(const struct weft_replay_ledger_terms *asked, const struct weft_replay_ledger_terms *begun,
                      struct weft_error *err);

/* Offsets still to be read. */
uint64_t weft_replay_ledger_left(const struct weft_replay_ledger *ledger);

#endif
