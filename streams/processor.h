/* A processor: the network, the schemas and N workers between a source topic, a sink topic and a dead-letter topic.
 *
 *     struct weft_processor *processor = weft_processor_start(&config, &err);
 *     while (weft_processor_watch(processor, &err) == WEFT_PROCESSOR_RUNNING)
 *         ... wait a little; call weft_processor_stop when it is time ...
 *
 * The thread that calls weft_processor_watch is the watchdog: a worker that hangs in a call of the Kafka client cannot
 * be ended, only found out, and the process has to leave without it. */
#ifndef WEFT_STREAMS_PROCESSOR_H
#define WEFT_STREAMS_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "streams/processor_metrics.h"

struct weft_processor;

struct weft_processor_config {
    const char *name;
    const struct weft_settings *settings; /* borrowed, as log is */
    struct weft_log *log;
    bool (*stopped)(void *arg); /* asked while the start waits; may be NULL */
    void *arg;
    bool at_least_once;                     /* see transaction.h */
    struct weft_processor_metrics *metrics; /* borrowed; may be NULL */
};

enum weft_processor_state {
    WEFT_PROCESSOR_RUNNING,
    WEFT_PROCESSOR_ENDED,  /* all workers have left in good order */
    WEFT_PROCESSOR_FAILED, /* *err says why; all workers have left */
    WEFT_PROCESSOR_STUCK,  /* *err says which call hangs; only leaving the process at once ends it */
};

struct weft_processor_counts {
    uint64_t results, dead_letters, commits, aborts;
};

/* Loads the models, gets the result's schema id (waiting for a registry that is away), starts the workers. Whether
 * brokers, topics and rights are as they have to be is found out before (startup_check.h). NULL with *err filled; with
 * class NONE when stopped said so. */
struct weft_processor *weft_processor_start(const struct weft_processor_config *config, struct weft_error *err);

/* Also takes up models whose files have changed; to be called several times a second. */
enum weft_processor_state weft_processor_watch(struct weft_processor *processor, struct weft_error *err);

/* Lets the next watch load all models anew, whether their files have changed or not. */
void weft_processor_reload(struct weft_processor *processor);

/* Lets the workers finish the transaction at hand (or abort it) and leave; returns at once. */
void weft_processor_stop(struct weft_processor *processor, bool abort);

void weft_processor_counts(struct weft_processor *processor, struct weft_processor_counts *counts);

/* After ENDED or FAILED. Accepts NULL. */
void weft_processor_destroy(struct weft_processor *processor);

#endif
