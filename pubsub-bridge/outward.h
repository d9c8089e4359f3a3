/* From a Kafka topic to a Pub/Sub topic: nothing lost, order kept where it was asked for, at least once.
 *
 * One thread, which polls Kafka, publishes, and commits an offset when Pub/Sub has it and all before it. */
#ifndef WEFT_BRIDGE_OUTWARD_H
#define WEFT_BRIDGE_OUTWARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/bridge_metrics.h"
#include "pubsub-bridge/credentials.h"
#include "topology/topology.h"

struct weft_outward;

struct weft_outward_config {
    const struct weft_topology_bridge *bridge; /* borrowed, as all is */
    const struct weft_settings *settings;
    const struct weft_pubsub_address *address;
    const char *group;        /* of Kafka, of all instances of this bridge */
    const char *dead_letters; /* Kafka topic */
    const atomic_bool *stop;
    struct weft_log *log;
    struct weft_bridge_metrics *metrics; /* may be NULL */
};

struct weft_outward *weft_outward_new(const struct weft_outward_config *config, struct weft_error *err);
void weft_outward_destroy(struct weft_outward *outward); /* accepts NULL */

/* Mirrors until stop is set and what has been read has been published and committed, or until it cannot go on. */
int weft_outward_run(struct weft_outward *outward, struct weft_error *err);

#endif
