/* What a deployment expects of its cluster and of Pub/Sub, declared in one YAML file: schemas, topics, processors,
 * bridges.
 *
 * Errors name the file and the line. Paths in the file are relative to it. */
#ifndef WEFT_TOPOLOGY_TOPOLOGY_H
#define WEFT_TOPOLOGY_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/settings.h"
#include "topology/faults.h"

enum { WEFT_TOPOLOGY_REFERENCES_MAX = 32 };

/* A type of another subject that a schema uses. */
struct weft_topology_reference {
    char *name; /* the type's full name */
    char *subject;
    int version; /* 0: that which the file declares of the subject, or else its latest */
};

struct weft_topology_schema {
    char *subject;
    char *file;          /* as opened: relative paths are resolved against the topology file */
    char *text;          /* what is in the file, as compact JSON */
    char *compatibility; /* NULL: as the registry has it */
    struct weft_topology_reference *references;
    size_t reference_count;
    int line; /* where it is declared, as for those below */
};

struct weft_topology_config {
    const char *name; /* a topic setting of Kafka, such as retention.ms */
    char *value;      /* as Kafka takes it: durations in milliseconds */
};

struct weft_topology_topic {
    char *name;
    int partitions;
    int replication; /* 0: the cluster's default */
    struct weft_topology_config *config;
    size_t config_count;
    int line;
};

struct weft_topology_processor {
    char *name;
    char *source, *sink;
    char *dead_letters;   /* <source>.dead where the file does not say */
    char *model;          /* path, resolved, or builtin:NAME; NULL: not said */
    int workers;          /* 0: not said */
    char *shadow;         /* model as above, or NULL: none */
    char *shadow_results; /* topic; <sink>.shadow where the file does not say; NULL without a shadow */
    char *canary;         /* model as above, or NULL: none */
    int canary_percent;
    int line;
};

/* One end of a bridge. */
struct weft_topology_end {
    bool pubsub; /* name is projects/PROJECT/subscriptions/NAME, or .../topics/NAME, and not a Kafka topic */
    char *name;
};

enum weft_topology_order { WEFT_ORDER_NONE, WEFT_ORDER_KEY, WEFT_ORDER_PARTITION };

/* One of its ends is Kafka's, the other Pub/Sub's. */
struct weft_topology_bridge {
    char *name;
    struct weft_topology_end from, to;
    enum weft_topology_order order;
    bool json;          /* format: json; otherwise raw */
    bool stop;          /* on_unmappable: stop; otherwise dead_letter */
    char *dead_letters; /* NULL: not said */
    int line;
};

struct weft_topology_pubsub_topic {
    char *name;          /* projects/PROJECT/topics/NAME */
    int64_t retention_s; /* 0: not said */
    int line;
};

enum weft_topology_choice { WEFT_UNSAID, WEFT_NO, WEFT_YES };

struct weft_topology_subscription {
    char *name; /* projects/PROJECT/subscriptions/NAME */
    char *topic;
    int64_t ack_deadline_s; /* 0: not said */
    int64_t retention_s;    /* likewise */
    enum weft_topology_choice ordering, exactly_once;
    char *dead_letters; /* topic of Pub/Sub; NULL: not said */
    int max_attempts;   /* before a message goes there */
    int line;
};

struct weft_topology {
    char *name;
    char *path;       /* of the file */
    char *cluster_id; /* of the only cluster that it may be applied to, or NULL */
    struct weft_topology_schema *schemas;
    size_t schema_count;
    struct weft_topology_topic *topics;
    size_t topic_count;
    struct weft_topology_processor *processors;
    size_t processor_count;
    struct weft_topology_bridge *bridges;
    size_t bridge_count;
    struct weft_topology_pubsub_topic *pubsub_topics;
    size_t pubsub_topic_count;
    struct weft_topology_subscription *subscriptions;
    size_t subscription_count;
};

/* Loads and checks: form, names, values, cross references, and that the schemas' files are JSON. Nobody is asked. NULL
 * with the faults, or with *err when the file cannot be read or memory is short. */
struct weft_topology *weft_topology_check(const char *path, struct weft_faults *faults, struct weft_error *err);

/* The same for those who need the topology and not its faults: WEFT_ERROR_CONFIG is the first of them, and how many
 * more there are. */
struct weft_topology *weft_topology_load(const char *path, struct weft_error *err);
void weft_topology_destroy(struct weft_topology *topology); /* accepts NULL */

/* The processor of this name, or the only one when name is NULL. NULL with *err filled otherwise. */
const struct weft_topology_processor *weft_topology_processor(const struct weft_topology *topology, const char *name,
                                                              struct weft_error *err);

/* The bridge of this name; NULL with WEFT_ERROR_CONFIG where there is none. */
const struct weft_topology_bridge *weft_topology_bridge(const struct weft_topology *topology, const char *name,
                                                        struct weft_error *err);

/* The declared schema of this subject, or NULL. */
const struct weft_topology_schema *weft_topology_schema(const struct weft_topology *topology, const char *subject);

/* The declared topic of this name, or NULL. */
const struct weft_topology_topic *weft_topology_topic(const struct weft_topology *topology, const char *name);

/* The declared Pub/Sub topic or subscription of this name, or NULL. */
const struct weft_topology_pubsub_topic *weft_topology_pubsub_topic(const struct weft_topology *topology,
                                                                    const char *name);
const struct weft_topology_subscription *weft_topology_subscription(const struct weft_topology *topology,
                                                                    const char *name);

/* Puts what the file (path) says of the processor into the settings, at the topology's rank. */
int weft_topology_settings(const struct weft_topology_processor *processor, const char *path,
                           struct weft_settings *settings, struct weft_error *err);

#endif
