/* The id of the only cluster that a topology is for. */
#ifndef WEFT_TOPOLOGY_GUARD_H
#define WEFT_TOPOLOGY_GUARD_H

#include "streams/client.h"
#include "topology/topology.h"

/* WEFT_ERROR_REFUSED when the topology names a cluster and this is another one. client may be NULL where it names
 * none. */
int weft_guard_cluster(const struct weft_topology *topology, struct weft_client *client, int timeout_ms,
                       struct weft_error *err);

#endif
