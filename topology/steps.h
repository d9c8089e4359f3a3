/* The inside of a plan, shared by those that look for steps: among the schemas, among the topics and, in weft-bridge,
 * at Pub/Sub. */
#ifndef WEFT_TOPOLOGY_STEPS_H
#define WEFT_TOPOLOGY_STEPS_H

#include "schemas/registry.h"
#include "streams/client.h"
#include "topology/plan.h"
#include "topology/topology.h"

struct weft_topology_plan {
    const struct weft_topology *topology;
    const struct weft_topology_allowed *allowed;
    const struct weft_settings *settings;
    struct weft_client *client;     /* NULL where neither topics nor the cluster's id are declared */
    struct weft_registry *registry; /* NULL where no schemas are declared */
    struct weft_topology_step *steps;
    size_t count;
    size_t own; /* of the steps, how many are not weft-bridge's */
    int timeout_ms;
};

/* Appends a step, copying its texts but the name; they may be NULL. */
int weft_plan_add(struct weft_topology_plan *plan, struct weft_topology_step step, struct weft_error *err,
                  const char *detail_format, ...) __attribute__((format(printf, 4, 5)));

/* Puts another detail in the place of the step's. */
int weft_step_set_detail(struct weft_topology_step *step, struct weft_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether "what:name" is allowed. */
bool weft_plan_allows(const struct weft_topology_plan *plan, const char *what, const char *name);

/* A flag with a slip of the pen must not look as if it had been heard: WEFT_ERROR_USAGE for what the file does not
 * declare. */
int weft_plan_check_allowed(const struct weft_topology *topology, const struct weft_topology_allowed *allowed,
                            struct weft_error *err);

/* Does those of the first count steps that change something, the settings of one topic or subscription together, and
 * calls done after each. WEFT_ERROR_CONFLICT, with nothing begun, when any step of the plan is refused. */
typedef int weft_step_execute(struct weft_topology_plan *plan, struct weft_topology_step *steps, size_t count,
                              void *with, struct weft_error *err);
int weft_plan_walk(struct weft_topology_plan *plan, size_t count, weft_step_execute *execute, void *with,
                   void (*done)(const struct weft_topology_step *step, void *arg), void *arg, struct weft_error *err);

#define WEFT_ALLOW_RETENTION "shrink-retention"
#define WEFT_ALLOW_COMPATIBILITY "loosen-compatibility"

int weft_plan_schemas(struct weft_topology_plan *plan, struct weft_error *err);
int weft_plan_topics(struct weft_topology_plan *plan, struct weft_error *err);

/* Runs weft-bridge, which must be there where the file declares anything of Pub/Sub: check_pubsub looks for it. */
int weft_plan_check_pubsub(const struct weft_topology *topology, struct weft_error *err);
int weft_plan_pubsub(struct weft_topology_plan *plan, struct weft_error *err);
int weft_execute_pubsub(struct weft_topology_plan *plan, void (*done)(const struct weft_topology_step *step, void *arg),
                        void *arg, struct weft_error *err);

/* Does one step. */
int weft_execute_schema(struct weft_topology_plan *plan, struct weft_topology_step *step, struct weft_error *err);

/* Does the step, together with the count - 1 after it: the settings of one topic. */
int weft_execute_topic(struct weft_topology_plan *plan, const struct weft_topology_step *steps, size_t count,
                       struct weft_error *err);

#endif
