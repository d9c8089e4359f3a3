/* The command `weft-bridge run`. */
#ifndef WEFT_BRIDGE_RUN_H
#define WEFT_BRIDGE_RUN_H

#include "cli/cli.h"

extern const struct cli_command bridge_run;

#endif
