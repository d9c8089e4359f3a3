/* Changing the settings that a topic has on the cluster. */
#ifndef WEFT_TOPOLOGY_CONFIG_CHANGE_H
#define WEFT_TOPOLOGY_CONFIG_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "streams/client.h"
#include "topology/topology.h"

/* Sets these and leaves the others as they are, or only asks whether the cluster would. Before librdkafka 2.2 the
 * others are read and sent along, and what somebody else sets in between is lost. */
int weft_config_change(struct weft_client *client, const char *topic, const struct weft_topology_config *changes,
                       size_t count, bool only_check, int timeout_ms, struct weft_error *err);

#endif
