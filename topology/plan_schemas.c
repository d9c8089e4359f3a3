#include <stdlib.h>
#include <string.h>

#include "schemas/subject.h"
#include "topology/steps.h"

/* What a level forbids: 1 old data unreadable, 2 new data unreadable for old readers, 4 and 8 the same over all
 * versions. A level that we do not know forbids all, so that nobody loosens it unseen. */
static unsigned forbidden(const char *level)
{
    static const struct {
        const char *name;
        unsigned bits;
    } levels[] = {
        {"NONE", 0},
        {"BACKWARD", 1},
        {"FORWARD", 2},
        {"FULL", 1 | 2},
        {"BACKWARD_TRANSITIVE", 1 | 4},
        {"FORWARD_TRANSITIVE", 2 | 8},
    };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i].name, level) == 0)
            return levels[i].bits;
    return 1 | 2 | 4 | 8;
}

static int plan_compatibility(struct weft_topology_plan *plan, size_t index, bool subject_exists,
                              struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    char level[WEFT_REGISTRY_LEVEL_SIZE] = "";
    if (!schema->compatibility)
        return 0;
    if (subject_exists && weft_registry_get_compatibility(plan->registry, schema->subject, level, err) != 0)
        return -1;
    struct weft_topology_step step = {.kind = WEFT_STEP_COMPATIBILITY, .name = schema->subject, .declared = index};
    if (strcmp(level, schema->compatibility) == 0)
        return weft_plan_add(plan, step, err, "%s", level);
    step.from = level[0] ? level : NULL;
    step.to = schema->compatibility;
    step.verdict = level[0] ? WEFT_STEP_CHANGE : WEFT_STEP_CREATE;
    if (!level[0])
        return weft_plan_add(plan, step, err, "%s", schema->compatibility);
    if (!(forbidden(level) & ~forbidden(schema->compatibility)))
        return weft_plan_add(plan, step, err, "%s", "");
    if (weft_plan_allows(plan, WEFT_ALLOW_COMPATIBILITY, schema->subject))
        return weft_plan_add(plan, step, err, "looser, as allowed");
    step.verdict = WEFT_STEP_REFUSED;
    return weft_plan_add(plan, step, err,
                         "looser: versions that others cannot read would be let in; --allow %s:%s does it",
                         WEFT_ALLOW_COMPATIBILITY, schema->subject);
}

/* The level comes first, so that it holds for a new version. */
static int plan_existing_subject(struct weft_topology_plan *plan, size_t index,
                                 const struct weft_registry_schema *latest, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    struct weft_topology_step step = {.kind = WEFT_STEP_SCHEMA, .name = schema->subject, .declared = index};
    if (plan_compatibility(plan, index, true, err) != 0)
        return -1;
    if (weft_schema_same(latest->schema, schema->text))
        return weft_plan_add(plan, step, err, "id %u, version %d", latest->id, latest->version);
    bool found, compatible;
    struct weft_registry_schema earlier = {0};
    if (weft_registry_lookup(plan->registry, schema->subject, schema->text, &earlier, &found, err) != 0)
        return -1;
    weft_registry_schema_clear(&earlier);
    if (found)
        return weft_plan_add(plan, step, err, "id %u, version %d of %d", earlier.id, earlier.version, latest->version);
    /* By a level that is about to be loosened the registry's verdict would say nothing. */
    if (schema->compatibility && weft_plan_allows(plan, WEFT_ALLOW_COMPATIBILITY, schema->subject))
        compatible = true;
    else if (weft_registry_compatible(plan->registry, schema->subject, schema->text, &compatible, err) != 0)
        return -1;
    step.verdict = compatible ? WEFT_STEP_CREATE : WEFT_STEP_REFUSED;
    if (compatible)
        return weft_plan_add(plan, step, err, "new version after version %d", latest->version);
    return weft_plan_add(
        plan, step, err,
        "%s is not compatible with version %d, the latest of the subject: `weft schema check` says why", schema->file,
        latest->version);
}

/* A subject that does not exist has no level to set: that comes after its first version. */
static int plan_new_subject(struct weft_topology_plan *plan, size_t index, struct weft_error *err)
{
    const struct weft_topology_step step = {.kind = WEFT_STEP_SCHEMA,
                                            .verdict = WEFT_STEP_CREATE,
                                            .name = plan->topology->schemas[index].subject,
                                            .declared = index};
    if (weft_plan_add(plan, step, err, "new subject") != 0)
        return -1;
    return plan_compatibility(plan, index, false, err);
}

int weft_plan_schemas(struct weft_topology_plan *plan, struct weft_error *err)
{
    int result = 0;
    for (size_t i = 0; i < plan->topology->schema_count && result == 0; i++) {
        struct weft_registry_schema latest = {0};
        bool found;
        if (weft_registry_latest(plan->registry, plan->topology->schemas[i].subject, &latest, &found, err) != 0)
            return -1;
        result = found ? plan_existing_subject(plan, i, &latest, err) : plan_new_subject(plan, i, err);
        weft_registry_schema_clear(&latest);
    }
    return result;
}

int weft_execute_schema(struct weft_topology_plan *plan, struct weft_topology_step *step, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[step->declared];
    uint32_t id;
    if (step->kind == WEFT_STEP_COMPATIBILITY)
        return weft_registry_set_compatibility(plan->registry, schema->subject, schema->compatibility, err);
    if (weft_registry_register(plan->registry, schema->subject, schema->text, &id, err) != 0)
        return weft_error_prefix(err, "%s", schema->file);
    return weft_step_set_detail(step, err, "id %u", id);
}
