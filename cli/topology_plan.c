#include "cli/topology_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/steps.h"
#include "streams/kafka_settings.h"
#include "topology/acl.h"

static int show(struct cli *cli, const struct weft_topology *topology, bool apply, struct weft_error *err)
{
    int status = -1;
    const char *list[CLI_ALLOWED_MAX];
    struct weft_topology_allowed allowed;
    if (cli_read_allowed(cli, list, &allowed, err) != 0)
        return -1;
    struct weft_topology_plan *plan = weft_topology_plan_new(topology, cli_settings(cli), &allowed, cli_log(cli), err);
    if (!plan)
        return -1;
    cli_print_plan(cli, topology, plan);
    if (!apply)
        status = cli_plan_status(cli, plan, &cli_topology_apply, err);
    else if (weft_topology_plan_execute(plan, cli_print_done, cli, err) == 0)
        status = CLI_DONE;
    weft_topology_plan_destroy(plan);
    return status;
}

/* kind: "processor" or "bridge". */
static void print_rights_of(const struct cli *cli, const char *kind, const char *name, const struct weft_right *rights,
                            size_t count)
{
    const char *servers = weft_kafka_servers(cli_settings(cli)), *principal = cli_option(cli, "principal");
    if (!principal)
        principal = "User:weft";
    if (!cli_json(cli))
        printf("# %s %s\n", kind, name);
    for (size_t i = 0; i < count; i++)
        if (cli_json(cli))
            weft_json_print(stdout, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", kind, name, "principal", principal,
                                              "operation", rights[i].operation, "resource", rights[i].resource, "name",
                                              rights[i].name, "prefix", rights[i].prefix));
        else
            weft_right_print(stdout, &rights[i], servers[0] ? servers : "localhost:9092", principal);
}

static int print_rights(const struct cli *cli, const struct weft_topology *topology)
{
    struct weft_right rights[WEFT_RIGHTS_MAX];
    for (size_t i = 0; i < topology->processor_count; i++) {
        const size_t count = weft_processor_rights(&topology->processors[i], cli_settings(cli), rights);
        print_rights_of(cli, "processor", topology->processors[i].name, rights, count);
    }
    for (size_t i = 0; i < topology->bridge_count; i++) {
        const size_t count = weft_bridge_rights(&topology->bridges[i], rights);
        print_rights_of(cli, "bridge", topology->bridges[i].name, rights, count);
    }
    return CLI_DONE;
}

static int plan_topology(struct cli *cli, struct weft_error *err)
{
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (!topology)
        return -1;
    int status = cli_flag(cli, "acls") ? print_rights(cli, topology) : show(cli, topology, false, err);
    weft_topology_destroy(topology);
    return status;
}

static int apply_topology(struct cli *cli, struct weft_error *err)
{
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (!topology)
        return -1;
    int status = show(cli, topology, true, err);
    weft_topology_destroy(topology);
    return status;
}

const struct cli_option cli_topology_plan_options[] = {
    CLI_OPTION_ALLOW,
    {0, "acls", NULL,
     "print the rights that processors and bridges need, as commands of Kafka's kafka-acls.sh, and end"},
    {0, "principal", "NAME", "for --acls: who gets the rights (User:weft)"},
    {0, NULL, NULL, NULL},
};

static const struct cli_option apply_options[] = {CLI_OPTION_ALLOW, {0, NULL, NULL, NULL}};

const struct cli_command cli_topology_plan = {
    .name = "topology plan",
    .summary = "show what a topology file would change",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Compares the topics and schemas that the file declares with those of the cluster\n"
                   "(bootstrap.servers) and of the registry (schema.registry.url, where it declares\n"
                   "schemas), and what it declares under pubsub with what is at Google Cloud Pub/Sub (asked\n"
                   "through weft-bridge, which must be installed then), and shows what `weft topology apply`\n"
                   "would do. Changes nothing, and does not look at what the file does not declare.\n\n"
                   "  +  will be made\n"
                   "  ~  will be changed, old -> new\n"
                   "  =  is as declared\n"
                   "  ?  is different there, and left so\n"
                   "  !  is refused, by who is asked, or because records, messages or the readability\n"
                   "     of schemas would be lost (see --allow)\n\n"
                   "weft deletes nothing and moves no replicas.\n\n"
                   "Exit status: 0 nothing to do, 4 changes wait, 1 it failed or something is refused,\n"
                   "2 wrong use.",
    .example = "weft topology plan topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "  -X schema.registry.url=http://localhost:8081\n"
               "weft topology plan topology/predict.yaml --acls --principal User:predict",
    .options = cli_topology_plan_options,
    .uses_settings = true,
    .run = plan_topology,
};

const struct cli_command cli_topology_apply = {
    .name = "topology apply",
    .summary = "make cluster, registry and Pub/Sub as a topology file says",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Shows the plan as `weft topology plan` does, then registers the schemas, creates the\n"
                   "topics that are missing, adds partitions and changes settings, waits until the topics\n"
                   "can be used, and makes and changes what is declared of Pub/Sub. Never deletes.\n\n"
                   "Begins nothing when a step is refused. Stops at the first failure, with what was done\n"
                   "until then shown; running it again does the rest.",
    .example = "weft topology apply topology/predict.yaml -F cluster.properties\n"
               "weft topology apply topology/predict.yaml --allow shrink-retention:req_predict",
    .options = apply_options,
    .uses_settings = true,
    .run = apply_topology,
};
