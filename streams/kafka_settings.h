/* The Kafka client's settings: which names there are, what weft sets by itself, and what it refuses.
 *
 * Names are librdkafka's; consumer. and producer. before a name hold for one kind of client only. */
#ifndef WEFT_STREAMS_KAFKA_SETTINGS_H
#define WEFT_STREAMS_KAFKA_SETTINGS_H

#include <librdkafka/rdkafka.h>

#include "base/settings.h"

/* What a client is for; each role has its own defaults and refusals. */
enum weft_kafka_role {
    WEFT_KAFKA_SOURCE, /* consumer of a processor: group member, read_committed */
    WEFT_KAFKA_SINK,   /* transactional producer of a processor */
    WEFT_KAFKA_SENDER, /* idempotent producer of a program that sends */
    WEFT_KAFKA_READER, /* consumer without a group, which assigns partitions itself */
    WEFT_KAFKA_ADMIN,  /* topics, groups, offsets */
};

struct weft_kafka_names;

/* Asks the library for the names it knows. */
struct weft_kafka_names *weft_kafka_names_new(struct weft_error *err);
void weft_kafka_names_destroy(struct weft_kafka_names *names); /* accepts NULL */

/* For weft_settings_new; valid as long as names. */
const struct weft_settings_dialect *weft_kafka_names_dialect(const struct weft_kafka_names *names);

/* A configuration for a client of this role: weft's defaults, then the settings. The caller owns it. A setting that
 * would break exactly-once is a WEFT_ERROR_CONFIG that names where it stands. */
rd_kafka_conf_t *weft_kafka_conf(const struct weft_settings *settings, enum weft_kafka_role role,
                                 struct weft_error *err);

/* bootstrap.servers as set; "" when it is not. */
const char *weft_kafka_servers(const struct weft_settings *settings);

#endif
