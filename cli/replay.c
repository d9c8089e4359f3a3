#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "streams/replay/replay.h"
#include "topology/topics.h"

enum { WATCH_MS = 200, LOG_MS = 10000, WORKERS_MAX = 256, TOPIC_TIMEOUT_MS = 20000 };

struct replaying {
    struct cli *cli;
    struct cli_declared *declared;
    struct weft_replay_config config;
    struct weft_replay *replay;
    const struct weft_replay_plan *plan;
};

static double seconds_left(uint64_t left, double per_second)
{
    return per_second > 0 ? (double)left / per_second : 0;
}

static void print_time(double seconds)
{
    const uint64_t whole = (uint64_t)(seconds + 0.5);
    if (whole >= 3600)
        printf("%" PRIu64 ":%02d:%02d h", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
    else if (whole >= 60)
        printf("%d:%02d min", (int)(whole / 60), (int)(whole % 60));
    else
        printf("%d s", (int)whole);
}

static void print_row(const char *name, const struct weft_replay_ledger_partition *p, uint64_t left, uint64_t deleted)
{
    if (p)
        printf("%-10s %14" PRId64 " %14" PRId64 " %14" PRId64 " %14" PRIu64 " %12" PRIu64 "\n", name, p->from, p->to,
               p->position, left, deleted);
    else
        printf("%-10s %14s %14s %14s %14" PRIu64 " %12" PRIu64 "\n", name, "", "", "", left, deleted);
}

static void print_topic(const char *what, const char *name, const struct weft_replay_topic *topic, int partitions)
{
    printf("%-13s %s, ", what, name);
    if (topic->partitions)
        printf("%d partitions, %" PRIu64 " records\n", topic->partitions, topic->records);
    else
        printf("to be created with %d partitions\n", partitions);
}

static uint64_t sum_deleted(const struct weft_replay_plan *plan)
{
    uint64_t deleted = 0;
    for (int i = 0; i < plan->ledger.count; i++)
        deleted += plan->deleted[i];
    return deleted;
}

static void print_plan(const struct replaying *r)
{
    const struct weft_replay_plan *plan = r->plan;
    const struct weft_network_info *model = weft_replay_model(r->replay);
    const uint64_t deleted = sum_deleted(plan);
    printf("replay %s of %s, from %s to %s, with model %s %s%s\n\n", r->config.name, r->config.source,
           plan->ledger.terms.from, plan->ledger.terms.to, model->name, model->version,
           plan->resumed ? ": goes on where it was" : "");
    printf("%-10s %14s %14s %14s %14s %12s\n", "partition", "from", "to", "position", "left, at most", "deleted");
    for (int i = 0; i < plan->ledger.count; i++) {
        const struct weft_replay_ledger_partition *p = &plan->ledger.partitions[i];
        char name[16];
        snprintf(name, sizeof name, "%d", (int)p->partition);
        print_row(name, p, (uint64_t)(p->to - p->position), plan->deleted[i]);
    }
    print_row("all", NULL, weft_replay_ledger_left(&plan->ledger), deleted);
    putchar('\n');
    print_topic("results", plan->ledger.terms.sink, &plan->sink, plan->source_partitions);
    print_topic("dead letters", plan->ledger.terms.dead_letters, &plan->dead_letters, plan->source_partitions);
    printf("%-13s group %s\n", "remembered in", weft_replay_group(r->replay));
    if (deleted)
        printf("%-13s %" PRIu64 " offsets are no longer in %s and will not be replayed\n", "deleted", deleted,
               r->config.source);
}

static void print_sample(const struct replaying *r, const struct weft_replay_sample *sample)
{
    if (sample->requests == 0) {
        printf("%-13s nothing is left to be done\n", "time");
        return;
    }
    const bool limited = r->config.rate > 0 && r->config.rate < sample->per_second;
    const double rate = limited ? r->config.rate : sample->per_second;
    printf("%-13s about ", "time");
    print_time(seconds_left(weft_replay_ledger_left(&r->plan->ledger), rate));
    printf(" at %.0f requests/s, %s\n", rate, limited ? "as --rate says" : "as fast as the first of them were scored");
    if (sample->dead_letters)
        printf("%-13s %" PRIu64 " of the first %" PRIu64 " requests cannot be scored: %s\n", "", sample->dead_letters,
               sample->requests, sample->reason);
}

static json_t *topic_json(const char *name, const struct weft_replay_topic *topic)
{
    return json_pack("{s:s,s:i,s:I}", "topic", name, "partitions", topic->partitions, "records",
                     (json_int_t)topic->records);
}

static json_t *plan_json(const struct replaying *r)
{
    const struct weft_replay_plan *plan = r->plan;
    const struct weft_replay_ledger_terms *terms = &plan->ledger.terms;
    json_t *partitions = json_array();
    for (int i = 0; i < plan->ledger.count; i++) {
        const struct weft_replay_ledger_partition *p = &plan->ledger.partitions[i];
        json_array_append_new(partitions, json_pack("{s:i,s:I,s:I,s:I,s:I}", "partition", (int)p->partition, "from",
                                                    (json_int_t)p->from, "to", (json_int_t)p->to, "position",
                                                    (json_int_t)p->position, "deleted", (json_int_t)plan->deleted[i]));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:I,s:I,s:o}", "replay", r->config.name, "source",
                     r->config.source, "from", terms->from, "to", terms->to, "model", terms->model, "group",
                     weft_replay_group(r->replay), "resumed", plan->resumed, "results",
                     topic_json(terms->sink, &plan->sink), "dead_letters",
                     topic_json(terms->dead_letters, &plan->dead_letters), "left",
                     (json_int_t)weft_replay_ledger_left(&plan->ledger), "deleted", (json_int_t)sum_deleted(plan),
                     "partitions", partitions);
}

static json_t *sample_json(const struct weft_replay_sample *sample)
{
    return json_pack("{s:I,s:I,s:s?,s:f}", "requests", (json_int_t)sample->requests, "dead_letters",
                     (json_int_t)sample->dead_letters, "reason", sample->reason[0] ? sample->reason : NULL,
                     "per_second", sample->per_second);
}

/* Whether it can begin, or go on. */
static int check_topics(const struct replaying *r, struct weft_error *err)
{
    return r->plan->resumed ? 0 : weft_replay_plan_fresh(r->plan, err);
}

static int show_plan(const struct replaying *r, struct weft_error *err)
{
    struct weft_replay_sample sample;
    if (weft_replay_sample(r->replay, &sample, err) != 0)
        return -1;
    if (cli_json(r->cli)) {
        json_t *plan = plan_json(r);
        json_object_set_new(plan, "sample", sample_json(&sample));
        weft_json_print(stdout, json_pack("{s:o}", "plan", plan));
    } else {
        print_plan(r);
        print_sample(r, &sample);
    }
    if (check_topics(r, err) != 0)
        return -1;
    if (!cli_json(r->cli) && weft_replay_ledger_left(&r->plan->ledger))
        printf("nothing has been changed: --execute does it\n");
    return CLI_DONE;
}

/* Those of the replay's topics that are missing, with as many partitions as the source has. */
static int make_topics(const struct replaying *r, struct weft_error *err)
{
    struct weft_topology_topic missing[2] = {0};
    struct weft_topology wanted = {.topics = missing};
    const struct weft_replay_topic *live[2] = {&r->plan->sink, &r->plan->dead_letters};
    struct weft_replay_ledger_terms terms = r->plan->ledger.terms;
    char *names[2] = {terms.sink, terms.dead_letters};
    for (int i = 0; i < 2; i++)
        if (live[i]->partitions == 0)
            missing[wanted.topic_count++] =
                (struct weft_topology_topic){.name = names[i], .partitions = r->plan->source_partitions};
    if (wanted.topic_count == 0)
        return 0;
    const struct weft_client_options options = {.role = WEFT_KAFKA_ADMIN};
    struct weft_client *client = weft_client_new(r->config.settings, &options, r->config.log, err);
    int result = client ? 0 : -1;
    for (size_t i = 0; result == 0 && i < wanted.topic_count; i++) {
        result = weft_topics_create(client, &missing[i], false, TOPIC_TIMEOUT_MS, err);
        if (result == 0)
            weft_log(r->config.log, WEFT_LOG_INFO, "replay.topic", "created topic %s", missing[i].name);
        else
            weft_error_prefix(err, "creating topic %s", missing[i].name);
    }
    if (result == 0)
        result = weft_topics_await(client, &wanted, TOPIC_TIMEOUT_MS, err);
    weft_client_destroy(client);
    return result;
}

/* Where there is no terminal to draw on. */
static void log_progress(const struct replaying *r, const struct weft_replay_status *status, int64_t started_ms)
{
    const double rate = (double)status->done * 1e3 / (double)(weft_clock_ms() - started_ms + 1);
    weft_log(r->config.log, WEFT_LOG_INFO, "replay.progress", "%" PRIu64 " of %" PRIu64 " offsets, %.0f/s, %.0f s left",
             status->done, status->done + status->left, rate, seconds_left(status->left, rate));
}

static void print_summary(const struct replaying *r, const struct weft_replay_status *status, int64_t took_ms)
{
    const double seconds = (double)took_ms / 1e3;
    const uint64_t requests = status->results + status->dead_letters;
    if (cli_json(r->cli)) {
        weft_json_print(stdout,
                        json_pack("{s:{s:s,s:I,s:I,s:I,s:I,s:I,s:b,s:f}}", "done", "replay", r->config.name, "results",
                                  (json_int_t)status->results, "dead_letters", (json_int_t)status->dead_letters,
                                  "commits", (json_int_t)status->commits, "aborts", (json_int_t)status->aborts, "left",
                                  (json_int_t)status->left, "complete", status->left == 0, "seconds", seconds));
        return;
    }
    printf("replayed %" PRIu64 " requests of %s: %" PRIu64 " results, %" PRIu64 " dead letters, in ", requests,
           r->config.source, status->results, status->dead_letters);
    print_time(seconds);
    printf(" (%.0f/s)\n", seconds > 0 ? (double)requests / seconds : 0);
    if (status->left)
        printf("%" PRIu64 " offsets are left: start it again by its name\n", status->left);
}

/* Until it has ended; gives the exit status, or -1. */
static int watch(const struct replaying *r, struct weft_error *err)
{
    struct weft_replay_status status;
    enum weft_replay_state state;
    int signals = 0;
    const int64_t started_ms = weft_clock_ms();
    int64_t logged_ms = started_ms;
    struct weft_progress *progress =
        weft_progress_new("replaying", "offsets", weft_replay_ledger_left(&r->plan->ledger));
    while ((state = weft_replay_watch(r->replay, &status, err)) == WEFT_REPLAY_RUNNING) {
        weft_progress_update(progress, status.done);
        if (!isatty(STDERR_FILENO) && weft_clock_ms() - logged_ms >= LOG_MS) {
            log_progress(r, &status, started_ms);
            logged_ms = weft_clock_ms();
        }
        if (cli_signal(WATCH_MS))
            weft_replay_stop(r->replay, ++signals > 1);
    }
    weft_progress_destroy(progress);
    if (state == WEFT_REPLAY_STUCK) {
        /* The thread hangs in the Kafka client and cannot be ended. */
        fprintf(stderr, "weft: %s: leaving without it\n", err->message);
        if (cli_json(r->cli))
            weft_json_print_error(stdout, err);
        _exit(CLI_RESTART);
    }
    if (state == WEFT_REPLAY_ENDED) {
        print_summary(r, &status, weft_clock_ms() - started_ms);
        return status.left ? CLI_FAILED : CLI_DONE;
    }
    /* What another start would only meet again is a failure like one before it. */
    if (err->class != WEFT_ERROR_FENCED && err->class != WEFT_ERROR_UNAVAILABLE && err->class != WEFT_ERROR_INTERNAL)
        return -1;
    if (cli_json(r->cli))
        weft_json_print_error(stdout, err);
    else
        fprintf(stderr, "weft: %s\n", err->message);
    return CLI_RESTART;
}

static int execute(const struct replaying *r, struct weft_error *err)
{
    if (cli_json(r->cli))
        weft_json_print(stdout, json_pack("{s:o}", "plan", plan_json(r)));
    else
        print_plan(r);
    fflush(stdout);
    if (r->plan->resumed && weft_replay_ledger_left(&r->plan->ledger) == 0) {
        const struct weft_replay_status nothing = {0};
        print_summary(r, &nothing, 0);
        return CLI_DONE;
    }
    if (check_topics(r, err) != 0 || make_topics(r, err) != 0 || weft_replay_start(r->replay, err) != 0)
        return -1;
    return watch(r, err);
}

static int read_options(struct replaying *r, struct weft_error *err)
{
    struct cli *cli = r->cli;
    const struct weft_settings *settings = r->declared->settings;
    int64_t workers, processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1 || processors > WORKERS_MAX)
        processors = 1;
    r->config = (struct weft_replay_config){
        .name = cli_argument(cli, 0),
        .settings = settings,
        .log = cli_log(cli),
        .source = weft_settings_text(settings, "source"),
        .sink = cli_option(cli, "sink"),
        .dead_letters = cli_option(cli, "dead-letters"),
        .model = cli_option(cli, "model"),
        .from = cli_option(cli, "from"),
        .to = cli_option(cli, "to"),
        .stopped = cli_stopped,
    };
    if (!r->config.model)
        r->config.model = weft_settings_text(settings, "model");
    if (!r->config.source)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "what is to be replayed? Name a topology file, or the topic with -X source=...");
    if (cli_integer(cli, "workers", 1, WORKERS_MAX, processors, &workers, err) != 0 ||
        cli_number(cli, "rate", 0.001, 1e9, 0, &r->config.rate, err) != 0)
        return -1;
    r->config.workers = (int)workers;
    return 0;
}

static int replay(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct replaying r = {.cli = cli, .declared = cli_declared_in(cli, cli_argument(cli, 1), err)};
    if (!r.declared || read_options(&r, err) != 0)
        goto out;
    cli_catch_signals();
    r.replay = weft_replay_new(&r.config, err);
    if (!r.replay)
        goto out;
    r.plan = weft_replay_plan(r.replay);
    status = (cli_flag(cli, "execute") ? execute : show_plan)(&r, err);
out:
    weft_replay_destroy(r.replay);
    cli_declared_destroy(r.declared, 1);
    return status;
}

const struct cli_command cli_replay = {
    .name = "replay",
    .summary = "score a part of a topic again, into a topic of its own",
    .arguments = "NAME [TOPOLOGY]",
    .arguments_min = 1,
    .arguments_max = 2,
    .description = "Reads a bounded part of the source topic and writes a result or a dead letter for each\n"
                   "request, exactly once, into topics of the replay's own, with the same or another model.\n"
                   "The end is frozen when the replay begins. The live group is neither joined nor touched.\n\n"
                   "Shows a plan; with --execute does it, and creates the topics that are missing.\n"
                   "Interrupted, it goes on where it was when it is started again by its name: Kafka remembers\n"
                   "range, position and terms in the offsets of the group weft-replay-NAME. Of two runs of one\n"
                   "name the later fences the earlier.\n\n"
                   "WHERE is beginning, end, an offset, PARTITION:OFFSET,... (the partitions not named are left\n"
                   "out) or a time, 2026-03-01T12:00:00Z; without a zone it is UTC.\n\n"
                   "Exit status: 0 done, 1 it failed or was stopped, 3 fenced, or to be started again.",
    .example = "weft replay march topology/predict.yaml --from 2026-03-01 --to 2026-04-01\n"
               "weft replay march topology/predict.yaml --model new.onnx --from 2026-03-01 --to 2026-04-01 \\\n"
               "    --rate 5000 --execute",
    .options =
        (const struct cli_option[]){
            {0, "execute", NULL, "do it; without: show the plan"},
            {'m', "model", "FILE", "score with this model instead of the processor's"},
            {0, "from", "WHERE", "begin here (default: beginning)"},
            {0, "to", "WHERE", "end before this (default: end)"},
            {0, "sink", "TOPIC", "write results there (default: SOURCE.replay.NAME)"},
            {0, "dead-letters", "TOPIC", "write dead letters there (default: SOURCE.replay.NAME.dead)"},
            {0, "rate", "N", "replay at most N requests per second"},
            {0, "workers", "N", "score on N threads (default: one for each core)"},
            CLI_OPTION_ONLY,
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = replay,
};
