/* What bridges need before they can start, looked at all at once: settings, credentials, brokers, topics, ledgers,
 * subscriptions, rights. Every check is tried, whatever the others said, so that all that is wrong is seen together.
 *
 * Changes nothing, in Kafka or at Pub/Sub. */
#ifndef WEFT_BRIDGE_CHECK_H
#define WEFT_BRIDGE_CHECK_H

#include <stddef.h>

#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/credentials.h"
#include "streams/startup_report.h"
#include "topology/topology.h"

struct weft_bridge_check {
    const struct weft_topology *topology; /* borrowed, as all is */
    const struct weft_topology_bridge *const *bridges;
    size_t count;
    const struct weft_settings *settings;
    const struct weft_pubsub_address *address;
    struct weft_log *log;
};

/* Fills 1 + count reports: of what all bridges need, and of each. Waits some seconds for Kafka, and as long for
 * Pub/Sub; when one of them does not answer, that is failed as unavailable and does not stop a start, which waits. */
void weft_bridge_check(const struct weft_bridge_check *check, struct weft_startup_report *reports);

/* Who does not answer, in words; NULL: nobody. */
const char *weft_bridge_check_awaits(const struct weft_startup_report *reports, size_t count);

#endif
