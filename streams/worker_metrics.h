/* What one worker tells of itself while it works: counts, times, the state it is in, and how far it is behind.
 *
 * The worker writes, the status endpoint's thread reads; what is told for every batch takes no lock. All of the
 * worker's functions accept NULL and then do nothing: that is how a process without an endpoint runs. */
#ifndef WEFT_STREAMS_WORKER_METRICS_H
#define WEFT_STREAMS_WORKER_METRICS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"
#include "streams/batch.h"
#include "streams/client_statistics.h"

struct weft_worker_metrics;

enum weft_worker_state {
    WEFT_WORKER_STARTING,
    WEFT_WORKER_JOINING,  /* waits for partitions */
    WEFT_WORKER_WORKING,  /* also without a partition, where there are more workers than these */
    WEFT_WORKER_REGISTRY, /* holds a batch until the registry gives its schema */
    WEFT_WORKER_FENCED,
    WEFT_WORKER_FAILED,
    WEFT_WORKER_STOPPED,
    WEFT_WORKER_STATES,
};

/* What a worker's time goes into. */
enum weft_stage {
    WEFT_STAGE_WAIT, /* for requests to come, and until enough are gathered */
    WEFT_STAGE_DECODE,
    WEFT_STAGE_SCORE, /* the network, and the encoding of its results */
    WEFT_STAGE_PRODUCE,
    WEFT_STAGE_COMMIT, /* offsets and commit, with what the producer had not sent yet */
    WEFT_STAGES,
};

/* topic is the source, borrowed. NULL when memory is short. */
struct weft_worker_metrics *weft_worker_metrics_new(const char *topic);
void weft_worker_metrics_destroy(struct weft_worker_metrics *metrics); /* accepts NULL */

/* For the worker, in its thread. call: as told to the watchdog, a constant; the time until the next one counts for the
 * stage that it belongs to. */
void weft_worker_metrics_step(struct weft_worker_metrics *metrics, const char *call);
void weft_worker_metrics_state(struct weft_worker_metrics *metrics, enum weft_worker_state state);
void weft_worker_metrics_assigned(struct weft_worker_metrics *metrics, const rd_kafka_topic_partition_list_t *list);
void weft_worker_metrics_revoked(struct weft_worker_metrics *metrics);
void weft_worker_metrics_gathered(struct weft_worker_metrics *metrics, const struct weft_batch *batch);
/* network_ns: what of the scoring the network took. */
void weft_worker_metrics_scored(struct weft_worker_metrics *metrics, int64_t network_ns);
void weft_worker_metrics_committed(struct weft_worker_metrics *metrics, const struct weft_batch *batch);
void weft_worker_metrics_aborted(struct weft_worker_metrics *metrics);
/* Looks at the ends of the partitions, at most once a second; to be called between two batches. paused: nothing is
 * fetched meanwhile, so the brokers are asked. */
void weft_worker_metrics_look(struct weft_worker_metrics *metrics, rd_kafka_t *consumer, bool paused);

/* For the worker's clients; NULL where metrics is. */
struct weft_client_statistics *weft_worker_metrics_consumer(struct weft_worker_metrics *metrics);
struct weft_client_statistics *weft_worker_metrics_producer(struct weft_worker_metrics *metrics);

/* For whoever asks, in any thread. */
struct weft_worker_view {
    enum weft_worker_state state;
    const char *call;  /* what it does at present */
    int64_t asking_ms; /* for how long, when it is something that a broker has to answer; repeating counts on */
    bool cut_off;      /* no broker is connected */
    int64_t lag;       /* requests that it has not answered yet, of all its partitions */
};

void weft_worker_metrics_view(struct weft_worker_metrics *metrics, struct weft_worker_view *view);

/* Adds the metrics of count workers of one processor to the page. */
void weft_worker_metrics_write(struct weft_worker_metrics *const *workers, size_t count, const char *processor,
                               struct weft_metrics_page *page);

const char *weft_worker_state_name(enum weft_worker_state state);

#endif
