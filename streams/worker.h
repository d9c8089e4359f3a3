/* A worker: one thread with a consumer, a transactional producer and a scorer of its own, sharing only the read-only
 * networks and the request reader.
 *
 * It gathers what waits, scores it, and commits results, dead letters and offsets in one transaction, over and over. */
#ifndef WEFT_STREAMS_WORKER_H
#define WEFT_STREAMS_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "schemas/request.h"
#include "streams/serving.h"
#include "streams/worker_metrics.h"

struct weft_worker;

struct weft_worker_config {
    const struct weft_settings *settings; /* all borrowed, for the worker's life */
    struct weft_log *log;
    struct weft_serving *serving;
    struct weft_request_reader *reader;
    uint32_t result_schema_id, shadow_schema_id;
    const char *processor, *source, *sink, *dead_letters, *group, *instance;
    const char *shadow;                  /* topic of the shadow's results; NULL: there is no shadow */
    int index;                           /* of the worker in its instance, from 0 */
    bool at_least_once;                  /* see transaction.h */
    struct weft_worker_metrics *metrics; /* may be NULL */
};

/* What a worker has done and is doing. */
struct weft_worker_status {
    bool leaving; /* the work is over; failure says why, class NONE after a stop */
    bool ended;   /* and the thread has come to its end */
    struct weft_error failure;
    const char *call;    /* what it does at present, for people: the name of a call that may block */
    int64_t silent_ms;   /* since when it does */
    size_t batch;        /* requests that it has read and not yet answered */
    int partitions;      /* assigned to it */
    bool in_transaction; /* between its beginning and its end */
    uint64_t results, dead_letters, commits, aborts;
};

/* Makes the clients (WEFT_ERROR_CONFIG for settings that cannot be used) and starts the thread. */
struct weft_worker *weft_worker_start(const struct weft_worker_config *config, struct weft_error *err);

/* Asks the worker to finish the transaction at hand, leave the group and end; with abort set, to abort it instead. */
void weft_worker_stop(struct weft_worker *worker, bool abort);

void weft_worker_status(struct weft_worker *worker, struct weft_worker_status *status);

/* Joins the thread, which must have ended, and frees. Accepts NULL. */
void weft_worker_destroy(struct weft_worker *worker);

#endif
