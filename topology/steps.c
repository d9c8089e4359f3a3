#include "topology/steps.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int weft_step_set_detail(struct weft_topology_step *step, struct weft_error *err, const char *format, ...)
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

int weft_plan_add(struct weft_topology_plan *plan, struct weft_topology_step step, struct weft_error *err,
                  const char *detail_format, ...)
{
    struct weft_topology_step *steps = realloc(plan->steps, (plan->count + 1) * sizeof *steps);
    if (!steps)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    struct weft_topology_step *added = &steps[plan->count++];
    plan->steps = steps;
    *added = step;
    added->detail = NULL;
    added->from = step.from ? strdup(step.from) : NULL;
    added->to = step.to ? strdup(step.to) : NULL;
    added->setting = step.setting ? strdup(step.setting) : NULL;
    va_list args;
    va_start(args, detail_format);
    int length = vasprintf(&added->detail, detail_format, args);
    va_end(args);
    if (length >= 0 && (!step.from || added->from) && (!step.to || added->to) && (!step.setting || added->setting))
        return 0;
    if (length < 0)
        added->detail = NULL;
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

static bool is_allowance(const char *text, const char *what, const char *name)
{
    size_t length = strlen(what);
    return strncmp(text, what, length) == 0 && text[length] == ':' && strcmp(text + length + 1, name) == 0;
}

bool weft_plan_allows(const struct weft_topology_plan *plan, const char *what, const char *name)
{
    for (size_t i = 0; i < plan->allowed->count; i++)
        if (is_allowance(plan->allowed->list[i], what, name))
            return true;
    return false;
}

int weft_plan_check_allowed(const struct weft_topology *topology, const struct weft_topology_allowed *allowed,
                            struct weft_error *err)
{
    for (size_t i = 0; i < allowed->count; i++) {
        bool known = false;
        for (size_t t = 0; t < topology->topic_count; t++)
            known = known || is_allowance(allowed->list[i], WEFT_ALLOW_RETENTION, topology->topics[t].name);
        for (size_t t = 0; t < topology->pubsub_topic_count; t++)
            known = known || is_allowance(allowed->list[i], WEFT_ALLOW_RETENTION, topology->pubsub_topics[t].name);
        for (size_t s = 0; s < topology->subscription_count; s++)
            known = known || is_allowance(allowed->list[i], WEFT_ALLOW_RETENTION, topology->subscriptions[s].name);
        for (size_t s = 0; s < topology->schema_count; s++)
            known = known || is_allowance(allowed->list[i], WEFT_ALLOW_COMPATIBILITY, topology->schemas[s].subject);
        if (!known)
            return weft_error_set(err, WEFT_ERROR_USAGE,
                                  "--allow %s: it must be " WEFT_ALLOW_RETENTION
                                  ":TOPIC (or a subscription) or " WEFT_ALLOW_COMPATIBILITY
                                  ":SUBJECT, of one that %s declares",
                                  allowed->list[i], topology->path);
    }
    return 0;
}

/* How many steps from this one on are done at once. */
static size_t count_together(const struct weft_topology_step *steps, size_t count)
{
    size_t together = 1;
    while (weft_step_is_setting(steps) && weft_step_is_change(steps) && together < count &&
           weft_step_is_change(&steps[together]) && steps[together].kind == steps->kind &&
           steps[together].declared == steps->declared)
        together++;
    return together;
}

int weft_plan_walk(struct weft_topology_plan *plan, size_t count, weft_step_execute *execute, void *with,
                   void (*done)(const struct weft_topology_step *step, void *arg), void *arg, struct weft_error *err)
{
    size_t refused = weft_topology_plan_count(plan, WEFT_STEP_REFUSED);
    if (refused)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%zu step%s refused: nothing was changed", refused,
                              refused == 1 ? " is" : "s are");
    for (size_t i = 0, together; i < count; i += together) {
        struct weft_topology_step *step = &plan->steps[i];
        together = count_together(step, count - i);
        if (!weft_step_is_change(step))
            continue;
        if (execute(plan, step, together, with, err) != 0)
            return -1;
        for (size_t j = 0; j < together; j++)
            done(&step[j], arg);
    }
    return 0;
}
