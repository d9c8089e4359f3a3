/* The inside of a plan, shared by those that look for steps: among the schemas and among the topics. */
#ifndef WEFT_TOPOLOGY_STEPS_H
#define WEFT_TOPOLOGY_STEPS_H

#include "schemas/registry.h"
#include "streams/client.h"
#include "topology/step.h"
#include "topology/topology.h"

struct weft_topology_plan {
    const struct weft_topology *topology;
    const struct weft_topology_allowed *allowed;
    struct weft_client *client;     /* NULL where neither topics nor the cluster's id are declared */
    struct weft_registry *registry; /* NULL where no schemas are declared */
    struct weft_topology_step *steps;
    size_t count;
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

#define WEFT_ALLOW_RETENTION "shrink-retention"
#define WEFT_ALLOW_COMPATIBILITY "loosen-compatibility"

int weft_plan_schemas(struct weft_topology_plan *plan, struct weft_error *err);
int weft_plan_topics(struct weft_topology_plan *plan, struct weft_error *err);

/* Does one step. */
int weft_execute_schema(struct weft_topology_plan *plan, struct weft_topology_step *step, struct weft_error *err);

/* Does the step, together with the count - 1 after it: the settings of one topic. */
int weft_execute_topic(struct weft_topology_plan *plan, const struct weft_topology_step *steps, size_t count,
                       struct weft_error *err);

#endif
