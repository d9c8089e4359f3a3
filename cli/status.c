#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"
#include "streams/group_status.h"
#include "streams/kafka_settings.h"

enum { HANGING_S = 60 };

/* What is wrong, as far as this command is asked to judge. */
struct verdict {
    bool nobody, moving, unread, lagging, hanging;
};

struct limits {
    int64_t lag;        /* -1: none */
    int64_t hanging_ms; /* how long a transaction may be open */
};

static struct verdict judge(const struct weft_group_status *status, const struct limits *limits)
{
    struct verdict verdict = {
        .nobody = status->member_count == 0,
        .moving = strcmp(status->state, "Stable") != 0,
        .unread = status->unread > 0,
        .lagging = limits->lag >= 0 && status->lag > limits->lag,
    };
    for (size_t i = 0; i < status->transaction_count; i++)
        verdict.hanging = verdict.hanging || status->transactions[i].open_ms > limits->hanging_ms;
    return verdict;
}

static bool is_well(struct verdict verdict)
{
    return !verdict.nobody && !verdict.moving && !verdict.unread && !verdict.lagging && !verdict.hanging;
}

static json_t *transaction_json(const struct weft_group_status *status, const struct weft_open_transaction *open)
{
    json_t *json = json_pack("{s:s,s:i,s:I,s:I}", "topic", open->topic, "partition", (int)open->partition, "offset",
                             (json_int_t)open->offset, "behind", (json_int_t)open->behind);
    json_object_set_new(json, "open_seconds",
                        open->open_ms >= 0 ? json_real((double)open->open_ms / 1000) : json_null());
    json_object_set_new(json, "source_partition", open->source >= 0 ? json_integer(open->source) : json_null());
    json_object_set_new(json, "source_offset", open->source >= 0 ? json_integer(open->source_offset) : json_null());
    json_object_set_new(json, "read_by",
                        open->reader >= 0 ? json_string(status->members[open->reader].id) : json_null());
    return json;
}

static void print_json(const char *processor, const struct weft_processor_names *names,
                       const struct weft_group_status *status, bool well)
{
    const char *shadow = names->shadow[0] ? names->shadow : NULL;
    json_t *members = json_array(), *partitions = json_array(), *transactions = json_array();
    for (size_t i = 0; i < status->member_count; i++) {
        const struct weft_group_member *member = &status->members[i];
        json_array_append_new(members, json_pack("{s:s,s:s,s:s,s:s?,s:i}", "id", member->id, "client_id",
                                                 member->client, "host", member->host, "group_instance_id",
                                                 member->instance, "partitions", member->partitions));
    }
    for (int i = 0; i < status->partition_count; i++) {
        const struct weft_group_partition *p = &status->partitions[i];
        json_t *one = json_pack("{s:i,s:I,s:I,s:I}", "partition", i, "first", (json_int_t)p->first, "end",
                                (json_int_t)p->end, "lag", (json_int_t)p->lag);
        json_object_set_new(one, "committed", p->committed >= 0 ? json_integer(p->committed) : json_null());
        json_object_set_new(one, "member", p->member >= 0 ? json_string(status->members[p->member].id) : json_null());
        json_array_append_new(partitions, one);
    }
    for (size_t i = 0; i < status->transaction_count; i++)
        json_array_append_new(transactions, transaction_json(status, &status->transactions[i]));
    weft_json_print(stdout,
                    json_pack("{s:s,s:s,s:s,s:s,s:s?,s:s,s:s,s:s?,s:s?,s:b,s:I,s:I,s:o,s:o,s:o}", "processor",
                              processor, "source", names->source, "sink", names->sink, "dead_letters_topic",
                              names->dead_letters, "shadow_results", shadow, "group", names->group, "state",
                              status->state, "assignor", status->assignor, "coordinator", status->coordinator, "well",
                              well, "lag", (json_int_t)status->lag, "dead_letters", (json_int_t)status->dead_letters,
                              "members", members, "partitions", partitions, "transactions", transactions));
}

static const char *member_name(const struct weft_group_member *member)
{
    return member->instance ? member->instance : member->client;
}

static void print_partitions(const struct weft_group_status *status)
{
    printf("%-10s %14s %14s %12s  %s\n", "partition", "committed", "end", "lag", "read by");
    for (int i = 0; i < status->partition_count; i++) {
        const struct weft_group_partition *p = &status->partitions[i];
        char committed[24] = "-";
        if (p->committed >= 0)
            snprintf(committed, sizeof committed, "%" PRId64, p->committed);
        printf("%-10d %14s %14" PRId64 " %12" PRId64 "  ", i, committed, p->end, p->lag);
        if (p->member >= 0)
            printf("%s at %s\n", member_name(&status->members[p->member]), status->members[p->member].host);
        else
            printf("nobody\n");
    }
    printf("%-10s %14s %14s %12" PRId64 "\n", "all", "", "", status->lag);
}

static void print_transactions(const struct weft_group_status *status, const char *source, const char *servers,
                               const struct limits *limits)
{
    const struct weft_open_transaction *hanging = NULL;
    printf("\nopen transactions:%s\n", status->transaction_count ? "" : " none");
    for (size_t i = 0; i < status->transaction_count; i++) {
        const struct weft_open_transaction *open = &status->transactions[i];
        printf("  %s partition %d from offset %" PRId64 ", %" PRId64 " offsets behind", open->topic,
               (int)open->partition, open->offset, open->behind);
        if (open->open_ms >= 0)
            printf(", open for %.1f s", (double)open->open_ms / 1000);
        if (open->source >= 0)
            printf(", answers %s partition %d offset %" PRId64, source, (int)open->source, open->source_offset);
        putchar('\n');
        if (open->reader >= 0)
            printf("    that partition is now read by %s at %s: the writer, or its successor\n",
                   member_name(&status->members[open->reader]), status->members[open->reader].host);
        else if (open->source >= 0)
            printf("    that partition is now read by nobody\n");
        if (open->open_ms > limits->hanging_ms && !hanging)
            hanging = open;
    }
    if (hanging)
        printf("One has been open for longer than %" PRId64
               " s. Kafka's own tool names its producer and transactional id:\n"
               "  kafka-transactions.sh --bootstrap-server %s describe-producers --topic %s --partition %d\n"
               "  kafka-transactions.sh --bootstrap-server %s list\n",
               limits->hanging_ms / 1000, servers, hanging->topic, (int)hanging->partition, servers);
}

static void print_table(const char *processor, const struct weft_processor_names *names, const char *servers,
                        const struct weft_group_status *status, const struct limits *limits)
{
    printf("processor %s: %s -> %s, dead letters %s (at most %" PRId64 ")", processor, names->source, names->sink,
           names->dead_letters, status->dead_letters);
    if (names->shadow[0])
        printf(", shadow results %s", names->shadow);
    putchar('\n');
    printf("group %s: %s, %zu members", names->group, status->state, status->member_count);
    if (status->assignor && status->assignor[0])
        printf(", %s", status->assignor);
    printf(", coordinator %s\n\n", status->coordinator ? status->coordinator : "unknown");
    print_partitions(status);
    print_transactions(status, names->source, servers, limits);
    const struct verdict verdict = judge(status, limits);
    if (verdict.nobody)
        printf("\nnobody reads: the group has no member\n");
    else if (verdict.moving)
        printf("\nthe group is about to share the partitions out anew\n");
    else if (verdict.unread)
        printf("\n%zu partitions are read by nobody\n", status->unread);
    if (verdict.lagging)
        printf("\nlagging: %" PRId64 " requests wait, more than %" PRId64 "\n", status->lag, limits->lag);
}

static int show_one(struct cli *cli, const struct cli_declared *declared, const struct limits *limits, bool *well,
                    struct weft_error *err)
{
    struct weft_processor_names names;
    struct weft_group_status status = {0};
    if (weft_processor_names(declared->settings, declared->name, &names, err) != 0)
        return -1;
    const struct weft_group_status_config config = {
        .settings = declared->settings, .log = cli_log(cli), .names = &names};
    int result = weft_group_status_read(&config, &status, err);
    if (result == 0) {
        *well = is_well(judge(&status, limits));
        if (cli_json(cli))
            print_json(declared->name, &names, &status, *well);
        else
            print_table(declared->name, &names, weft_kafka_servers(declared->settings), &status, limits);
    }
    weft_group_status_clear(&status);
    return result;
}

static int show(struct cli *cli, struct weft_error *err)
{
    struct limits limits;
    int64_t hanging_s;
    size_t count;
    if (cli_integer(cli, "lag-max", 0, INT64_MAX, -1, &limits.lag, err) != 0 ||
        cli_integer(cli, "hanging-after", 1, 86400, HANGING_S, &hanging_s, err) != 0)
        return -1;
    limits.hanging_ms = hanging_s * 1000;
    struct cli_declared *declared = cli_declared_all(cli, &count, err);
    if (!declared)
        return -1;
    int status = CLI_DONE;
    for (size_t i = 0; i < count && status >= 0; i++) {
        bool well = true;
        if (i > 0 && !cli_json(cli))
            putchar('\n');
        if (show_one(cli, &declared[i], &limits, &well, err) != 0)
            status = -1;
        else if (!well)
            status = CLI_FAILED;
    }
    cli_declared_destroy(declared, count);
    return status;
}

const struct cli_command cli_status = {
    .name = "status",
    .summary = "how processors stand: group, lag, open transactions, as the cluster sees them",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Asks the cluster, not the processes: the members of the group, how far each partition is\n"
                   "behind, and transactions that hold up read_committed readers, with the request that they\n"
                   "answer and who reads its partition now. Joins no group and commits nothing.\n\n"
                   "What one process says of itself is at its status endpoint (setting status.listen).\n\n"
                   "Exit status: 0 the group is stable and every partition read, nothing lags beyond --lag-max,\n"
                   "no transaction hangs; 1 not so, or the cluster could not be asked.",
    .example = "weft status topology/predict.yaml -X bootstrap.servers=localhost:9092\n"
               "weft status -X source=req_predict -X sink=res_predict --lag-max 10000 --json",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, "lag-max", "N", "more requests than this that wait are a failure (default: any number may)"},
            {0, "hanging-after", "SECONDS", "a transaction that is open for longer is a failure (default: 60)"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = show,
};
