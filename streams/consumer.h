/* What a client does that reads as a member of a group: where it reads, from where on, and where it stops. */
#ifndef WEFT_STREAMS_CONSUMER_H
#define WEFT_STREAMS_CONSUMER_H

#include <stdatomic.h>

#include "streams/client.h"

/* Joins the client's group for one topic. From here on rd_kafka_consumer_poll serves all of the client's events, and
 * nobody is to call rd_kafka_poll. */
int weft_consumer_subscribe(struct weft_client *client, const char *topic, struct weft_error *err);

/* The offsets that the client's group has committed for the partitions of the list, RD_KAFKA_OFFSET_INVALID where there
 * is none. Asks again while the group's coordinator moves or a transaction is just being settled, up to timeout_ms. */
int weft_consumer_committed(struct weft_client *client, rd_kafka_topic_partition_list_t *list, int timeout_ms,
                            struct weft_error *err);

/* Assigns the partitions to a consumer that got them, to be read from the group's committed offsets, or from their
 * beginning where there are none. The offsets are asked for here, for up to 30 s or until stop is set: the library's
 * own question is lost where the coordinator has just moved, and nothing is ever read then
 * (https://github.com/confluentinc/librdkafka/issues/5586). */
void weft_consumer_assign(struct weft_client *client, rd_kafka_topic_partition_list_t *partitions,
                          const atomic_bool *stop);

/* Lets a consumer fetch from none of its partitions, or from all again: polling gives no message then, but serves the
 * group. What was fetched and not yet given is fetched anew. Partitions that it gets later are fetched from. */
int weft_consumer_pause(struct weft_client *client, bool paused, struct weft_error *err);

/* Goes on reading from the offsets of the list. A partition that is being taken away is left out: whoever gets it
 * begins where it was committed. */
int weft_consumer_seek(struct weft_client *client, rd_kafka_topic_partition_list_t *list, struct weft_error *err);

#endif
