/* The requests that a worker has polled and not yet answered, in the order in which they came. */
#ifndef WEFT_STREAMS_BATCH_H
#define WEFT_STREAMS_BATCH_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "streams/scorer.h"

struct weft_batch {
    rd_kafka_message_t **messages; /* owned */
    struct weft_scorer_request *requests;
    struct weft_scorer_answer *answers;
    size_t count, capacity;
    size_t bytes; /* of the requests' values */
};

/* Gives -1 when memory is short. */
int weft_batch_init(struct weft_batch *batch, size_t capacity);
void weft_batch_destroy(struct weft_batch *batch);

/* Takes the message; there must be room. */
void weft_batch_add(struct weft_batch *batch, rd_kafka_message_t *message);

/* Drops and frees all messages. */
void weft_batch_clear(struct weft_batch *batch);

/* For each partition of the batch, the offset after its last message (to be committed), or that of its first (to go
 * back to). The caller destroys the list. */
rd_kafka_topic_partition_list_t *weft_batch_next_offsets(const struct weft_batch *batch);
rd_kafka_topic_partition_list_t *weft_batch_first_offsets(const struct weft_batch *batch);

#endif
