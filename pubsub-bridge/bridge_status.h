/* The status endpoint of weft-bridge: what the bridges tell of themselves, behind base/status_server.
 *
 * Without the setting status.listen there is nothing to listen at: weft_bridge_status_metrics gives NULL, and nothing
 * is measured. */
#ifndef WEFT_BRIDGE_STATUS_H
#define WEFT_BRIDGE_STATUS_H

#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/bridge_metrics.h"

struct weft_bridge_status;

/* Begins to answer for these bridges; all is borrowed. WEFT_ERROR_CONFIG for an address that cannot be used. */
struct weft_bridge_status *weft_bridge_status_start(const struct weft_topology_bridge *const *bridges, size_t count,
                                                    const struct weft_settings *settings, struct weft_log *log,
                                                    struct weft_error *err);

/* Ends the answers first. After the bridges are gone. Accepts NULL. */
void weft_bridge_status_destroy(struct weft_bridge_status *status);

/* Of the index-th bridge, or NULL where there is no endpoint. */
struct weft_bridge_metrics *weft_bridge_status_metrics(struct weft_bridge_status *status, size_t index);

/* What the start of all waits for, a constant. */
void weft_bridge_status_awaits(struct weft_bridge_status *status, const char *what);

#endif
