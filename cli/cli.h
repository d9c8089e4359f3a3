/* What every command of weft shares: its description, its parsed command line, its settings and its log.
 *
 * A command is data (names, help, options) and one function that parses, calls a room and prints; it holds no logic of
 * its own. --help, the man pages and the shell completion are made from this data. */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_WRONG_USE = 2, CLI_RESTART = 3 };

struct cli;

struct cli_option {
    char letter;      /* 0: none */
    const char *name; /* the long name; NULL ends a list */
    const char *arg;  /* what stands for its value in the help; NULL: a flag */
    const char *help;
};

struct cli_command {
    const char *name; /* one or two words: "run", "model train" */
    const char *summary;
    const char *arguments;            /* "MODEL IMAGE...", or "" */
    int arguments_min, arguments_max; /* -1: any number */
    const char *description;          /* paragraphs for --help */
    const char *example;              /* one or more lines */
    const struct cli_option *options;
    bool uses_settings; /* takes -X and -F, reads WEFT_* */
    /* Gives the exit status, or -1 with *err filled. */
    int (*run)(struct cli *cli, struct weft_error *err);
};

/* Positional arguments. */
int cli_argument_count(const struct cli *cli);
const char *cli_argument(const struct cli *cli, int index); /* NULL past the last */

/* The value of an option (the last, when given several times), or NULL; for a flag "" or NULL. */
const char *cli_option(const struct cli *cli, const char *name);
/* The index-th value of an option that may be given several times, or NULL. */
const char *cli_option_at(const struct cli *cli, const char *name, int index);
bool cli_flag(const struct cli *cli, const char *name);
/* A whole number from min to max, or fallback when the option is not given; WEFT_ERROR_USAGE otherwise. */
int cli_integer(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *value,
                struct weft_error *err);
/* The same for a decimal number. */
int cli_number(const struct cli *cli, const char *name, double min, double max, double fallback, double *value,
               struct weft_error *err);

bool cli_json(const struct cli *cli);                      /* --json */
struct weft_settings *cli_settings(const struct cli *cli); /* of commands with uses_settings */
struct weft_log *cli_log(const struct cli *cli);

/* From now on SIGINT and SIGTERM no longer end the process but are given by cli_signal. */
void cli_catch_signals(void);
/* Waits up to timeout_ms for SIGINT or SIGTERM and gives its number, or 0; with timeout_ms 0 only looks. */
int cli_signal(int timeout_ms);
/* Whether one has come at all, given by cli_signal or not; arg is not used. For long work that asks now and then. */
bool cli_stopped(void *arg);

/* From now on SIGHUP no longer ends the process; whether one has come since the last call. */
void cli_catch_reload(void);
bool cli_reload_asked(void);
/* Once SIGINT or SIGTERM has come, the process ends with CLI_RESTART after so many seconds, whatever it does. */
void cli_leave_within(unsigned seconds);

/* Prints the commands that begin with the word, as "schema"; false when there are none. */
bool cli_print_group(FILE *out, const char *word, bool json);

/* What a program is made of, beside what it shares with others. */
struct cli_program {
    const char *name;
    const char *description;                    /* some lines for its help */
    const struct cli_command *const *commands;  /* in the order of the help; NULL-terminated */
    const struct weft_setting *const *settings; /* tables; NULL-terminated */
};

/* Of the program that is running; defined beside its main. */
extern const struct cli_program cli_program;

/* The whole of main: finds the command, runs it, says what went wrong. Gives the exit status. */
int cli_main(int argc, char **argv);

#endif
