#include "streams/replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/registry.h"
#include "schemas/registry_settings.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "schemas/subject.h"
#include "streams/batch.h"
#include "streams/reader.h"
#include "streams/replay/scoring.h"

enum {
    SAMPLE_MAX = 1024,
    SAMPLE_BYTES_MAX = 16 << 20,
    SAMPLE_POLL_MS = 200,
    SAMPLE_WAIT_MS = 10000, /* for the first request of it */
    REGISTRY_BACKOFF_MS = 500,
};

struct weft_replay {
    struct weft_replay_config config;
    char group[WEFT_REPLAY_NAME_SIZE + 16];
    struct weft_network *network;
    struct weft_registry *registry;
    struct weft_request_reader *reader;
    struct weft_replay_plan plan;
    struct weft_replay_run *run;
    int64_t stop_deadline_ms; /* 0: no stop has been asked for */
};

static int check_name(const char *name, struct weft_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (name[0] && strlen(name) < WEFT_REPLAY_NAME_SIZE && name[strspn(name, allowed)] == '\0')
        return 0;
    return weft_error_set(err, WEFT_ERROR_USAGE,
                          "'%.*s' is no name for a replay: 1 to %d letters, digits, '.', '_' and '-'",
                          WEFT_REPLAY_NAME_SIZE, name, WEFT_REPLAY_NAME_SIZE - 1);
}

/* given, or else the source's name with what stands behind it. */
static int name_topic(const struct weft_replay_config *config, const char *given, const char *behind, char *out,
                      struct weft_error *err)
{
    int size =
        given ? snprintf(out, WEFT_REPLAY_LEDGER_TOPIC_SIZE, "%s", given)
              : snprintf(out, WEFT_REPLAY_LEDGER_TOPIC_SIZE, "%s.replay.%s%s", config->source, config->name, behind);
    if (size < WEFT_REPLAY_LEDGER_TOPIC_SIZE)
        return 0;
    return weft_error_set(err, WEFT_ERROR_USAGE,
                          "the topic %s is longer than %d bytes: name it with --sink and "
                          "--dead-letters",
                          out, WEFT_REPLAY_LEDGER_TOPIC_SIZE - 1);
}

/* Bounds are checked here so that a wrong one is found before anybody is asked. */
static int copy_bound(const char *text, const char *option, char *out, struct weft_error *err)
{
    struct weft_bound bound;
    if (!text)
        return 0;
    if (weft_bound_parse(text, option, &bound, err) != 0)
        return -1;
    memcpy(out, bound.text, sizeof bound.text);
    return 0;
}

static int read_terms(const struct weft_replay *replay, struct weft_replay_ledger_terms *terms, struct weft_error *err)
{
    const struct weft_replay_config *config = &replay->config;
    *terms = (struct weft_replay_ledger_terms){0};
    snprintf(terms->model, sizeof terms->model, "%s", weft_network_info(replay->network)->sha256);
    if (name_topic(config, config->sink, "", terms->sink, err) != 0 ||
        name_topic(config, config->dead_letters, ".dead", terms->dead_letters, err) != 0 ||
        copy_bound(config->from, "from", terms->from, err) != 0 || copy_bound(config->to, "to", terms->to, err) != 0)
        return -1;
    /* Nor into what a processor writes. */
    const char *const taken[] = {config->source, weft_settings_text(config->settings, "sink"),
                                 weft_settings_text(config->settings, "dead.letters")};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (taken[i] && (strcmp(terms->sink, taken[i]) == 0 || strcmp(terms->dead_letters, taken[i]) == 0))
            return weft_error_set(err, WEFT_ERROR_USAGE, "%s is a topic of the processor: a replay needs its own",
                                  taken[i]);
    if (strcmp(terms->sink, terms->dead_letters) == 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "results and dead letters need two topics");
    return 0;
}

struct weft_replay *weft_replay_new(const struct weft_replay_config *config, struct weft_error *err)
{
    struct weft_replay *replay = calloc(1, sizeof *replay);
    if (!replay) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    replay->config = *config;
    struct weft_replay_request request = {
        .settings = config->settings, .log = config->log, .source = config->source, .group = replay->group};
    if (check_name(config->name, err) != 0)
        goto fail;
    snprintf(replay->group, sizeof replay->group, "weft-replay-%s", config->name);
    replay->network = weft_network_load(config->model, err);
    if (!replay->network || read_terms(replay, &request.terms, err) != 0)
        goto fail;
    replay->registry = weft_registry_once_from_settings(config->settings, err);
    replay->reader = replay->registry ? weft_request_reader_new(replay->registry, err) : NULL;
    if (!replay->reader)
        goto fail;
    if (weft_replay_plan_make(&request, &replay->plan, err) != 0) {
        weft_error_prefix(err, "replay %s", config->name);
        goto fail;
    }
    return replay;
fail:
    weft_replay_destroy(replay);
    return NULL;
}

void weft_replay_destroy(struct weft_replay *replay)
{
    if (!replay)
        return;
    weft_replay_run_destroy(replay->run);
    weft_replay_plan_clear(&replay->plan);
    weft_request_reader_destroy(replay->reader);
    weft_registry_destroy(replay->registry);
    weft_network_destroy(replay->network);
    free(replay);
}

const struct weft_replay_plan *weft_replay_plan(const struct weft_replay *replay)
{
    return &replay->plan;
}

const struct weft_network_info *weft_replay_model(const struct weft_replay *replay)
{
    return weft_network_info(replay->network);
}

const char *weft_replay_group(const struct weft_replay *replay)
{
    return replay->group;
}

static bool stopped(const struct weft_replay *replay)
{
    return replay->config.stopped && replay->config.stopped(replay->config.arg);
}

static struct weft_scorer_config scorer_config(const struct weft_replay *replay, uint32_t schema_id)
{
    return (struct weft_scorer_config){
        .network = replay->network, .reader = replay->reader, .result_schema_id = schema_id};
}

/* The partition that has most left. */
static const struct weft_replay_ledger_partition *largest(const struct weft_replay_ledger *ledger)
{
    const struct weft_replay_ledger_partition *most = &ledger->partitions[0];
    for (int i = 1; i < ledger->count; i++)
        if (ledger->partitions[i].to - ledger->partitions[i].position > most->to - most->position)
            most = &ledger->partitions[i];
    return most;
}

/* Reads its first requests that are left; they must be freed before the reader is. */
static int read_sample(const struct weft_replay *replay, struct weft_reader *reader,
                       const struct weft_replay_ledger_partition *from, struct weft_batch *batch,
                       struct weft_error *err)
{
    int64_t first, end, until_ms = weft_clock_ms() + SAMPLE_WAIT_MS;
    if (weft_reader_range(reader, from->partition, &first, &end, err) != 0 ||
        weft_reader_start(reader, from->partition, first > from->position ? first : from->position, err) != 0)
        return -1;
    while (batch->count < batch->capacity && batch->bytes < SAMPLE_BYTES_MAX && !stopped(replay)) {
        const rd_kafka_message_t *message;
        enum weft_reader_event event = weft_reader_next(reader, SAMPLE_POLL_MS, &message, err);
        if (event == WEFT_READER_FAILED)
            return -1;
        if (event == WEFT_READER_MESSAGE && message->offset < from->to)
            weft_batch_add(batch, weft_reader_take(reader));
        else if (event != WEFT_READER_NOTHING || batch->count > 0 || weft_clock_ms() >= until_ms)
            break;
    }
    return 0;
}

/* Scores the batch twice: the first round fetches schemas and warms the caches, the second is measured. */
static int score_sample(struct weft_replay *replay, struct weft_batch *batch, struct weft_replay_sample *sample,
                        struct weft_error *err)
{
    const struct weft_scorer_config config = scorer_config(replay, 0);
    struct weft_scoring *scoring = weft_scoring_new(&config, (size_t)replay->config.workers, err);
    int64_t started_ns = 0;
    int result = scoring ? 0 : -1;
    for (int round = 0; result == 0 && round < 2; round++) {
        started_ns = weft_clock_ns();
        result = weft_scoring_score(scoring, batch->requests, batch->count, batch->answers, err);
    }
    if (result != 0)
        goto out;
    sample->requests = batch->count;
    sample->per_second = (double)batch->count * 1e9 / (double)(weft_clock_ns() - started_ns + 1);
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->answers[i].bytes && sample->dead_letters++ == 0)
            snprintf(sample->reason, sizeof sample->reason, "%s", batch->answers[i].reason);
out:
    weft_scoring_destroy(scoring);
    return result;
}

int weft_replay_sample(struct weft_replay *replay, struct weft_replay_sample *sample, struct weft_error *err)
{
    const struct weft_replay_ledger_partition *from = largest(&replay->plan.ledger);
    struct weft_batch batch;
    int result = -1;
    *sample = (struct weft_replay_sample){0};
    if (from->position == from->to)
        return 0;
    struct weft_reader *reader =
        weft_reader_new(replay->config.settings, replay->config.source, replay->config.log, err);
    if (!reader)
        return -1;
    if (weft_batch_init(&batch, SAMPLE_MAX) != 0)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    else if (read_sample(replay, reader, from, &batch, err) == 0)
        result = batch.count ? score_sample(replay, &batch, sample, err) : 0;
    weft_batch_destroy(&batch);
    weft_reader_destroy(reader);
    return result;
}

/* The id of our result schema for the sink. */
static int await_schema(struct weft_replay *replay, uint32_t *id, struct weft_error *err)
{
    const bool may_register = weft_settings_bool(replay->config.settings, "auto.register.schemas");
    while (weft_subject_schema_id(replay->registry, replay->plan.ledger.terms.sink, weft_result_schema, may_register,
                                  id, err) != 0) {
        if (err->class != WEFT_ERROR_UNAVAILABLE || stopped(replay))
            return -1;
        weft_log(replay->config.log, WEFT_LOG_WARN, "replay.registry", "waiting for the schema registry: %s",
                 err->message);
        weft_clock_sleep_ms(REGISTRY_BACKOFF_MS);
    }
    return 0;
}

int weft_replay_start(struct weft_replay *replay, struct weft_error *err)
{
    uint32_t schema_id;
    if (await_schema(replay, &schema_id, err) != 0)
        return -1;
    const struct weft_replay_run_config config = {
        .settings = replay->config.settings,
        .log = replay->config.log,
        .group = replay->group,
        .source = replay->config.source,
        .plan = &replay->plan,
        .scorer = scorer_config(replay, schema_id),
        .workers = replay->config.workers,
        .rate = replay->config.rate,
    };
    replay->run = weft_replay_run_start(&config, err);
    return replay->run ? 0 : -1;
}

enum weft_replay_state weft_replay_watch(struct weft_replay *replay, struct weft_replay_status *status,
                                         struct weft_error *err)
{
    const int64_t deadline_ms = weft_settings_integer(replay->config.settings, "progress.deadline");
    weft_replay_run_status(replay->run, status);
    if (status->ended) {
        if (status->failure.class == WEFT_ERROR_NONE)
            return WEFT_REPLAY_ENDED;
        *err = status->failure;
        weft_error_prefix(err, "replay %s", replay->config.name);
        return WEFT_REPLAY_FAILED;
    }
    const bool overdue = replay->stop_deadline_ms && weft_clock_ms() >= replay->stop_deadline_ms;
    if (status->silent_ms <= deadline_ms && !overdue)
        return WEFT_REPLAY_RUNNING;
    weft_error_set(err, WEFT_ERROR_INTERNAL, "replay %s hangs in %s for %lld ms", replay->config.name, status->call,
                   (long long)status->silent_ms);
    return WEFT_REPLAY_STUCK;
}

void weft_replay_stop(struct weft_replay *replay, bool abort)
{
    weft_replay_run_stop(replay->run, abort);
    if (!replay->stop_deadline_ms)
        replay->stop_deadline_ms = weft_clock_ms() + weft_settings_integer(replay->config.settings, "shutdown.timeout");
}
