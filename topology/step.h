/* One step of a plan: what differs, and what is to be done about it. */
#ifndef WEFT_TOPOLOGY_STEP_H
#define WEFT_TOPOLOGY_STEP_H

#include <stddef.h>

enum weft_topology_step_kind {
    WEFT_STEP_SCHEMA,
    WEFT_STEP_COMPATIBILITY,
    WEFT_STEP_TOPIC,
    WEFT_STEP_PARTITIONS,
    WEFT_STEP_REPLICATION, /* said only: weft moves no replicas */
    WEFT_STEP_SETTING,     /* of a topic */
};

enum weft_topology_step_verdict {
    WEFT_STEP_UNCHANGED,
    WEFT_STEP_CREATE,
    WEFT_STEP_CHANGE,
    WEFT_STEP_DRIFT,   /* is otherwise there, and left so */
    WEFT_STEP_REFUSED, /* by the cluster, the registry or, where something would be lost, by weft */
    WEFT_STEP_VERDICTS,
};

struct weft_topology_step {
    enum weft_topology_step_kind kind;
    enum weft_topology_step_verdict verdict;
    const char *name;    /* topic or subject */
    const char *setting; /* of a SETTING */
    size_t declared;     /* index among the topology's topics or schemas */
    char *from, *to;     /* the values; NULL where there is none */
    char *detail;        /* for people, may be ""; after execution what came of it */
};

/* What somebody has agreed to, each as "shrink-retention:TOPIC" or "loosen-compatibility:SUBJECT". */
struct weft_topology_allowed {
    const char *const *list;
    size_t count;
};

#endif
