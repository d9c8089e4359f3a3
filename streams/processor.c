#include "streams/processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/network.h"
#include "schemas/registry.h"
#include "schemas/registry_settings.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "schemas/subject.h"
#include "streams/client.h"
#include "streams/processor_settings.h"
#include "streams/worker.h"

enum { WAIT_SLICE_MS = 1000, REGISTRY_BACKOFF_MS = 500, REGISTRY_BACKOFF_MAX_MS = 8000 };

struct weft_processor {
    struct weft_processor_config config;
    struct weft_network *network;
    struct weft_registry *registry;
    struct weft_request_reader *reader;
    struct weft_worker **workers;
    int worker_count;
    struct weft_processor_names names;
    const char *model;
    char instance[WEFT_NAME_SIZE];
    int64_t stop_deadline_ms;  /* 0: no stop has been asked for */
    struct weft_error failure; /* the first worker's */
};

static bool stopped(const struct weft_processor *processor)
{
    return processor->config.stopped && processor->config.stopped(processor->config.arg);
}

/* The file of the network and the name of this instance, beside what weft_processor_names gives. */
static int read_settings(struct weft_processor *processor, struct weft_error *err)
{
    const struct weft_settings *settings = processor->config.settings;
    if (weft_processor_names(settings, processor->config.name, &processor->names, err) != 0)
        return -1;
    processor->model = weft_settings_text(settings, "model");
    const char *instance = weft_settings_text(settings, "instance");
    if (instance)
        snprintf(processor->instance, sizeof processor->instance, "%s", instance);
    else if (gethostname(processor->instance, sizeof processor->instance - 1) != 0 || !processor->instance[0])
        return weft_error_set(err, WEFT_ERROR_CONFIG, "the host has no name: name this instance with -X instance=...");
    return 0;
}

/* Waits for a broker, in slices, so that a stop is seen. */
static int find_topic(struct weft_processor *processor, struct weft_client *client, const char *topic,
                      int64_t deadline_ms, struct weft_error *err)
{
    for (;;) {
        int64_t left_ms = deadline_ms - weft_clock_ms();
        int count;
        if (weft_client_partition_count(client, topic, left_ms < WAIT_SLICE_MS ? (int)left_ms : WAIT_SLICE_MS, &count,
                                        err) == 0)
            return 0;
        if (stopped(processor))
            return weft_error_set(err, WEFT_ERROR_NONE, "stopped");
        if (err->class != WEFT_ERROR_UNAVAILABLE || weft_clock_ms() >= deadline_ms)
            return -1;
    }
}

static int check_topics(struct weft_processor *processor, struct weft_error *err)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_client *client = weft_client_new(processor->config.settings, &options, processor->config.log, err);
    if (!client)
        return -1;
    const char *topics[] = {processor->names.source, processor->names.sink, processor->names.dead_letters};
    int64_t deadline_ms = weft_clock_ms() + weft_settings_integer(processor->config.settings, "startup.timeout");
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof topics / sizeof *topics; i++)
        result = find_topic(processor, client, topics[i], deadline_ms, err);
    weft_client_destroy(client);
    return result;
}

/* The id of our result schema under the sink's subject. */
static int await_result_schema(struct weft_processor *processor, uint32_t *id, struct weft_error *err)
{
    int64_t backoff_ms = REGISTRY_BACKOFF_MS;
    bool may_register = weft_settings_bool(processor->config.settings, "auto.register.schemas");
    while (weft_subject_schema_id(processor->registry, processor->names.sink, weft_result_schema, may_register, id,
                                  err) != 0) {
        if (err->class != WEFT_ERROR_UNAVAILABLE)
            return -1;
        weft_log(processor->config.log, WEFT_LOG_WARN, "processor.registry", "waiting for the schema registry: %s",
                 err->message);
        for (int64_t until_ms = weft_clock_ms() + backoff_ms; weft_clock_ms() < until_ms; weft_clock_sleep_ms(50))
            if (stopped(processor))
                return weft_error_set(err, WEFT_ERROR_NONE, "stopped");
        backoff_ms = backoff_ms * 2 < REGISTRY_BACKOFF_MAX_MS ? backoff_ms * 2 : REGISTRY_BACKOFF_MAX_MS;
    }
    return 0;
}

static int start_workers(struct weft_processor *processor, uint32_t schema_id, struct weft_error *err)
{
    int count = (int)weft_settings_integer(processor->config.settings, "workers");
    processor->workers = calloc((size_t)count, sizeof *processor->workers);
    if (!processor->workers)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    struct weft_worker_config config = {
        .settings = processor->config.settings,
        .log = processor->config.log,
        .network = processor->network,
        .reader = processor->reader,
        .result_schema_id = schema_id,
        .processor = processor->config.name,
        .source = processor->names.source,
        .sink = processor->names.sink,
        .dead_letters = processor->names.dead_letters,
        .group = processor->names.group,
        .instance = processor->instance,
        .at_least_once = processor->config.at_least_once,
    };
    for (; config.index < count; config.index++) {
        struct weft_worker *worker = weft_worker_start(&config, err);
        if (!worker)
            return -1;
        processor->workers[processor->worker_count++] = worker;
    }
    return 0;
}

struct weft_processor *weft_processor_start(const struct weft_processor_config *config, struct weft_error *err)
{
    uint32_t schema_id = 0;
    struct weft_processor *processor = calloc(1, sizeof *processor);
    if (!processor) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    processor->config = *config;
    if (read_settings(processor, err) != 0)
        goto fail;
    processor->network = weft_network_load(processor->model, err);
    if (!processor->network)
        goto fail;
    processor->registry = weft_registry_once_from_settings(config->settings, err);
    if (!processor->registry)
        goto fail;
    processor->reader = weft_request_reader_new(processor->registry, err);
    if (!processor->reader || check_topics(processor, err) != 0 || await_result_schema(processor, &schema_id, err) != 0)
        goto fail;
    if (start_workers(processor, schema_id, err) != 0)
        goto fail;
    const struct weft_network_info *info = weft_network_info(processor->network);
    weft_log(config->log, WEFT_LOG_INFO, "processor.started",
             "%s: %s -> %s, dead letters to %s, model %s %s, group %s, instance %s, %d workers", config->name,
             processor->names.source, processor->names.sink, processor->names.dead_letters, info->name, info->version,
             processor->names.group, processor->instance, processor->worker_count);
    return processor;
fail:
    for (int i = 0; i < processor->worker_count; i++)
        weft_worker_stop(processor->workers[i], true);
    weft_processor_destroy(processor);
    return NULL;
}

void weft_processor_stop(struct weft_processor *processor, bool abort)
{
    for (int i = 0; i < processor->worker_count; i++)
        weft_worker_stop(processor->workers[i], abort);
    if (!processor->stop_deadline_ms)
        processor->stop_deadline_ms =
            weft_clock_ms() + weft_settings_integer(processor->config.settings, "shutdown.timeout");
}

enum weft_processor_state weft_processor_watch(struct weft_processor *processor, struct weft_error *err)
{
    int64_t deadline_ms = weft_settings_integer(processor->config.settings, "progress.deadline");
    bool stop_overdue = processor->stop_deadline_ms && weft_clock_ms() >= processor->stop_deadline_ms;
    int ended = 0;
    for (int i = 0; i < processor->worker_count; i++) {
        struct weft_worker_status status;
        weft_worker_status(processor->workers[i], &status);
        if (status.ended) {
            ended++;
            if (status.failure.class == WEFT_ERROR_NONE || processor->failure.class != WEFT_ERROR_NONE)
                continue;
            processor->failure = status.failure;
            /* Its owner says the same when the process ends with it. */
            weft_log(processor->config.log, WEFT_LOG_DEBUG, "worker.failed", "worker %d ends: %s", i,
                     status.failure.message);
            weft_processor_stop(processor, false);
        } else if (status.silent_ms > deadline_ms || stop_overdue) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "worker %d hangs in %s for %lld ms", i, status.call,
                           (long long)status.silent_ms);
            if (processor->failure.class != WEFT_ERROR_NONE)
                *err = processor->failure;
            return WEFT_PROCESSOR_STUCK;
        }
    }
    if (ended < processor->worker_count)
        return WEFT_PROCESSOR_RUNNING;
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
    weft_network_destroy(processor->network);
    free(processor);
}
