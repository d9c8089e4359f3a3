/* A topology file as it is written: which keys there may be, their text, and where each stands.
 *
 * libyaml's tree, with the environment's values in it, is held against the form, so that all faults are found and each
 * has its line; libcyaml then fills the structs by the same tables. Values are still text. */
#ifndef WEFT_TOPOLOGY_DOCUMENT_H
#define WEFT_TOPOLOGY_DOCUMENT_H

#include "base/error.h"
#include "topology/faults.h"
#include "topology/topic_settings.h"

/* NULL: not given. */
struct weft_document_cluster {
    char *id;
};

struct weft_document_reference {
    char *name, *subject, *version;
};

struct weft_document_schema {
    char *subject, *file, *compatibility;
    struct weft_document_reference *references;
    unsigned references_count;
};

struct weft_document_config {
#define MEMBER(member, name, kind) char *member;
    WEFT_TOPIC_SETTINGS(MEMBER)
#undef MEMBER
};

struct weft_document_topic {
    char *name, *partitions, *replication;
    struct weft_document_config *config;
};

struct weft_document_canary {
    char *model, *percent;
};

struct weft_document_processor {
    char *name, *source, *sink, *dead_letters, *model, *workers, *shadow, *shadow_results;
    struct weft_document_canary *canary;
};

struct weft_document_end {
    char *kafka, *pubsub;
};

struct weft_document_bridge {
    char *name, *order, *format, *on_unmappable, *dead_letters;
    struct weft_document_end *from, *to;
};

struct weft_document_pubsub_topic {
    char *name, *retention;
};

struct weft_document_dead_letters {
    char *topic, *max_attempts;
};

struct weft_document_subscription {
    char *name, *topic, *ack_deadline, *ordering, *exactly_once, *retention;
    struct weft_document_dead_letters *dead_letters;
};

struct weft_document_pubsub {
    struct weft_document_pubsub_topic *topics;
    unsigned topics_count;
    struct weft_document_subscription *subscriptions;
    unsigned subscriptions_count;
};

struct weft_document_content {
    char *topology;
    struct weft_document_cluster *cluster;
    struct weft_document_schema *schemas;
    unsigned schemas_count;
    struct weft_document_topic *topics;
    unsigned topics_count;
    struct weft_document_processor *processors;
    unsigned processors_count;
    struct weft_document_bridge *bridges;
    unsigned bridges_count;
    struct weft_document_pubsub *pubsub;
};

struct weft_document;

/* NULL when the file is not YAML or not of this form, with the faults, or else with *err: it cannot be read, or memory
 * is short. */
struct weft_document *weft_document_read(const char *path, struct weft_faults *faults, struct weft_error *err);
void weft_document_destroy(struct weft_document *document); /* accepts NULL */

const struct weft_document_content *weft_document_content(const struct weft_document *document);

/* The line of what stands at the path, such as "topics/0/config/retention.ms"; of what is nearest above it where there
 * is nothing. */
int weft_document_line(const struct weft_document *document, const char *path_format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
