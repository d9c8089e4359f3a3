#include "streams/processor_metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams/processor_settings.h"

enum {
    MODELS_MAX = 3,
    TEXT_SIZE = 256,
    ASKING_MS = 5000, /* no answer of healthy brokers takes this long */
};

struct model {
    const char *role;
    char name[TEXT_SIZE], version[TEXT_SIZE], sha256[80];
};

struct weft_processor_metrics {
    const char *name;
    const struct weft_settings *settings;
    struct weft_processor_names names;
    struct weft_worker_metrics **workers;
    size_t worker_count;
    int64_t lag_max; /* 0: none */
    _Atomic(const char *) awaits;

    pthread_mutex_t lock; /* for the models */
    struct model models[MODELS_MAX];
    size_t model_count;
};

struct weft_processor_metrics *weft_processor_metrics_new(const char *name, const struct weft_settings *settings,
                                                          struct weft_error *err)
{
    struct weft_processor_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        goto memory;
    pthread_mutex_init(&metrics->lock, NULL);
    metrics->name = name;
    metrics->settings = settings;
    metrics->lag_max = weft_settings_integer(settings, "ready.lag.max");
    metrics->awaits = "starting: no broker has answered yet";
    if (weft_processor_names(settings, name, &metrics->names, err) != 0)
        goto fail;
    size_t count = (size_t)weft_settings_integer(settings, "workers");
    metrics->workers = calloc(count, sizeof *metrics->workers);
    if (!metrics->workers)
        goto memory;
    for (; metrics->worker_count < count; metrics->worker_count++) {
        metrics->workers[metrics->worker_count] = weft_worker_metrics_new(metrics->names.source);
        if (!metrics->workers[metrics->worker_count])
            goto memory;
    }
    return metrics;
memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
fail:
    weft_processor_metrics_destroy(metrics);
    return NULL;
}

void weft_processor_metrics_destroy(struct weft_processor_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->worker_count; i++)
        weft_worker_metrics_destroy(metrics->workers[i]);
    free(metrics->workers);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

void weft_processor_metrics_awaits(struct weft_processor_metrics *metrics, const char *what)
{
    if (metrics)
        atomic_store(&metrics->awaits, what);
}

void weft_processor_metrics_model(struct weft_processor_metrics *metrics, const char *role,
                                  const struct weft_network_info *info)
{
    if (!metrics)
        return;
    pthread_mutex_lock(&metrics->lock);
    size_t i = 0;
    while (i < metrics->model_count && strcmp(metrics->models[i].role, role) != 0)
        i++;
    if (i < MODELS_MAX) {
        struct model *model = &metrics->models[i];
        model->role = role;
        snprintf(model->name, sizeof model->name, "%s", info->name);
        snprintf(model->version, sizeof model->version, "%s", info->version);
        snprintf(model->sha256, sizeof model->sha256, "%s", info->sha256);
        metrics->model_count += i == metrics->model_count;
    }
    pthread_mutex_unlock(&metrics->lock);
}

struct weft_worker_metrics *weft_processor_metrics_worker(struct weft_processor_metrics *metrics, int index)
{
    return metrics ? metrics->workers[index] : NULL;
}

const char *weft_processor_metrics_name(const struct weft_processor_metrics *metrics)
{
    return metrics->name;
}

/* One that is fenced or has failed takes the process with it: that is said before what others wait for. */
static bool is_over(enum weft_worker_state state)
{
    return state == WEFT_WORKER_FENCED || state == WEFT_WORKER_FAILED || state == WEFT_WORKER_STOPPED;
}

static bool worker_ready(const struct weft_worker_view *view, size_t index, char *reason, size_t size)
{
    switch (view->state) {
    case WEFT_WORKER_FENCED:
        snprintf(reason, size, "fenced: another instance has taken the place of worker %zu", index);
        return false;
    case WEFT_WORKER_FAILED: snprintf(reason, size, "worker %zu has failed", index); return false;
    case WEFT_WORKER_STOPPED: snprintf(reason, size, "stopping: worker %zu has left", index); return false;
    default: break;
    }
    if (view->cut_off)
        snprintf(reason, size, "broker away: worker %zu has no connection to any", index);
    else if (view->asking_ms > ASKING_MS)
        snprintf(reason, size, "broker away: worker %zu has been in %s for %" PRId64 " s", index, view->call,
                 view->asking_ms / 1000);
    else if (view->state == WEFT_WORKER_REGISTRY)
        snprintf(reason, size, "registry away: worker %zu holds requests whose schema it does not know", index);
    else if (view->state != WEFT_WORKER_WORKING)
        snprintf(reason, size, "joining: worker %zu has not been given its partitions", index);
    else
        return true;
    return false;
}

bool weft_processor_metrics_ready(struct weft_processor_metrics *metrics, char *reason, size_t size)
{
    const char *awaits = atomic_load(&metrics->awaits);
    if (awaits) {
        snprintf(reason, size, "%s", awaits);
        return false;
    }
    int64_t lag = 0;
    bool ready = true;
    for (size_t i = 0; i < metrics->worker_count; i++) {
        struct weft_worker_view view;
        weft_worker_metrics_view(metrics->workers[i], &view);
        lag += view.lag;
        if (ready || is_over(view.state))
            ready = worker_ready(&view, i, reason, size) && ready;
        if (is_over(view.state))
            return false;
    }
    if (ready && metrics->lag_max > 0 && lag > metrics->lag_max) {
        snprintf(reason, size, "lagging: %" PRId64 " requests wait, more than ready.lag.max=%" PRId64, lag,
                 metrics->lag_max);
        return false;
    }
    return ready;
}

static void write_models(struct weft_processor_metrics *metrics, struct weft_metrics_page *page)
{
    struct weft_metric *family =
        weft_metrics_family(page, "weft_model_info", WEFT_METRIC_GAUGE, "1 for each model that serves.");
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->model_count; i++) {
        const struct model *model = &metrics->models[i];
        const struct weft_label labels[] = {{"processor", metrics->name}, {"role", model->role},
                                            {"name", model->name},        {"version", model->version},
                                            {"sha256", model->sha256},    {NULL, NULL}};
        weft_metric_sample(family, labels, 1);
    }
    pthread_mutex_unlock(&metrics->lock);
}

void weft_processor_metrics_write(struct weft_processor_metrics *metrics, struct weft_metrics_page *page)
{
    char reason[TEXT_SIZE];
    const struct weft_label labels[] = {{"processor", metrics->name}, {NULL, NULL}};
    weft_metric_sample(weft_metrics_family(page, "weft_ready", WEFT_METRIC_GAUGE,
                                           "1 when the processor works, 0 when /readyz says why not."),
                       labels, weft_processor_metrics_ready(metrics, reason, sizeof reason));
    write_models(metrics, page);
    weft_worker_metrics_write(metrics->workers, metrics->worker_count, metrics->name, page);
}

json_t *weft_processor_metrics_info(struct weft_processor_metrics *metrics)
{
    char reason[TEXT_SIZE];
    const struct weft_processor_names *names = &metrics->names;
    json_t *models = json_array(), *states = json_array();
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->model_count; i++) {
        const struct model *model = &metrics->models[i];
        json_array_append_new(models, json_pack("{s:s,s:s*,s:s*,s:s}", "role", model->role, "name", model->name,
                                                "version", model->version, "sha256", model->sha256));
    }
    pthread_mutex_unlock(&metrics->lock);
    for (size_t i = 0; i < metrics->worker_count; i++) {
        struct weft_worker_view view;
        weft_worker_metrics_view(metrics->workers[i], &view);
        json_array_append_new(states, json_string(weft_worker_state_name(view.state)));
    }
    bool ready = weft_processor_metrics_ready(metrics, reason, sizeof reason);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s*,s:o,s:o}", "name", metrics->name, "source", names->source, "sink",
                     names->sink, "dead_letters", names->dead_letters, "group", names->group, "ready", ready, "reason",
                     ready ? NULL : reason, "models", models, "workers", states);
}
