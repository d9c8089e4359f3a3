/* The commands of weft, one file each (or one for each group). */
#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_run;
extern const struct cli_command cli_send;
extern const struct cli_command cli_listen;
extern const struct cli_command cli_verify;
extern const struct cli_command cli_status;
extern const struct cli_command cli_deadletters_list, cli_deadletters_show, cli_deadletters_redrive;
extern const struct cli_command cli_replay, cli_replay_diff;
extern const struct cli_command cli_topology, cli_topology_check, cli_topology_plan, cli_topology_apply;
extern const struct cli_command cli_topology_describe, cli_topology_graph, cli_topology_export;
extern const struct cli_command cli_schema_list, cli_schema_get, cli_schema_check, cli_schema_diff;
extern const struct cli_command cli_schema_register, cli_schema_compat, cli_schema_delete;
extern const struct cli_command cli_model_train, cli_model_eval, cli_model_predict, cli_model_info, cli_model_list;
extern const struct cli_command cli_model_fetch;
extern const struct cli_command cli_config_show;

#endif
