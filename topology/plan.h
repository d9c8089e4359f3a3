/* The difference between a topology and the cluster, registry and Pub/Sub that it is for, and the steps that remove it.
 *
 *     struct weft_topology_plan *plan = weft_topology_plan_new(topology, settings, allowed, log, &err);
 *     ... show weft_topology_plan_steps ...
 *     weft_topology_plan_execute(plan, done, NULL, &err);
 *
 * Topics and subjects that the file does not name are not looked at. Nothing is ever deleted; what takes data away or
 * lets incompatible schemas in is refused unless it is allowed by name. */
#ifndef WEFT_TOPOLOGY_PLAN_H
#define WEFT_TOPOLOGY_PLAN_H

#include "base/log.h"
#include "base/settings.h"
#include "topology/step.h"
#include "topology/topology.h"

struct weft_topology_plan;

/* Asks the cluster (where topics or its id are declared), the registry (where schemas are) and, through weft-bridge,
 * Pub/Sub (where any of it is), and changes nothing. WEFT_ERROR_REFUSED when the cluster has another id than
 * declared, _CONFIG when weft-bridge is wanted and not there, _USAGE when something is allowed that the file does not
 * declare. All arguments are borrowed until the plan is destroyed. */
struct weft_topology_plan *weft_topology_plan_new(const struct weft_topology *topology,
                                                  const struct weft_settings *settings,
                                                  const struct weft_topology_allowed *allowed, struct weft_log *log,
                                                  struct weft_error *err);
void weft_topology_plan_destroy(struct weft_topology_plan *plan); /* accepts NULL */

/* The steps in the order of execution. */
const struct weft_topology_step *weft_topology_plan_steps(const struct weft_topology_plan *plan, size_t *count);
size_t weft_topology_plan_count(const struct weft_topology_plan *plan, enum weft_topology_step_verdict verdict);
/* Those that execute would do. */
size_t weft_topology_plan_changes(const struct weft_topology_plan *plan);

/* Does the steps that change something, calling done after each, and waits until all topics have leaders. Begins
 * nothing when a step is refused (WEFT_ERROR_CONFLICT); stops at the first failure, from where a new plan goes on. What
 * somebody else has done meanwhile counts as done. */
int weft_topology_plan_execute(struct weft_topology_plan *plan,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err);

#endif
