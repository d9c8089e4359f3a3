/* Which partition of its topic a result or dead letter goes to. */
#ifndef WEFT_STREAMS_PARTITIONER_H
#define WEFT_STREAMS_PARTITIONER_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

/* With a key, the partition that Java's default partitioner chooses (murmur2); without one (key NULL), the number of
 * the partition that the request came from, modulo count. */
int32_t weft_partition(const void *key, size_t key_size, int32_t source_partition, int32_t count);

/* The same as a callback of the library, with the source's partition as the message's opaque (see weft_partition_hint),
 * so that the count is always the one the cluster has now. */
int32_t weft_partitioner(const rd_kafka_topic_t *topic, const void *key, size_t key_size, int32_t count,
                         void *topic_opaque, void *message_opaque);

/* The opaque that tells weft_partitioner where the request came from. */
static inline void *weft_partition_hint(int32_t source_partition)
{
    return (void *)(intptr_t)source_partition;
}

#endif
