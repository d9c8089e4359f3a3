#include "pubsub-bridge/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/check_report.h"
#include "pubsub-bridge/bridge.h"
#include "pubsub-bridge/bridge_check.h"
#include "pubsub-bridge/bridge_settings.h"
#include "pubsub-bridge/bridge_status.h"
#include "topology/topology.h"

enum { WATCH_MS = 200, PAUSE_MS = 500, REMIND_MS = 10000, ABOUT_SIZE = 300 };

struct running {
    struct weft_topology *topology;
    struct weft_pubsub_address address;
    const struct weft_topology_bridge **declared; /* those that are meant */
    struct weft_bridge **bridges;                 /* NULL: not started, or ended */
    size_t count;
    struct weft_bridge_status *status;
    struct weft_error fault; /* of the first that failed */
};

static void stop_all(const struct running *running)
{
    for (size_t i = 0; i < running->count; i++)
        if (running->bridges[i])
            weft_bridge_stop(running->bridges[i]);
}

/* Picks those that are meant. */
static int choose(struct cli *cli, struct running *running, struct weft_error *err)
{
    const struct weft_topology *topology = running->topology;
    const char *only = cli_option(cli, "only");
    running->declared = calloc(topology->bridge_count + 1, sizeof *running->declared);
    running->bridges = calloc(topology->bridge_count + 1, sizeof *running->bridges);
    if (!running->declared || !running->bridges)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < topology->bridge_count; i++)
        if (!only || strcmp(only, topology->bridges[i].name) == 0)
            running->declared[running->count++] = &topology->bridges[i];
    if (running->count > 0)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, only ? "%s declares no bridge %s" : "%s declares no bridges",
                          cli_argument(cli, 0), only);
}

/* ---- Before the start */

/* What stops the start, or what it waits for. */
static void log_reports(struct cli *cli, const struct running *running, const struct weft_startup_report *reports,
                        bool only)
{
    for (size_t i = 0; i <= running->count; i++) {
        char about[ABOUT_SIZE] = "all bridges";
        if (i > 0)
            snprintf(about, sizeof about, "bridge %s", running->declared[i - 1]->name);
        cli_report_log(cli, about, &reports[i], only);
    }
}

/* The failure that stops the start, or the first of several. */
static int verdict(const struct running *running, const struct weft_startup_report *reports, size_t stopping,
                   struct weft_error *err)
{
    for (size_t i = 0; i <= running->count; i++) {
        for (size_t k = 0; k < reports[i].count; k++) {
            const struct weft_check *check = &reports[i].checks[k];
            if (!check->stops)
                continue;
            weft_error_set(err, check->class, "%s: %s", check->name, check->text);
            if (i > 0)
                weft_error_prefix(err, "bridge %s", running->declared[i - 1]->name);
            return stopping == 1 ? -1 : weft_error_prefix(err, "%zu start-up checks have failed, the first", stopping);
        }
    }
    return 0;
}

/* Looks whether all is there, again and again while somebody does not answer: until_ms at most, or a stop. */
static void check_until(struct cli *cli, const struct running *running, int64_t until_ms,
                        struct weft_startup_report *reports, size_t *stopping)
{
    const struct weft_bridge_check check = {
        .topology = running->topology,
        .bridges = running->declared,
        .count = running->count,
        .settings = cli_settings(cli),
        .address = &running->address,
        .log = cli_log(cli),
    };
    for (int64_t reminded_ms = 0;;) {
        weft_bridge_check(&check, reports);
        *stopping = 0;
        for (size_t i = 0; i <= running->count; i++)
            *stopping += reports[i].stopping;
        const char *awaits = weft_bridge_check_awaits(reports, running->count);
        if (*stopping > 0 || !awaits || weft_clock_ms() >= until_ms)
            return;
        if (running->status)
            weft_bridge_status_awaits(running->status, awaits);
        if (!reminded_ms || weft_clock_ms() - reminded_ms >= REMIND_MS) {
            reminded_ms = weft_clock_ms();
            log_reports(cli, running, reports, false);
        }
        if (cli_signal(PAUSE_MS))
            return;
    }
}

/* For --check. Gives the exit status. */
static int print_checks(struct cli *cli, const struct running *running, struct weft_error *err)
{
    size_t stopping;
    struct weft_startup_report *reports = calloc(running->count + 1, sizeof *reports);
    if (!reports)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    int64_t until_ms = weft_clock_ms() + weft_settings_integer(cli_settings(cli), "startup.timeout");
    check_until(cli, running, until_ms, reports, &stopping);
    cli_report_print(cli, "bridge", NULL, &reports[0]);
    for (size_t i = 0; i < running->count; i++) {
        if (!cli_json(cli))
            printf("bridge %s\n", running->declared[i]->name);
        cli_report_print(cli, "bridge", running->declared[i]->name, &reports[i + 1]);
    }
    int status = cli_report_end(cli, reports, running->count + 1);
    free(reports);
    return status;
}

/* Nothing is mirrored before all is there, or is only away. */
static int check_start(struct cli *cli, const struct running *running, struct weft_error *err)
{
    size_t stopping;
    struct weft_startup_report *reports = calloc(running->count + 1, sizeof *reports);
    if (!reports)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    check_until(cli, running, INT64_MAX, reports, &stopping);
    log_reports(cli, running, reports, stopping == 1);
    int result = verdict(running, reports, stopping, err);
    free(reports);
    return result;
}

/* ---- At work */

static int start_all(struct cli *cli, struct running *running, struct weft_error *err)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct weft_bridge_config config = {
            .declared = running->declared[i],
            .settings = cli_settings(cli),
            .address = &running->address,
            .log = cli_log(cli),
            .metrics = weft_bridge_status_metrics(running->status, i),
        };
        running->bridges[i] = weft_bridge_start(&config, err);
        if (!running->bridges[i])
            return -1;
    }
    return 0;
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
                weft_error_prefix(&running->fault, "bridge %s", running->declared[i]->name);
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
    if (choose(cli, &running, err) != 0)
        goto out;
    cli_catch_signals();
    if (cli_flag(cli, "check")) {
        status = print_checks(cli, &running, err);
        goto out;
    }
    running.status = weft_bridge_status_start(running.declared, running.count, cli_settings(cli), cli_log(cli), err);
    if (!running.status || check_start(cli, &running, err) != 0)
        goto out;
    status = cli_stopped(NULL) ? CLI_DONE : start_all(cli, &running, err);
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
    weft_bridge_status_destroy(running.status);
    free(running.bridges);
    free(running.declared);
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
                   "Before they start it looks whether all that they need is there: brokers, topics, ledgers,\n"
                   "subscriptions, rights. Who is only away is waited for. --check does only that, shows each\n"
                   "check, and exits with 0 or, when something is wrong, 1.\n\n"
                   "Exit status: 0 stopped, 1 or 2 it could not start, 3 fenced or failed while running: to be\n"
                   "started again by a supervisor, after a pause.",
    .example = "weft-bridge run topology.yaml -X bootstrap.servers=localhost:9092\n"
               "PUBSUB_EMULATOR_HOST=localhost:8085 weft-bridge run topology.yaml --only requests-in",
    .options =
        (const struct cli_option[]){
            {0, "only", "NAME", "this bridge alone"},
            {0, "check", NULL, "only look whether they could start"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = run,
};
