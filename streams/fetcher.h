/* Keeps a consumer's fetcher from sleeping.
 *
 * Before librdkafka 2.2 (which has fetch.queue.backoff.ms for it) the fetcher, once the local queue is full, sleeps for
 * up to a second and does not see that the queue has been emptied: half of a loaded worker's time would be spent
 * waiting. Any answer from the leaders of its partitions wakes it, so they are asked something small after each eighth
 * of a queue that has been taken.
 *
 *     weft_fetcher_init(&fetcher, handle);
 *     ... if (weft_fetcher_sleeps(&fetcher, 1, message->len)) weft_fetcher_wake(&fetcher, partitions);
 */
#ifndef WEFT_STREAMS_FETCHER_H
#define WEFT_STREAMS_FETCHER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

struct weft_fetcher {
    rd_kafka_t *handle; /* borrowed */
    size_t bytes_max, records_max;
    size_t bytes, records; /* taken from the queue since the fetcher was last woken */
};

void weft_fetcher_init(struct weft_fetcher *fetcher, rd_kafka_t *handle);

/* To be told what has been taken from the queue; whether the fetcher may be asleep now. */
bool weft_fetcher_sleeps(struct weft_fetcher *fetcher, size_t records, size_t bytes);

/* Waits for the leaders' answers, a second at most. Overwrites the offsets in the list. */
void weft_fetcher_wake(struct weft_fetcher *fetcher, rd_kafka_topic_partition_list_t *partitions);

#endif
