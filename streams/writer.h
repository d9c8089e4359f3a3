/* Writes the answers to a batch: results to the sink, those of a shadow to a topic of their own, and to the dead
 * letters the requests that have none.
 *
 * It knows what its topics take and what was not delivered, and of transactions only that the producer's calls fail
 * once one has failed. */
#ifndef WEFT_STREAMS_WRITER_H
#define WEFT_STREAMS_WRITER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "streams/batch.h"
#include "streams/client.h"

struct weft_writer;

struct weft_writer_config {
    struct weft_client *client; /* a producer, whose deliveries the writer is to be told of */
    const char *processor;      /* the name that dead letters carry */
    const char *sink, *dead_letters;
    const char *shadow;                        /* topic of the shadow's results; NULL: there is no shadow */
    void (*step)(const char *call, void *arg); /* told before each call that may block; may be NULL */
    void *arg;
};

/* The client and config's strings are borrowed: they must outlive the writer. Does not connect. */
struct weft_writer *weft_writer_new(const struct weft_writer_config *config, struct weft_error *err);
void weft_writer_destroy(struct weft_writer *writer); /* accepts NULL */

/* To be told of every delivery, good or bad, from the thread that writes. */
void weft_writer_delivered(struct weft_writer *writer, const rd_kafka_message_t *message);

/* Before the first answer of a transaction: nothing is queued, and nothing has failed. */
void weft_writer_begin(struct weft_writer *writer);

/* Queues an answer for each request of the batch. A result that its topic does not take becomes a dead letter, in the
 * batch's answers too. Where the code is not NO_ERROR the batch is written in part, and *err says why; but _STATE,
 * which comes where the transaction had failed before, leaves *err as it is. */
rd_kafka_resp_err_t weft_writer_write(struct weft_writer *writer, const struct weft_batch *batch, int64_t deadline_ms,
                                      struct weft_error *err);

/* Whether an answer was not delivered since weft_writer_begin; *err then says which topic's, and why. */
bool weft_writer_failed(const struct weft_writer *writer, struct weft_error *err);

/* Whether one of the topics is not there (any more), which *err then says. The library waits for a topic that was
 * deleted as it does for one that is just being made, and only says that time was up, or never even that. */
bool weft_writer_lacks_topic(const struct weft_writer *writer, struct weft_error *err);

/* Once every delivery has been reported: draws the conclusions from what topics refused. Gives false when nothing was;
 * else *err says what will be different. */
bool weft_writer_learn(struct weft_writer *writer, struct weft_error *err);

#endif
