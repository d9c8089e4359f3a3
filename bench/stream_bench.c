/* Runs a processor until it has answered a given number of requests, and prints what that took as a line of JSON:
 * requests/s between the first commit and the last, CPU of this process for each request, largest resident size.
 *
 *     stream_bench REQUESTS exactly_once|at_least_once NAME=VALUE...
 *
 * at_least_once is the same loop without transactions: written and acknowledged, then the offsets committed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/status_server.h"
#include "schemas/registry_settings.h"
#include "streams/kafka_settings.h"
#include "streams/processor.h"
#include "streams/processor_settings.h"
#include "streams/status.h"

enum { WATCH_MS = 2 };

static const struct weft_setting *const tables[] = {weft_processor_settings, weft_registry_settings,
                                                    weft_status_server_settings, NULL};

struct moment {
    int64_t ns;
    double cpu_us;
    uint64_t answered;
};

static struct moment now(struct weft_processor *processor)
{
    struct weft_processor_counts counts;
    struct rusage usage;
    weft_processor_counts(processor, &counts);
    getrusage(RUSAGE_SELF, &usage);
    double user = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec;
    double system = (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
    return (struct moment){
        .ns = weft_clock_ns(), .cpu_us = user + system, .answered = counts.results + counts.dead_letters};
}

/* Lets the processor work until it has answered enough. */
static int measure(struct weft_processor *processor, uint64_t requests, struct moment *first, struct moment *last,
                   struct weft_error *err)
{
    *first = *last = now(processor);
    while (last->answered < requests) {
        enum weft_processor_state state = weft_processor_watch(processor, err);
        if (state != WEFT_PROCESSOR_RUNNING)
            return -1;
        weft_clock_sleep_ms(WATCH_MS);
        *last = now(processor);
        if (!first->answered)
            *first = *last;
    }
    return 0;
}

static void print(const struct moment *first, const struct moment *last, struct weft_processor *processor)
{
    struct weft_processor_counts counts;
    struct rusage usage;
    weft_processor_counts(processor, &counts);
    getrusage(RUSAGE_SELF, &usage);
    double requests = (double)(last->answered - first->answered);
    double seconds = (double)(last->ns - first->ns) / 1e9;
    weft_json_print(stdout, json_pack("{s:f,s:f,s:f,s:I,s:I}", "requests_per_second", requests / seconds,
                                      "cpu_us_per_request", (last->cpu_us - first->cpu_us) / requests,
                                      "max_resident_mb", (double)usage.ru_maxrss / 1024, "commits",
                                      (json_int_t)counts.commits, "dead_letters", (json_int_t)counts.dead_letters));
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: stream_bench REQUESTS exactly_once|at_least_once NAME=VALUE...\n");
        return 2;
    }
    int status = 1;
    struct weft_error err = {0};
    struct weft_processor *processor = NULL;
    struct weft_status *endpoint = NULL;
    struct weft_settings *settings = NULL;
    struct weft_log *log = weft_log_new(STDERR_FILENO, WEFT_LOG_WARN, WEFT_LOG_LOGFMT);
    struct weft_kafka_names *names = weft_kafka_names_new(&err);
    if (names)
        settings = weft_settings_new(tables, weft_kafka_names_dialect(names), &err);
    if (!settings)
        goto out;
    for (int i = 3; i < argc; i++)
        if (weft_settings_set_option(settings, argv[i], &err) != 0)
            goto out;
    endpoint = weft_status_new(settings, log, &err);
    if (!endpoint || weft_status_add(endpoint, "bench", settings, &err) != 0 || weft_status_start(endpoint, &err) != 0)
        goto out;
    const struct weft_processor_config config = {
        .name = "bench",
        .settings = settings,
        .log = log,
        .at_least_once = strcmp(argv[2], "at_least_once") == 0,
        .metrics = weft_status_processor(endpoint, 0),
    };
    processor = weft_processor_start(&config, &err);
    if (!processor)
        goto out;
    struct moment first, last;
    int measured = measure(processor, strtoull(argv[1], NULL, 10), &first, &last, &err);
    weft_processor_stop(processor, false);
    struct weft_error ending = {0};
    while (weft_processor_watch(processor, &ending) == WEFT_PROCESSOR_RUNNING)
        weft_clock_sleep_ms(WATCH_MS);
    if (measured != 0)
        goto out;
    print(&first, &last, processor);
    status = 0;
out:
    if (status != 0)
        fprintf(stderr, "stream_bench: %s\n", err.message);
    weft_processor_destroy(processor);
    weft_status_destroy(endpoint);
    weft_settings_destroy(settings);
    weft_kafka_names_destroy(names);
    weft_log_destroy(log);
    return status;
}
