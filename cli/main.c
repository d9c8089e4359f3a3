#include "base/status_server.h"
#include "cli/cli_main.h"
#include "cli/commands.h"
#include "cli/version.h"
#include "schemas/registry_settings.h"
#include "streams/kafka_settings.h"
#include "streams/processor_settings.h"
#include "topology/pubsub_settings.h"

static const struct cli_command *const commands[] = {
    &cli_run,
    &cli_send,
    &cli_listen,
    &cli_verify,
    &cli_status,
    &cli_deadletters_list,
    &cli_deadletters_show,
    &cli_deadletters_redrive,
    &cli_replay,
    &cli_replay_diff,
    &cli_topology,
    &cli_topology_check,
    &cli_topology_plan,
    &cli_topology_apply,
    &cli_topology_describe,
    &cli_topology_graph,
    &cli_topology_export,
    &cli_schema_list,
    &cli_schema_get,
    &cli_schema_check,
    &cli_schema_diff,
    &cli_schema_register,
    &cli_schema_compat,
    &cli_schema_delete,
    &cli_model_fetch,
    &cli_model_train,
    &cli_model_eval,
    &cli_model_predict,
    &cli_model_info,
    &cli_model_list,
    &cli_config_show,
    &cli_version,
    NULL,
};

static const struct weft_setting *const settings_tables[] = {weft_processor_settings, weft_registry_settings,
                                                             cli_log_settings,        weft_status_server_settings,
                                                             weft_pubsub_settings,    NULL};

const struct cli_program cli_program = {
    .name = "weft",
    .description = "A Kafka-native stream processor: reads Avro requests from a topic, runs a neural\n"
                   "network in the process, writes Avro results to another topic, exactly once.",
    .commands = commands,
    .settings = settings_tables,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
