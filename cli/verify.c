#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "streams/processor_settings.h"
#include "streams/verify.h"

static const char *const fault_names[] = {
    [WEFT_VERIFY_MISSING] = "missing",
    [WEFT_VERIFY_DUPLICATED] = "duplicated",
    [WEFT_VERIFY_UNEXPECTED] = "unexpected",
};

static json_t *counts_json(const struct weft_verify_partition *p)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "requests", (json_int_t)p->requests, "results",
                     (json_int_t)p->results, "dead_letters", (json_int_t)p->dead_letters, "missing",
                     (json_int_t)p->missing, "duplicated", (json_int_t)p->duplicated, "unexpected",
                     (json_int_t)p->unexpected);
}

static void print_json(const struct weft_verify_report *report)
{
    json_t *partitions = json_array(), *offenders = json_array();
    for (int i = 0; i < report->partition_count; i++) {
        const struct weft_verify_partition *p = &report->partitions[i];
        json_t *one = json_pack("{s:i,s:I,s:I}", "partition", i, "from", (json_int_t)p->from, "to", (json_int_t)p->to);
        json_t *counts = counts_json(p);
        json_object_update(one, counts);
        json_decref(counts);
        json_array_append_new(partitions, one);
    }
    for (size_t i = 0; i < report->offender_count; i++)
        json_array_append_new(offenders, json_pack("{s:s,s:i,s:I}", "fault", fault_names[report->offenders[i].fault],
                                                   "partition", (int)report->offenders[i].partition, "offset",
                                                   (json_int_t)report->offenders[i].offset));
    json_t *all = counts_json(&report->total);
    json_object_set_new(all, "unreadable", json_integer((json_int_t)report->unreadable));
    json_object_set_new(all, "committed", json_boolean(report->committed));
    json_object_set_new(all, "passed", json_boolean(weft_verify_passed(report)));
    json_object_set_new(all, "partitions", partitions);
    json_object_set_new(all, "offenders", offenders);
    weft_json_print(stdout, all);
}

static void print_row(const char *name, const struct weft_verify_partition *p)
{
    printf("%-10s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %9" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", name,
           p->requests, p->results, p->dead_letters, p->missing, p->duplicated, p->unexpected);
}

static void print_table(const struct weft_verify_report *report, const struct weft_processor_names *names)
{
    printf("%s -> %s, dead letters %s, up to the offsets of group %s\n\n", names->source, names->sink,
           names->dead_letters, names->group);
    printf("%-10s %12s %12s %12s %9s %10s %10s\n", "partition", "requests", "results", "dead letters", "missing",
           "duplicated", "unexpected");
    for (int i = 0; i < report->partition_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        print_row(name, &report->partitions[i]);
    }
    print_row("all", &report->total);
    putchar('\n');
    for (size_t i = 0; i < report->offender_count; i++)
        printf("%s: partition %d offset %" PRId64 "\n", fault_names[report->offenders[i].fault],
               (int)report->offenders[i].partition, report->offenders[i].offset);
    if (report->unreadable)
        printf("%" PRIu64 " records of %s or %s do not say which request they answer\n", report->unreadable,
               names->sink, names->dead_letters);
    if (!report->committed && !report->empty) {
        printf("the group %s has committed nothing: is it the right one?\n", names->group);
        return;
    }
    printf(weft_verify_passed(report) ? "exactly once: every request has one answer\n"
                                      : "NOT exactly once: see above\n");
}

static int verify(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct weft_verify_report report = {0};
    struct weft_processor_names names;
    struct cli_declared *declared = cli_declared_one(cli, err);
    if (!declared || weft_processor_names(declared->settings, declared->name, &names, err) != 0)
        goto out;
    cli_catch_signals();
    const struct weft_verify_config config = {
        .settings = declared->settings,
        .log = cli_log(cli),
        .source = names.source,
        .sink = names.sink,
        .dead_letters = names.dead_letters,
        .group = names.group,
        .stopped = cli_stopped,
    };
    if (weft_verify(&config, &report, err) != 0)
        goto out;
    if (cli_json(cli))
        print_json(&report);
    else
        print_table(&report, &names);
    status = weft_verify_passed(&report) ? CLI_DONE : CLI_FAILED;
out:
    weft_verify_report_clear(&report);
    cli_declared_destroy(declared, 1);
    return status;
}

const struct cli_command cli_verify = {
    .name = "verify",
    .summary = "prove that every request has exactly one answer",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Reads requests, results and dead letters as a read_committed consumer sees them and checks\n"
                   "that each request up to the group's committed offsets has one result or one dead letter:\n"
                   "none missing, none doubled, none without its request. Joins no group and commits nothing;\n"
                   "the processor may go on meanwhile.\n\n"
                   "Exit status: 0 all accounted for, 1 not.",
    .example = "weft verify topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "    -X schema.registry.url=http://localhost:8081\n"
               "weft verify -X source=req_predict -X sink=res_predict --json",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = verify,
};
