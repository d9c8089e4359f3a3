/* The commands `weft-bridge resources`, by which `weft topology` knows of Pub/Sub, too. */
#ifndef WEFT_BRIDGE_RESOURCES_H
#define WEFT_BRIDGE_RESOURCES_H

#include "cli/cli.h"

extern const struct cli_command bridge_resources_plan, bridge_resources_apply;

#endif
