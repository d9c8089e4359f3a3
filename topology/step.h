/* One step of a plan: what differs, and what is to be done about it. */
#ifndef WEFT_TOPOLOGY_STEP_H
#define WEFT_TOPOLOGY_STEP_H

#include <stdbool.h>
#include <stddef.h>

enum weft_topology_step_kind {
    WEFT_STEP_SCHEMA,
    WEFT_STEP_COMPATIBILITY,
    WEFT_STEP_TOPIC,
    WEFT_STEP_PARTITIONS,
    WEFT_STEP_REPLICATION, /* said only: weft moves no replicas */
    WEFT_STEP_SETTING,     /* of a topic */
    WEFT_STEP_PUBSUB_TOPIC,
    WEFT_STEP_SUBSCRIPTION,
    WEFT_STEP_PUBSUB_TOPIC_SETTING,
    WEFT_STEP_SUBSCRIPTION_SETTING,
    WEFT_STEP_KINDS,
};

enum weft_topology_step_verdict {
    WEFT_STEP_UNCHANGED,
    WEFT_STEP_CREATE,
    WEFT_STEP_CHANGE,
    WEFT_STEP_DRIFT,   /* is otherwise there, and left so */
    WEFT_STEP_REFUSED, /* by who is asked or, where something would be lost, by weft */
    WEFT_STEP_VERDICTS,
};

struct weft_topology_step {
    enum weft_topology_step_kind kind;
    enum weft_topology_step_verdict verdict;
    const char *name;    /* of the topic, subject or subscription */
    const char *setting; /* of a SETTING */
    size_t declared;     /* index among the topology's declarations of this kind */
    char *from, *to;     /* the values; NULL where there is none */
    char *detail;        /* for people, may be ""; after execution what came of it */
};

/* One word for each, as --json prints them. */
const char *weft_step_kind_name(enum weft_topology_step_kind kind);
const char *weft_step_verdict_name(enum weft_topology_step_verdict verdict);

bool weft_step_is_change(const struct weft_topology_step *step);
bool weft_step_is_setting(const struct weft_topology_step *step);

/* What somebody has agreed to, each as "shrink-retention:TOPIC" or "loosen-compatibility:SUBJECT". */
struct weft_topology_allowed {
    const char *const *list;
    size_t count;
};

#endif
