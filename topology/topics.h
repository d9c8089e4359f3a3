/* The cluster's topics, looked at, created and grown. */
#ifndef WEFT_TOPOLOGY_TOPICS_H
#define WEFT_TOPOLOGY_TOPICS_H

#include <stdbool.h>

#include "streams/client.h"
#include "topology/topology.h"

struct weft_live_topic {
    int partitions;  /* 0: there is no such topic */
    int replication; /* of its first partition */
    bool ready;      /* every partition has a leader */
};

/* Asks for the declared topics and for no others; live has room for one each. Waits for a broker up to timeout_ms. */
int weft_topics_look(struct weft_client *client, const struct weft_topology *topology, int timeout_ms,
                     struct weft_live_topic *live, struct weft_error *err);

/* Waits until all declared topics can be used. */
int weft_topics_await(struct weft_client *client, const struct weft_topology *topology, int timeout_ms,
                      struct weft_error *err);

/* Creates the topic, or only asks whether the cluster would. A topic that is there already is no error. What the
 * cluster does not accept is a WEFT_ERROR_CONFLICT or, for missing rights, _REFUSED. */
int weft_topics_create(struct weft_client *client, const struct weft_topology_topic *topic, bool only_check,
                       int timeout_ms, struct weft_error *err);

/* Gives the topic as many partitions as declared, or only asks whether the cluster would. That somebody else has just
 * done so is no error. */
int weft_topics_grow(struct weft_client *client, const struct weft_topology_topic *topic, bool only_check,
                     int timeout_ms, struct weft_error *err);

#endif
