#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "streams/processor_settings.h"
#include "streams/verify.h"

static const char *const fault_names[WEFT_ACCOUNT_FAULTS] = {
    [WEFT_ACCOUNT_MISSING] = "missing",
    [WEFT_ACCOUNT_DUPLICATED] = "duplicated",
    [WEFT_ACCOUNT_UNEXPECTED] = "unexpected",
};

static const char *answer_topic(const struct weft_processor_names *names, const struct weft_answer_place *answer)
{
    return answer->kind == WEFT_ANSWER_RESULT ? names->sink : names->dead_letters;
}

static json_t *counts_json(const struct weft_account_counts *counts)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "requests", (json_int_t)counts->requests,
                     "results", (json_int_t)counts->results, "dead_letters", (json_int_t)counts->dead_letters,
                     "missing", (json_int_t)counts->missing, "duplicated", (json_int_t)counts->duplicated, "unexpected",
                     (json_int_t)counts->unexpected, "aborted", (json_int_t)counts->aborted, "unseen",
                     (json_int_t)counts->unseen, "expired", (json_int_t)counts->expired, "compacted",
                     (json_int_t)counts->compacted, "unread", (json_int_t)counts->unread);
}

static json_t *offender_json(const struct weft_processor_names *names, enum weft_account_fault fault,
                             const struct weft_account_offender *offender)
{
    json_t *one = json_pack("{s:s,s:i,s:I}", "fault", fault_names[fault], "partition", (int)offender->partition,
                            "offset", (json_int_t)offender->offset);
    if (fault != WEFT_ACCOUNT_MISSING)
        json_object_set_new(one, "answer",
                            json_pack("{s:s,s:i,s:I}", "topic", answer_topic(names, &offender->answer), "partition",
                                      (int)offender->answer.partition, "offset", (json_int_t)offender->answer.offset));
    return one;
}

static void print_json(const struct weft_verify_report *report, const struct weft_processor_names *names)
{
    json_t *partitions = json_array(), *offenders = json_array();
    for (int32_t p = 0; p < weft_account_partitions(report->account); p++) {
        const struct weft_account_partition *partition = weft_account_partition(report->account, p);
        json_t *one = counts_json(&partition->counts);
        json_object_set_new(one, "partition", json_integer(p));
        json_object_set_new(one, "from", json_integer(partition->from));
        json_object_set_new(one, "to", json_integer(partition->to));
        json_array_append_new(partitions, one);
    }
    for (int fault = 0; fault < WEFT_ACCOUNT_FAULTS; fault++) {
        size_t count;
        const struct weft_account_offender *list =
            weft_account_offenders(report->account, (enum weft_account_fault)fault, &count);
        for (size_t i = 0; i < count; i++)
            json_array_append_new(offenders, offender_json(names, (enum weft_account_fault)fault, &list[i]));
    }
    json_t *all = counts_json(weft_account_total(report->account));
    json_object_set_new(all, "unreadable", json_integer((json_int_t)report->unreadable));
    json_object_set_new(all, "compaction_presumed", json_boolean(report->presumed));
    json_object_set_new(all, "committed", json_boolean(report->committed));
    json_object_set_new(all, "passed", json_boolean(weft_verify_passed(report)));
    json_object_set_new(all, "partitions", partitions);
    json_object_set_new(all, "offenders", offenders);
    weft_json_print(stdout, all);
}

static void print_row(const char *name, const char *range, const struct weft_account_counts *counts)
{
    printf("%-9s %-21s %10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", name,
           range, counts->requests, counts->results, counts->dead_letters, counts->missing, counts->duplicated,
           counts->unexpected);
}

static void print_offenders(const struct weft_verify_report *report, const struct weft_processor_names *names,
                            enum weft_account_fault fault)
{
    size_t count;
    const struct weft_account_offender *list = weft_account_offenders(report->account, fault, &count);
    for (size_t i = 0; i < count; i++) {
        printf("%s: partition %d offset %" PRId64, fault_names[fault], (int)list[i].partition, list[i].offset);
        if (fault != WEFT_ACCOUNT_MISSING)
            printf(" by %s partition %d offset %" PRId64, answer_topic(names, &list[i].answer),
                   (int)list[i].answer.partition, list[i].answer.offset);
        putchar('\n');
    }
}

/* What looks like a loss and is none. */
static void print_gaps(const struct weft_verify_report *report)
{
    const struct weft_account_counts *total = weft_account_total(report->account);
    if (total->aborted)
        printf("%" PRIu64 " offsets hold what an aborted transaction left: no requests\n", total->aborted);
    if (total->unseen)
        printf("%" PRIu64 " offsets hold nothing that a client sees: the marker of a transaction, or a record that "
               "compaction took\n",
               total->unseen);
    if (total->expired)
        printf("%" PRIu64 " answers are to requests that retention has taken since\n", total->expired);
    if (total->compacted)
        printf("%" PRIu64 " answers are to requests that compaction has taken since%s\n", total->compacted,
               report->presumed ? ", if the topic is compacted: its settings could not be read" : "");
    if (total->unread)
        printf("%" PRIu64 " offsets were taken by retention before the group had read them\n", total->unread);
}

static void print_table(const struct weft_verify_report *report, const struct weft_processor_names *names)
{
    printf("%s -> %s, dead letters %s, group %s\n\n", names->source, names->sink, names->dead_letters, names->group);
    printf("%-9s %-21s %10s %10s %12s %8s %10s %10s\n", "partition", "offsets", "requests", "results", "dead letters",
           "missing", "duplicated", "unexpected");
    for (int32_t p = 0; p < weft_account_partitions(report->account); p++) {
        const struct weft_account_partition *partition = weft_account_partition(report->account, p);
        char name[16], range[48] = "none";
        snprintf(name, sizeof name, "%d", (int)p);
        if (partition->from < partition->to)
            snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, partition->from, partition->to - 1);
        print_row(name, range, &partition->counts);
    }
    print_row("all", "", weft_account_total(report->account));
    putchar('\n');
    print_offenders(report, names, WEFT_ACCOUNT_MISSING);
    print_offenders(report, names, WEFT_ACCOUNT_DUPLICATED);
    print_offenders(report, names, WEFT_ACCOUNT_UNEXPECTED);
    print_gaps(report);
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
    struct weft_bound from, to;
    const char *from_text = cli_option(cli, "from"), *to_text = cli_option(cli, "to");
    if ((from_text && weft_bound_parse(from_text, "from", &from, err) != 0) ||
        (to_text && weft_bound_parse(to_text, "to", &to, err) != 0))
        return -1;
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
        .from = from_text ? &from : NULL,
        .to = to_text ? &to : NULL,
        .stopped = cli_stopped,
    };
    if (weft_verify(&config, &report, err) != 0)
        goto out;
    if (cli_json(cli))
        print_json(&report, &names);
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
                   "--from and --to take beginning, end, an offset, PARTITION:OFFSET,... (the other\n"
                   "partitions are left out) or a time such as 2026-03-01T12:00:00Z. The end given is not\n"
                   "accounted for itself; without it, the group's committed offsets are the end.\n\n"
                   "Exit status: 0 all accounted for, 1 not.",
    .example = "weft verify topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "    -X schema.registry.url=http://localhost:8081\n"
               "weft verify topology/predict.yaml --from 2026-03-01T12:00:00Z\n"
               "weft verify -X source=req_predict -X sink=res_predict --json",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, "from", "WHERE", "begin with this request; without it with the first there is"},
            {0, "to", "WHERE", "end before this request"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = verify,
};
