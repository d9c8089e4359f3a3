#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/schema_references.h"
#include "schemas/compatibility.h"
#include "schemas/registry_settings.h"
#include "schemas/schema_file.h"

static struct weft_registry *connect(struct cli *cli, struct weft_error *err)
{
    return weft_registry_from_settings(cli_settings(cli), err);
}

static int list_subject(struct cli *cli, struct weft_registry *registry, const char *subject, struct weft_error *err)
{
    struct weft_registry_schema schema;
    bool found;
    int *versions;
    size_t count;
    int status = -1;
    if (weft_registry_versions(registry, subject, &versions, &count, err) != 0)
        return -1;
    if (count == 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no subject %s", subject);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (weft_registry_version(registry, subject, versions[i], &schema, &found, err) != 0)
            goto out;
        if (found && cli_json(cli))
            weft_json_print(stdout, json_pack("{s:s,s:i,s:I,s:s}", "subject", subject, "version", versions[i], "id",
                                              (json_int_t)schema.id, "schema", schema.schema));
        else if (found)
            printf("version %d  id %" PRIu32 "\n", versions[i], schema.id);
        weft_registry_schema_clear(&schema);
    }
    status = CLI_DONE;
out:
    free(versions);
    return status;
}

static int list_subjects(struct cli *cli, struct weft_registry *registry, struct weft_error *err)
{
    struct weft_registry_subjects subjects;
    int status = -1;
    if (weft_registry_subjects(registry, &subjects, err) != 0)
        return -1;
    int width = 0;
    for (size_t i = 0; i < subjects.count; i++)
        if ((int)strlen(subjects.names[i]) > width)
            width = (int)strlen(subjects.names[i]);
    for (size_t i = 0; i < subjects.count; i++) {
        struct weft_registry_schema latest;
        bool found;
        if (weft_registry_latest(registry, subjects.names[i], &latest, &found, err) != 0)
            goto out;
        if (found && cli_json(cli))
            weft_json_print(stdout, json_pack("{s:s,s:i,s:I}", "subject", subjects.names[i], "version", latest.version,
                                              "id", (json_int_t)latest.id));
        else if (found)
            printf("%-*s  version %d  id %" PRIu32 "\n", width, subjects.names[i], latest.version, latest.id);
        weft_registry_schema_clear(&latest);
    }
    status = CLI_DONE;
out:
    weft_registry_subjects_clear(&subjects);
    return status;
}

static int list(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    struct weft_registry *registry = connect(cli, err);
    if (!registry)
        return -1;
    int status = subject ? list_subject(cli, registry, subject, err) : list_subjects(cli, registry, err);
    weft_registry_destroy(registry);
    return status;
}

static int register_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    int status = -1;
    uint32_t id;
    struct weft_registry *registry = NULL;
    struct cli_schema_references references = {0};
    char *schema = weft_schema_file_read(cli_argument(cli, 1), err);
    if (!schema || cli_schema_references_read(cli, &references, err) != 0 || !(registry = connect(cli, err)))
        goto out;
    if (weft_registry_register_with(registry, subject, schema, references.list, references.count, &id, err) != 0)
        goto out;
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:I}", "subject", subject, "id", (json_int_t)id));
    else
        printf("%s: id %" PRIu32 "\n", subject, id);
    status = CLI_DONE;
out:
    cli_schema_references_clear(&references);
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

static int get_version(struct cli *cli, struct weft_registry *registry, const char *subject, int version,
                       struct weft_error *err)
{
    bool found;
    struct weft_registry_schema schema = {0};
    int asked = version ? weft_registry_version(registry, subject, version, &schema, &found, err)
                        : weft_registry_latest(registry, subject, &schema, &found, err);
    if (asked != 0)
        return -1;
    if (!found && version)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no version %d of %s", version, subject);
    if (!found)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no subject %s", subject);
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:i,s:I,s:s}", "subject", subject, "version", schema.version, "id",
                                          (json_int_t)schema.id, "schema", schema.schema));
    else
        puts(schema.schema);
    weft_registry_schema_clear(&schema);
    return CLI_DONE;
}

static int get_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    int64_t id, version;
    if (cli_integer(cli, "id", 0, UINT32_MAX, -1, &id, err) != 0 ||
        cli_integer(cli, "version", 1, INT32_MAX, 0, &version, err) != 0)
        return -1;
    if ((id >= 0) == (subject != NULL) || (version && !subject))
        return weft_error_set(err, WEFT_ERROR_USAGE, "name either a subject or an id: see `weft schema get --help`");
    struct weft_registry *registry = connect(cli, err);
    if (!registry)
        return -1;
    int status = subject ? get_version(cli, registry, subject, (int)version, err) : get_by_id(cli, registry, id, err);
    weft_registry_destroy(registry);
    return status;
}

/* A registry deletes for good only what it has deleted before. */
static int delete_twice(struct weft_registry *registry, const char *subject, int version, bool permanent, bool *found,
                        struct weft_error *err)
{
    bool hidden = false;
    if (weft_registry_delete(registry, subject, version, false, found, err) != 0)
        return -1;
    if (permanent && weft_registry_delete(registry, subject, version, true, &hidden, err) != 0)
        return -1;
    *found = *found || hidden;
    return 0;
}

static int delete_schema(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_argument(cli, 0);
    bool found, permanent = cli_flag(cli, "permanent");
    int64_t version;
    if (cli_integer(cli, "version", 1, INT32_MAX, 0, &version, err) != 0)
        return -1;
    if (!cli_flag(cli, "yes"))
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "deleting takes schemas from others%s: repeat the command with --yes",
                              permanent ? " for good, and makes messages that carry their ids unreadable" : "");
    struct weft_registry *registry = connect(cli, err);
    if (!registry)
        return -1;
    int status = -1;
    if (delete_twice(registry, subject, (int)version, permanent, &found, err) != 0)
        goto out;
    if (!found) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "there is nothing to delete under %s", subject);
        goto out;
    }
    char what[32] = "all versions";
    if (version)
        snprintf(what, sizeof what, "version %d", (int)version);
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:s,s:o,s:b}", "subject", subject, "version",
                                          version ? json_integer(version) : json_null(), "permanent", permanent));
    else
        printf("%s: deleted %s%s\n", subject, what, permanent ? " for good" : "");
    status = CLI_DONE;
out:
    weft_registry_destroy(registry);
    return status;
}

/* compat SUBJECT [LEVEL], or compat --global [LEVEL]. */
static int compat(struct cli *cli, struct weft_error *err)
{
    bool global = cli_flag(cli, "global");
    const char *subject = global ? NULL : cli_argument(cli, 0), *name = cli_argument(cli, global ? 0 : 1);
    enum weft_compatibility_level level;
    char set[WEFT_REGISTRY_LEVEL_SIZE] = "", now[WEFT_REGISTRY_LEVEL_SIZE] = "", all[WEFT_REGISTRY_LEVEL_SIZE] = "";
    int status = -1;
    if ((!global && !subject) || (global && cli_argument_count(cli) > 1))
        return weft_error_set(err, WEFT_ERROR_USAGE, "name a subject or say --global: see `weft schema compat --help`");
    if (name && weft_compatibility_level_parse(name, &level, err) != 0)
        return -1;
    struct weft_registry *registry = connect(cli, err);
    if (!registry)
        return -1;
    if (name && weft_registry_set_compatibility(registry, subject, weft_compatibility_level_name(level), err) != 0)
        goto out;
    if (weft_registry_get_compatibility(registry, subject, set, err) != 0 ||
        weft_registry_effective_compatibility(registry, subject, now, err) != 0 ||
        weft_registry_get_compatibility(registry, NULL, all, err) != 0)
        goto out;
    bool inherited = strcmp(set, now) != 0;
    if (cli_json(cli)) {
        json_t *out_json =
            json_pack("{s:s?,s:s,s:b}", "subject", subject, "compatibility", now, "inherited", inherited);
        if (!global)
            json_object_set_new(out_json, "global", json_string(all));
        weft_json_print(stdout, out_json);
    } else if (strcmp(now, "NONE") == 0 && strcmp(all, "NONE") != 0) {
        printf("%s: NONE, which with Apicurio 2 means the level of all subjects: %s\n", subject, all);
    } else {
        printf("%s: %s%s\n", subject ? subject : "all subjects", now,
               inherited ? ", which is the level of all subjects" : "");
    }
    status = CLI_DONE;
out:
    weft_registry_destroy(registry);
    return status;
}

static const struct cli_option get_options[] = {
    {0, "id", "N", "the schema with this id, as it stands at the head of each message"},
    {0, "version", "N", "this version of the subject, not the latest"},
    {0, NULL, NULL, NULL},
};

static const struct cli_option register_options[] = {
    CLI_OPTION_REFERENCE,
    {0, NULL, NULL, NULL},
};

static const struct cli_option delete_options[] = {
    {0, "version", "N", "only this version"},
    {0, "permanent", NULL, "for good: it cannot be had back, and its id is forgotten"},
    {0, "yes", NULL, "really do it"},
    {0, NULL, NULL, NULL},
};

static const struct cli_option compat_options[] = {
    {0, "global", NULL, "the level of all subjects that have none of their own"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_schema_list = {
    .name = "schema list",
    .summary = "list the registry's subjects, or the versions of one",
    .arguments = "[SUBJECT]",
    .arguments_min = 0,
    .arguments_max = 1,
    .description = "Prints each subject with its latest version and the id of its schema; of one subject\n"
                   "each version. With --json the versions come with their schemas.",
    .example = "weft schema list\nweft schema list req_predict-value --json",
    .uses_settings = true,
    .run = list,
};

const struct cli_command cli_schema_register = {
    .name = "schema register",
    .summary = "register a schema under a subject",
    .arguments = "SUBJECT FILE",
    .arguments_min = 2,
    .arguments_max = 2,
    .description = "Registers the Avro schema in FILE as the newest version of the subject, or finds it\n"
                   "there, and prints its id. The registry refuses what is not compatible with the versions\n"
                   "before: `weft schema check` says why. A topic's values have the subject <topic>-value,\n"
                   "unless value.subject.name.strategy says otherwise.",
    .example = "weft schema register req_predict-value schemas/predict_request.avsc \\\n"
               "  -X schema.registry.url=http://localhost:8081",
    .options = register_options,
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
                   "it; by its id with the schemas that it refers to put in their places. With --json also\n"
                   "its id and version.",
    .example = "weft schema get req_predict-value\nweft schema get --id 7 --json",
    .options = get_options,
    .uses_settings = true,
    .run = get_schema,
};

const struct cli_command cli_schema_delete = {
    .name = "schema delete",
    .summary = "delete a subject or one of its versions",
    .arguments = "SUBJECT",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Hides the subject, or one version, from those who look for it; messages that carry its id\n"
                   "can still be read. With --permanent the registry forgets it, and they cannot. Nothing is\n"
                   "deleted without --yes, nor what another schema refers to.",
    .example = "weft schema delete req_predict-value --version 3 --yes",
    .options = delete_options,
    .uses_settings = true,
    .run = delete_schema,
};

const struct cli_command cli_schema_compat = {
    .name = "schema compat",
    .summary = "show or set the compatibility level of a subject",
    .arguments = "[SUBJECT] [LEVEL]",
    .arguments_min = 0,
    .arguments_max = 2,
    .description = "Prints the level by which the registry judges a subject's next version, and with LEVEL\n"
                   "sets it first: NONE, BACKWARD (new readers read old messages), FORWARD (old readers read\n"
                   "new messages), FULL (both), and the last three with _TRANSITIVE: against all versions\n"
                   "and not the latest alone.",
    .example = "weft schema compat req_predict-value\nweft schema compat req_predict-value FULL_TRANSITIVE",
    .options = compat_options,
    .uses_settings = true,
    .run = compat,
};
