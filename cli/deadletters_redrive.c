#include <inttypes.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/deadletters.h"
#include "streams/redrive.h"

static json_t *fates_json(const uint64_t *fates)
{
    static const char *const names[WEFT_REDRIVE_FATES] = {
        [WEFT_REDRIVE_SEND] = "send",
        [WEFT_REDRIVE_DONE] = "redriven",
        [WEFT_REDRIVE_CUT] = "cut",
        [WEFT_REDRIVE_ATTEMPTS] = "too_often",
        [WEFT_REDRIVE_ELSEWHERE] = "elsewhere",
        [WEFT_REDRIVE_NO_SOURCE] = "no_source",
        [WEFT_REDRIVE_LIMIT] = "beyond_limit",
    };
    json_t *object = json_object();
    for (int fate = 0; fate < WEFT_REDRIVE_FATES; fate++)
        json_object_set_new(object, names[fate], json_integer((json_int_t)fates[fate]));
    return object;
}

static void print_json(const struct weft_redrive_report *report, const struct weft_processor_names *names, bool execute)
{
    json_t *partitions = json_array();
    for (int p = 0; p < report->partition_count; p++)
        json_array_append_new(partitions, json_integer((json_int_t)report->partitions[p]));
    json_t *all = fates_json(report->fates);
    json_object_set_new(all, "topic", json_string(names->source));
    json_object_set_new(all, "partitions", partitions);
    json_object_set_new(all, "executed", json_boolean(execute));
    json_object_set_new(all, "sent", json_integer((json_int_t)report->sent));
    weft_json_print(stdout, all);
}

static void print_text(const struct weft_redrive_report *report, const struct weft_processor_names *names, bool execute)
{
    printf("%s -> %s\n", names->dead_letters, names->source);
    for (int fate = 0; fate < WEFT_REDRIVE_FATES; fate++) {
        if (report->fates[fate] == 0 && fate != WEFT_REDRIVE_SEND)
            continue;
        printf("%10" PRIu64 " %s\n", report->fates[fate], weft_redrive_fate_text((enum weft_redrive_fate)fate));
        for (int p = 0; fate == WEFT_REDRIVE_SEND && p < report->partition_count; p++)
            if (report->partitions[p])
                printf("%10s %" PRIu64 " to partition %d\n", "", report->partitions[p], p);
    }
    if (execute)
        printf("%" PRIu64 " sent\n", report->sent);
    else if (report->fates[WEFT_REDRIVE_SEND])
        puts("nothing was sent: --execute does it");
}

static int redrive(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct cli_letters letters;
    struct weft_redrive_report report = {0};
    bool execute = cli_flag(cli, "execute");
    int64_t attempts_max, limit;
    cli_catch_signals();
    if (cli_letters_read(cli, &letters, err) != 0 ||
        cli_integer(cli, "max-attempts", 1, 1000000, 3, &attempts_max, err) != 0 ||
        cli_integer(cli, "limit", 1, INT64_MAX, 0, &limit, err) != 0)
        goto out;
    const struct weft_redrive_config config = {
        .settings = letters.declared->settings,
        .log = cli_log(cli),
        .source = letters.names.source,
        .dead_letters = letters.names.dead_letters,
        .filter = &letters.filter,
        .attempts_max = (int32_t)attempts_max,
        .limit = (uint64_t)limit,
        .execute = execute,
        .stopped = cli_stopped,
    };
    if (weft_redrive(&config, &report, err) != 0) {
        if (report.sent)
            weft_error_prefix(err, "after %" PRIu64 " letters had been sent (run it again for the others)",
                              report.sent);
        goto out;
    }
    if (cli_json(cli))
        print_json(&report, &letters.names, execute);
    else
        print_text(&report, &letters.names, execute);
    status = CLI_DONE;
out:
    weft_redrive_report_clear(&report);
    cli_letters_clear(&letters);
    return status;
}

const struct cli_command cli_deadletters_redrive = {
    .name = "deadletters redrive",
    .summary = "send dead letters back to their topic, each at most once",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Shows which dead letters would be sent back to the topic that they came from, and which not,\n"
                   "and why; with --execute sends them, in transactions. Key, value, headers and partition are\n"
                   "those of the request; the header weft.redrive.attempt says how often it was sent back.\n\n"
                   "What was sent is remembered among the dead letters: a run that is repeated, interrupted or\n"
                   "beside another sends nothing twice. A letter of which only a part was kept is never sent.",
    .example = "weft deadletters redrive topology/predict.yaml --class corrupt\n"
               "weft deadletters redrive topology/predict.yaml --class corrupt --execute\n"
               "weft deadletters redrive topology/predict.yaml --at 0:12 --execute",
    .options =
        (const struct cli_option[]){
            {0, "execute", NULL, "send; without it nothing is changed"},
            {0, "max-attempts", "N", "refuse what was sent back so often already (3)"},
            {0, "limit", "N", "send so many at most"},
            CLI_OPTION_ONLY,
            CLI_OPTIONS_LETTERS,
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = redrive,
};
