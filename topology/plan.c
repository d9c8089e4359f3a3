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
    plan->settings = settings;
    plan->timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    if (weft_plan_check_allowed(topology, allowed, err) != 0)
        goto fail;
    /* All before anybody is asked, so that what is missing is found at once. */
    if (weft_plan_check_pubsub(topology, err) != 0)
        goto fail;
    if (topology->schema_count && !(plan->registry = weft_registry_from_settings(settings, err)))
        goto fail;
    if (needs_cluster && !(plan->client = weft_client_new(settings, &options, log, err)))
        goto fail;
    if (weft_guard_cluster(topology, plan->client, plan->timeout_ms, err) != 0 || weft_plan_schemas(plan, err) != 0 ||
        (topology->topic_count && weft_plan_topics(plan, err) != 0))
        goto fail;
    plan->own = plan->count;
    if (weft_plan_pubsub(plan, err) != 0)
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

static size_t count_changes(const struct weft_topology_plan *plan, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        count += weft_step_is_change(&plan->steps[i]);
    return count;
}

size_t weft_topology_plan_changes(const struct weft_topology_plan *plan)
{
    return count_changes(plan, 0, plan->count);
}

static int execute(struct weft_topology_plan *plan, struct weft_topology_step *steps, size_t count, void *with,
                   struct weft_error *err)
{
    (void)with;
    bool of_schema = steps->kind == WEFT_STEP_SCHEMA || steps->kind == WEFT_STEP_COMPATIBILITY;
    return of_schema ? weft_execute_schema(plan, steps, err) : weft_execute_topic(plan, steps, count, err);
}

int weft_topology_plan_execute(struct weft_topology_plan *plan,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err)
{
    if (weft_plan_walk(plan, plan->own, execute, NULL, done, arg, err) != 0)
        return -1;
    if (plan->client && count_changes(plan, 0, plan->own) > 0 &&
        weft_topics_await(plan->client, plan->topology, plan->timeout_ms, err) != 0)
        return -1;
    return count_changes(plan, plan->own, plan->count) > 0 ? weft_execute_pubsub(plan, done, arg, err) : 0;
}
