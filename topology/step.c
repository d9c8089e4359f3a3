#include "topology/step.h"

const char *weft_step_kind_name(enum weft_topology_step_kind kind)
{
    static const char *const names[] = {
        "schema",  "compatibility", "topic",        "partitions",           "replication",
        "setting", "pubsub_topic",  "subscription", "pubsub_topic_setting", "subscription_setting"};
    return names[kind];
}

const char *weft_step_verdict_name(enum weft_topology_step_verdict verdict)
{
    static const char *const names[] = {"unchanged", "create", "change", "drift", "refused"};
    return names[verdict];
}

bool weft_step_is_change(const struct weft_topology_step *step)
{
    return step->verdict == WEFT_STEP_CREATE || step->verdict == WEFT_STEP_CHANGE;
}

bool weft_step_is_setting(const struct weft_topology_step *step)
{
    return step->kind == WEFT_STEP_SETTING || step->kind == WEFT_STEP_PUBSUB_TOPIC_SETTING ||
           step->kind == WEFT_STEP_SUBSCRIPTION_SETTING;
}
