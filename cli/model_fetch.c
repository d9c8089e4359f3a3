#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/commands.h"
#include "model/data/fetch.h"

static const char *outcome_name(enum weft_fetch_outcome outcome)
{
    return outcome == WEFT_FETCH_PRESENT ? "present" : outcome == WEFT_FETCH_RESUMED ? "resumed" : "loaded";
}

static void print_file(void *context, const char *path, uint64_t size, enum weft_fetch_outcome outcome)
{
    const struct cli *cli = context;
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:I,s:s}", "file", path, "bytes", (json_int_t)size, "outcome",
                                          outcome_name(outcome)));
    else
        printf("%s: %" PRIu64 " bytes, %s\n", path, size,
               outcome == WEFT_FETCH_PRESENT   ? "is there already"
               : outcome == WEFT_FETCH_RESUMED ? "resumed and complete"
                                               : "loaded");
    fflush(stdout);
}

static int fetch(struct cli *cli, struct weft_error *err)
{
    char folder[256];
    const struct weft_catalog_entry *entry = weft_catalog_named(cli_argument(cli, 0), err);
    if (!entry)
        return -1;
    const char *output = cli_option(cli, "output");
    snprintf(folder, sizeof folder, "data/%s", entry->key);
    struct weft_fetch_options options = weft_fetch_defaults();
    options.url = cli_option(cli, "url");
    options.file_done = print_file;
    options.context = cli;
    return weft_fetch(entry, output ? output : folder, &options, err) == 0 ? CLI_DONE : -1;
}

static const struct cli_option options[] = {
    {'o', "output", "DIR", "where the files are put (data/NAME)"},
    {0, "url", "URL", "a mirror's folder to load from instead of the official address"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_model_fetch = {
    .name = "model fetch",
    .summary = "download a public data set",
    .arguments = "NAME",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Downloads the files of a data set from its official address and checks them: fashion-mnist.\n"
                   "What an interrupted download left is resumed; files that are there already are kept.",
    .example = "weft model fetch fashion-mnist\n"
               "weft model fetch fashion-mnist --output /srv/fashion-mnist",
    .options = options,
    .run = fetch,
};
