#include <stdio.h>

#include "cli/commands.h"
#include "topology/export.h"

enum { PATTERNS_MAX = 64 };

static int export_topology(struct cli *cli, struct weft_error *err)
{
    const char *patterns[PATTERNS_MAX], *name = cli_option(cli, "name");
    struct weft_export export = {
        .name = name ? name : "exported", .patterns = patterns, .schema_folder = cli_option(cli, "schemas")};
    for (const char *text; (text = cli_option_at(cli, "topics", (int)export.pattern_count));
         patterns[export.pattern_count++] = text)
        if (export.pattern_count == PATTERNS_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--topics may be given %d times", PATTERNS_MAX);
    return weft_topology_export(&export, cli_settings(cli), cli_log(cli), stdout, err) == 0 ? CLI_DONE : -1;
}

static const struct cli_option options[] = {
    {0, "topics", "PATTERN",
     "topics, with * and ? as in a shell; may be repeated; without: all that do not begin with _"},
    {0, "schemas", "FOLDER", "write the schemas of the topics' keys and values there, and declare them"},
    {0, "name", "NAME", "name of the topology (exported)"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_topology_export = {
    .name = "topology export",
    .summary = "write a topology file of what a cluster has",
    .arguments = "",
    .description = "Prints a topology file with the cluster's topics, their partitions and what is set for\n"
                   "them, to start from: `weft topology plan` finds nothing to do with it. The output is\n"
                   "the file, with --json too; errors are JSON then.",
    .example = "weft topology export --topics '*_predict*' --schemas schemas > predict.yaml",
    .options = options,
    .uses_settings = true,
    .run = export_topology,
};
