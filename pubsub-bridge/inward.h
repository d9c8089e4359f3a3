/* From a Pub/Sub subscription to a Kafka topic: effectively once.
 *
 * Records and the ids of their messages (ledger.h) are written in one Kafka transaction, and acknowledged after it. One
 * instance of a bridge is its owner: the member of its group that holds the ledger's only partition. The others wait;
 * one that takes over fences the former with the transactional id, and reads the ledger before it pulls. */
#ifndef WEFT_BRIDGE_INWARD_H
#define WEFT_BRIDGE_INWARD_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/bridge_metrics.h"
#include "pubsub-bridge/credentials.h"
#include "topology/topology.h"

struct weft_inward;

struct weft_inward_config {
    const struct weft_topology_bridge *bridge; /* borrowed, as all is */
    const struct weft_settings *settings;
    const struct weft_pubsub_address *address;
    const char *group;        /* of Kafka, of all instances of this bridge; also its transactional id */
    const char *ledger;       /* Kafka topic: one partition, compacted */
    const char *dead_letters; /* Kafka topic */
    const atomic_bool *stop;
    struct weft_log *log;
    struct weft_bridge_metrics *metrics; /* may be NULL */
};

struct weft_inward *weft_inward_new(const struct weft_inward_config *config, struct weft_error *err);
void weft_inward_destroy(struct weft_inward *inward); /* accepts NULL */

/* Mirrors while it is the owner, until stop is set and what has been written is acknowledged, or until it cannot go on.
 * WEFT_ERROR_FENCED: another instance has taken over. */
int weft_inward_run(struct weft_inward *inward, struct weft_error *err);

#endif
