/* The offsets of what Pub/Sub has, committed one list at a time and without waiting. What fails is in the next list. */
#ifndef WEFT_BRIDGE_COMMITS_H
#define WEFT_BRIDGE_COMMITS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "pubsub-bridge/assignment.h"
#include "streams/lag.h"

struct weft_commits;

/* All of it is borrowed. */
struct weft_commits_config {
    rd_kafka_t *consumer;
    struct weft_assignment *assignment; /* is told what has been committed */
    struct weft_lag *lag;               /* likewise; may be NULL */
    const char *bridge;                 /* its name, for the log */
    struct weft_log *log;
};

struct weft_commits *weft_commits_new(const struct weft_commits_config *config, struct weft_error *err);
void weft_commits_destroy(struct weft_commits *commits); /* before its consumer; accepts NULL */

/* Whether it is time for another. */
bool weft_commits_due(const struct weft_commits *commits);

/* Begins to commit what is done with, unless another commit is under way. */
void weft_commits_begin(struct weft_commits *commits);

/* Waits for up to timeout_ms to hear what became of it, and says whether it is still under way. */
bool weft_commits_serve(struct weft_commits *commits, int timeout_ms);

/* Records that have been committed so far. */
uint64_t weft_commits_count(const struct weft_commits *commits);

#endif
