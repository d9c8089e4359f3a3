/* A topic of Kafka as an end of a bridge, looked up; the cluster is waited for until stop is set. */
#ifndef WEFT_BRIDGE_KAFKA_PLACE_H
#define WEFT_BRIDGE_KAFKA_PLACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "streams/client.h"

/* How many partitions the topic has. WEFT_ERROR_CONFIG when there is no such topic. */
int weft_kafka_partitions(struct weft_client *client, const char *topic, const atomic_bool *stop, int *count,
                          struct weft_error *err);

/* The topic, which must be there, as a place of a path (path.h). */
int weft_kafka_place(struct weft_client *client, const char *topic, const atomic_bool *stop, char *place, size_t size,
                     struct weft_error *err);

#endif
