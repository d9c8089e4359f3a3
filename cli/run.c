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

static int watch(struct cli *cli, struct weft_processor *processor, struct weft_error *err)
{
    enum weft_processor_state state;
    int signals = 0;
    while ((state = weft_processor_watch(processor, err)) == WEFT_PROCESSOR_RUNNING) {
        if (!cli_signal(WATCH_MS))
            continue;
        signals++;
        weft_log(cli_log(cli), WEFT_LOG_INFO, "run.stopping", "%s",
                 signals == 1 ? "finishing the transaction at hand; a second signal aborts it" : "aborting");
        weft_processor_stop(processor, signals > 1);
    }
    if (state == WEFT_PROCESSOR_STUCK)
        leave_at_once(cli, CLI_RESTART, err);
    struct weft_processor_counts counts;
    weft_processor_counts(processor, &counts);
    weft_log(cli_log(cli), WEFT_LOG_INFO, "run.ended", "results=%llu dead_letters=%llu commits=%llu aborts=%llu",
             (unsigned long long)counts.results, (unsigned long long)counts.dead_letters,
             (unsigned long long)counts.commits, (unsigned long long)counts.aborts);
    if (state == WEFT_PROCESSOR_ENDED)
        return CLI_DONE;
    /* What a restart would only meet again is a failure like one at the start. */
    bool lasting = err->class == WEFT_ERROR_REFUSED || err->class == WEFT_ERROR_CONFIG;
    return lasting ? -1 : CLI_RESTART;
}

static int run(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct weft_processor *processor = NULL;
    char *name = cli_declared_processor(cli, err);
    if (!name)
        return -1;
    cli_catch_signals();
    const struct weft_processor_config config = {
        .name = name,
        .settings = cli_settings(cli),
        .log = cli_log(cli),
        .stopped = cli_stopped,
    };
    processor = weft_processor_start(&config, err);
    if (!processor) {
        status = cli_stopped(NULL) ? CLI_DONE : -1;
        goto out;
    }
    status = watch(cli, processor, err);
    if (status == CLI_RESTART) {
        fprintf(stderr, "weft: %s\n", err->message);
        if (cli_json(cli))
            weft_json_print_error(stdout, err);
    }
out:
    weft_processor_destroy(processor);
    free(name);
    return status;
}

const struct cli_command cli_run = {
    .name = "run",
    .summary = "answer requests: source topic -> network -> result topic, exactly once",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Runs a processor: reads requests, scores them with the network and writes the results,\n"
                   "each request's result or dead letter exactly once. Topics, model and workers come from\n"
                   "the topology file or from the settings source, sink, dead.letters, model and workers.\n\n"
                   "Start it as often as you like: the instances share the partitions. Each instance needs a\n"
                   "name of its own that stays the same when it is started again (setting instance; without\n"
                   "it the host's name). SIGTERM finishes the transaction at hand and leaves the group, a\n"
                   "second one aborts it.\n\n"
                   "Exit status: 0 stopped, 1 or 2 it could not start, 3 fenced or failed while running: to\n"
                   "be started again by a supervisor, after a pause.",
    .example = "weft run topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "    -X schema.registry.url=http://localhost:8081\n"
               "weft run topology/predict.yaml -X instance=host1-b -X workers=4",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = run,
};
