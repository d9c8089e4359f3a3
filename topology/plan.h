/* The difference between a topology and the cluster and registry that it is for, and the steps that remove it.
 *
 *     struct weft_topology_plan *plan = weft_topology_plan_new(topology, settings, log, &err);
 *     ... show weft_topology_plan_steps ...
 *     weft_topology_plan_execute(plan, done, NULL, &err);
 *
 * Only creates and registers: what is there and differs is said and left as it is. Topics and subjects that the file
 * does not name are not looked at. */
#ifndef WEFT_TOPOLOGY_PLAN_H
#define WEFT_TOPOLOGY_PLAN_H

#include "base/log.h"
#include "base/settings.h"
#include "topology/topology.h"

enum weft_topology_step_kind { WEFT_STEP_SCHEMA, WEFT_STEP_COMPATIBILITY, WEFT_STEP_TOPIC };

enum weft_topology_step_verdict {
    WEFT_STEP_UNCHANGED,
    WEFT_STEP_CHANGE,  /* execute does it */
    WEFT_STEP_DIFFERS, /* as it is, until somebody decides */
    WEFT_STEP_REFUSED, /* the cluster or the registry would not take it */
    WEFT_STEP_VERDICTS,
};

struct weft_topology_step {
    enum weft_topology_step_kind kind;
    enum weft_topology_step_verdict verdict;
    const char *name; /* topic or subject */
    size_t declared;  /* its index among the topology's topics or schemas */
    char *detail;     /* for people; after execution what came of it */
};

struct weft_topology_plan;

/* Asks the cluster (where topics are declared) and the registry (where schemas are) and changes nothing. topology,
 * settings and log are borrowed until the plan is destroyed. */
struct weft_topology_plan *weft_topology_plan_new(const struct weft_topology *topology,
                                                  const struct weft_settings *settings, struct weft_log *log,
                                                  struct weft_error *err);
void weft_topology_plan_destroy(struct weft_topology_plan *plan); /* accepts NULL */

/* The steps in the order of execution. */
const struct weft_topology_step *weft_topology_plan_steps(const struct weft_topology_plan *plan, size_t *count);
size_t weft_topology_plan_count(const struct weft_topology_plan *plan, enum weft_topology_step_verdict verdict);

/* Does the steps that change something, calling done after each, and waits until all topics have leaders. Begins
 * nothing when a step is refused (WEFT_ERROR_CONFLICT); stops at the first failure, from where a new plan goes on. What
 * somebody else has created meanwhile counts as done. */
int weft_topology_plan_execute(struct weft_topology_plan *plan,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err);

#endif
