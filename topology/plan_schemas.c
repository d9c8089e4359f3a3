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

/* What Apicurio 2 says is NONE may be the level of all subjects, so that setting another may loosen that one. */
static int find_levels(struct weft_topology_plan *plan, const char *subject, char *set, char *effective, char *global,
                       struct weft_error *err)
{
    if (weft_registry_get_compatibility(plan->registry, subject, set, err) != 0 ||
        weft_registry_effective_compatibility(plan->registry, subject, effective, err) != 0)
        return -1;
    memcpy(global, effective, WEFT_REGISTRY_LEVEL_SIZE);
    return strcmp(effective, "NONE") == 0 ? weft_registry_get_compatibility(plan->registry, NULL, global, err) : 0;
}

static int plan_compatibility(struct weft_topology_plan *plan, size_t index, bool subject_exists,
                              struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    char set[WEFT_REGISTRY_LEVEL_SIZE] = "", effective[WEFT_REGISTRY_LEVEL_SIZE] = "";
    char global[WEFT_REGISTRY_LEVEL_SIZE] = "";
    const char *declared = schema->compatibility;
    if (!declared)
        return 0;
    if (subject_exists && find_levels(plan, schema->subject, set, effective, global, err) != 0)
        return -1;
    struct weft_topology_step step = {.kind = WEFT_STEP_COMPATIBILITY, .name = schema->subject, .declared = index};
    if (strcmp(set, declared) == 0 && strcmp(effective, declared) == 0)
        return strcmp(global, declared) == 0
                   ? weft_plan_add(plan, step, err, "%s", declared)
                   : weft_plan_add(plan, step, err, "%s, which with Apicurio 2 means the level of all subjects: %s",
                                   declared, global);
    step.to = schema->compatibility;
    step.verdict = WEFT_STEP_CREATE;
    if (!subject_exists || strcmp(effective, declared) == 0)
        return weft_plan_add(plan, step, err, "%s", declared);
    step.from = effective;
    step.verdict = WEFT_STEP_CHANGE;
    if (!((forbidden(effective) | forbidden(global)) & ~forbidden(declared)))
        return weft_plan_add(plan, step, err, "%s", "");
    if (weft_plan_allows(plan, WEFT_ALLOW_COMPATIBILITY, schema->subject))
        return weft_plan_add(plan, step, err, "looser, as allowed");
    step.verdict = WEFT_STEP_REFUSED;
    if (strcmp(global, effective) != 0)
        return weft_plan_add(plan, step, err,
                             "looser than %s, the level of all subjects, which with Apicurio 2 is in force where the "
                             "subject's is NONE; --allow %s:%s does it",
                             global, WEFT_ALLOW_COMPATIBILITY, schema->subject);
    return weft_plan_add(plan, step, err,
                         "looser: versions that others cannot read would be let in; --allow %s:%s does it",
                         WEFT_ALLOW_COMPATIBILITY, schema->subject);
}

/* What a schema refers to, with the versions that are meant now. */
struct resolved {
    struct weft_registry_reference list[WEFT_TOPOLOGY_REFERENCES_MAX];
    const char *missing; /* the first subject without such a version, or NULL */
};

static int resolve(struct weft_topology_plan *plan, const struct weft_topology_schema *schema,
                   struct resolved *resolved, struct weft_error *err);

/* The version of its subject that is the declared schema. Registries may compare schemas as text: what another client
 * registered with other spaces is found as the latest. */
static int find_registered(struct weft_topology_plan *plan, const struct weft_topology_schema *schema,
                           struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    struct resolved references;
    *found = false;
    *out = (struct weft_registry_schema){0};
    if (!schema->reference_count) {
        if (weft_registry_latest(plan->registry, schema->subject, out, found, err) != 0)
            return -1;
        if (!*found || weft_schema_same(out->schema, schema->text))
            return 0;
        weft_registry_schema_clear(out);
    }
    if (resolve(plan, schema, &references, err) != 0 || references.missing)
        return references.missing ? 0 : -1;
    return weft_registry_lookup_with(plan->registry, schema->subject, schema->text, references.list,
                                     schema->reference_count, out, found, err);
}

/* References of the file's schemas lead to earlier ones only, so this ends. */
static int resolve(struct weft_topology_plan *plan, const struct weft_topology_schema *schema,
                   struct resolved *resolved, struct weft_error *err)
{
    resolved->missing = NULL;
    for (size_t i = 0; i < schema->reference_count; i++) {
        const struct weft_topology_reference *reference = &schema->references[i];
        const struct weft_topology_schema *declared = weft_topology_schema(plan->topology, reference->subject);
        struct weft_registry_schema meant = {.version = reference->version};
        bool found = true;
        if (!reference->version &&
            (declared ? find_registered(plan, declared, &meant, &found, err)
                      : weft_registry_latest(plan->registry, reference->subject, &meant, &found, err)) != 0)
            return -1;
        resolved->list[i] = (struct weft_registry_reference){reference->name, reference->subject, meant.version};
        weft_registry_schema_clear(&meant);
        if (!found && !resolved->missing)
            resolved->missing = reference->subject;
    }
    return 0;
}

/* The step for a version that is not there. after: the latest one, 0: none. */
static int plan_version(struct weft_topology_plan *plan, size_t index, int after, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    struct weft_topology_step step = {
        .kind = WEFT_STEP_SCHEMA, .verdict = WEFT_STEP_CREATE, .name = schema->subject, .declared = index};
    enum weft_registry_verdict verdict = WEFT_REGISTRY_COMPATIBLE;
    struct resolved references;
    if (resolve(plan, schema, &references, err) != 0)
        return -1;
    if (references.missing && !weft_topology_schema(plan->topology, references.missing)) {
        step.verdict = WEFT_STEP_REFUSED;
        return weft_plan_add(plan, step, err, "it refers to %s, which the registry does not have", references.missing);
    }
    if (!after)
        return weft_plan_add(plan, step, err, "new subject");
    if (references.missing)
        return weft_plan_add(plan, step, err, "new version after version %d, which refers to the new one of %s", after,
                             references.missing);
    /* By a level that is about to be loosened the registry's verdict would say nothing. */
    bool loosened = schema->compatibility && weft_plan_allows(plan, WEFT_ALLOW_COMPATIBILITY, schema->subject);
    if (!loosened && weft_registry_compatible(plan->registry, schema->subject, schema->text, references.list,
                                              schema->reference_count, &verdict, err) != 0)
        return -1;
    if (verdict == WEFT_REGISTRY_COMPATIBLE)
        return weft_plan_add(plan, step, err, "new version after version %d", after);
    if (verdict == WEFT_REGISTRY_UNJUDGED)
        return weft_plan_add(plan, step, err,
                             "new version after version %d, on which the registry gives no verdict before", after);
    step.verdict = WEFT_STEP_REFUSED;
    return weft_plan_add(
        plan, step, err,
        "%s is not compatible with version %d, the latest of the subject: `weft schema check` says why", schema->file,
        after);
}

/* The level comes first, so that it holds for a new version. */
static int plan_existing_subject(struct weft_topology_plan *plan, size_t index, int latest, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    const struct weft_topology_step step = {.kind = WEFT_STEP_SCHEMA, .name = schema->subject, .declared = index};
    struct weft_registry_schema registered;
    bool found;
    if (plan_compatibility(plan, index, true, err) != 0 || find_registered(plan, schema, &registered, &found, err) != 0)
        return -1;
    uint32_t id = registered.id;
    int version = registered.version;
    weft_registry_schema_clear(&registered);
    if (!found)
        return plan_version(plan, index, latest, err);
    return version == latest ? weft_plan_add(plan, step, err, "id %u, version %d", id, version)
                             : weft_plan_add(plan, step, err, "id %u, version %d of %d", id, version, latest);
}

/* A subject that does not exist has no level to set: that comes after its first version. */
static int plan_new_subject(struct weft_topology_plan *plan, size_t index, struct weft_error *err)
{
    return plan_version(plan, index, 0, err) == 0 ? plan_compatibility(plan, index, false, err) : -1;
}

int weft_plan_schemas(struct weft_topology_plan *plan, struct weft_error *err)
{
    int result = 0;
    for (size_t i = 0; i < plan->topology->schema_count && result == 0; i++) {
        struct weft_registry_schema latest = {0};
        bool found;
        if (weft_registry_latest(plan->registry, plan->topology->schemas[i].subject, &latest, &found, err) != 0)
            return -1;
        int version = latest.version;
        weft_registry_schema_clear(&latest);
        result = found ? plan_existing_subject(plan, i, version, err) : plan_new_subject(plan, i, err);
    }
    return result;
}

int weft_execute_schema(struct weft_topology_plan *plan, struct weft_topology_step *step, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[step->declared];
    struct resolved references;
    uint32_t id;
    if (step->kind == WEFT_STEP_COMPATIBILITY)
        return weft_registry_set_compatibility(plan->registry, schema->subject, schema->compatibility, err);
    if (resolve(plan, schema, &references, err) != 0)
        return -1;
    if (references.missing)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s refers to %s, which is gone", schema->subject,
                              references.missing);
    if (weft_registry_register_with(plan->registry, schema->subject, schema->text, references.list,
                                    schema->reference_count, &id, err) != 0)
        return weft_error_prefix(err, "%s", schema->file);
    return weft_step_set_detail(step, err, "id %u", id);
}
