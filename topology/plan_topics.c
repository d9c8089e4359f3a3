#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams/live_config.h"
#include "topology/config_change.h"
#include "topology/steps.h"
#include "topology/topics.h"
#include "topology/value.h"

enum { DETAIL_SIZE = 2048, NUMBER_SIZE = 16 };

/* What the cluster would refuse makes a refused step; what keeps it from answering is an error. */
static int add_checked(struct weft_topology_plan *plan, struct weft_topology_step step, int verdict,
                       const struct weft_error *refusal, const char *detail, struct weft_error *err)
{
    if (verdict == 0)
        return weft_plan_add(plan, step, err, "%s", detail);
    if (refusal->class != WEFT_ERROR_CONFLICT && refusal->class != WEFT_ERROR_REFUSED)
        return weft_error_set(err, refusal->class, "topic %s: %s", step.name, refusal->message);
    step.verdict = WEFT_STEP_REFUSED;
    return weft_plan_add(plan, step, err, "%s", refusal->message);
}

static void describe(const struct weft_topology_topic *topic, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    if (!out)
        return;
    fprintf(out, "%d partition%s", topic->partitions, topic->partitions == 1 ? "" : "s");
    if (topic->replication)
        fprintf(out, ", replication %d", topic->replication);
    for (size_t i = 0; i < topic->config_count; i++)
        fprintf(out, ", %s=%s", topic->config[i].name, topic->config[i].value);
    fclose(out);
}

static int plan_new_topic(struct weft_topology_plan *plan, struct weft_topology_step step, struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[step.declared];
    struct weft_error refusal = {0};
    char text[DETAIL_SIZE] = "";
    step.verdict = WEFT_STEP_CREATE;
    describe(topic, text, sizeof text);
    int verdict = weft_topics_create(plan->client, topic, true, plan->timeout_ms, &refusal);
    return add_checked(plan, step, verdict, &refusal, text, err);
}

/* The text of a step's numbers. */
struct numbers {
    char from[NUMBER_SIZE], to[NUMBER_SIZE];
};

static void set_numbers(struct weft_topology_step *step, struct numbers *text, int live, int declared)
{
    snprintf(text->from, sizeof text->from, "%d", live);
    snprintf(text->to, sizeof text->to, "%d", declared);
    step->from = text->from;
    step->to = text->to;
}

static int plan_partitions(struct weft_topology_plan *plan, struct weft_topology_step step, int live,
                           struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[step.declared];
    struct weft_error refusal = {0};
    struct numbers text;
    if (live == topic->partitions)
        return 0;
    set_numbers(&step, &text, live, topic->partitions);
    step.kind = WEFT_STEP_PARTITIONS;
    step.verdict = live < topic->partitions ? WEFT_STEP_CHANGE : WEFT_STEP_REFUSED;
    if (live > topic->partitions)
        return weft_plan_add(plan, step, err, "Kafka takes no partitions away: declare %d", live);
    int verdict = weft_topics_grow(plan->client, topic, true, plan->timeout_ms, &refusal);
    return add_checked(plan, step, verdict, &refusal,
                       "keys move: a record may go to another partition than earlier ones of its key", err);
}

/* Out of scope: what moves replicas moves much data, and has a tool of its own. */
static int plan_replication(struct weft_topology_plan *plan, struct weft_topology_step step, int live,
                            struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[step.declared];
    struct numbers text;
    if (!topic->replication || live == topic->replication)
        return 0;
    set_numbers(&step, &text, live, topic->replication);
    step.kind = WEFT_STEP_REPLICATION;
    step.verdict = WEFT_STEP_DRIFT;
    return weft_plan_add(plan, step, err, "weft moves no replicas: kafka-reassign-partitions.sh does");
}

/* Kafka gives 0.50 back as it was written. */
static bool same_value(const char *live, const char *declared)
{
    return strcmp(live, declared) == 0 || (strchr(declared, '.') && strtod(live, NULL) == strtod(declared, NULL));
}

/* -1 is without limit. */
static bool is_less(const char *declared, const char *live)
{
    int64_t now, then;
    if (!weft_value_whole(declared, &now) || !weft_value_whole(live, &then))
        return false;
    return now >= 0 && (then < 0 || now < then);
}

/* Whether records that are kept now would be deleted after the change. */
static bool shrinks(const char *name, const char *live, const char *declared)
{
    if (strcmp(name, "retention.ms") == 0 || strcmp(name, "retention.bytes") == 0 ||
        strcmp(name, "delete.retention.ms") == 0)
        return is_less(declared, live);
    if (strcmp(name, "cleanup.policy") != 0)
        return false;
    return (strstr(declared, "delete") && !strstr(live, "delete")) ||
           (strstr(declared, "compact") && !strstr(live, "compact"));
}

static int plan_setting(struct weft_topology_plan *plan, struct weft_topology_step step,
                        const struct weft_live_config *live, const struct weft_topology_config *declared,
                        struct weft_error *err)
{
    const struct weft_live_setting *setting = weft_live_config_find(live, declared->name);
    if (setting && setting->value && same_value(setting->value, declared->value))
        return 0;
    step.kind = WEFT_STEP_SETTING;
    step.setting = declared->name;
    step.to = declared->value;
    step.from = setting ? setting->value : NULL;
    step.verdict = WEFT_STEP_CHANGE;
    if (!setting || !setting->value || !shrinks(declared->name, setting->value, declared->value)) {
        struct weft_error refusal = {0};
        int verdict = weft_config_change(plan->client, step.name, declared, 1, true, plan->timeout_ms, &refusal);
        return add_checked(plan, step, verdict, &refusal, "", err);
    }
    if (weft_plan_allows(plan, WEFT_ALLOW_RETENTION, step.name))
        return weft_plan_add(plan, step, err, "records that are kept now are deleted, as allowed");
    step.verdict = WEFT_STEP_REFUSED;
    return weft_plan_add(plan, step, err, "records that are kept now would be deleted; --allow %s:%s does it",
                         WEFT_ALLOW_RETENTION, step.name);
}

/* What is set there and nobody declared. */
static int plan_drift(struct weft_topology_plan *plan, struct weft_topology_step step,
                      const struct weft_live_config *live, struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[step.declared];
    step.kind = WEFT_STEP_SETTING;
    step.verdict = WEFT_STEP_DRIFT;
    for (size_t i = 0; i < live->count; i++) {
        size_t c = 0;
        while (c < topic->config_count && strcmp(topic->config[c].name, live->list[i].name) != 0)
            c++;
        if (!live->list[i].set || c < topic->config_count)
            continue;
        step.setting = live->list[i].name;
        step.from = live->list[i].value;
        if (weft_plan_add(plan, step, err, "set there and not declared") != 0)
            return -1;
    }
    return 0;
}

static int plan_config(struct weft_topology_plan *plan, struct weft_topology_step step, struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[step.declared];
    struct weft_live_config live;
    if (weft_live_config_read(plan->client, topic->name, plan->timeout_ms, &live, err) != 0)
        return weft_error_prefix(err, "topic %s", topic->name);
    int result = 0;
    for (size_t i = 0; i < topic->config_count && result == 0; i++)
        result = plan_setting(plan, step, &live, &topic->config[i], err);
    if (result == 0)
        result = plan_drift(plan, step, &live, err);
    weft_live_config_clear(&live);
    return result;
}

static int plan_topic(struct weft_topology_plan *plan, size_t index, const struct weft_live_topic *live,
                      struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[index];
    const struct weft_topology_step step = {.kind = WEFT_STEP_TOPIC, .name = topic->name, .declared = index};
    size_t before = plan->count;
    char text[DETAIL_SIZE] = "";
    if (!live->partitions)
        return plan_new_topic(plan, step, err);
    if (plan_partitions(plan, step, live->partitions, err) != 0 ||
        plan_replication(plan, step, live->replication, err) != 0 || plan_config(plan, step, err) != 0)
        return -1;
    if (plan->count > before)
        return 0;
    describe(topic, text, sizeof text);
    return weft_plan_add(plan, step, err, "%s", text);
}

int weft_plan_topics(struct weft_topology_plan *plan, struct weft_error *err)
{
    const struct weft_topology *topology = plan->topology;
    struct weft_live_topic *live = calloc(topology->topic_count + 1, sizeof *live);
    if (!live)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    int result = weft_topics_look(plan->client, topology, plan->timeout_ms, live, err);
    for (size_t i = 0; i < topology->topic_count && result == 0; i++)
        result = plan_topic(plan, i, &live[i], err);
    free(live);
    return result;
}

/* The settings of a topic go in one request, so that those that need each other are judged together. */
static int execute_settings(struct weft_topology_plan *plan, const struct weft_topology_step *steps, size_t count,
                            struct weft_error *err)
{
    struct weft_topology_config *changes = calloc(count, sizeof *changes);
    if (!changes)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct weft_topology_config){steps[i].setting, steps[i].to};
    int result = weft_config_change(plan->client, steps->name, changes, count, false, plan->timeout_ms, err);
    free(changes);
    return result == 0 ? 0 : weft_error_prefix(err, "changing topic %s", steps->name);
}

int weft_execute_topic(struct weft_topology_plan *plan, const struct weft_topology_step *steps, size_t count,
                       struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[steps->declared];
    if (steps->kind == WEFT_STEP_SETTING)
        return execute_settings(plan, steps, count, err);
    if (steps->kind == WEFT_STEP_PARTITIONS) {
        if (weft_topics_grow(plan->client, topic, false, plan->timeout_ms, err) != 0)
            return weft_error_prefix(err, "adding partitions to topic %s", topic->name);
        return 0;
    }
    if (weft_topics_create(plan->client, topic, false, plan->timeout_ms, err) != 0)
        return weft_error_prefix(err, "creating topic %s", topic->name);
    return 0;
}
