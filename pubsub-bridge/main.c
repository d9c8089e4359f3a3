#include "base/status_server.h"
#include "cli/cli.h"
#include "cli/cli_main.h"
#include "cli/version.h"
#include "pubsub-bridge/bridge_settings.h"
#include "pubsub-bridge/resources.h"
#include "pubsub-bridge/run.h"
#include "schemas/registry_settings.h"
#include "streams/processor_settings.h"
#include "topology/pubsub_settings.h"

static const struct cli_command *const commands[] = {&bridge_run, &bridge_resources_plan, &bridge_resources_apply,
                                                     &cli_version, NULL};

static const struct weft_setting *const settings_tables[] = {weft_bridge_settings,
                                                             weft_pubsub_settings,
                                                             weft_processor_settings,
                                                             weft_registry_settings,
                                                             cli_log_settings,
                                                             weft_status_server_settings,
                                                             NULL};

const struct cli_program cli_program = {
    .name = "weft-bridge",
    .description = "Mirrors Kafka topics to Google Cloud Pub/Sub and back, losing nothing.",
    .commands = commands,
    .settings = settings_tables,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
