#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_main.h"

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
    fprintf(out, "Usage: %s %s [OPTION]...%s%s\n\n%s\n", cli_program.name, command->name,
            command->arguments[0] ? " " : "", command->arguments, command->description);
    fputs("\nOptions:\n", out);
    print_options(out, command->options);
    if (command->uses_settings)
        print_options(out, cli_settings_options);
    print_options(out, cli_common_options);
    fputs("\nExamples:\n", out);
    for (const char *line = command->example; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

void cli_print_overview(FILE *out)
{
    const char *name = cli_program.name;
    fprintf(out, "Usage: %s COMMAND [OPTION]... [ARGUMENT]...\n\n%s\n\nCommands:\n", name, cli_program.description);
    for (size_t i = 0; cli_program.commands[i]; i++)
        fprintf(out, "  %-18s %s\n", cli_program.commands[i]->name, cli_program.commands[i]->summary);
    fprintf(out,
            "\n`%s COMMAND --help` explains a command, `%s help settings` lists the settings.\n"
            "Exit status: 0 done, 1 it failed, 2 wrong use; `%s run` ends with 3 when it should\n"
            "be started again.\n",
            name, name, name);
}

bool cli_print_group(FILE *out, const char *word, bool json)
{
    bool any = false;
    const size_t length = strlen(word);
    for (size_t i = 0; cli_program.commands[i]; i++) {
        const struct cli_command *command = cli_program.commands[i];
        if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ')
            continue;
        any = true;
        if (json)
            weft_json_print(out, json_pack("{s:s,s:s}", "command", command->name, "summary", command->summary));
        else
            fprintf(out, "  %s %-20s %s\n", cli_program.name, command->name, command->summary);
    }
    return any;
}

void cli_print_settings(FILE *out)
{
    const struct weft_setting *const *tables = cli_program.settings;
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
