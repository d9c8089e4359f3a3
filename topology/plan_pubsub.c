/* What there is at Pub/Sub is looked at and made by weft-bridge: that program alone links gRPC. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "topology/steps.h"

/* The exit statuses of a plan, beside 0: something is refused, or changes wait. */
enum { STATUS_REFUSED = 1, STATUS_CHANGES = 4 };

enum { PATH_SIZE = 4096, VARIABLES = 6 };

/* One run of `weft-bridge resources`. */
struct asking {
    struct weft_topology_plan *plan;
    void (*done)(const struct weft_topology_step *step, void *arg); /* NULL: it is asked for a plan */
    void *arg;
    size_t refused;
    struct weft_error failure; /* as it printed it */
};

static bool is_declared(const struct weft_topology *topology)
{
    return topology->pubsub_topic_count || topology->subscription_count;
}

static int find_bridge(const struct weft_topology *topology, char path[PATH_SIZE], struct weft_error *err)
{
    if (weft_program_find("weft-bridge", path, PATH_SIZE))
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "%s declares what is to be at Pub/Sub, and weft-bridge, which speaks to it, is not there: "
                          "install it beside weft or put its folder on PATH",
                          topology->path);
}

int weft_plan_check_pubsub(const struct weft_topology *topology, struct weft_error *err)
{
    char path[PATH_SIZE];
    return is_declared(topology) ? find_bridge(topology, path, err) : 0;
}

/* ---- What it prints */

static int read_failure(struct asking *asking, json_t *error)
{
    const char *class, *message;
    if (json_unpack(error, "{s:s,s:s}", "class", &class, "message", &message) != 0)
        return -1;
    int found = WEFT_ERROR_INTERNAL;
    for (int c = WEFT_ERROR_USAGE; c <= WEFT_ERROR_INTERNAL; c++)
        if (strcmp(weft_error_class_name((enum weft_error_class)c), class) == 0)
            found = c;
    weft_error_set(&asking->failure, (enum weft_error_class)found, "%s", message);
    return 0;
}

static bool find_kind(const char *name, enum weft_topology_step_kind *kind)
{
    for (int k = WEFT_STEP_PUBSUB_TOPIC; k < WEFT_STEP_KINDS; k++) {
        *kind = (enum weft_topology_step_kind)k;
        if (strcmp(weft_step_kind_name(*kind), name) == 0)
            return true;
    }
    return false;
}

static bool find_verdict(const char *name, enum weft_topology_step_verdict *verdict)
{
    for (int v = 0; v < WEFT_STEP_VERDICTS; v++) {
        *verdict = (enum weft_topology_step_verdict)v;
        if (strcmp(weft_step_verdict_name(*verdict), name) == 0)
            return true;
    }
    return false;
}

/* The file's own text of the name, which lives as long as the plan. */
static bool find_declared(const struct weft_topology *topology, const char *name, struct weft_topology_step *step)
{
    const struct weft_topology_pubsub_topic *topic = weft_topology_pubsub_topic(topology, name);
    const struct weft_topology_subscription *subscription = weft_topology_subscription(topology, name);
    if (topic) {
        step->name = topic->name;
        step->declared = (size_t)(topic - topology->pubsub_topics);
    } else if (subscription) {
        step->name = subscription->name;
        step->declared = (size_t)(subscription - topology->subscriptions);
    }
    return topic || subscription;
}

/* -1 when this is no step. */
static int read_step(struct asking *asking, json_t *line, struct weft_error *err)
{
    struct weft_topology_step step = {0};
    const char *kind, *name, *verdict, *from = NULL, *to = NULL, *detail = "";
    if (json_unpack(line, "{s:s,s:s,s:s,s?s,s?s,s?s,s?s}", "step", &kind, "name", &name, "verdict", &verdict, "setting",
                    &step.setting, "from", &from, "to", &to, "detail", &detail) != 0 ||
        !find_kind(kind, &step.kind) || !find_declared(asking->plan->topology, name, &step) ||
        (weft_step_is_setting(&step) && !step.setting))
        return -1;
    /* A step copies its texts or, as here, only shows them. */
    step.from = (char *)(uintptr_t)from;
    step.to = (char *)(uintptr_t)to;
    if (strcmp(verdict, "done") == 0 && asking->done) {
        step.detail = (char *)(uintptr_t)detail;
        step.verdict = WEFT_STEP_CHANGE;
        asking->done(&step, asking->arg);
        return 0;
    }
    if (!find_verdict(verdict, &step.verdict))
        return -1;
    asking->refused += step.verdict == WEFT_STEP_REFUSED;
    return asking->done ? 0 : weft_plan_add(asking->plan, step, err, "%s", detail);
}

static int read_line(const char *text, void *arg, struct weft_error *err)
{
    struct asking *asking = arg;
    struct weft_error why = {0};
    int result = -1;
    json_t *line = json_loads(text, 0, NULL);
    if (json_object_get(line, "error"))
        result = read_failure(asking, json_object_get(line, "error"));
    else if (json_object_get(line, "step"))
        result = read_step(asking, line, &why);
    else if (json_object_get(line, "topology"))
        result = 0; /* the counts at its end */
    json_decref(line);
    if (result != 0 && why.class != WEFT_ERROR_NONE)
        *err = why;
    else if (result != 0)
        weft_error_set(err, WEFT_ERROR_CORRUPT,
                       "weft-bridge said '%.200s': is it of the same version as weft (" WEFT_VERSION ")?", text);
    return result;
}

/* ---- How it is asked */

/* The settings that it needs, in its environment: it reads no others, and the command line is for all to see. */
struct variables {
    char *own[VARIABLES];
    size_t own_count;
    char **all; /* with those of the caller */
};

static void variables_clear(struct variables *variables)
{
    for (size_t i = 0; i < variables->own_count; i++)
        free(variables->own[i]);
    free(variables->all);
}

static bool is_own(const struct variables *variables, const char *entry)
{
    for (size_t i = 0; i < variables->own_count; i++)
        if (strncmp(variables->own[i], entry, strcspn(variables->own[i], "=") + 1) == 0)
            return true;
    return false;
}

static int variables_fill(struct variables *variables, const struct weft_settings *settings, struct weft_error *err)
{
    static const char *const wanted[VARIABLES][2] = {
        {"pubsub.endpoint", "WEFT_PUBSUB_ENDPOINT"},
        {"pubsub.credentials.file", "WEFT_PUBSUB_CREDENTIALS_FILE"},
        {"pubsub.ca.file", "WEFT_PUBSUB_CA_FILE"},
        {"startup.timeout", "WEFT_STARTUP_TIMEOUT"},
        {"log.level", "WEFT_LOG_LEVEL"},
        {"log.format", "WEFT_LOG_FORMAT"},
    };
    size_t count = 0;
    for (size_t i = 0; i < VARIABLES; i++) {
        if (!weft_settings_where(settings, wanted[i][0]))
            continue;
        if (asprintf(&variables->own[variables->own_count], "%s=%s", wanted[i][1],
                     weft_settings_text(settings, wanted[i][0])) < 0)
            goto fail;
        variables->own_count++;
    }
    while (environ[count])
        count++;
    variables->all = calloc(count + VARIABLES + 1, sizeof *variables->all);
    if (!variables->all)
        goto fail;
    memcpy(variables->all, variables->own, variables->own_count * sizeof *variables->own);
    size_t n = variables->own_count;
    for (size_t i = 0; i < count; i++)
        if (!is_own(variables, environ[i]))
            variables->all[n++] = environ[i];
    return 0;
fail:
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* Of one that ended without a word of why. */
static int check_end(const struct asking *asking, int status, struct weft_error *err)
{
    if (status < 0)
        return -1;
    if (!asking->done && asking->refused > 0 && status == STATUS_REFUSED &&
        asking->failure.class == WEFT_ERROR_CONFLICT)
        return 0; /* which the steps say better */
    if (asking->failure.class != WEFT_ERROR_NONE) {
        *err = asking->failure;
        return -1;
    }
    return status == 0 || (status == STATUS_CHANGES && !asking->done)
               ? 0
               : weft_error_set(err, WEFT_ERROR_INTERNAL, "weft-bridge ended with status %d", status);
}

static int ask(struct asking *asking, struct weft_error *err)
{
    const struct weft_topology_allowed *allowed = asking->plan->allowed;
    struct variables variables = {0};
    char path[PATH_SIZE];
    int result = -1;
    const char **words = calloc(6 + 2 * allowed->count, sizeof *words);
    if (!words) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if (find_bridge(asking->plan->topology, path, err) != 0 ||
        variables_fill(&variables, asking->plan->settings, err) != 0)
        goto out;
    size_t n = 0;
    words[n++] = path;
    words[n++] = "resources";
    words[n++] = asking->done ? "apply" : "plan";
    words[n++] = "--json";
    for (size_t i = 0; i < allowed->count; i++) {
        words[n++] = "--allow";
        words[n++] = allowed->list[i];
    }
    words[n] = asking->plan->topology->path;
    result = check_end(asking, weft_program_run((char *const *)(uintptr_t)words, variables.all, read_line, asking, err),
                       err);
out:
    variables_clear(&variables);
    free(words);
    return result;
}

int weft_plan_pubsub(struct weft_topology_plan *plan, struct weft_error *err)
{
    struct asking asking = {.plan = plan};
    return is_declared(plan->topology) ? ask(&asking, err) : 0;
}

int weft_execute_pubsub(struct weft_topology_plan *plan, void (*done)(const struct weft_topology_step *step, void *arg),
                        void *arg, struct weft_error *err)
{
    struct asking asking = {.plan = plan, .done = done, .arg = arg};
    return ask(&asking, err);
}
