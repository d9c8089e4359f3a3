/* The start-up checks of all processors that a command is about, and how they are shown. */
#ifndef WEFT_CLI_RUN_CHECK_H
#define WEFT_CLI_RUN_CHECK_H

#include <stddef.h>

#include "cli/cli.h"
#include "cli/declared.h"

/* Before a start: what is not as it should be goes into the log. 0 when all can start, also with doubts; -1 with *err
 * filled otherwise, with class NONE after a signal. */
int cli_check_start(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err);

/* For `weft run --check`: prints every check and gives the exit status, or -1 as above. */
int cli_check_print(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err);

#endif
