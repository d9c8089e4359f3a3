#include "streams/startup_schemas.h"

#include <stdio.h>

#include "base/clock.h"
#include "schemas/registry_settings.h"
#include "schemas/request.h"
#include "schemas/result.h"
#include "schemas/subject.h"
#include "streams/message.h"
#include "streams/reader.h"

enum {
    SAMPLE_PARTITIONS = 8, /* at most, that are looked at */
    SAMPLE_OFFSETS = 4,    /* of each the last ones: the very last may be a transaction's mark */
    SAMPLE_TIMEOUT_MS = 5000,
};

struct schemas {
    const struct weft_settings *settings;
    const struct weft_processor_names *names;
    struct weft_registry *registry;
    struct weft_log *log;
    struct weft_startup_report *report;
};

/* Asks for the source's latest schema: whether the registry answers at all, and what it has. */
static bool check_source(struct schemas *schemas)
{
    struct weft_error err = {0};
    char subject[WEFT_SUBJECT_SIZE];
    struct weft_registry_schema latest = {0};
    bool found = false;
    if (weft_subject_name(schemas->registry, schemas->names->source, weft_request_schema, subject, &err) != 0 ||
        weft_registry_latest(schemas->registry, subject, &latest, &found, &err) != 0) {
        /* A start waits for a registry that is away. */
        weft_startup_fail(schemas->report, "registry", err.class != WEFT_ERROR_UNAVAILABLE, &err);
        weft_startup_note(schemas->report, "schema.source", WEFT_CHECK_UNKNOWN, "not looked up without the registry");
        return false;
    }
    /* Not its URL, which may hold a password. */
    weft_startup_note(schemas->report, "registry", WEFT_CHECK_OK, "the schema registry answers");
    if (!found) {
        weft_startup_note(schemas->report, "schema.source", WEFT_CHECK_UNKNOWN,
                          "subject %s is not there yet: nobody has said how requests are written", subject);
    } else if (weft_request_schema_check(latest.whole ? latest.whole : latest.schema, &err) != 0) {
        weft_error_prefix(&err, "subject %s, version %d: requests written with it become dead letters", subject,
                          latest.version);
        weft_startup_fail(schemas->report, "schema.source", false, &err);
    } else {
        weft_startup_note(schemas->report, "schema.source", WEFT_CHECK_OK, "subject %s, version %d (id %u) can be read",
                          subject, latest.version, latest.id);
    }
    weft_registry_schema_clear(&latest);
    return true;
}

/* Whether results may be written to the topic: their schema is registered, or can be. */
static void check_results(struct schemas *schemas, const char *name, const char *topic)
{
    struct weft_error err = {0};
    char subject[WEFT_SUBJECT_SIZE];
    uint32_t id;
    enum weft_registry_verdict verdict = WEFT_REGISTRY_INCOMPATIBLE;
    if (weft_subject_name(schemas->registry, topic, weft_result_schema, subject, &err) != 0)
        goto failed;
    if (weft_subject_schema_id(schemas->registry, topic, weft_result_schema, false, &id, &err) == 0) {
        weft_startup_note(schemas->report, name, WEFT_CHECK_OK, "subject %s has the results' schema (id %u)", subject,
                          id);
        return;
    }
    if (err.class != WEFT_ERROR_CONFIG || !weft_settings_bool(schemas->settings, "auto.register.schemas") ||
        weft_registry_compatible(schemas->registry, subject, weft_result_schema, NULL, 0, &verdict, &err) != 0)
        goto failed;
    if (verdict == WEFT_REGISTRY_COMPATIBLE) {
        weft_startup_note(schemas->report, name, WEFT_CHECK_OK,
                          "subject %s takes the results' schema, which a start registers", subject);
        return;
    }
    weft_error_set(&err, WEFT_ERROR_CONFLICT,
                   "subject %s: the results' schema is incompatible with what is there: see `weft schema check`",
                   subject);
failed:
    weft_startup_fail(schemas->report, name, err.class != WEFT_ERROR_UNAVAILABLE, &err);
}

struct sample {
    size_t fitting, other; /* requests */
    size_t other_size;     /* image bytes of one that does not fit */
    bool read;             /* all of it */
};

static void look_at(const rd_kafka_message_t *message, struct weft_request_reader *requests, size_t image_size,
                    struct sample *sample)
{
    struct weft_error err = {0};
    struct weft_frame frame;
    struct weft_request request;
    if (weft_message_frame(message, &frame, &err) != 0 ||
        weft_request_read_frame(requests, &frame, &request, &err) != 0)
        return;
    if (request.image_size == image_size) {
        sample->fitting++;
    } else {
        sample->other++;
        sample->other_size = request.image_size;
    }
}

static void read_sample(struct schemas *schemas, struct weft_request_reader *requests, size_t image_size,
                        struct sample *sample)
{
    struct weft_error err = {0};
    const rd_kafka_message_t *message;
    struct weft_reader *reader = weft_reader_new(schemas->settings, schemas->names->source, schemas->log, &err);
    int open = 0;
    if (!reader)
        return;
    for (int p = 0; p < weft_reader_partition_count(reader) && p < SAMPLE_PARTITIONS; p++) {
        int64_t first, end;
        if (weft_reader_range(reader, p, &first, &end, &err) != 0)
            goto out;
        const int64_t from = end - SAMPLE_OFFSETS > first ? end - SAMPLE_OFFSETS : first;
        if (from < end && weft_reader_start(reader, p, from, &err) != 0)
            goto out;
        open += from < end;
    }
    for (const int64_t deadline_ms = weft_clock_ms() + SAMPLE_TIMEOUT_MS; open > 0;) {
        const int64_t left_ms = deadline_ms - weft_clock_ms();
        const enum weft_reader_event event =
            left_ms > 0 ? weft_reader_next(reader, (int)left_ms, &message, &err) : WEFT_READER_NOTHING;
        if (event == WEFT_READER_FAILED || event == WEFT_READER_NOTHING)
            goto out;
        if (event == WEFT_READER_END)
            open--;
        else
            look_at(message, requests, image_size, sample);
    }
    sample->read = true;
out:
    weft_reader_destroy(reader);
}

static void check_input(struct schemas *schemas, const struct weft_network_info *model)
{
    struct weft_error err = {0};
    struct sample sample = {0};
    struct weft_request_reader *requests = weft_request_reader_new(schemas->registry, &err);
    if (requests)
        read_sample(schemas, requests, model->image_size, &sample);
    weft_request_reader_destroy(requests);
    const size_t all = sample.fitting + sample.other;
    if (sample.fitting > 0) {
        weft_startup_note(schemas->report, "model.input", WEFT_CHECK_OK,
                          "%zu of the latest %zu requests have the image size of model %s, %zu bytes", sample.fitting,
                          all, model->name, model->image_size);
    } else if (sample.other > 0) {
        weft_error_set(&err, WEFT_ERROR_CONFIG,
                       "none of the latest %zu requests has the image size of model %s, %zu bytes (%zux%zux%zu); one "
                       "has %zu: such requests become dead letters",
                       all, model->name, model->image_size, model->channels, model->height, model->width,
                       sample.other_size);
        weft_startup_fail(schemas->report, "model.input", false, &err);
    } else {
        weft_startup_note(schemas->report, "model.input", WEFT_CHECK_UNKNOWN,
                          sample.read ? "no request in %s to compare with" : "the latest requests of %s were not read",
                          schemas->names->source);
    }
}

void weft_startup_check_schemas(const struct weft_settings *settings, const struct weft_processor_names *names,
                                const struct weft_network_info *model, bool source_readable, struct weft_log *log,
                                struct weft_startup_report *report)
{
    struct schemas schemas = {.settings = settings, .names = names, .log = log, .report = report};
    struct weft_error err = {0};
    schemas.registry = weft_registry_once_from_settings(settings, &err);
    const bool answers = schemas.registry && check_source(&schemas);
    if (!schemas.registry)
        weft_startup_fail(report, "registry", true, &err);
    if (answers) {
        check_results(&schemas, "schema.sink", names->sink);
        if (names->shadow[0])
            check_results(&schemas, "schema.shadow", names->shadow);
    } else {
        weft_startup_note(report, "schema.sink", WEFT_CHECK_UNKNOWN, "not looked up without the registry");
    }
    if (answers && model && source_readable)
        check_input(&schemas, model);
    else
        weft_startup_note(report, "model.input", WEFT_CHECK_UNKNOWN, "not compared without %s",
                          !model     ? "the model"
                          : !answers ? "the registry"
                                     : "the source's requests");
    weft_registry_destroy(schemas.registry);
}
