/* The ordering keys of Pub/Sub. */
#ifndef WEFT_BRIDGE_ORDERING_H
#define WEFT_BRIDGE_ORDERING_H

#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/record.h"
#include "topology/topology.h"

/* The ordering key of a record, in the arena: at most 1024 bytes of text, "" for no order. It is the record's key as it
 * is, or its digest where it cannot be one; keys with the same digest would only be kept in order with one another.
 * NULL when memory is short. */
char *weft_ordering_key(enum weft_topology_order order, const struct weft_record *record, struct weft_arena *arena);

#endif
