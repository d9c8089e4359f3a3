#include "streams/processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/registry.h"
#include "schemas/registry_settings.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "schemas/subject.h"
#include "streams/processor_settings.h"
#include "streams/serving.h"
#include "streams/worker.h"

enum { REGISTRY_BACKOFF_MS = 500, REGISTRY_BACKOFF_MAX_MS = 8000 };

struct weft_processor {
    struct weft_processor_config config;
    struct weft_serving *serving;
    struct weft_serving_lease told; /* what the metrics name */
    struct weft_registry *registry;
    struct weft_request_reader *reader;
    struct weft_worker **workers;
    int worker_count;
    struct weft_processor_names names;
    char instance[WEFT_NAME_SIZE];
    int64_t stop_deadline_ms;  /* 0: no stop has been asked for */
    struct weft_error failure; /* the first worker's */
};

static bool stopped(const struct weft_processor *processor)
{
    return processor->config.stopped && processor->config.stopped(processor->config.arg);
}

/* The id of our result schema under the subject of the sink, or of the shadow's topic. */
static int await_result_schema(struct weft_processor *processor, const char *topic, uint32_t *id,
                               struct weft_error *err)
{
    int64_t backoff_ms = REGISTRY_BACKOFF_MS;
    bool may_register = weft_settings_bool(processor->config.settings, "auto.register.schemas");
    while (weft_subject_schema_id(processor->registry, topic, weft_result_schema, may_register, id, err) != 0) {
        if (err->class != WEFT_ERROR_UNAVAILABLE)
            return -1;
        weft_processor_metrics_awaits(processor->config.metrics,
                                      "registry away: the start waits for the id of the results' schema");
        weft_log(processor->config.log, WEFT_LOG_WARN, "processor.registry", "waiting for the schema registry: %s",
                 err->message);
        for (int64_t until_ms = weft_clock_ms() + backoff_ms; weft_clock_ms() < until_ms; weft_clock_sleep_ms(50))
            if (stopped(processor))
                return weft_error_set(err, WEFT_ERROR_NONE, "stopped");
        backoff_ms = backoff_ms * 2 < REGISTRY_BACKOFF_MAX_MS ? backoff_ms * 2 : REGISTRY_BACKOFF_MAX_MS;
    }
    return 0;
}

static int start_workers(struct weft_processor *processor, uint32_t schema_id, uint32_t shadow_schema_id,
                         struct weft_error *err)
{
    int count = (int)weft_settings_integer(processor->config.settings, "workers");
    processor->workers = calloc((size_t)count, sizeof *processor->workers);
    if (!processor->workers)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    struct weft_worker_config config = {
        .settings = processor->config.settings,
        .log = processor->config.log,
        .serving = processor->serving,
        .reader = processor->reader,
        .result_schema_id = schema_id,
        .shadow_schema_id = shadow_schema_id,
        .processor = processor->config.name,
        .source = processor->names.source,
        .sink = processor->names.sink,
        .dead_letters = processor->names.dead_letters,
        .shadow = processor->names.shadow[0] ? processor->names.shadow : NULL,
        .group = processor->names.group,
        .instance = processor->instance,
        .at_least_once = processor->config.at_least_once,
    };
    for (; config.index < count; config.index++) {
        config.metrics = weft_processor_metrics_worker(processor->config.metrics, config.index);
        struct weft_worker *worker = weft_worker_start(&config, err);
        if (!worker)
            return -1;
        processor->workers[processor->worker_count++] = worker;
    }
    return 0;
}

/* Names the models to whoever asks the status endpoint, when they have changed. */
static void tell_models(struct weft_processor *processor)
{
    static const char *const roles[WEFT_SERVING_ROLES] = {"main", "canary", "shadow"};
    if (!processor->config.metrics || !weft_serving_changed(processor->serving, &processor->told))
        return;
    weft_serving_return(&processor->told);
    processor->told = weft_serving_take(processor->serving);
    for (int i = 0; i < WEFT_SERVING_ROLES; i++)
        if (processor->told.networks[i])
            weft_processor_metrics_model(processor->config.metrics, roles[i],
                                         weft_network_info(processor->told.networks[i]));
}

static void log_start(struct weft_processor *processor)
{
    const struct weft_processor_names *names = &processor->names;
    struct weft_serving_lease lease = weft_serving_take(processor->serving);
    const struct weft_network_info *info = weft_network_info(lease.networks[WEFT_SERVING_MAIN]);
    weft_log(processor->config.log, WEFT_LOG_INFO, "processor.started",
             "%s: %s -> %s, dead letters to %s, model %s %s, group %s, instance %s, %d workers", processor->config.name,
             names->source, names->sink, names->dead_letters, info->name, info->version, names->group,
             processor->instance, processor->worker_count);
    const struct weft_network *canary = lease.networks[WEFT_SERVING_CANARY];
    if (canary)
        weft_log(processor->config.log, WEFT_LOG_INFO, "processor.canary", "%s: %s %s answers for %d %% of the keys",
                 processor->config.name, weft_network_info(canary)->name, weft_network_info(canary)->version,
                 (int)weft_settings_integer(processor->config.settings, "canary.percent"));
    const struct weft_network *shadow = lease.networks[WEFT_SERVING_SHADOW];
    if (shadow)
        weft_log(processor->config.log, WEFT_LOG_INFO, "processor.shadow", "%s: %s %s scores along, to %s",
                 processor->config.name, weft_network_info(shadow)->name, weft_network_info(shadow)->version,
                 names->shadow);
    weft_serving_return(&lease);
}

struct weft_processor *weft_processor_start(const struct weft_processor_config *config, struct weft_error *err)
{
    uint32_t schema_id = 0, shadow_schema_id = 0;
    struct weft_processor *processor = calloc(1, sizeof *processor);
    if (!processor) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    processor->config = *config;
    weft_processor_metrics_awaits(config->metrics, "starting");
    if (weft_processor_names(config->settings, config->name, &processor->names, err) != 0 ||
        weft_processor_instance(config->settings, processor->instance, err) != 0)
        goto fail;
    const struct weft_processor_names *names = &processor->names;
    processor->serving = weft_serving_from_settings(config->settings, config->log, err);
    if (!processor->serving)
        goto fail;
    processor->registry = weft_registry_once_from_settings(config->settings, err);
    if (!processor->registry)
        goto fail;
    processor->reader = weft_request_reader_new(processor->registry, err);
    if (!processor->reader || await_result_schema(processor, names->sink, &schema_id, err) != 0 ||
        (names->shadow[0] && await_result_schema(processor, names->shadow, &shadow_schema_id, err) != 0) ||
        start_workers(processor, schema_id, shadow_schema_id, err) != 0)
        goto fail;
    tell_models(processor);
    weft_processor_metrics_awaits(config->metrics, NULL);
    log_start(processor);
    return processor;
fail:
    for (int i = 0; i < processor->worker_count; i++)
        weft_worker_stop(processor->workers[i], true);
    weft_processor_destroy(processor);
    return NULL;
}

void weft_processor_reload(struct weft_processor *processor)
{
    weft_serving_reload(processor->serving);
}

void weft_processor_stop(struct weft_processor *processor, bool abort)
{
    for (int i = 0; i < processor->worker_count; i++)
        weft_worker_stop(processor->workers[i], abort);
    if (!processor->stop_deadline_ms)
        processor->stop_deadline_ms =
            weft_clock_ms() + weft_settings_integer(processor->config.settings, "shutdown.timeout");
}

/* What can be said of workers that cannot be asked any more. */
static void dump(struct weft_processor *processor)
{
    for (int i = 0; i < processor->worker_count; i++) {
        struct weft_worker_status status;
        weft_worker_status(processor->workers[i], &status);
        weft_log(processor->config.log, WEFT_LOG_ERROR, "worker.dump",
                 "%s worker %d: %s for %lld ms, %zu requests in the batch, %d partitions, transaction %s, "
                 "%llu results, %llu dead letters, %llu commits, %llu aborts",
                 processor->config.name, i, status.ended ? "ended" : status.call, (long long)status.silent_ms,
                 status.batch, status.partitions, status.in_transaction ? "open" : "none",
                 (unsigned long long)status.results, (unsigned long long)status.dead_letters,
                 (unsigned long long)status.commits, (unsigned long long)status.aborts);
    }
}

/* Notes the first failure, and lets the other workers leave with it. */
static void note_failure(struct weft_processor *processor, int worker, const struct weft_worker_status *status)
{
    if (!status->leaving || status->failure.class == WEFT_ERROR_NONE || processor->failure.class != WEFT_ERROR_NONE)
        return;
    processor->failure = status->failure;
    /* Its owner says the same when the process ends with it. */
    weft_log(processor->config.log, WEFT_LOG_DEBUG, "worker.failed", "worker %d ends: %s", worker,
             status->failure.message);
    weft_processor_stop(processor, false);
}

enum weft_processor_state weft_processor_watch(struct weft_processor *processor, struct weft_error *err)
{
    int64_t deadline_ms = weft_settings_integer(processor->config.settings, "progress.deadline");
    bool stop_overdue = processor->stop_deadline_ms && weft_clock_ms() >= processor->stop_deadline_ms;
    int ended = 0;
    for (int i = 0; i < processor->worker_count; i++) {
        struct weft_worker_status status;
        weft_worker_status(processor->workers[i], &status);
        note_failure(processor, i, &status);
        if (status.ended) {
            ended++;
        } else if (status.silent_ms > deadline_ms || stop_overdue) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "worker %d hangs in %s for %lld ms", i, status.call,
                           (long long)status.silent_ms);
            if (processor->failure.class != WEFT_ERROR_NONE)
                *err = processor->failure;
            dump(processor);
            return WEFT_PROCESSOR_STUCK;
        }
    }
    if (ended < processor->worker_count) {
        if (!processor->stop_deadline_ms)
            weft_serving_watch(processor->serving);
        tell_models(processor);
        return WEFT_PROCESSOR_RUNNING;
    }
    if (processor->failure.class == WEFT_ERROR_NONE)
        return WEFT_PROCESSOR_ENDED;
    *err = processor->failure;
    return WEFT_PROCESSOR_FAILED;
}

void weft_processor_counts(struct weft_processor *processor, struct weft_processor_counts *counts)
{
    *counts = (struct weft_processor_counts){0};
    for (int i = 0; i < processor->worker_count; i++) {
        struct weft_worker_status status;
        weft_worker_status(processor->workers[i], &status);
        counts->results += status.results;
        counts->dead_letters += status.dead_letters;
        counts->commits += status.commits;
        counts->aborts += status.aborts;
    }
}

void weft_processor_destroy(struct weft_processor *processor)
{
    if (!processor)
        return;
    for (int i = 0; i < processor->worker_count; i++)
        weft_worker_destroy(processor->workers[i]);
    free(processor->workers);
    weft_request_reader_destroy(processor->reader);
    weft_registry_destroy(processor->registry);
    weft_serving_return(&processor->told);
    weft_serving_destroy(processor->serving);
    free(processor);
}
