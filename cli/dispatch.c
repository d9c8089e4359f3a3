#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/json.h"
#include "cli/cli_main.h"
#include "cli/version.h"
#include "streams/kafka_settings.h"

/* Finds the command named by the first one or two words and says how many they are. */
static const struct cli_command *find_command(int argc, char **argv, int *words)
{
    for (*words = 2; *words >= 1; --*words) {
        if (argc < *words)
            continue;
        char name[64];
        snprintf(name, sizeof name, *words == 2 ? "%s %s" : "%s", argv[0], argc > 1 ? argv[1] : "");
        for (size_t i = 0; cli_program.commands[i]; i++)
            if (strcmp(cli_program.commands[i]->name, name) == 0)
                return cli_program.commands[i];
    }
    return NULL;
}

static int fail(const struct weft_error *err, bool json)
{
    if (json)
        weft_json_print_error(stdout, err);
    else
        fprintf(stderr, "%s: %s\n", cli_program.name, err->message);
    bool wrong_use = err->class == WEFT_ERROR_USAGE || err->class == WEFT_ERROR_CONFIG;
    return wrong_use ? CLI_WRONG_USE : CLI_FAILED;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int help(int argc, char **argv)
{
    int words;
    const struct cli_command *command = find_command(argc, argv, &words);
    if (argc == 1 && strcmp(argv[0], "settings") == 0)
        cli_print_settings(stdout);
    else if (command && words == argc)
        cli_print_help(stdout, command);
    else if (argc == 0)
        cli_print_overview(stdout);
    else {
        fprintf(stderr, "%s: no help on '%s': see `%s help`\n", cli_program.name, argv[0], cli_program.name);
        return CLI_WRONG_USE;
    }
    return CLI_DONE;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct weft_error err = {0};
    bool json = false, asked_for_help = false;
    int status = -1;
    struct cli *cli = NULL;
    struct weft_kafka_names *names = weft_kafka_names_new(&err);
    if (names)
        cli = cli_new(command, argc, argv, weft_kafka_names_dialect(names), &asked_for_help, &json, &err);
    if (cli)
        status = command->run(cli, &err);
    if (asked_for_help && !cli) {
        cli_print_help(stdout, command);
        status = CLI_DONE;
    } else if (status < 0) {
        status = fail(&err, json);
    }
    cli_destroy(cli);
    weft_kafka_names_destroy(names);
    return status;
}

int cli_main(int argc, char **argv)
{
    /* Each of glibc's arenas keeps its own high-water mark; two are enough and keep the process small. */
    mallopt(M_ARENA_MAX, 2);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int words, status;
    const struct cli_command *command = argc > 1 ? find_command(argc - 1, argv + 1, &words) : NULL;
    if (argc < 2) {
        cli_print_overview(stderr);
        status = CLI_WRONG_USE;
    } else if (command) {
        /* getopt takes the word before the options for the program's name. */
        status = run(command, argc - words, argv + words);
    } else if (strcmp(argv[1], "help") == 0) {
        status = help(argc - 2, argv + 2);
    } else if (asks_for_help(argv[1])) {
        status = help(0, NULL);
    } else if (strcmp(argv[1], "--version") == 0) {
        status = run(&cli_version, 1, argv + 1);
    } else if (strcmp(argv[1], "__commands") == 0) {
        for (size_t i = 0; cli_program.commands[i]; i++)
            puts(cli_program.commands[i]->name);
        status = CLI_DONE;
    } else if (argc == 3 && asks_for_help(argv[2]) && cli_print_group(stdout, argv[1], false)) {
        status = CLI_DONE;
    } else {
        /* The first word of several commands alone shows them. */
        if (argc > 2 || !cli_print_group(stdout, argv[1], false))
            fprintf(stderr, "%s: no command '%s%s%s': see `%s help`\n", cli_program.name, argv[1], argc > 2 ? " " : "",
                    argc > 2 ? argv[2] : "", cli_program.name);
        status = CLI_WRONG_USE;
    }
    /* An earlier flush may have failed already. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE) {
        fprintf(stderr, "%s: the output could not be written\n", cli_program.name);
        status = CLI_FAILED;
    }
    curl_global_cleanup();
    return status;
}
