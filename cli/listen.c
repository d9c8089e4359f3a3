#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/confusion.h"
#include "clients/listener.h"
#include "clients/origin.h"
#include "clients/picture.h"
#include "clients/printable.h"
#include "clients/statistics.h"
#include "schemas/registry_settings.h"

enum { SLICE_MS = 100, FETCH_MS = 10000, TEXT_SIZE = 256, NOTE_EVERY = 64 };

struct listening {
    struct cli *cli;
    struct weft_listener *listener;
    struct weft_origin *origin; /* NULL unless images are drawn */
    struct weft_statistics *statistics;
    struct weft_progress *progress;
    uint64_t count; /* how many to wait for; 0: no end */
    uint64_t drawings;
    int64_t timeout_ms; /* 0: none */
    bool lines;
    uint64_t unreadable;
};

static json_t *text_json(struct weft_text text)
{
    char clean[TEXT_SIZE];
    json_t *value = json_stringn(text.at ? text.at : "", text.size);
    return value ? value : json_string(weft_printable(clean, sizeof clean, text.at, text.size));
}

/* JSON has no NaN and no infinity. */
static json_t *real_json(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static void print_json(const struct weft_answer *answer)
{
    const struct weft_result *result = &answer->result;
    json_t *probabilities = json_array();
    for (size_t i = 0; i < result->class_count; i++)
        json_array_append_new(probabilities, real_json((double)result->probabilities[i]));
    json_t *line = json_pack("{s:o,s:i,s:o,s:o}", "id", text_json(result->id), "label", (int)result->label, "class",
                             text_json(result->class_name), "probabilities", probabilities);
    json_object_set_new(line, "expected", result->has_expected ? json_integer(result->expected) : json_null());
    json_object_set_new(line, "model",
                        json_pack("{s:o,s:o,s:o}", "name", text_json(result->model_name), "version",
                                  text_json(result->model_version), "sha256", text_json(result->model_sha256)));
    json_object_set_new(line, "source",
                        json_pack("{s:o,s:i,s:I,s:I}", "topic", text_json(result->source_topic), "partition",
                                  (int)result->source_partition, "offset", (json_int_t)result->source_offset,
                                  "timestamp", (json_int_t)result->source_timestamp_ms));
    json_object_set_new(line, "scored_at", json_integer(result->scored_at_ms));
    json_object_set_new(line, "key",
                        answer->key ? text_json((struct weft_text){answer->key, answer->key_size}) : json_null());
    json_object_set_new(line, "partition", json_integer(answer->partition));
    json_object_set_new(line, "offset", json_integer(answer->offset));
    json_object_set_new(line, "timestamp", json_integer(answer->timestamp_ms));
    weft_json_print(stdout, line);
}

static double probability_of(const struct weft_result *result)
{
    bool known = result->label >= 0 && (size_t)result->label < result->class_count;
    return known ? (double)result->probabilities[result->label] : 0;
}

static void print_line(const struct weft_answer *answer, const struct weft_summary *summary)
{
    char id[TEXT_SIZE], class[TEXT_SIZE], model[TEXT_SIZE], version[TEXT_SIZE], truth[TEXT_SIZE] = "";
    const struct weft_result *result = &answer->result;
    weft_printable(id, sizeof id, result->id.at, result->id.size);
    weft_printable(class, sizeof class, result->class_name.at, result->class_name.size);
    weft_printable(model, sizeof model, result->model_name.at, result->model_name.size);
    weft_printable(version, sizeof version, result->model_version.at, result->model_version.size);
    if (result->has_expected && result->expected == result->label)
        snprintf(truth, sizeof truth, "right");
    else if (result->has_expected && result->expected >= 0 && (size_t)result->expected < summary->class_count)
        snprintf(truth, sizeof truth, "wrong: %s", summary->names[result->expected]);
    else if (result->has_expected)
        snprintf(truth, sizeof truth, "wrong: %" PRId32, result->expected);
    printf("%-16s %-14s %5.1f %%  %-20s %s %s\n", id, class, probability_of(result) * 100, truth, model, version);
}

/* Prints the image with its answer; false when it cannot be had or drawn, which is no reason to stop. */
static bool print_picture(struct listening *listening, const struct weft_answer *answer,
                          const struct weft_summary *summary)
{
    struct weft_error err = {0};
    struct weft_request request;
    if (weft_origin_fetch(listening->origin, &answer->result, FETCH_MS, &request, &err) == 0 &&
        weft_picture_print(stdout, &request, &answer->result, summary->names, summary->class_count, &err) == 0)
        return true;
    weft_log(cli_log(listening->cli), WEFT_LOG_WARN, "listen.no_picture", "%s", err.message);
    return false;
}

static int take(struct listening *listening, const struct weft_answer *answer, struct weft_error *err)
{
    if (weft_statistics_add(listening->statistics, &answer->result, answer->timestamp_ms, err) != 0)
        return -1;
    const struct weft_summary *summary = weft_statistics_summary(listening->statistics);
    if (summary->labelled > 0 && summary->count % NOTE_EVERY == 0)
        weft_progress_note(listening->progress, "accuracy %.2f %%", 100 * weft_summary_accuracy(summary));
    weft_progress_update(listening->progress, summary->count);
    bool drawn = false;
    if (summary->count <= listening->drawings)
        drawn = print_picture(listening, answer, summary);
    if (listening->lines && cli_json(listening->cli))
        print_json(answer);
    else if (listening->lines && !drawn)
        print_line(answer, summary);
    if (ferror(stdout))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "writing the output: %s", strerror(errno));
    return 0;
}

/* Gives 1 when it ended as wished, 0 when the time was over. */
static int listen_on(struct listening *listening, struct weft_error *err)
{
    struct weft_answer answer;
    uint64_t count = 0;
    int64_t heard_ms = weft_clock_ms();
    while (!cli_signal(0)) {
        switch (weft_listener_next(listening->listener, SLICE_MS, &answer, err)) {
        case WEFT_LISTENER_FAILED: return -1;
        case WEFT_LISTENER_UNREADABLE:
            listening->unreadable++;
            weft_log(cli_log(listening->cli), WEFT_LOG_WARN, "listen.unreadable", "%s", err->message);
            heard_ms = weft_clock_ms();
            break;
        case WEFT_LISTENER_RESULT:
            if (take(listening, &answer, err) != 0)
                return -1;
            heard_ms = weft_clock_ms();
            if (++count == listening->count)
                return 1;
            break;
        case WEFT_LISTENER_NOTHING:
            fflush(stdout);
            weft_progress_update(listening->progress, count);
            if (listening->timeout_ms && weft_clock_ms() - heard_ms >= listening->timeout_ms)
                return 0;
            break;
        }
    }
    return 1;
}

static void print_summary(const struct weft_statistics *statistics, uint64_t unreadable)
{
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    double rate = weft_summary_rate(summary);
    printf("%" PRIu64 " results", summary->count);
    if (unreadable > 0)
        printf(", %" PRIu64 " records that are none", unreadable);
    if (rate > 0)
        printf(", %.0f/s from the first request to the last result", rate);
    fputc('\n', stdout);
    if (summary->count > 0)
        printf("latency p50 %" PRId64 " ms, p99 %" PRId64 " ms, max %" PRId64
               " ms (from the request's timestamp to its result's)\n",
               weft_statistics_latency_ms(statistics, 50), weft_statistics_latency_ms(statistics, 99),
               weft_statistics_latency_ms(statistics, 100));
    if (summary->labelled == 0)
        return;
    printf("accuracy %.2f %% (%" PRIu64 " of %" PRIu64 " with a known class)\n\n", 100 * weft_summary_accuracy(summary),
           summary->right, summary->labelled);
    cli_print_confusion(stdout, summary->confusion, summary->class_count, summary->names);
}

static json_t *latency_json(const struct weft_statistics *statistics, double percent)
{
    return json_integer(weft_statistics_latency_ms(statistics, percent));
}

static void print_summary_json(const struct weft_statistics *statistics, uint64_t unreadable)
{
    const struct weft_summary *summary = weft_statistics_summary(statistics);
    json_t *fields = json_pack("{s:I,s:I,s:I,s:I,s:f}", "count", (json_int_t)summary->count, "unreadable",
                               (json_int_t)unreadable, "labelled", (json_int_t)summary->labelled, "right",
                               (json_int_t)summary->right, "rate", weft_summary_rate(summary));
    json_object_set_new(fields, "latency_ms",
                        json_pack("{s:o,s:o,s:o}", "p50", latency_json(statistics, 50), "p99",
                                  latency_json(statistics, 99), "max", latency_json(statistics, 100)));
    if (summary->labelled > 0) {
        json_object_set_new(fields, "accuracy", json_real(weft_summary_accuracy(summary)));
        json_object_set_new(fields, "labels", cli_labels_json(summary->names, summary->class_count));
        json_object_set_new(fields, "confusion", cli_confusion_json(summary->confusion, summary->class_count));
    }
    weft_json_print(stdout, json_pack("{s:o}", "summary", fields));
}

static int read_options(struct listening *listening, bool *from_beginning, struct weft_error *err)
{
    struct cli *cli = listening->cli;
    const char *from = cli_option(cli, "from");
    int64_t count, drawings;
    double timeout;
    if (from && strcmp(from, "beginning") != 0 && strcmp(from, "end") != 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--from is '%s': it must be beginning or end", from);
    *from_beginning = from && strcmp(from, "beginning") == 0;
    if (cli_integer(cli, "count", 1, INT64_MAX, 0, &count, err) != 0 ||
        cli_integer(cli, "draw", 1, 1000000, 0, &drawings, err) != 0 ||
        cli_number(cli, "timeout", 0.1, 1e6, 0, &timeout, err) != 0)
        return -1;
    if (drawings > 0 && cli_json(cli))
        return weft_error_set(err, WEFT_ERROR_USAGE, "--draw and --json exclude each other");
    listening->count = (uint64_t)count;
    listening->drawings = (uint64_t)drawings;
    listening->timeout_ms = (int64_t)(timeout * 1e3);
    listening->lines = !cli_flag(cli, "no-lines");
    return 0;
}

static int listen_command(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    bool from_beginning = false;
    const char *topic = cli_argument(cli, 0);
    struct weft_settings *settings = cli_settings(cli);
    struct listening listening = {.cli = cli};
    if (read_options(&listening, &from_beginning, err) != 0)
        return -1;
    struct weft_registry *registry = weft_registry_from_settings(settings, err);
    if (!registry)
        return -1;
    listening.statistics = weft_statistics_new(err);
    if (!listening.statistics)
        goto out;
    listening.listener = weft_listener_new(settings, registry, topic, from_beginning, cli_log(cli), err);
    if (!listening.listener)
        goto out;
    if (listening.drawings > 0) {
        listening.origin = weft_origin_new(settings, registry, cli_log(cli), err);
        if (!listening.origin)
            goto out;
    }
    cli_catch_signals();
    weft_log(cli_log(cli), WEFT_LOG_INFO, "listen.started", "listening to %s from %s", topic,
             from_beginning ? "the beginning" : "its end");
    /* Lines on the same terminal would run through the progress line. */
    if (!listening.lines || !isatty(STDOUT_FILENO))
        listening.progress = weft_progress_new("listening", "results", listening.count);
    int ended = listen_on(&listening, err);
    weft_progress_destroy(listening.progress);
    if (ended < 0)
        goto out;
    (cli_json(cli) ? print_summary_json : print_summary)(listening.statistics, listening.unreadable);
    status = ended == 0 && listening.count > 0 ? CLI_FAILED : CLI_DONE;
    if (status == CLI_FAILED)
        weft_log(cli_log(cli), WEFT_LOG_WARN, "listen.timeout",
                 "%" PRIu64 " of %" PRIu64 " results came before %.1f s passed without one",
                 weft_statistics_summary(listening.statistics)->count, listening.count,
                 (double)listening.timeout_ms / 1e3);
out:
    weft_origin_destroy(listening.origin);
    weft_listener_destroy(listening.listener);
    weft_statistics_destroy(listening.statistics);
    weft_registry_destroy(registry);
    return status;
}

static const struct cli_option options[] = {
    {'f', "from", "WHERE", "beginning, or end (default): only what comes from now on"},
    {'n', "count", "N", "end after so many results"},
    {'t', "timeout", "S", "end when nothing has come for S seconds"},
    {'d', "draw", "N", "draw the images of the first N results, fetched from where they came from"},
    {0, "no-lines", NULL, "print the summary only"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_listen = {
    .name = "listen",
    .summary = "print results as they come",
    .arguments = "TOPIC",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Prints the PredictResults of a topic as they are committed, a line each, and at the end\n"
                   "their number, their latency and, where the true classes are known, the accuracy and the\n"
                   "confusion matrix. Joins no group and changes nothing on the cluster.\n\n"
                   "Ends with Ctrl-C, --count or --timeout. Exit status 1 when --count was not reached.",
    .example = "weft listen res_predict\n"
               "weft listen res_predict --from beginning --count 2000 --timeout 30 --draw 3\n"
               "weft listen res_predict --json | jq .class",
    .options = options,
    .uses_settings = true,
    .run = listen_command,
};
