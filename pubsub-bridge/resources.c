#include "pubsub-bridge/resources.h"

#include <stdlib.h>

#include "cli/steps.h"
#include "pubsub-bridge/bridge_settings.h"
#include "pubsub-bridge/resource_plan.h"

static int show(struct cli *cli, const struct weft_topology *topology, const struct weft_admin *admin, bool apply,
                struct weft_error *err)
{
    const char *list[CLI_ALLOWED_MAX];
    struct weft_topology_allowed allowed;
    int status = -1;
    if (cli_read_allowed(cli, list, &allowed, err) != 0)
        return -1;
    struct weft_topology_plan *plan = weft_resource_plan_new(topology, &allowed, admin, err);
    if (!plan)
        return -1;
    cli_print_plan(cli, topology, plan);
    if (!apply)
        status = cli_plan_status(cli, plan, &bridge_resources_apply, err);
    else if (weft_resource_plan_execute(plan, admin, cli_print_done, cli, err) == 0)
        status = CLI_DONE;
    weft_topology_plan_destroy(plan);
    return status;
}

static int connect_and_show(struct cli *cli, bool apply, struct weft_error *err)
{
    const struct weft_pubsub_address address = weft_bridge_address(cli_settings(cli), getenv("PUBSUB_EMULATOR_HOST"));
    struct weft_admin admin = {.patience_ms = weft_settings_integer(cli_settings(cli), "startup.timeout")};
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    int status = -1;
    if (!topology)
        return -1;
    admin.rpc = weft_rpc_new(&address, err);
    if (!admin.rpc)
        goto out;
    admin.arena = weft_arena_new();
    if (!admin.arena) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    status = show(cli, topology, &admin, apply, err);
    if (status < 0 && err->class == WEFT_ERROR_UNAVAILABLE)
        weft_error_prefix(err, "Pub/Sub at %s", address.endpoint);
out:
    weft_arena_destroy(admin.arena);
    weft_rpc_destroy(admin.rpc);
    weft_topology_destroy(topology);
    return status;
}

static int plan_resources(struct cli *cli, struct weft_error *err)
{
    return connect_and_show(cli, false, err);
}

static int apply_resources(struct cli *cli, struct weft_error *err)
{
    return connect_and_show(cli, true, err);
}

static const struct cli_option options[] = {CLI_OPTION_ALLOW, {0, NULL, NULL, NULL}};

const struct cli_command bridge_resources_plan = {
    .name = "resources plan",
    .summary = "show what a topology file would change at Pub/Sub",
    .arguments = "TOPOLOGY",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Compares the topics and subscriptions that the file declares under pubsub with those that\n"
                   "there are, and shows what `weft-bridge resources apply` would do. Changes nothing, and does\n"
                   "not look at what the file does not declare. `weft topology plan` shows the same among what\n"
                   "it has of Kafka and of the registry; its help explains the signs.\n\n"
                   "Exit status: 0 nothing to do, 4 changes wait, 1 it failed or something is refused,\n"
                   "2 wrong use.",
    .example = "weft-bridge resources plan topology.yaml",
    .options = options,
    .uses_settings = true,
    .run = plan_resources,
};

const struct cli_command bridge_resources_apply = {
    .name = "resources apply",
    .summary = "make the topics and subscriptions that a topology file declares",
    .arguments = "TOPOLOGY",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Shows the plan, then makes and changes topics and subscriptions of Pub/Sub accordingly. Never\n"
                   "deletes. Begins nothing when a step is refused. Stops at the first failure; running it again\n"
                   "does the rest.",
    .example = "weft-bridge resources apply topology.yaml -X pubsub.credentials.file=key.json",
    .options = options,
    .uses_settings = true,
    .run = apply_resources,
};
