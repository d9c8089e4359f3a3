#include <stdio.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/declared.h"

static int print_row(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    (void)arg;
    (void)err;
    if (value)
        printf("%-32s %-32s %s\n", name, value, where ? where : "default");
    return 0;
}

static int add_json(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    json_t *row = json_pack("{s:s,s:s?,s:s}", "name", name, "value", value, "from", where ? where : "default");
    if (row && json_array_append_new(arg, row) == 0)
        return 0;
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

static int show_one(const struct cli *cli, const struct cli_declared *declared, struct weft_error *err)
{
    if (!cli_json(cli))
        return weft_settings_show(declared->settings, print_row, NULL, err);
    json_t *rows = json_array();
    if (!rows)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (weft_settings_show(declared->settings, add_json, rows, err) != 0) {
        json_decref(rows);
        return -1;
    }
    weft_json_print(stdout, json_pack("{s:s,s:o}", "processor", declared->name, "settings", rows));
    return 0;
}

static int show(struct cli *cli, struct weft_error *err)
{
    size_t count;
    int status = -1;
    struct cli_declared *declared = cli_declared_all(cli, &count, err);
    if (!declared)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (count > 1 && !cli_json(cli))
            printf("%s# processor %s\n", i ? "\n" : "", declared[i].name);
        if (show_one(cli, &declared[i], err) != 0)
            goto out;
    }
    status = CLI_DONE;
out:
    cli_declared_destroy(declared, count);
    return status;
}

const struct cli_command cli_config_show = {
    .name = "config show",
    .summary = "show each setting that holds, and where it comes from",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Shows the settings that `weft run` with the same file and options would run with: name,\n"
                   "value, and the place that it comes from: an option, a variable, a line of a file, or the\n"
                   "default. Settings without a value are left out; secrets are hidden. Of the Kafka client's\n"
                   "settings those are shown that are set.",
    .example = "weft config show topology/predict.yaml -F weft.properties",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = show,
};
