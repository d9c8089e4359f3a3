#include "clients/statistics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/histogram.h"
#include "clients/printable.h"

enum { NAME_SIZE = 64 };

struct weft_statistics {
    struct weft_summary summary;
    char (*name_texts)[NAME_SIZE]; /* class_count of them, which summary.names point to */
    bool *named;                   /* by a result, not by its number */
    struct weft_histogram latency;
};

struct weft_statistics *weft_statistics_new(struct weft_error *err)
{
    struct weft_statistics *statistics = calloc(1, sizeof *statistics);
    if (!statistics)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return statistics;
}

void weft_statistics_destroy(struct weft_statistics *statistics)
{
    if (!statistics)
        return;
    free(statistics->summary.confusion);
    free(statistics->name_texts);
    free(statistics->summary.names);
    free(statistics->named);
    free(statistics);
}

/* Makes room for class_count classes, which is at most WEFT_RESULT_CLASSES_MAX. */
static int grow(struct weft_statistics *statistics, size_t class_count, struct weft_error *err)
{
    size_t old_count = statistics->summary.class_count;
    if (class_count <= old_count)
        return 0;
    uint64_t *confusion = calloc(class_count * class_count, sizeof *confusion);
    char(*texts)[NAME_SIZE] = calloc(class_count, sizeof *texts);
    const char **names = calloc(class_count, sizeof *names);
    bool *named = calloc(class_count, sizeof *named);
    if (!confusion || !texts || !names || !named) {
        free(confusion);
        free(texts);
        free(names);
        free(named);
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for a confusion matrix of %zu classes", class_count);
    }
    for (size_t i = 0; i < class_count; i++) {
        if (i < old_count) {
            memcpy(confusion + i * class_count, statistics->summary.confusion + i * old_count,
                   old_count * sizeof *confusion);
            memcpy(texts[i], statistics->name_texts[i], NAME_SIZE);
            named[i] = statistics->named[i];
        } else {
            snprintf(texts[i], NAME_SIZE, "class %zu", i);
        }
        names[i] = texts[i];
    }
    free(statistics->summary.confusion);
    free(statistics->name_texts);
    free(statistics->summary.names);
    free(statistics->named);
    statistics->summary.confusion = confusion;
    statistics->name_texts = texts;
    statistics->summary.names = names;
    statistics->named = named;
    statistics->summary.class_count = class_count;
    return 0;
}

static bool is_class(int32_t label)
{
    return label >= 0 && label < WEFT_RESULT_CLASSES_MAX;
}

static size_t classes_of(const struct weft_result *result)
{
    size_t count = result->class_count < WEFT_RESULT_CLASSES_MAX ? result->class_count : WEFT_RESULT_CLASSES_MAX;
    if (is_class(result->label) && (size_t)result->label >= count)
        count = (size_t)result->label + 1;
    if (result->has_expected && is_class(result->expected) && (size_t)result->expected >= count)
        count = (size_t)result->expected + 1;
    return count;
}

int weft_statistics_add(struct weft_statistics *statistics, const struct weft_result *result, int64_t timestamp_ms,
                        struct weft_error *err)
{
    struct weft_summary *summary = &statistics->summary;
    if (grow(statistics, classes_of(result), err) != 0)
        return -1;
    summary->count++;
    if (is_class(result->label) && !statistics->named[result->label] && result->class_name.size > 0) {
        weft_printable(statistics->name_texts[result->label], NAME_SIZE, result->class_name.at,
                       result->class_name.size);
        statistics->named[result->label] = true;
    }
    if (result->has_expected) {
        summary->labelled++;
        summary->right += result->expected == result->label;
        if (is_class(result->label) && is_class(result->expected))
            statistics->summary.confusion[(size_t)result->expected * summary->class_count + (size_t)result->label]++;
    }
    if (timestamp_ms < 0 || result->source_timestamp_ms < 0)
        return 0;
    if (summary->timed == 0 || result->source_timestamp_ms < summary->first_ms)
        summary->first_ms = result->source_timestamp_ms;
    if (summary->timed == 0 || timestamp_ms > summary->last_ms)
        summary->last_ms = timestamp_ms;
    summary->timed++;
    weft_histogram_add(&statistics->latency, timestamp_ms - result->source_timestamp_ms);
    return 0;
}

const struct weft_summary *weft_statistics_summary(const struct weft_statistics *statistics)
{
    return &statistics->summary;
}

int64_t weft_statistics_latency_ms(const struct weft_statistics *statistics, double percent)
{
    return weft_histogram_percentile(&statistics->latency, percent);
}

double weft_summary_accuracy(const struct weft_summary *summary)
{
    return summary->labelled > 0 ? (double)summary->right / (double)summary->labelled : -1;
}

double weft_summary_rate(const struct weft_summary *summary)
{
    int64_t span_ms = summary->last_ms - summary->first_ms;
    return span_ms > 0 ? (double)summary->timed * 1e3 / (double)span_ms : 0;
}
