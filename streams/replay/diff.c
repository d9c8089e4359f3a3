#include "streams/replay/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "schemas/registry_settings.h"
#include "streams/message.h"
#include "streams/reader.h"
#include "streams/scan.h"

enum { SHA_BEGINNING_MIN = 6 };

struct reading {
    const struct weft_diff_config *config;
    struct weft_diff *diff;
    enum weft_side side;
    struct weft_result_reader *results;
    struct weft_progress *progress;
    uint64_t records;
    float probabilities[WEFT_RESULT_CLASSES_MAX];
};

static bool equals(struct weft_text text, const char *wanted, size_t size)
{
    return text.size == size && memcmp(text.at, wanted, size) == 0;
}

/* Whether the result is by the model: NAME, NAME:VERSION or the beginning of its sha256. */
static bool is_by(const struct weft_result *result, const char *model)
{
    const size_t size = strlen(model);
    const char *colon = strrchr(model, ':');
    if (equals(result->model_name, model, size))
        return true;
    if (colon && equals(result->model_name, model, (size_t)(colon - model)) &&
        equals(result->model_version, colon + 1, strlen(colon + 1)))
        return true;
    return size >= SHA_BEGINNING_MIN && result->model_sha256.size >= size &&
           memcmp(result->model_sha256.at, model, size) == 0;
}

static void copy(char *out, size_t size, struct weft_text text)
{
    snprintf(out, size, "%.*s", (int)text.size, text.at ? text.at : "");
}

static int note_model(struct weft_diff_side *side, const struct weft_result *result, struct weft_error *err)
{
    struct weft_diff_model model = {.results = 1};
    copy(model.name, sizeof model.name, result->model_name);
    copy(model.version, sizeof model.version, result->model_version);
    copy(model.sha256, sizeof model.sha256, result->model_sha256);
    for (size_t i = 0; i < side->model_count; i++) {
        struct weft_diff_model *known = &side->models[i];
        if (strcmp(known->sha256, model.sha256) != 0 || strcmp(known->name, model.name) != 0 ||
            strcmp(known->version, model.version) != 0)
            continue;
        known->results++;
        return 0;
    }
    if (side->model_count == WEFT_DIFF_MODELS_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s has results of more than %d models: name one with --models",
                              side->topic, WEFT_DIFF_MODELS_MAX);
    side->models[side->model_count++] = model;
    return 0;
}

static int see(const rd_kafka_message_t *message, void *arg, struct weft_error *err)
{
    struct reading *reading = arg;
    struct weft_diff_side *side = &reading->diff->sides[reading->side];
    const char *model = reading->config->models[reading->side];
    struct weft_result result;
    struct weft_frame frame;
    struct weft_error why = {0};
    if (weft_message_frame(message, &frame, &why) != 0 ||
        weft_result_read_frame(reading->results, &frame, &result, reading->probabilities, &why) != 0)
        goto fail;
    if (model && !is_by(&result, model)) {
        side->passed_over++;
        return 0;
    }
    if (weft_comparison_enter(reading->diff->comparison, reading->side, &result, &why) != 0)
        goto fail;
    return note_model(side, &result, err);
fail:
    if (why.class == WEFT_ERROR_CORRUPT) {
        side->unreadable++;
        return 0;
    }
    *err = why;
    return -1;
}

/* All that the side's topic holds now. */
static int read_side(struct reading *reading, struct weft_error *err)
{
    int result = -1;
    const struct weft_diff_config *config = reading->config;
    struct weft_scan_range *ranges = NULL;
    struct weft_reader *reader = weft_reader_new(config->settings, config->topics[reading->side], config->log, err);
    if (!reader)
        return -1;
    ranges = calloc((size_t)weft_reader_partition_count(reader), sizeof *ranges);
    if (!ranges) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    struct weft_scan scan = {
        .reader = reader,
        .ranges = ranges,
        .see = see,
        .stopped = config->stopped,
        .arg = reading,
        .stop_arg = config->arg,
        .progress = reading->progress,
        .records = &reading->records,
    };
    if (weft_scan_all(reader, ranges, err) == 0)
        result = weft_scan_read(&scan, err);
out:
    free(ranges);
    weft_reader_destroy(reader);
    return result;
}

int weft_diff_make(const struct weft_diff_config *config, struct weft_diff *diff, struct weft_error *err)
{
    int result = -1;
    *diff = (struct weft_diff){.sides = {{.topic = config->topics[0]}, {.topic = config->topics[1]}}};
    struct reading reading = {.config = config, .diff = diff};
    struct weft_registry *registry = weft_registry_from_settings(config->settings, err);
    diff->comparison = registry ? weft_comparison_new(config->top, err) : NULL;
    reading.results = diff->comparison ? weft_result_reader_new(registry, err) : NULL;
    if (!reading.results)
        goto out;
    reading.progress = weft_progress_new("comparing", "results", 0);
    for (reading.side = WEFT_FIRST; reading.side <= WEFT_SECOND; reading.side++)
        if (read_side(&reading, err) != 0)
            goto out;
    result = weft_comparison_report(diff->comparison, &diff->report, err);
out:
    weft_progress_destroy(reading.progress);
    weft_result_reader_destroy(reading.results);
    weft_registry_destroy(registry);
    return result;
}

void weft_diff_clear(struct weft_diff *diff)
{
    weft_comparison_destroy(diff->comparison);
    diff->comparison = NULL;
}
