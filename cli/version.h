/* The command that every program has. */
#ifndef WEFT_CLI_VERSION_H
#define WEFT_CLI_VERSION_H

#include "cli/cli.h"

extern const struct cli_command cli_version;

#endif
