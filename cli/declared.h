/* The processors that a command is about: those of the topology file named as its argument, or the one that the
 * settings alone describe. */
#ifndef WEFT_CLI_DECLARED_H
#define WEFT_CLI_DECLARED_H

#include <stddef.h>

#include "cli/cli.h"

/* The option that picks one of a file's processors. */
#define CLI_OPTION_ONLY                                                                                                \
    {                                                                                                                  \
        0, "only", "NAME", "the processor meant, where the topology file declares several"                             \
    }

struct cli_declared {
    char *name;                     /* "predict" without a file */
    struct weft_settings *settings; /* the command's, and what the file says of this processor */
};

/* The file's processors, or the one that --only names; the caller frees them with cli_declared_destroy. NULL with *err
 * filled otherwise. */
struct cli_declared *cli_declared_all(struct cli *cli, size_t *count, struct weft_error *err);

/* The same where only one can be meant: WEFT_ERROR_USAGE, which names them, when the file has several. */
struct cli_declared *cli_declared_one(struct cli *cli, struct weft_error *err);

/* The same of a file that is not the first argument; NULL: no file. */
struct cli_declared *cli_declared_in(struct cli *cli, const char *path, struct weft_error *err);

void cli_declared_destroy(struct cli_declared *declared, size_t count); /* accepts NULL */

#endif
