/* The processor that a command is about: from the topology file named as its argument, or from the settings alone. */
#ifndef WEFT_CLI_DECLARED_H
#define WEFT_CLI_DECLARED_H

#include "cli/cli.h"

/* The option that picks one of a file's processors; for commands that call cli_declared_processor. */
#define CLI_OPTION_ONLY                                                                                                \
    {                                                                                                                  \
        0, "only", "NAME", "the processor meant, where the topology file declares several"                             \
    }

/* Puts what the topology file (first argument, if any) declares of the processor into the settings. Gives its name, or
 * "predict" without a file; the caller frees it. */
char *cli_declared_processor(struct cli *cli, struct weft_error *err);

#endif
