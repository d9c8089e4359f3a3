/* A replay: a bounded part of a topic is scored again, with the same or another model, into a topic of its own, exactly
 * once.
 *
 *     struct weft_replay *replay = weft_replay_new(&config, &err);     asks, changes nothing
 *     weft_replay_plan(replay), weft_replay_sample(replay, &sample, &err)
 *     weft_replay_start(replay, &err)                                  the topics to be written to must be there
 *     while (weft_replay_watch(replay, &status, &err) == WEFT_REPLAY_RUNNING) ...
 *
 * The live group is neither joined nor asked. The replay has a group of its own in which it keeps what it has to
 * remember (ledger.h), and whose name is its transactional id, so that two runs of one name fence each other. */
#ifndef WEFT_STREAMS_REPLAY_REPLAY_H
#define WEFT_STREAMS_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "model/network.h"
#include "streams/replay/plan.h"
#include "streams/replay/run.h"

enum { WEFT_REPLAY_NAME_SIZE = 100, WEFT_REPLAY_REASON_SIZE = 256 };

struct weft_replay;

struct weft_replay_config {
    const char *name;                     /* letters, digits, '.', '_' and '-' */
    const struct weft_settings *settings; /* all borrowed, for the replay's life */
    struct weft_log *log;
    const char *source;
    const char *sink, *dead_letters; /* NULL: <source>.replay.<name>, and that with .dead */
    const char *model;
    const char *from, *to; /* see bound.h; NULL: as remembered, or else beginning and end */
    int workers;
    double rate;                /* requests per second; 0: as fast as it goes */
    bool (*stopped)(void *arg); /* asked while the start waits; may be NULL */
    void *arg;
};

enum weft_replay_state {
    WEFT_REPLAY_RUNNING,
    WEFT_REPLAY_ENDED,  /* done, or stopped */
    WEFT_REPLAY_FAILED, /* *err says why */
    WEFT_REPLAY_STUCK,  /* *err says which call hangs; only leaving the process at once ends it */
};

/* Some of the requests to come, scored for a look. */
struct weft_replay_sample {
    uint64_t requests, dead_letters;
    char reason[WEFT_REPLAY_REASON_SIZE]; /* of the first dead letter, or "" */
    double per_second;                    /* scored, by all workers */
};

/* Loads the model and makes the plan. */
struct weft_replay *weft_replay_new(const struct weft_replay_config *config, struct weft_error *err);
void weft_replay_destroy(struct weft_replay *replay); /* not while it runs; accepts NULL */

const struct weft_replay_plan *weft_replay_plan(const struct weft_replay *replay);
const struct weft_network_info *weft_replay_model(const struct weft_replay *replay);
const char *weft_replay_group(const struct weft_replay *replay);

/* Scores the first of the requests that are left; none when there are none. Writes nothing. */
int weft_replay_sample(struct weft_replay *replay, struct weft_replay_sample *sample, struct weft_error *err);

/* Waits for a registry that is away, then begins. */
int weft_replay_start(struct weft_replay *replay, struct weft_error *err);

enum weft_replay_state weft_replay_watch(struct weft_replay *replay, struct weft_replay_status *status,
                                         struct weft_error *err);

/* Ends after the transaction at hand, or aborts it; returns at once. */
void weft_replay_stop(struct weft_replay *replay, bool abort);

#endif
