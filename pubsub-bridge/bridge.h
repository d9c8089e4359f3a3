/* One bridge of the topology at work, on a thread of its own.
 *
 *     struct weft_bridge *bridge = weft_bridge_start(&config, &err);
 *     while (weft_bridge_watch(bridge, &err) == WEFT_BRIDGE_RUNNING)
 *         ... wait a little; call weft_bridge_stop when it is time ...
 */
#ifndef WEFT_BRIDGE_BRIDGE_H
#define WEFT_BRIDGE_BRIDGE_H

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/bridge_metrics.h"
#include "pubsub-bridge/credentials.h"
#include "topology/topology.h"

struct weft_bridge;

struct weft_bridge_config {
    const struct weft_topology_bridge *declared; /* borrowed, as all is */
    const struct weft_settings *settings;
    const struct weft_pubsub_address *address;
    struct weft_log *log;
    struct weft_bridge_metrics *metrics; /* may be NULL */
};

enum weft_bridge_state {
    WEFT_BRIDGE_RUNNING,
    WEFT_BRIDGE_ENDED,  /* in good order */
    WEFT_BRIDGE_FAILED, /* *err says why */
};

/* Starts the thread, which looks whether all is there, and then mirrors. */
struct weft_bridge *weft_bridge_start(const struct weft_bridge_config *config, struct weft_error *err);
enum weft_bridge_state weft_bridge_watch(struct weft_bridge *bridge, struct weft_error *err);

/* Lets it finish what is under way; returns at once. */
void weft_bridge_stop(struct weft_bridge *bridge);

/* Stops, waits for the thread, and frees. Accepts NULL. */
void weft_bridge_destroy(struct weft_bridge *bridge);

#endif
