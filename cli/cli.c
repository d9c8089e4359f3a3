#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli_main.h"

enum { OPTIONS_MAX = 64, VALUES_MAX = 256, FIRST_LONG = 256 };

static const struct cli_option common_options[] = {
    {0, "json", NULL, "print one JSON object per line, errors included"},
    {'v', "verbose", NULL, "log more (log.level=debug)"},
    {'q', "quiet", NULL, "log warnings and errors only (log.level=warn)"},
    {'h', "help", NULL, "show this help"},
    {0, NULL, NULL, NULL},
};

static const struct cli_option settings_options[] = {
    {'X', "set", "NAME=VALUE", "set a setting; may be repeated; see `weft help settings`"},
    {'F', "settings", "FILE", "read settings from a file of name=value lines"},
    {0, NULL, NULL, NULL},
};

const struct weft_setting cli_log_settings[] = {
    {"log.level", WEFT_SETTING_CHOICE, "info", 0, 0, "error|warn|info|debug", false, "what is logged on stderr"},
    {"log.format", WEFT_SETTING_CHOICE, "logfmt", 0, 0, "logfmt|json", false, "form of the log's lines"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};

struct value {
    const struct cli_option *option;
    const char *text;
};

struct cli {
    const struct cli_command *command;
    const struct cli_option *options[OPTIONS_MAX]; /* the command's and the common ones */
    size_t option_count;
    struct value values[VALUES_MAX];
    size_t value_count;
    char **arguments;
    int argument_count;
    struct weft_settings *settings;
    struct weft_log *log;
};

static void add_options(struct cli *cli, const struct cli_option *options)
{
    for (; options && options->name && cli->option_count < OPTIONS_MAX; options++)
        cli->options[cli->option_count++] = options;
}

static int parse(struct cli *cli, int argc, char **argv, struct weft_error *err)
{
    struct option longs[OPTIONS_MAX + 1] = {0};
    char shorts[2 * OPTIONS_MAX + 2] = ":"; /* the colon: a missing value is told apart from an unknown option */
    size_t n = 1;
    for (size_t i = 0; i < cli->option_count; i++) {
        const struct cli_option *option = cli->options[i];
        longs[i] =
            (struct option){option->name, option->arg ? required_argument : no_argument, NULL, FIRST_LONG + (int)i};
        if (option->letter) {
            shorts[n++] = option->letter;
            if (option->arg)
                shorts[n++] = ':';
        }
    }
    opterr = 0;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (c == ':')
            return weft_error_set(err, WEFT_ERROR_USAGE, "option %s needs a value: see `weft %s --help`", given,
                                  cli->command->name);
        const struct cli_option *option = NULL;
        for (size_t i = 0; i < cli->option_count; i++)
            if (c == FIRST_LONG + (int)i || (cli->options[i]->letter && c == cli->options[i]->letter))
                option = cli->options[i];
        if (!option)
            return weft_error_set(err, WEFT_ERROR_USAGE, "unknown option %s: see `weft %s --help`", given,
                                  cli->command->name);
        if (cli->value_count == VALUES_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "too many options");
        cli->values[cli->value_count++] = (struct value){option, optarg ? optarg : ""};
    }
    cli->arguments = argv + optind;
    cli->argument_count = argc - optind;
    return 0;
}

static int check_arguments(const struct cli *cli, struct weft_error *err)
{
    const struct cli_command *command = cli->command;
    if (cli->argument_count < command->arguments_min)
        return weft_error_set(err, WEFT_ERROR_USAGE, "too few arguments: weft %s %s", command->name,
                              command->arguments);
    if (command->arguments_max >= 0 && cli->argument_count > command->arguments_max)
        return weft_error_set(err, WEFT_ERROR_USAGE, "unexpected argument '%s': weft %s %s",
                              cli->arguments[command->arguments_max], command->name, command->arguments);
    return 0;
}

static int read_settings(struct cli *cli, struct weft_error *err)
{
    const char *text;
    for (int i = 0; (text = cli_option_at(cli, "settings", i)); i++)
        if (weft_settings_set_file(cli->settings, text, err) != 0)
            return -1;
    if (weft_settings_set_environment(cli->settings, environ, err) != 0)
        return -1;
    for (int i = 0; (text = cli_option_at(cli, "set", i)); i++)
        if (weft_settings_set_option(cli->settings, text, err) != 0)
            return -1;
    return 0;
}

static enum weft_log_level log_level(const struct cli *cli)
{
    if (cli_flag(cli, "verbose"))
        return WEFT_LOG_DEBUG;
    if (cli_flag(cli, "quiet"))
        return WEFT_LOG_WARN;
    const char *name = weft_settings_text(cli->settings, "log.level");
    if (strcmp(name, "error") == 0)
        return WEFT_LOG_ERROR;
    if (strcmp(name, "warn") == 0)
        return WEFT_LOG_WARN;
    return strcmp(name, "debug") == 0 ? WEFT_LOG_DEBUG : WEFT_LOG_INFO;
}

struct cli *cli_new(const struct cli_command *command, int argc, char **argv, const struct weft_setting *const *tables,
                    const struct weft_settings_dialect *dialect, bool *help, bool *json, struct weft_error *err)
{
    struct cli *cli = calloc(1, sizeof *cli);
    if (!cli) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    cli->command = command;
    add_options(cli, command->options);
    if (command->uses_settings)
        add_options(cli, settings_options);
    add_options(cli, common_options);
    int parsed = parse(cli, argc, argv, err);
    *json = cli_flag(cli, "json");
    *help = cli_flag(cli, "help");
    if (parsed != 0 || *help || check_arguments(cli, err) != 0)
        goto fail;
    cli->settings = weft_settings_new(tables, dialect, err);
    if (!cli->settings || (command->uses_settings && read_settings(cli, err) != 0))
        goto fail;
    bool as_json = strcmp(weft_settings_text(cli->settings, "log.format"), "json") == 0;
    cli->log = weft_log_new(STDERR_FILENO, log_level(cli), as_json ? WEFT_LOG_JSON : WEFT_LOG_LOGFMT);
    if (!cli->log) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    return cli;
fail:
    cli_destroy(cli);
    return NULL;
}

void cli_destroy(struct cli *cli)
{
    if (!cli)
        return;
    weft_log_destroy(cli->log);
    weft_settings_destroy(cli->settings);
    free(cli);
}

int cli_argument_count(const struct cli *cli)
{
    return cli->argument_count;
}

const char *cli_argument(const struct cli *cli, int index)
{
    return index < cli->argument_count ? cli->arguments[index] : NULL;
}

const char *cli_option_at(const struct cli *cli, const char *name, int index)
{
    for (size_t i = 0; i < cli->value_count; i++)
        if (strcmp(cli->values[i].option->name, name) == 0 && index-- == 0)
            return cli->values[i].text;
    return NULL;
}

const char *cli_option(const struct cli *cli, const char *name)
{
    const char *last = NULL, *next;
    for (int i = 0; (next = cli_option_at(cli, name, i)); i++)
        last = next;
    return last;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_option(cli, name) != NULL;
}

int cli_integer(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *value,
                struct weft_error *err)
{
    const char *text = cli_option(cli, name);
    *value = fallback;
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < min || number > max)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "--%s is '%s': it must be a whole number from %" PRId64 " to %" PRId64, name, text, min,
                              max);
    *value = number;
    return 0;
}

int cli_number(const struct cli *cli, const char *name, double min, double max, double fallback, double *value,
               struct weft_error *err)
{
    const char *text = cli_option(cli, name);
    *value = fallback;
    if (!text)
        return 0;
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || number < min || number > max)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--%s is '%s': it must be a number from %g to %g", name, text, min,
                              max);
    *value = number;
    return 0;
}

bool cli_json(const struct cli *cli)
{
    return cli_flag(cli, "json");
}

struct weft_settings *cli_settings(const struct cli *cli)
{
    return cli->settings;
}

struct weft_log *cli_log(const struct cli *cli)
{
    return cli->log;
}

/* A signal handler reaches nothing but globals: the one exception to having none. */
static volatile sig_atomic_t caught_signal, caught_count;
static sig_atomic_t given_count; /* how many of them cli_signal has given */

static void on_signal(int number)
{
    caught_signal = number;
    caught_count++;
}

void cli_catch_signals(void)
{
    /* A handler, not a blocked signal with sigwait: libraries start threads before main (OpenBLAS does), and one that
     * does not block the signal would end the process. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_signal(int timeout_ms)
{
    enum { SLICE_MS = 100 };
    /* Another thread may have run the handler, so the sleep must not rely on being interrupted. */
    for (; given_count == caught_count && timeout_ms > 0; timeout_ms -= SLICE_MS)
        weft_clock_sleep_ms(timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS);
    if (given_count == caught_count)
        return 0;
    given_count++;
    return caught_signal;
}

bool cli_stopped(void *arg)
{
    (void)arg;
    return caught_signal != 0;
}

static void print_options(FILE *out, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        int length = 0;
        if (options->letter)
            length = snprintf(left, sizeof left, "-%c, ", options->letter);
        snprintf(left + length, sizeof left - (size_t)length, "--%s%s%s", options->name, options->arg ? " " : "",
                 options->arg ? options->arg : "");
        fprintf(out, "  %-26s %s\n", left, options->help);
    }
}

void cli_print_help(FILE *out, const struct cli_command *command)
{
    fprintf(out, "Usage: weft %s [OPTION]...%s%s\n\n%s\n", command->name, command->arguments[0] ? " " : "",
            command->arguments, command->description);
    fputs("\nOptions:\n", out);
    print_options(out, command->options);
    if (command->uses_settings)
        print_options(out, settings_options);
    print_options(out, common_options);
    fputs("\nExamples:\n", out);
    for (const char *line = command->example; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

void cli_print_overview(FILE *out)
{
    fputs("Usage: weft COMMAND [OPTION]... [ARGUMENT]...\n\n"
          "A Kafka-native stream processor: reads Avro requests from a topic, runs a neural\n"
          "network in the process, writes Avro results to another topic, exactly once.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(out, "  %-18s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\n`weft COMMAND --help` explains a command, `weft help settings` lists the settings.\n"
          "Exit status: 0 done, 1 it failed, 2 wrong use; `weft run` ends with 3 when it should\n"
          "be started again.\n",
          out);
}

bool cli_print_group(FILE *out, const char *word, bool json)
{
    bool any = false;
    const size_t length = strlen(word);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *command = cli_commands[i];
        if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ')
            continue;
        any = true;
        if (json)
            weft_json_print(out, json_pack("{s:s,s:s}", "command", command->name, "summary", command->summary));
        else
            fprintf(out, "  weft %-20s %s\n", command->name, command->summary);
    }
    return any;
}

void cli_print_settings(FILE *out, const struct weft_setting *const *tables)
{
    fputs("Settings, strongest first: -X name=value, environment (WEFT_BATCH_MAX is batch.max),\n"
          "-F FILE, topology file, default. Kafka's are named as in librdkafka's CONFIGURATION.md;\n"
          "consumer. or producer. before a name makes it hold for that client only.\n\n",
          out);
    for (size_t t = 0; tables[t]; t++) {
        for (const struct weft_setting *s = tables[t]; s->name; s++) {
            fprintf(out, "%s", s->name);
            if (s->value)
                fprintf(out, " (%s)", s->value);
            fprintf(out, "\n    %s", s->help);
            if (s->type == WEFT_SETTING_CHOICE)
                fprintf(out, ": %s", s->choices);
            else if (s->type == WEFT_SETTING_INTEGER || s->type == WEFT_SETTING_DURATION)
                fprintf(out, "; %" PRId64 " to %" PRId64 "%s", s->min, s->max,
                        s->type == WEFT_SETTING_DURATION ? " ms" : "");
            fputc('\n', out);
        }
    }
}
