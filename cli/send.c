#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "clients/image_source.h"
#include "clients/pace.h"
#include "clients/sender.h"
#include "schemas/registry_settings.h"

enum { HEADERS_MAX = 64, SLICE_MS = 20 };

struct plan {
    struct weft_sender_options sender;
    struct weft_sender_header headers[HEADERS_MAX];
    char *header_text[HEADERS_MAX]; /* owned; headers point into it */
    struct weft_image_source *images;
    uint64_t start, count;
    double rate;
    bool labels;
};

static int read_headers(const struct cli *cli, struct plan *plan, struct weft_error *err)
{
    const char *text;
    for (int i = 0; (text = cli_option_at(cli, "header", i)); i++) {
        const char *sign = strchr(text, '=');
        if (!sign || sign == text)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--header is '%s': it must be NAME=VALUE", text);
        if (i == HEADERS_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "more than %d headers", HEADERS_MAX);
        char *copy = plan->header_text[i] = strdup(text);
        if (!copy)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        copy[sign - text] = '\0';
        plan->headers[i] = (struct weft_sender_header){copy, copy + (sign - text) + 1};
        plan->sender.header_count++;
    }
    plan->sender.headers = plan->headers;
    return 0;
}

static int read_key(const struct cli *cli, enum weft_sender_key *key, struct weft_error *err)
{
    const char *text = cli_option(cli, "key");
    if (!text || strcmp(text, "none") == 0)
        *key = WEFT_SENDER_KEY_NONE;
    else if (strcmp(text, "id") == 0)
        *key = WEFT_SENDER_KEY_ID;
    else if (strcmp(text, "label") == 0)
        *key = WEFT_SENDER_KEY_LABEL;
    else
        return weft_error_set(err, WEFT_ERROR_USAGE, "--key is '%s': it must be none, id or label", text);
    return 0;
}

/* Leaves shape as it is without --size. */
static int read_size(const struct cli *cli, struct weft_image_shape *shape, struct weft_error *err)
{
    const char *text = cli_option(cli, "size");
    if (text && weft_image_shape_parse(text, shape, err) != 0)
        return weft_error_prefix(err, "--size");
    return 0;
}

/* All image files of the command line: what follows the topic, and each --image. */
static int read_files(const struct cli *cli, struct plan *plan, struct weft_error *err)
{
    struct weft_image_shape shape = {1, 28, 28};
    size_t count = 0;
    const char *path;
    int given = cli_argument_count(cli) - 1;
    for (int i = 0; cli_option_at(cli, "image", i); i++)
        given++;
    if (read_size(cli, &shape, err) != 0)
        return -1;
    if (!shape.channels)
        shape.channels = 1;
    const char **paths = calloc((size_t)given, sizeof *paths);
    if (!paths)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (int i = 1; (path = cli_argument(cli, i)); i++)
        paths[count++] = path;
    for (int i = 0; (path = cli_option_at(cli, "image", i)); i++)
        paths[count++] = path;
    plan->images = weft_image_source_files(paths, count, shape.channels, shape.height, shape.width, err);
    free(paths);
    return plan->images ? 0 : -1;
}

static int read_images(const struct cli *cli, struct plan *plan, struct weft_error *err)
{
    const char *data = cli_option(cli, "data"), *part = cli_option(cli, "part");
    bool files = cli_argument_count(cli) > 1 || cli_option(cli, "image");
    if (part && strcmp(part, "test") != 0 && strcmp(part, "train") != 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--part is '%s': it must be test or train", part);
    if (!data && !files)
        return weft_error_set(err, WEFT_ERROR_USAGE, "nothing to send: give --data PATH or image files");
    if (data && files)
        return weft_error_set(err, WEFT_ERROR_USAGE, "give either --data or image files, not both");
    if (files)
        return read_files(cli, plan, err);
    struct weft_image_shape shape = {0};
    if (read_size(cli, &shape, err) != 0)
        return -1;
    plan->images = weft_image_source_dataset(data, part ? part : "test", shape, err);
    return plan->images ? 0 : -1;
}

static int read_plan(const struct cli *cli, struct plan *plan, struct weft_error *err)
{
    int64_t start, count;
    plan->sender.topic = cli_argument(cli, 0);
    plan->labels = !cli_flag(cli, "no-labels");
    if (read_headers(cli, plan, err) != 0 || read_key(cli, &plan->sender.key, err) != 0 ||
        cli_number(cli, "rate", 0.001, 1e9, 0, &plan->rate, err) != 0 ||
        cli_integer(cli, "count", 1, INT64_MAX, 0, &count, err) != 0 ||
        cli_integer(cli, "start", 0, INT32_MAX, 0, &start, err) != 0 || read_images(cli, plan, err) != 0)
        return -1;
    size_t available = weft_image_source_count(plan->images);
    if ((size_t)start >= available)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--start is %" PRId64 ", but there are images 0 to %zu only",
                              start, available - 1);
    plan->start = (uint64_t)start;
    plan->count = count ? (uint64_t)count : available - (uint64_t)start;
    return 0;
}

/* Hands over all requests, or as many as there is time for until a signal comes. */
static int send_all(struct weft_sender *sender, const struct plan *plan, bool *interrupted, struct weft_error *err)
{
    char id[WEFT_IMAGE_ID_SIZE];
    struct weft_request request;
    struct weft_pace pace = {.per_second = plan->rate, .started_ns = weft_clock_ns()};
    struct weft_progress *progress = weft_progress_new("sending", "requests", plan->count);
    int rc = 0;
    for (uint64_t i = 0; i < plan->count && rc >= 0 && !*interrupted; i += rc > 0) {
        int wait_ms = weft_pace_wait_ms(&pace, i, weft_clock_ns());
        *interrupted = cli_signal(0) != 0;
        if (wait_ms > 0) {
            weft_sender_wait(sender, wait_ms < SLICE_MS ? wait_ms : SLICE_MS);
            rc = 0;
            continue;
        }
        weft_image_source_request(plan->images, plan->start + i, id, &request);
        request.has_label = request.has_label && plan->labels;
        rc = weft_sender_send(sender, &request, SLICE_MS, err);
        weft_progress_update(progress, i);
    }
    weft_progress_destroy(progress);
    return rc < 0 ? -1 : 0;
}

/* Waits for every delivery; after a signal only so long as a stop may take, or until the next signal. */
static int confirm_all(const struct cli *cli, struct weft_sender *sender, bool *interrupted, struct weft_error *err)
{
    int64_t open, deadline = 0;
    int64_t grace_ms = weft_settings_integer(cli_settings(cli), "shutdown.timeout");
    uint64_t sent = weft_sender_counts(sender)->sent;
    struct weft_progress *progress = weft_progress_new("confirming", "requests", sent);
    while ((open = weft_sender_flush(sender, 100, err)) > 0) {
        weft_progress_update(progress, sent - (uint64_t)open);
        bool again = cli_signal(0) != 0;
        if (*interrupted && (again || (deadline && weft_clock_ms() >= deadline)))
            break;
        *interrupted |= again;
        if (*interrupted && !deadline)
            deadline = weft_clock_ms() + grace_ms;
    }
    weft_progress_destroy(progress);
    if (open > 0)
        weft_sender_give_up(sender);
    return open < 0 ? -1 : 0;
}

static void print_text(const struct plan *plan, const struct weft_sender_counts *counts, double seconds,
                       bool interrupted)
{
    fprintf(stderr, "%s%" PRIu64 " delivered to %s in %.2f s (%.0f/s)\n", interrupted ? "stopped: " : "",
            counts->delivered, plan->sender.topic, seconds, (double)counts->delivered / seconds);
    for (size_t i = 0; i < counts->reason_count; i++)
        fprintf(stderr, "%" PRIu64 " not delivered: %s (%s)\n", counts->reasons[i].count,
                rd_kafka_err2str(counts->reasons[i].code), rd_kafka_err2name(counts->reasons[i].code));
}

static void print_json(const struct plan *plan, const struct weft_sender_counts *counts, double seconds,
                       bool interrupted)
{
    json_t *reasons = json_object();
    for (size_t i = 0; i < counts->reason_count; i++)
        json_object_set_new(reasons, rd_kafka_err2name(counts->reasons[i].code),
                            json_integer((json_int_t)counts->reasons[i].count));
    weft_json_print(stdout, json_pack("{s:s,s:I,s:I,s:I,s:o,s:b,s:f,s:f}", "topic", plan->sender.topic, "sent",
                                      (json_int_t)counts->sent, "delivered", (json_int_t)counts->delivered, "failed",
                                      (json_int_t)counts->failed, "reasons", reasons, "interrupted", interrupted,
                                      "seconds", seconds, "rate", (double)counts->delivered / seconds));
}

static int send_command(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    bool interrupted = false;
    struct plan plan = {0};
    struct weft_registry *registry = NULL;
    struct weft_sender *sender = NULL;
    if (read_plan(cli, &plan, err) != 0)
        goto out;
    registry = weft_registry_from_settings(cli_settings(cli), err);
    if (!registry)
        goto out;
    sender = weft_sender_new(cli_settings(cli), registry, &plan.sender, cli_log(cli), err);
    if (!sender)
        goto out;
    cli_catch_signals();
    int64_t started_ns = weft_clock_ns();
    if (send_all(sender, &plan, &interrupted, err) != 0 || confirm_all(cli, sender, &interrupted, err) != 0)
        goto out;
    double seconds = (double)(weft_clock_ns() - started_ns + 1) / 1e9;
    const struct weft_sender_counts *counts = weft_sender_counts(sender);
    (cli_json(cli) ? print_json : print_text)(&plan, counts, seconds, interrupted);
    status = counts->failed > 0 ? CLI_FAILED : CLI_DONE;
out:
    weft_sender_destroy(sender);
    weft_registry_destroy(registry);
    weft_image_source_destroy(plan.images);
    for (size_t i = 0; i < HEADERS_MAX; i++)
        free(plan.header_text[i]);
    return status;
}

static const struct cli_option options[] = {
    {'d', "data", "PATH", "images of a data set: IDX or CSV files, or a folder with one sub-folder a class"},
    {0, "part", "PART", "test (default) or train, of a folder"},
    {'i', "image", "FILE", "an image file; may be repeated, as may be file names after the topic"},
    {0, "size", "[Cx]HxW", "what images are fitted to: channels, height, width (files: 1x28x28)"},
    {'n', "count", "N", "how many requests; beyond the last image it begins anew"},
    {0, "start", "INDEX", "the first image to send, counted from 0"},
    {'r', "rate", "N", "requests a second; as fast as it goes without"},
    {'k', "key", "KEY", "the records' key: none (default), id or label"},
    {'H', "header", "NAME=VALUE", "a header on every record; may be repeated"},
    {0, "no-labels", NULL, "leave the known labels out"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_send = {
    .name = "send",
    .summary = "send images as requests",
    .arguments = "TOPIC [IMAGE]...",
    .arguments_min = 1,
    .arguments_max = -1,
    .description = "Sends images of a data set, or image files, as PredictRequests in Avro to a topic and\n"
                   "waits until the cluster has confirmed every one. The schema is taken from the registry,\n"
                   "subject TOPIC-value unless value.subject.name.strategy says otherwise, and registered\n"
                   "there if need be (auto.register.schemas).\n\n"
                   "A request's id is the name of its file and its number, t10k-00017; in further rounds\n"
                   "over the same images the round is added, t10k-00017.1. Ctrl-C stops, waits for what is\n"
                   "on its way and says what was sent. Exit status 1 if any request was not delivered.",
    .example = "weft send req_predict --data data/fashion-mnist --count 2000 --key id\n"
               "weft send req_predict --rate 50 --header trace=abc boot.png shirt.jpg",
    .options = options,
    .uses_settings = true,
    .run = send_command,
};
