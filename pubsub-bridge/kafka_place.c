#include "pubsub-bridge/kafka_place.h"

#include <stdio.h>

enum { CALL_TIMEOUT_MS = 1000 /* bounds how fast a stop is seen */ };

int weft_kafka_partitions(struct weft_client *client, const char *topic, const atomic_bool *stop, int *count,
                          struct weft_error *err)
{
    for (;;) {
        if (weft_client_partition_count(client, topic, CALL_TIMEOUT_MS, count, err) == 0)
            return 0;
        if (err->class != WEFT_ERROR_UNAVAILABLE || atomic_load(stop))
            return -1;
    }
}

int weft_kafka_place(struct weft_client *client, const char *topic, const atomic_bool *stop, char *place, size_t size,
                     struct weft_error *err)
{
    rd_kafka_t *handle = weft_client_handle(client);
    int partitions;
    char *cluster = NULL;
    while (!cluster) {
        if (weft_kafka_partitions(client, topic, stop, &partitions, err) != 0)
            return -1;
        cluster = rd_kafka_clusterid(handle, CALL_TIMEOUT_MS);
        if (!cluster && atomic_load(stop))
            return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "stopped before the cluster told its id");
    }
    snprintf(place, size, "kafka:%s/%s", cluster, topic);
    rd_kafka_mem_free(handle, cluster);
    return 0;
}
