#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_main.h"

enum { OPTIONS_MAX = 64, VALUES_MAX = 256, FIRST_LONG = 256 };

const struct cli_option cli_common_options[] = {
    {0, "json", NULL, "print one JSON object per line, errors included"},
    {'v', "verbose", NULL, "log more (log.level=debug)"},
    {'q', "quiet", NULL, "log warnings and errors only (log.level=warn)"},
    {'h', "help", NULL, "show this help"},
    {0, NULL, NULL, NULL},
};

const struct cli_option cli_settings_options[] = {
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
            return weft_error_set(err, WEFT_ERROR_USAGE, "option %s needs a value: see `%s %s --help`", given,
                                  cli_program.name, cli->command->name);
        const struct cli_option *option = NULL;
        for (size_t i = 0; i < cli->option_count; i++)
            if (c == FIRST_LONG + (int)i || (cli->options[i]->letter && c == cli->options[i]->letter))
                option = cli->options[i];
        if (!option)
            return weft_error_set(err, WEFT_ERROR_USAGE, "unknown option %s: see `%s %s --help`", given,
                                  cli_program.name, cli->command->name);
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
        return weft_error_set(err, WEFT_ERROR_USAGE, "too few arguments: %s %s %s", cli_program.name, command->name,
                              command->arguments);
    if (command->arguments_max >= 0 && cli->argument_count > command->arguments_max)
        return weft_error_set(err, WEFT_ERROR_USAGE, "unexpected argument '%s': %s %s %s",
                              cli->arguments[command->arguments_max], cli_program.name, command->name,
                              command->arguments);
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

struct cli *cli_new(const struct cli_command *command, int argc, char **argv,
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
        add_options(cli, cli_settings_options);
    add_options(cli, cli_common_options);
    int parsed = parse(cli, argc, argv, err);
    *json = cli_flag(cli, "json");
    *help = cli_flag(cli, "help");
    if (parsed != 0 || *help || check_arguments(cli, err) != 0)
        goto fail;
    cli->settings = weft_settings_new(cli_program.settings, dialect, err);
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
