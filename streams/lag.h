/* How far behind a consumer is: of each of its partitions the end, less the offset up to which all is done.
 *
 * One thread tells, and looks at the ends; any thread may ask. */
#ifndef WEFT_STREAMS_LAG_H
#define WEFT_STREAMS_LAG_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"

struct weft_lag;

/* topic is borrowed. NULL when memory is short. */
struct weft_lag *weft_lag_new(const char *topic);
void weft_lag_destroy(struct weft_lag *lag); /* accepts NULL */

/* Its partitions from now on, of which nothing is known yet. */
void weft_lag_assigned(struct weft_lag *lag, const rd_kafka_topic_partition_list_t *list);
void weft_lag_revoked(struct weft_lag *lag);

/* What is read of a partition at first: all before the offset is done. Changes nothing where more is known. */
void weft_lag_begins(struct weft_lag *lag, int32_t partition, int64_t offset);
/* All before the offset is done. */
void weft_lag_done(struct weft_lag *lag, int32_t partition, int64_t offset);

/* Looks at the ends, at most once a second. paused: nothing is fetched meanwhile, so the brokers are asked. */
void weft_lag_look(struct weft_lag *lag, rd_kafka_t *consumer, bool paused);

/* Of all partitions whose lag is known. */
int64_t weft_lag_total(struct weft_lag *lag);

/* A sample of the metric for each of these, with the two labels and those of topic and partition. */
void weft_lag_write(struct weft_lag *lag, struct weft_metric *metric, const struct weft_label labels[2]);

#endif
