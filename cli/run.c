#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "streams/processor.h"

enum { WATCH_MS = 200 };

/* Ends the process without waiting for the threads of the Kafka client, one of which hangs. */
static void leave_at_once(struct cli *cli, int status, const struct weft_error *err)
{
    weft_log(cli_log(cli), WEFT_LOG_ERROR, "run.stuck", "%s: leaving without it", err->message);
    if (cli_json(cli))
        weft_json_print_error(stdout, err);
    _exit(status);
}

struct running {
    struct cli_declared *declared;
    struct weft_processor **processors; /* NULL: not started, or ended */
    size_t count;
    int status;              /* the worst so far */
    struct weft_error fault; /* of the first that failed */
};

static void stop_all(struct running *running, bool abort)
{
    for (size_t i = 0; i < running->count; i++)
        if (running->processors[i])
            weft_processor_stop(running->processors[i], abort);
}

static int start_all(struct cli *cli, struct running *running, struct weft_error *err)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct weft_processor_config config = {
            .name = running->declared[i].name,
            .settings = running->declared[i].settings,
            .log = cli_log(cli),
            .stopped = cli_stopped,
        };
        running->processors[i] = weft_processor_start(&config, err);
        if (!running->processors[i])
            return -1;
    }
    return 0;
}

/* One that has left takes the others with it: a supervisor can only start the process as a whole. */
static void note_end(struct cli *cli, struct running *running, size_t i, enum weft_processor_state state,
                     const struct weft_error *err)
{
    struct weft_processor_counts counts;
    weft_processor_counts(running->processors[i], &counts);
    weft_log(cli_log(cli), WEFT_LOG_INFO, "run.ended",
             "processor=%s results=%llu dead_letters=%llu commits=%llu aborts=%llu", running->declared[i].name,
             (unsigned long long)counts.results, (unsigned long long)counts.dead_letters,
             (unsigned long long)counts.commits, (unsigned long long)counts.aborts);
    weft_processor_destroy(running->processors[i]);
    running->processors[i] = NULL;
    if (state == WEFT_PROCESSOR_ENDED)
        return;
    if (running->status == CLI_DONE) {
        /* What a restart would only meet again is a failure like one at the start. */
        const bool lasting = err->class == WEFT_ERROR_REFUSED || err->class == WEFT_ERROR_CONFIG;
        running->status = lasting ? -1 : CLI_RESTART;
        running->fault = *err;
        if (running->count > 1)
            weft_error_prefix(&running->fault, "processor %s", running->declared[i].name);
    }
    stop_all(running, false);
}

/* Until all have ended. */
static void watch(struct cli *cli, struct running *running)
{
    int signals = 0;
    for (size_t left = running->count; left > 0;) {
        left = 0;
        for (size_t i = 0; i < running->count; i++) {
            struct weft_error err = {0};
            if (!running->processors[i])
                continue;
            enum weft_processor_state state = weft_processor_watch(running->processors[i], &err);
            if (state == WEFT_PROCESSOR_STUCK)
                leave_at_once(cli, CLI_RESTART, &err);
            if (state == WEFT_PROCESSOR_RUNNING)
                left++;
            else
                note_end(cli, running, i, state, &err);
        }
        if (left == 0 || !cli_signal(WATCH_MS))
            continue;
        signals++;
        weft_log(cli_log(cli), WEFT_LOG_INFO, "run.stopping", "%s",
                 signals == 1 ? "finishing the transaction at hand; a second signal aborts it" : "aborting");
        stop_all(running, signals > 1);
    }
}

static int run(struct cli *cli, struct weft_error *err)
{
    struct running running = {.status = CLI_DONE};
    const char *instance = cli_option(cli, "instance");
    if (instance &&
        weft_settings_set(cli_settings(cli), WEFT_RANK_OPTION, "--instance", "instance", instance, err) != 0)
        return -1;
    running.declared = cli_declared_all(cli, &running.count, err);
    if (!running.declared)
        return -1;
    running.processors = calloc(running.count, sizeof *running.processors);
    if (!running.processors) {
        running.status = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    cli_catch_signals();
    const bool started = start_all(cli, &running, err) == 0;
    if (!started) {
        running.status = cli_stopped(NULL) ? CLI_DONE : -1;
        stop_all(&running, false);
    }
    watch(cli, &running);
    if (started && running.status != CLI_DONE && err)
        *err = running.fault;
    if (running.status == CLI_RESTART) {
        fprintf(stderr, "weft: %s\n", err->message);
        if (cli_json(cli))
            weft_json_print_error(stdout, err);
    }
out:
    free(running.processors);
    cli_declared_destroy(running.declared, running.count);
    return running.status;
}

const struct cli_command cli_run = {
    .name = "run",
    .summary = "answer requests: source topic -> network -> result topic, exactly once",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Runs a processor: reads requests, scores them with the network and writes the results,\n"
                   "each request's result or dead letter exactly once. Topics, model and workers come from\n"
                   "the topology file or from the settings source, sink, dead.letters, model and workers.\n"
                   "Where the file declares several processors all of them run, each with its own workers,\n"
                   "and when one fails they all leave.\n\n"
                   "Start it as often as you like: the instances share the partitions. Each instance needs a\n"
                   "name of its own that stays the same when it is started again: --instance, or else the\n"
                   "host's name, which in a Kubernetes StatefulSet ends in the pod's ordinal. SIGTERM\n"
                   "finishes the transaction at hand and leaves the group, a second one aborts it.\n\n"
                   "Exit status: 0 stopped, 1 or 2 it could not start, 3 fenced or failed while running: to\n"
                   "be started again by a supervisor, after a pause.",
    .example = "weft run topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "    -X schema.registry.url=http://localhost:8081\n"
               "weft run topology/predict.yaml --instance host1-b -X workers=4",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, "instance", "NAME", "of this instance (setting instance)"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = run,
};
