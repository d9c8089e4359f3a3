/* A replay at work: a thread that reads the range, scores it on all cores and writes each batch's results, dead letters
 * and positions in one transaction.
 *
 * One transactional producer serves all partitions. So one transactional id stands for the whole replay: a second run
 * of the same name that claims it fences the first as a whole, and a topic of one partition keeps all cores busy, too.
 */
#ifndef WEFT_STREAMS_REPLAY_RUN_H
#define WEFT_STREAMS_REPLAY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/replay/plan.h"
#include "streams/scorer.h"

struct weft_replay_run;

struct weft_replay_run_config {
    const struct weft_settings *settings; /* all borrowed, for the run's life */
    struct weft_log *log;
    const char *group; /* and transactional id */
    const char *source;
    const struct weft_replay_plan *plan; /* begun with, unless Kafka remembers more by then */
    struct weft_scorer_config scorer;    /* without tick */
    int workers;
    double rate; /* requests per second; 0: as fast as it goes */
};

struct weft_replay_status {
    bool ended; /* *failure says why; class NONE when it is done, or was stopped */
    struct weft_error failure;
    const char *call;  /* what it does at present */
    int64_t silent_ms; /* since when it does */
    uint64_t results, dead_letters, commits, aborts;
    uint64_t done; /* offsets of the range behind the committed positions, by this run */
    uint64_t left; /* offsets before it */
};

struct weft_replay_run *weft_replay_run_start(const struct weft_replay_run_config *config, struct weft_error *err);

/* Asks it to end after the transaction at hand; with abort set, to abort that one. */
void weft_replay_run_stop(struct weft_replay_run *run, bool abort);

void weft_replay_run_status(struct weft_replay_run *run, struct weft_replay_status *status);

/* Joins the thread, which must have ended. Accepts NULL. */
void weft_replay_run_destroy(struct weft_replay_run *run);

#endif
