/* What start-up checks have found, as people and programs see it: of `weft run` and `weft-bridge run`. */
#ifndef WEFT_CLI_CHECK_REPORT_H
#define WEFT_CLI_CHECK_REPORT_H

#include <stddef.h>

#include "cli/cli.h"
#include "streams/startup_report.h"

/* Of a start: what is not as it should be goes into the log, with what it is about ("processor predict"). only: its
 * one failure is the error that the command ends with, and not said twice. */
void cli_report_log(struct cli *cli, const char *about, const struct weft_startup_report *report, bool only);

/* Of --check: prints each check; in JSON with a member kind, "processor", that is the name (NULL: null). */
void cli_report_print(struct cli *cli, const char *kind, const char *name, const struct weft_startup_report *report);

/* Prints how many there were in all, and gives the exit status. */
int cli_report_end(struct cli *cli, const struct weft_startup_report *reports, size_t count);

#endif
