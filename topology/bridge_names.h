/* The names in Kafka that follow from a bridge's. */
#ifndef WEFT_TOPOLOGY_BRIDGE_NAMES_H
#define WEFT_TOPOLOGY_BRIDGE_NAMES_H

#include "topology/topology.h"

enum { WEFT_BRIDGE_NAME_SIZE = 256 }; /* Kafka's topics have at most 249 */

struct weft_bridge_names {
    char group[WEFT_BRIDGE_NAME_SIZE]; /* from Pub/Sub also the transactional id, and the topic of the ledger */
    char dead_letters[WEFT_BRIDGE_NAME_SIZE];
};

void weft_bridge_names(const struct weft_topology_bridge *declared, struct weft_bridge_names *names);

#endif
