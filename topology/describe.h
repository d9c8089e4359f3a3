/* What a cluster and a registry have of a topology: sizes, groups, lag, versions. */
#ifndef WEFT_TOPOLOGY_DESCRIBE_H
#define WEFT_TOPOLOGY_DESCRIBE_H

#include <stdint.h>

#include "base/log.h"
#include "schemas/registry.h"
#include "streams/processor_settings.h"
#include "topology/topology.h"

struct weft_described_topic {
    int partitions; /* 0: there is no such topic */
    int replication;
    /* Offsets from the first that is there to the next to be written, over all partitions. Of these some hold no
     * record any more (compaction) or never did (the ends of transactions). */
    int64_t records;
};

struct weft_described_group {
    char name[WEFT_NAME_SIZE];
    char state[32]; /* "Stable", "Empty", ...; "none" where nobody has been in it */
    int members;
    int64_t lag; /* offsets of the source that it has not committed yet */
};

struct weft_described_schema {
    struct weft_registry_schema latest; /* version 0: there is no such subject */
    bool current;                       /* the latest version is the declared one */
    char level[WEFT_REGISTRY_LEVEL_SIZE];
};

/* As many of each as the topology declares, in its order. */
struct weft_description {
    size_t schema_count; /* for destroy */
    struct weft_described_topic *topics;
    struct weft_described_group *groups; /* of the processors */
    struct weft_described_schema *schemas;
};

/* Changes nothing. Errors as for weft_topology_plan_new. */
struct weft_description *weft_topology_describe(const struct weft_topology *topology,
                                                const struct weft_settings *settings, struct weft_log *log,
                                                struct weft_error *err);
void weft_description_destroy(struct weft_description *description); /* accepts NULL */

#endif
