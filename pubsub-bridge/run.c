#include "pubsub-bridge/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "pubsub-bridge/bridge.h"
#include "pubsub-bridge/bridge_settings.h"
#include "topology/topology.h"

enum { WATCH_MS = 200 };

struct running {
    struct weft_topology *topology;
    struct weft_pubsub_address address;
    struct weft_bridge **bridges; /* NULL: not meant, or ended */
    size_t count;
    struct weft_error fault; /* of the first that failed */
};

static void stop_all(const struct running *running)
{
    for (size_t i = 0; i < running->count; i++)
        if (running->bridges[i])
            weft_bridge_stop(running->bridges[i]);
}

static int start_all(struct cli *cli, struct running *running, struct weft_error *err)
{
    const char *only = cli_option(cli, "only");
    size_t started = 0;
    for (size_t i = 0; i < running->count; i++) {
        const struct weft_topology_bridge *declared = &running->topology->bridges[i];
        const struct weft_bridge_config config = {
            .declared = declared,
            .settings = cli_settings(cli),
            .address = &running->address,
            .log = cli_log(cli),
        };
        if (only && strcmp(only, declared->name) != 0)
            continue;
        running->bridges[i] = weft_bridge_start(&config, err);
        if (!running->bridges[i])
            return -1;
        started++;
    }
    if (started > 0)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, only ? "%s declares no bridge %s" : "%s declares no bridges",
                          cli_argument(cli, 0), only);
}

/* One that has left takes the others with it: a supervisor can only start the process as a whole. */
static void watch(struct cli *cli, struct running *running)
{
    for (size_t left = running->count; left > 0;) {
        left = 0;
        for (size_t i = 0; i < running->count; i++) {
            struct weft_error err = {0};
            if (!running->bridges[i])
                continue;
            enum weft_bridge_state state = weft_bridge_watch(running->bridges[i], &err);
            if (state == WEFT_BRIDGE_RUNNING) {
                left++;
                continue;
            }
            weft_bridge_destroy(running->bridges[i]);
            running->bridges[i] = NULL;
            if (state == WEFT_BRIDGE_FAILED && running->fault.class == WEFT_ERROR_NONE) {
                running->fault = err;
                weft_error_prefix(&running->fault, "bridge %s", running->topology->bridges[i].name);
            }
            stop_all(running);
        }
        if (left > 0 && cli_signal(WATCH_MS)) {
            weft_log(cli_log(cli), WEFT_LOG_INFO, "run.stopping", "finishing what is under way");
            stop_all(running);
        }
    }
}

/* What a restart would only meet again is a failure like one at the start. */
static bool is_lasting(enum weft_error_class class)
{
    return class == WEFT_ERROR_CONFIG || class == WEFT_ERROR_REFUSED || class == WEFT_ERROR_CORRUPT;
}

static int run(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct running running = {.topology = weft_topology_load(cli_argument(cli, 0), err)};
    if (!running.topology)
        return -1;
    running.address = weft_bridge_address(cli_settings(cli), getenv("PUBSUB_EMULATOR_HOST"));
    running.count = running.topology->bridge_count;
    running.bridges = calloc(running.count + 1, sizeof *running.bridges);
    if (!running.bridges) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    cli_catch_signals();
    status = start_all(cli, &running, err);
    if (status != 0)
        stop_all(&running);
    watch(cli, &running);
    if (status != 0 || running.fault.class == WEFT_ERROR_NONE)
        goto out;
    *err = running.fault;
    status = is_lasting(err->class) ? -1 : CLI_RESTART;
    if (status == CLI_RESTART) {
        fprintf(stderr, "weft-bridge: %s\n", err->message);
        if (cli_json(cli))
            weft_json_print_error(stdout, err);
    }
out:
    free(running.bridges);
    weft_topology_destroy(running.topology);
    return status;
}

const struct cli_command bridge_run = {
    .name = "run",
    .summary = "mirror the bridges that a topology file declares",
    .arguments = "TOPOLOGY",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Runs the bridges of the file, each on a thread of its own, until SIGTERM or SIGINT; when one\n"
                   "fails they all leave. From Kafka to Pub/Sub: nothing lost, at least once, in the order asked\n"
                   "for. From Pub/Sub to Kafka: effectively once, one instance at work and the others waiting.\n\n"
                   "Credentials are the application-default ones, or a service account's file\n"
                   "(pubsub.credentials.file); none when PUBSUB_EMULATOR_HOST names an emulator.\n\n"
                   "Exit status: 0 stopped, 1 or 2 it could not start, 3 fenced or failed while running: to be\n"
                   "started again by a supervisor, after a pause.",
    .example = "weft-bridge run topology.yaml -X bootstrap.servers=localhost:9092\n"
               "PUBSUB_EMULATOR_HOST=localhost:8085 weft-bridge run topology.yaml --only requests-in",
    .options = (const struct cli_option[]){{0, "only", "NAME", "this bridge alone"}, {0, NULL, NULL, NULL}},
    .uses_settings = true,
    .run = run,
};
