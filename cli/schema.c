#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "schemas/registry_settings.h"
#include "schemas/schema_file.h"

static int register_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    int status = -1;
    uint32_t id;
    struct weft_registry *registry = NULL;
    char *schema = weft_schema_file_read(cli_argument(cli, 1), err);
    if (schema)
        registry = weft_registry_from_settings(cli_settings(cli), err);
    if (!registry || weft_registry_register(registry, subject, schema, &id, err) != 0)
        goto out;
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:I}", "subject", subject, "id", (json_int_t)id));
    else
        printf("%s: id %" PRIu32 "\n", subject, id);
    status = CLI_DONE;
out:
    weft_registry_destroy(registry);
    free(schema);
    return status;
}

static int get_by_id(struct cli *cli, struct weft_registry *registry, int64_t id, struct weft_error *err)
{
    const char *text;
    if (weft_registry_by_id(registry, (uint32_t)id, &text, err) != 0)
        return -1;
    if (!text)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no schema with the id %" PRId64, id);
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:I,s:s}", "id", (json_int_t)id, "schema", text));
    else
        puts(text);
    return CLI_DONE;
}

static int get_latest(struct cli *cli, struct weft_registry *registry, const char *subject, struct weft_error *err)
{
    bool found;
    struct weft_registry_schema latest = {0};
    if (weft_registry_latest(registry, subject, &latest, &found, err) != 0)
        return -1;
    if (!found)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no subject %s", subject);
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:i,s:I,s:s}", "subject", subject, "version", latest.version, "id",
                                          (json_int_t)latest.id, "schema", latest.schema));
    else
        puts(latest.schema);
    weft_registry_schema_clear(&latest);
    return CLI_DONE;
}

static int get_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    int64_t id;
    if (cli_integer(cli, "id", 0, UINT32_MAX, -1, &id, err) != 0)
        return -1;
    if ((id >= 0) == (subject != NULL))
        return weft_error_set(err, WEFT_ERROR_USAGE, "name either a subject or an id: see `weft schema get --help`");
    struct weft_registry *registry = weft_registry_from_settings(cli_settings(cli), err);
    if (!registry)
        return -1;
    int status = subject ? get_latest(cli, registry, subject, err) : get_by_id(cli, registry, id, err);
    weft_registry_destroy(registry);
    return status;
}

static int check_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    int status = -1;
    bool found, compatible = true;
    struct weft_registry_schema latest = {0};
    struct weft_registry *registry = NULL;
    char *schema = weft_schema_file_read(cli_argument(cli, 1), err);
    if (schema)
        registry = weft_registry_from_settings(cli_settings(cli), err);
    if (!registry || weft_registry_latest(registry, subject, &latest, &found, err) != 0 ||
        (found && weft_registry_compatible(registry, subject, schema, &compatible, err) != 0))
        goto out;
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:b,s:i}", "subject", subject, "compatible", compatible, "version",
                                          latest.version));
    else if (found)
        printf("%s: %s with version %d, the latest\n", subject, compatible ? "compatible" : "not compatible",
               latest.version);
    else
        printf("%s: compatible, the subject is new\n", subject);
    status = compatible ? CLI_DONE : CLI_FAILED;
out:
    weft_registry_schema_clear(&latest);
    weft_registry_destroy(registry);
    free(schema);
    return status;
}

static const struct cli_option get_options[] = {
    {0, "id", "N", "the schema with this id, as it stands at the head of each message"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_schema_register = {
    .name = "schema register",
    .summary = "register a schema under a subject",
    .arguments = "SUBJECT FILE",
    .arguments_min = 2,
    .arguments_max = 2,
    .description = "Registers the Avro schema in FILE as the newest version of the subject, or finds it\n"
                   "there, and prints its id. The registry refuses what is not compatible with the versions\n"
                   "before. A topic's values have the subject <topic>-value.",
    .example = "weft schema register req_predict-value schemas/predict_request.avsc \\\n"
               "  -X schema.registry.url=http://localhost:8081",
    .uses_settings = true,
    .run = register_schema,
};

const struct cli_command cli_schema_get = {
    .name = "schema get",
    .summary = "print a schema that the registry has",
    .arguments = "[SUBJECT]",
    .arguments_min = 0,
    .arguments_max = 1,
    .description = "Prints the latest schema of the subject, or the schema with the id, as the registry has\n"
                   "it. With --json also its id and version.",
    .example = "weft schema get req_predict-value\nweft schema get --id 7 --json",
    .options = get_options,
    .uses_settings = true,
    .run = get_schema,
};

const struct cli_command cli_schema_check = {
    .name = "schema check",
    .summary = "ask the registry whether a schema is compatible",
    .arguments = "SUBJECT FILE",
    .arguments_min = 2,
    .arguments_max = 2,
    .description = "Asks the registry whether it would take the Avro schema in FILE as the subject's next\n"
                   "version, by the compatibility level that is set there. Registers nothing.\n\n"
                   "Exit status: 0 compatible, 1 not compatible or it failed, 2 wrong use.",
    .example = "weft schema check req_predict-value new_request.avsc",
    .uses_settings = true,
    .run = check_schema,
};
