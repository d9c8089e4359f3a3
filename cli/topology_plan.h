/* What `weft topology FILE` shares with `weft topology plan FILE`. */
#ifndef WEFT_CLI_TOPOLOGY_PLAN_H
#define WEFT_CLI_TOPOLOGY_PLAN_H

#include "cli/cli.h"

extern const struct cli_option cli_topology_plan_options[];

#endif
