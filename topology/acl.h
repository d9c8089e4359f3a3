/* The rights that a processor or a bridge needs on a cluster that asks for them (ACLs): these, and no others. */
#ifndef WEFT_TOPOLOGY_ACL_H
#define WEFT_TOPOLOGY_ACL_H

#include <stdbool.h>
#include <stdio.h>

#include "streams/processor_settings.h"
#include "topology/topology.h"

enum { WEFT_RIGHTS_MAX = 6 };

struct weft_right {
    const char *resource;          /* topic, group or transactional-id */
    char name[WEFT_NAME_SIZE + 8]; /* of the resource, or what its name begins with */
    bool prefix;
    const char *operation; /* Read or Write; Kafka counts Describe as part of both */
};

/* The processor's consumer group: group.id of the settings, or weft-<name>. */
void weft_topology_group(const struct weft_topology_processor *processor, const struct weft_settings *settings,
                         char *group, size_t size);

/* Give how many there are. */
size_t weft_processor_rights(const struct weft_topology_processor *processor, const struct weft_settings *settings,
                             struct weft_right rights[WEFT_RIGHTS_MAX]);
size_t weft_bridge_rights(const struct weft_topology_bridge *bridge, struct weft_right rights[WEFT_RIGHTS_MAX]);

/* The right as a command of Kafka's own tool, on one line, quoted for a shell. */
void weft_right_print(FILE *out, const struct weft_right *right, const char *servers, const char *principal);

#endif
