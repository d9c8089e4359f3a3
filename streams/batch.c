#include "streams/batch.h"

#include <stdbool.h>
#include <stdlib.h>

#include "streams/message.h"

int weft_batch_init(struct weft_batch *batch, size_t capacity)
{
    *batch = (struct weft_batch){
        .messages = calloc(capacity, sizeof *batch->messages),
        .requests = calloc(capacity, sizeof *batch->requests),
        .answers = calloc(capacity, sizeof *batch->answers),
        .capacity = capacity,
    };
    return batch->messages && batch->requests && batch->answers ? 0 : -1;
}

void weft_batch_destroy(struct weft_batch *batch)
{
    weft_batch_clear(batch);
    free(batch->messages);
    free(batch->requests);
    free(batch->answers);
}

void weft_batch_add(struct weft_batch *batch, rd_kafka_message_t *message)
{
    size_t frame_size;
    const void *frame = weft_message_frame_header(message, &frame_size);
    batch->requests[batch->count] = (struct weft_scorer_request){
        .value = message->payload,
        .size = message->len,
        .frame = frame,
        .frame_size = frame_size,
        .key = message->key,
        .key_size = message->key_len,
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
    };
    batch->messages[batch->count++] = message;
    batch->bytes += message->len;
}

void weft_batch_clear(struct weft_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->messages[i]);
    batch->count = 0;
    batch->bytes = 0;
}

/* Messages of a partition come in the order of their offsets, so the first (or last) one seen has the first (or last)
 * offset. Runs of one partition are long: the entry is looked up only where the partition changes. */
static rd_kafka_topic_partition_list_t *offsets(const struct weft_batch *batch, bool next)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    rd_kafka_topic_partition_t *entry = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const rd_kafka_message_t *message = batch->messages[i];
        const char *topic = rd_kafka_topic_name(message->rkt);
        if (!entry || entry->partition != message->partition) {
            entry = rd_kafka_topic_partition_list_find(list, topic, message->partition);
            if (!entry) {
                entry = rd_kafka_topic_partition_list_add(list, topic, message->partition);
                entry->offset = message->offset;
            }
        }
        if (next)
            entry->offset = message->offset + 1;
    }
    return list;
}

rd_kafka_topic_partition_list_t *weft_batch_next_offsets(const struct weft_batch *batch)
{
    return offsets(batch, true);
}

rd_kafka_topic_partition_list_t *weft_batch_first_offsets(const struct weft_batch *batch)
{
    return offsets(batch, false);
}
