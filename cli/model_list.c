#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "model/builtin.h"
#include "model/network.h"

static void print_model(const struct cli *cli, const char *path, const struct weft_builtin *model,
                        const struct weft_network_info *info)
{
    const bool is_default = strcmp(path, WEFT_BUILTIN_DEFAULT) == 0;
    if (cli_json(cli)) {
        json_t *fields = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:b}", "model", path, "name", info->name,
                                   "version", info->version, "dataset", info->dataset, "parameters",
                                   (json_int_t)info->parameter_count, "multiply_adds", (json_int_t)info->multiply_adds,
                                   "bytes", (json_int_t)model->size, "sha256", info->sha256, "default", is_default);
        json_object_set_new(fields, "accuracy", info->accuracy >= 0 ? json_real(info->accuracy) : json_null());
        weft_json_print(stdout, fields);
        return;
    }
    char accuracy[16] = "-";
    if (info->accuracy >= 0)
        snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * info->accuracy);
    printf("%-18s %9s %11zu %10.1f M %7zu KB  %s%s\n", path, accuracy, info->parameter_count,
           (double)info->multiply_adds / 1e6, (model->size + 999) / 1000, info->dataset,
           is_default ? " (default)" : "");
}

static int list(struct cli *cli, struct weft_error *err)
{
    const struct weft_builtin *model;
    if (!cli_json(cli))
        printf("%-18s %9s %11s %12s %10s  %s\n", "model", "accuracy", "parameters", "multiply-adds", "size",
               "data set");
    for (size_t i = 0; (model = weft_builtin_at(i)); i++) {
        char path[128];
        snprintf(path, sizeof path, WEFT_BUILTIN_PREFIX "%s", model->name);
        struct weft_network *network = weft_network_load(path, err);
        if (!network)
            return -1;
        print_model(cli, path, model, weft_network_info(network));
        weft_network_destroy(network);
    }
    return CLI_DONE;
}

const struct cli_command cli_model_list = {
    .name = "model list",
    .summary = "list the models in the program",
    .arguments = "",
    .description = "Lists the models that are compiled into the program, with their accuracy on the test images of\n"
                   "their data set, their size and what they cost. builtin:NAME names one wherever a model's file\n"
                   "can be named.",
    .example = "weft model list",
    .run = list,
};
