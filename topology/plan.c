#include "topology/plan.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/registry_settings.h"
#include "schemas/schema_file.h"
#include "schemas/subject.h"
#include "streams/client.h"
#include "topology/topics.h"

enum { DETAIL_SIZE = 2048, LEVEL_SIZE = 32 };

struct weft_topology_plan {
    const struct weft_topology *topology;
    struct weft_client *client;     /* NULL where no topics are declared */
    struct weft_registry *registry; /* NULL where no schemas are declared */
    struct weft_topology_step *steps;
    size_t count;
    int timeout_ms;
};

static int set_detail(struct weft_topology_step *step, struct weft_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int set_detail(struct weft_topology_step *step, struct weft_error *err, const char *format, ...)
{
    char *detail = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&detail, format, args);
    va_end(args);
    if (length < 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    free(step->detail);
    step->detail = detail;
    return 0;
}

/* The steps have room for two of each schema and one of each topic. */
static struct weft_topology_step *add_step(struct weft_topology_plan *plan, enum weft_topology_step_kind kind,
                                           size_t declared, const char *name)
{
    struct weft_topology_step *step = &plan->steps[plan->count++];
    *step = (struct weft_topology_step){.kind = kind, .declared = declared, .name = name};
    return step;
}

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
    char level[LEVEL_SIZE] = "";
    if (!schema->compatibility)
        return 0;
    if (subject_exists && weft_registry_get_compatibility(plan->registry, schema->subject, level, err) != 0)
        return -1;
    struct weft_topology_step *step = add_step(plan, WEFT_STEP_COMPATIBILITY, index, schema->subject);
    if (strcmp(level, schema->compatibility) == 0)
        return set_detail(step, err, "%s", level);
    step->verdict = WEFT_STEP_CHANGE;
    if (!level[0])
        return set_detail(step, err, "%s", schema->compatibility);
    if (!(forbidden(level) & ~forbidden(schema->compatibility)))
        return set_detail(step, err, "%s, until now %s", schema->compatibility, level);
    step->verdict = WEFT_STEP_DIFFERS;
    return set_detail(step, err, "is %s, declared %s, which is looser", level, schema->compatibility);
}

/* The level comes first, so that it holds for a new version. */
static int plan_existing_subject(struct weft_topology_plan *plan, size_t index,
                                 const struct weft_registry_schema *latest, struct weft_error *err)
{
    const struct weft_topology_schema *schema = &plan->topology->schemas[index];
    if (plan_compatibility(plan, index, true, err) != 0)
        return -1;
    struct weft_topology_step *step = add_step(plan, WEFT_STEP_SCHEMA, index, schema->subject);
    if (weft_schema_same(latest->schema, schema->text))
        return set_detail(step, err, "id %u, version %d", latest->id, latest->version);
    bool found, compatible;
    struct weft_registry_schema earlier = {0};
    if (weft_registry_lookup(plan->registry, schema->subject, schema->text, &earlier, &found, err) != 0)
        return -1;
    weft_registry_schema_clear(&earlier);
    if (found)
        return set_detail(step, err, "id %u, version %d of %d", earlier.id, earlier.version, latest->version);
    if (weft_registry_compatible(plan->registry, schema->subject, schema->text, &compatible, err) != 0)
        return -1;
    step->verdict = compatible ? WEFT_STEP_CHANGE : WEFT_STEP_REFUSED;
    if (compatible)
        return set_detail(step, err, "new version after version %d", latest->version);
    return set_detail(step, err, "%s is not compatible with version %d, the latest of the subject", schema->file,
                      latest->version);
}

/* A subject that does not exist has no level to set: that comes after its first version. */
static int plan_new_subject(struct weft_topology_plan *plan, size_t index, struct weft_error *err)
{
    struct weft_topology_step *step = add_step(plan, WEFT_STEP_SCHEMA, index, plan->topology->schemas[index].subject);
    step->verdict = WEFT_STEP_CHANGE;
    if (set_detail(step, err, "new subject") != 0)
        return -1;
    return plan_compatibility(plan, index, false, err);
}

static int plan_schema(struct weft_topology_plan *plan, size_t index, struct weft_error *err)
{
    struct weft_registry_schema latest = {0};
    bool found;
    if (weft_registry_latest(plan->registry, plan->topology->schemas[index].subject, &latest, &found, err) != 0)
        return -1;
    int result = found ? plan_existing_subject(plan, index, &latest, err) : plan_new_subject(plan, index, err);
    weft_registry_schema_clear(&latest);
    return result;
}

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + length, size - length, format, args);
    va_end(args);
}

static void describe(const struct weft_topology_topic *topic, char *text, size_t size)
{
    append(text, size, "%d partition%s", topic->partitions, topic->partitions == 1 ? "" : "s");
    if (topic->replication)
        append(text, size, ", replication %d", topic->replication);
    for (size_t i = 0; i < topic->config_count; i++)
        append(text, size, ", %s=%s", topic->config[i].name, topic->config[i].value);
}

static int plan_new_topic(struct weft_topology_plan *plan, struct weft_topology_step *step,
                          const struct weft_topology_topic *topic, struct weft_error *err)
{
    char text[DETAIL_SIZE] = "";
    struct weft_error refusal = {0};
    if (weft_topics_create(plan->client, topic, true, plan->timeout_ms, &refusal) != 0) {
        step->verdict = WEFT_STEP_REFUSED;
        if (refusal.class == WEFT_ERROR_CONFLICT || refusal.class == WEFT_ERROR_REFUSED)
            return set_detail(step, err, "%s", refusal.message);
        return weft_error_set(err, refusal.class, "topic %s: %s", topic->name, refusal.message);
    }
    step->verdict = WEFT_STEP_CHANGE;
    describe(topic, text, sizeof text);
    return set_detail(step, err, "%s", text);
}

static int plan_topic(struct weft_topology_plan *plan, size_t index, const struct weft_live_topic *live,
                      struct weft_error *err)
{
    const struct weft_topology_topic *topic = &plan->topology->topics[index];
    struct weft_topology_step *step = add_step(plan, WEFT_STEP_TOPIC, index, topic->name);
    char text[DETAIL_SIZE] = "";
    if (!live->partitions)
        return plan_new_topic(plan, step, topic, err);
    if (live->partitions != topic->partitions)
        append(text, sizeof text, "; partitions is %d, declared %d", live->partitions, topic->partitions);
    if (topic->replication && live->replication != topic->replication)
        append(text, sizeof text, "; replication is %d, declared %d", live->replication, topic->replication);
    if (topic->config_count && weft_topics_compare(plan->client, topic, plan->timeout_ms, text, sizeof text, err) != 0)
        return weft_error_prefix(err, "topic %s", topic->name);
    if (text[0]) {
        step->verdict = WEFT_STEP_DIFFERS;
        return set_detail(step, err, "%s", text + 2);
    }
    describe(topic, text, sizeof text);
    return set_detail(step, err, "%s", text);
}

static int plan_topics(struct weft_topology_plan *plan, struct weft_error *err)
{
    const struct weft_topology *topology = plan->topology;
    struct weft_live_topic *live = calloc(topology->topic_count, sizeof *live);
    if (!live)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    int result = weft_topics_look(plan->client, topology, plan->timeout_ms, live, err);
    for (size_t i = 0; i < topology->topic_count && result == 0; i++)
        result = plan_topic(plan, i, &live[i], err);
    free(live);
    return result;
}

struct weft_topology_plan *weft_topology_plan_new(const struct weft_topology *topology,
                                                  const struct weft_settings *settings, struct weft_log *log,
                                                  struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_topology_plan *plan = calloc(1, sizeof *plan);
    if (!plan || !(plan->steps = calloc(2 * topology->schema_count + topology->topic_count + 1, sizeof *plan->steps))) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    plan->topology = topology;
    plan->timeout_ms = (int)weft_settings_integer(settings, "startup.timeout");
    /* Both before anybody is asked, so that a missing setting is found at once. */
    if (topology->schema_count && !(plan->registry = weft_registry_from_settings(settings, err)))
        goto fail;
    if (topology->topic_count && !(plan->client = weft_client_new(settings, &options, log, err)))
        goto fail;
    for (size_t i = 0; i < topology->schema_count; i++)
        if (plan_schema(plan, i, err) != 0)
            goto fail;
    if (topology->topic_count && plan_topics(plan, err) != 0)
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
    for (size_t i = 0; i < plan->count; i++)
        free(plan->steps[i].detail);
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

static int execute(struct weft_topology_plan *plan, struct weft_topology_step *step, struct weft_error *err)
{
    if (step->kind == WEFT_STEP_TOPIC) {
        const struct weft_topology_topic *topic = &plan->topology->topics[step->declared];
        if (weft_topics_create(plan->client, topic, false, plan->timeout_ms, err) != 0)
            return weft_error_prefix(err, "creating topic %s", topic->name);
        return 0;
    }
    const struct weft_topology_schema *schema = &plan->topology->schemas[step->declared];
    if (step->kind == WEFT_STEP_COMPATIBILITY) {
        if (weft_registry_set_compatibility(plan->registry, schema->subject, schema->compatibility, err) != 0)
            return -1;
        return set_detail(step, err, "%s", schema->compatibility);
    }
    uint32_t id;
    if (weft_registry_register(plan->registry, schema->subject, schema->text, &id, err) != 0)
        return weft_error_prefix(err, "%s", schema->file);
    return set_detail(step, err, "id %u", id);
}

int weft_topology_plan_execute(struct weft_topology_plan *plan,
                               void (*done)(const struct weft_topology_step *step, void *arg), void *arg,
                               struct weft_error *err)
{
    size_t refused = weft_topology_plan_count(plan, WEFT_STEP_REFUSED), changed = 0;
    if (refused)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%zu step%s refused: nothing was changed", refused,
                              refused == 1 ? " is" : "s are");
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].verdict != WEFT_STEP_CHANGE)
            continue;
        if (execute(plan, &plan->steps[i], err) != 0)
            return -1;
        done(&plan->steps[i], arg);
        changed++;
    }
    return changed && plan->client ? weft_topics_await(plan->client, plan->topology, plan->timeout_ms, err) : 0;
}
