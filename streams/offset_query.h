/* What offsets a partition has, as its leader says. */
#ifndef WEFT_STREAMS_OFFSET_QUERY_H
#define WEFT_STREAMS_OFFSET_QUERY_H

#include <stdint.h>

#include "base/error.h"
#include "streams/client.h"

/* The offset of the first record that is not older than when (ms since 1970), -1 where all are; or, for
 * RD_KAFKA_OFFSET_BEGINNING and _END, the first offset that is there and the one after the last record that this client
 * may see: with read_committed the last stable offset. The topic must have been seen before: a broker that does not
 * know it has only just started, and is asked again. WEFT_ERROR_UNAVAILABLE when the leader does not answer in
 * timeout_ms. */
int weft_offset_query(struct weft_client *client, const char *topic, int32_t partition, int64_t when, int timeout_ms,
                      int64_t *offset, struct weft_error *err);

/* Both ends. */
int weft_offset_range(struct weft_client *client, const char *topic, int32_t partition, int timeout_ms, int64_t *first,
                      int64_t *end, struct weft_error *err);

#endif
