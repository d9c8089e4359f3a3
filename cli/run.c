#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "cli/run_check.h"
#include "streams/processor.h"
#include "streams/status.h"

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
    struct weft_status *status_endpoint;
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

static void reload_all(struct running *running)
{
    for (size_t i = 0; i < running->count; i++)
        if (running->processors[i])
            weft_processor_reload(running->processors[i]);
}

static struct weft_status *start_status(struct cli *cli, const struct running *running, struct weft_error *err)
{
    struct weft_status *status = weft_status_new(cli_settings(cli), cli_log(cli), err);
    int result = status ? 0 : -1;
    for (size_t i = 0; result == 0 && i < running->count; i++)
        result = weft_status_add(status, running->declared[i].name, running->declared[i].settings, err);
    if (result == 0 && weft_status_start(status, err) == 0)
        return status;
    weft_status_destroy(status);
    return NULL;
}

static int start_all(struct cli *cli, struct running *running, struct weft_error *err)
{
    if (cli_check_start(cli, running->declared, running->count, err) != 0)
        return -1;
    for (size_t i = 0; i < running->count; i++) {
        const struct weft_processor_config config = {
            .name = running->declared[i].name,
            .settings = running->declared[i].settings,
            .log = cli_log(cli),
            .stopped = cli_stopped,
            .metrics = weft_status_processor(running->status_endpoint, i),
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
        weft_status_beat(running->status_endpoint);
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
        if (cli_reload_asked())
            reload_all(running);
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
    cli_leave_within((unsigned)(weft_settings_integer(cli_settings(cli), "shutdown.timeout") + 1999) / 1000);
    cli_catch_signals();
    if (cli_flag(cli, "check")) {
        running.status = cli_check_print(cli, running.declared, running.count, err);
        goto out;
    }
    cli_catch_reload();
    running.processors = calloc(running.count, sizeof *running.processors);
    if (!running.processors) {
        running.status = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    running.status_endpoint = start_status(cli, &running, err);
    if (!running.status_endpoint) {
        running.status = -1;
        goto out;
    }
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
    weft_status_destroy(running.status_endpoint);
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
                   "Before it starts it looks whether all that it needs is there: brokers, topics, rights,\n"
                   "schemas, a model that fits. --check does only that, shows each check, and exits with 0\n"
                   "or, when something is wrong, 1.\n\n"
                   "A model file that changes is taken up while it runs; so are all model files upon SIGHUP.\n\n"
                   "Exit status: 0 stopped, 1 or 2 it could not start, 3 fenced or failed while running: to\n"
                   "be started again by a supervisor, after a pause.",
    .example = "weft run topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "    -X schema.registry.url=http://localhost:8081\n"
               "weft run topology/predict.yaml --instance host1-b -X workers=4\n"
               "weft run topology/predict.yaml --check",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, "instance", "NAME", "of this instance (setting instance)"},
            {0, "check", NULL, "only look whether it could start"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = run,
};
