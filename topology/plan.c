#include "topology/plan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/registry_settings.h"
#include "topology/guard.h"
#include "topology/steps.h"
#include "topology/topics.h"

struct weft_topology_plan *weft_topology_plan_new(const struct weft_topology *topology,
                                                  const struct weft_settings *settings,
                                                  const struct weft_topology_allowed *allowed, struct weft_log *log,
                                                  struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    bool needs_cluster = topology->topic_count || topology->cluster_id;
    struct weft_topology_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    plan->topology = topology;
    plan->allowed = allowed;
    plan->timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    if (weft_plan_check_allowed(topology, allowed, err) != 0)
        goto fail;
    /* Both before anybody is asked, so that a missing setting is found at once. */
    if (topology->schema_count && !(plan->registry = weft_registry_from_settings(settings, err)))
        goto fail;
    if (needs_cluster && !(plan->client = weft_client_new(settings, &options, log, err)))
        goto fail;
    if (weft_guard_cluster(topology, plan->client, plan->timeout_ms, err) != 0 || weft_plan_schemas(plan, err) != 0 ||
        (topology->topic_count && weft_plan_topics(plan, err) != 0))
        goto fail;
    return plan;
fail:
    weft_topology_plan_destroy(plan);
    return NULL;
}

void weft_topology_plan_destroy(struct weft_topology_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++) {
        free((char *)plan->steps[i].setting);
        free(plan->steps[i].from);
        free(plan->steps[i].to);
        free(plan->steps[i].detail);
    }
    free(plan->steps);
    weft_client_destroy(plan->client);
    weft_registry_destroy(plan->registry);
    free(plan);
}

const struct weft_topology_step *weft_topology_plan_steps(const struct weft_topology_plan *plan, size_t *count)
{
    *count = plan->count;
    return plan->steps;
}

size_t weft_topology_plan_count(const struct weft_topology_plan *plan, enum weft_topology_step_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += plan->steps[i].verdict == verdict;
    return count;
}

size_t weft_topology_plan_changes(const struct weft_topology_plan *plan)
{
    return weft_topology_plan_count(plan, WEFT_STEP_CREATE) + weft_topology_plan_count(plan, WEFT_STEP_CHANGE);
}

static bool is_change(const struct weft_topology_step *step)
{
    return step->verdict == WEFT_STEP_CREATE || step->verdict == WEFT_STEP_CHANGE;
}

/* How many steps from this one on are done at once. */
static size_t count_together(const struct weft_topology_plan *plan, size_t first)
{
    const struct weft_topology_step *step = &plan->steps[first];
    size_t end = first + 1;
    while (step->kind == WEFT_STEP_SETTING && end < plan->count && is_change(&plan->steps[end]) &&
           plan->steps[end].kind == WEFT_STEP_SETTING && plan->steps[end].declared == step->declared)
        end++;
    return end - first;
}

int weft_topology_plan_execute(struct weft_topology_plan *plan,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err)
{
    size_t refused = weft_topology_plan_count(plan, WEFT_STEP_REFUSED), together;
    if (refused)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%zu step%s refused: nothing was changed", refused,
                              refused == 1 ? " is" : "s are");
    for (size_t i = 0; i < plan->count; i += together) {
        struct weft_topology_step *step = &plan->steps[i];
        together = count_together(plan, i);
        if (!is_change(step))
            continue;
        bool of_schema = step->kind == WEFT_STEP_SCHEMA || step->kind == WEFT_STEP_COMPATIBILITY;
        int result = of_schema ? weft_execute_schema(plan, step, err) : weft_execute_topic(plan, step, together, err);
        if (result != 0)
            return -1;
        for (size_t j = 0; j < together; j++)
            done(&step[j], arg);
    }
    return weft_topology_plan_changes(plan) && plan->client
               ? weft_topics_await(plan->client, plan->topology, plan->timeout_ms, err)
               : 0;
}
