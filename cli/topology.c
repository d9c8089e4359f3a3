#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/topology_plan.h"
#include "topology/topology.h"

static void print_fault(const struct cli *cli, const struct weft_fault *fault)
{
    const char *path = cli_argument(cli, 0);
    if (cli_json(cli)) {
        /* What is quoted from a file need not be UTF-8. */
        json_t *text = json_string(fault->text);
        weft_json_print(stdout, json_pack("{s:s,s:i,s:o}", "file", path, "line", fault->line, "fault",
                                          text ? text : json_string("(not UTF-8)")));
    } else if (fault->line) {
        printf("%s:%d: %s\n", path, fault->line, fault->text);
    } else {
        printf("%s: %s\n", path, fault->text);
    }
}

static int check_topology(struct cli *cli, struct weft_error *err)
{
    struct weft_faults faults = {0};
    struct weft_topology *topology = weft_topology_check(cli_argument(cli, 0), &faults, err);
    for (size_t i = 0; i < faults.count; i++)
        print_fault(cli, &faults.list[i]);
    if (!topology && faults.count)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s has %zu fault%s", cli_argument(cli, 0), faults.count,
                       faults.count == 1 ? "" : "s");
    if (topology && cli_json(cli))
        weft_json_print(stdout,
                        json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "topology", topology->name, "schemas",
                                  (json_int_t)topology->schema_count, "topics", (json_int_t)topology->topic_count,
                                  "processors", (json_int_t)topology->processor_count, "bridges",
                                  (json_int_t)topology->bridge_count, "pubsub_topics",
                                  (json_int_t)topology->pubsub_topic_count, "subscriptions",
                                  (json_int_t)topology->subscription_count));
    else if (topology)
        printf("topology %s is sound: schemas %zu, topics %zu, processors %zu, bridges %zu, Pub/Sub topics %zu, "
               "subscriptions %zu\n",
               topology->name, topology->schema_count, topology->topic_count, topology->processor_count,
               topology->bridge_count, topology->pubsub_topic_count, topology->subscription_count);
    int status = topology ? CLI_DONE : -1;
    weft_topology_destroy(topology);
    weft_faults_clear(&faults);
    return status;
}

/* A file is planned; a word that is neither file nor command gets a better answer than that it cannot be opened. */
static int topology(struct cli *cli, struct weft_error *err)
{
    const char *path = cli_argument(cli, 0);
    if (!path) {
        cli_print_group(stdout, "topology", cli_json(cli));
        return weft_error_set(err, WEFT_ERROR_USAGE, "name a topology file, or one of these and a file");
    }
    if (!strpbrk(path, "/.") && access(path, F_OK) != 0)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "'%s' is neither a file nor a command: `weft topology` shows the commands", path);
    return cli_topology_plan.run(cli, err);
}

const struct cli_command cli_topology = {
    .name = "topology",
    .summary = "the same as topology plan; without a file its commands",
    .arguments = "[FILE]",
    .arguments_min = 0,
    .arguments_max = 1,
    .description = "With a topology file: shows what it would change, as `weft topology plan` does.\n"
                   "Without: shows the commands that there are for such a file.",
    .example = "weft topology topology/predict.yaml",
    .options = cli_topology_plan_options,
    .uses_settings = true,
    .run = topology,
};

const struct cli_command cli_topology_check = {
    .name = "topology check",
    .summary = "find what is wrong with a topology file",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Reads the file, and the schemas' files that it names, and prints every fault with its\n"
                   "line: form, names, values, topics that nobody declared, source and sink with different\n"
                   "numbers of partitions, ways on which results come back as requests. Asks nobody.\n\n"
                   "Exit status: 0 sound, 2 faults.",
    .example = "weft topology check topology/predict.yaml",
    .run = check_topology,
};
