/* One Kafka transaction for one batch: results, dead letters and offsets, all or nothing.
 *
 * The consumer is never polled while a transaction is open, so that a rebalance cannot meet one. */
#ifndef WEFT_STREAMS_TRANSACTION_H
#define WEFT_STREAMS_TRANSACTION_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "streams/batch.h"
#include "streams/client.h"
#include "streams/verdict.h"

struct weft_transactor;

struct weft_transactor_config {
    const struct weft_settings *settings;
    struct weft_log *log;
    const char *transactional_id;
    const char *processor;
    const char *sink, *dead_letters;
    const char *shadow; /* topic of the shadow's results; NULL: there is no shadow */
    bool at_least_once; /* the same loop without transactions, for comparison in benchmarks only */
    struct weft_client_statistics *statistics; /* of the producer; may be NULL */
    const atomic_bool *abort; /* set from outside: abort the transaction at hand instead of committing it */
    void (*step)(const char *call, void *arg); /* told before each call that may block */
    void *arg;
};

/* Config's strings are copied by the library or borrowed: they must outlive the transactor. Does not connect. */
struct weft_transactor *weft_transactor_new(const struct weft_transactor_config *config, struct weft_error *err);
void weft_transactor_destroy(struct weft_transactor *transactor); /* accepts NULL */

/* Claims the transactional id: fences a predecessor and ends its open transaction. To be called until it no longer
 * gives RETRY; then DONE, or FENCED or FATAL with *err filled. */
enum weft_verdict weft_transactor_claim(struct weft_transactor *transactor, struct weft_error *err);

/* Writes the answered batch and commits it together with the consumer's offsets. A result that its topic does not take
 * becomes a dead letter, in the batch's answers too. DONE: committed. ABORT, ADAPT: nothing
 * of it happened, the consumer must go back (*err says why). FENCED, FATAL: end. */
enum weft_verdict weft_transactor_run(struct weft_transactor *transactor, const struct weft_batch *batch,
                                      rd_kafka_t *consumer, struct weft_error *err);

/* The same for a reader that is no member of the group: with these offsets (and their metadata), and fenced by the
 * transactional id alone. The batch may be empty. */
enum weft_verdict weft_transactor_run_for(struct weft_transactor *transactor, const struct weft_batch *batch,
                                          const char *group_id, const rd_kafka_topic_partition_list_t *offsets,
                                          struct weft_error *err);

/* Serves the producer's callbacks; to be called now and then while there is nothing to write. */
void weft_transactor_poll(struct weft_transactor *transactor);

#endif
