#include "streams/partitioner.h"

int32_t weft_partition(const void *key, size_t key_size, int32_t source_partition, int32_t count)
{
    if (!key)
        return source_partition % count;
    return rd_kafka_msg_partitioner_murmur2(NULL, key, key_size, count, NULL, NULL);
}

int32_t weft_partitioner(const rd_kafka_topic_t *topic, const void *key, size_t key_size, int32_t count,
                         void *topic_opaque, void *message_opaque)
{
    (void)topic;
    (void)topic_opaque;
    return weft_partition(key, key_size, (int32_t)(intptr_t)message_opaque, count);
}
