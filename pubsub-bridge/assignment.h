/* The partitions that a consumer has at present: what of each has been read, is done with, and has been committed.
 *
 * They come and go with the group's rebalances, all at once; what was read by a former assignment is nobody's any more.
 */
#ifndef WEFT_BRIDGE_ASSIGNMENT_H
#define WEFT_BRIDGE_ASSIGNMENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

struct weft_assignment;

/* Of none at first. topic is borrowed. NULL when memory is short. */
struct weft_assignment *weft_assignment_new(const char *topic);
void weft_assignment_destroy(struct weft_assignment *assignment); /* accepts NULL */

/* False when memory is short: it has none then. */
bool weft_assignment_begin(struct weft_assignment *assignment, const rd_kafka_topic_partition_list_t *list);
void weft_assignment_end(struct weft_assignment *assignment);

/* Tells this assignment from former ones. */
unsigned weft_assignment_number(const struct weft_assignment *assignment);

/* A record has been read, now. False when memory is short. */
bool weft_assignment_read(struct weft_assignment *assignment, int32_t partition, int64_t offset, int64_t now_ms);

/* A record that was read by the assignment of this number is done with. Nothing where that is a former one. */
void weft_assignment_done(struct weft_assignment *assignment, unsigned number, int32_t partition, int64_t offset);

/* The offsets to commit, of partitions where these are not known to be committed; the caller destroys the list. */
rd_kafka_topic_partition_list_t *weft_assignment_commit(struct weft_assignment *assignment);

/* The offset has been committed. Gives how many records have become done with by that: where it was the last to be
 * committed those before it, less those told of before. */
uint64_t weft_assignment_committed(struct weft_assignment *assignment, int32_t partition, int64_t offset);

/* When the oldest record that is not done with was read; INT64_MAX where there is none. */
int64_t weft_assignment_oldest_ms(const struct weft_assignment *assignment);

#endif
