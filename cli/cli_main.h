/* Parsing of a command line and printing of help: what dispatch.c needs beside cli.h. */
#ifndef WEFT_CLI_CLI_MAIN_H
#define WEFT_CLI_CLI_MAIN_H

#include <stdio.h>

#include "cli/cli.h"

/* The options of every command, and of those that take settings. */
extern const struct cli_option cli_common_options[], cli_settings_options[];

/* Parses argv (without program and command words) for the command, fills settings from -F, environment and -X, and
 * makes the log. dialect as for weft_settings_new. NULL on failure; *help is set when --help was asked for. *json is
 * set as soon as --json is seen, so that errors can be printed accordingly. */
struct cli *cli_new(const struct cli_command *command, int argc, char **argv,
                    const struct weft_settings_dialect *dialect, bool *help, bool *json, struct weft_error *err);
void cli_destroy(struct cli *cli); /* accepts NULL */

void cli_print_help(FILE *out, const struct cli_command *command);
void cli_print_overview(FILE *out);
void cli_print_settings(FILE *out);

/* Settings of the program itself: log.level, log.format. */
extern const struct weft_setting cli_log_settings[];

#endif
