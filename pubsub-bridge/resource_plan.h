/* The difference between what a topology declares of Pub/Sub and what there is, and the steps that remove it.
 *
 *     struct weft_topology_plan *plan = weft_resource_plan_new(topology, &allowed, &admin, &err);
 *     ... show weft_topology_plan_steps ...
 *     weft_resource_plan_execute(plan, &admin, done, NULL, &err);
 *
 * As for topics of Kafka: what the file does not name is not looked at, and nothing is ever deleted. */
#ifndef WEFT_BRIDGE_RESOURCE_PLAN_H
#define WEFT_BRIDGE_RESOURCE_PLAN_H

#include "pubsub-bridge/admin.h"
#include "topology/plan.h"

/* Asks and changes nothing. To be destroyed with weft_topology_plan_destroy, before the topology and allowed are. */
struct weft_topology_plan *weft_resource_plan_new(const struct weft_topology *topology,
                                                  const struct weft_topology_allowed *allowed,
                                                  const struct weft_admin *admin, struct weft_error *err);

/* As weft_topology_plan_execute. */
int weft_resource_plan_execute(struct weft_topology_plan *plan, const struct weft_admin *admin,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err);

#endif
