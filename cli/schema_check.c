#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/schema_references.h"
#include "schemas/compatibility.h"
#include "schemas/difference.h"
#include "schemas/registry_settings.h"
#include "schemas/schema_file.h"

/* A schema with the name that messages have for it. */
struct named {
    char name[300];
    int version; /* of the subject; 0: a file */
    char *text;
    struct weft_schema *schema;
};

/* What a schema is compared with. */
struct history {
    struct named *at;
    size_t count;
};

static void clear(struct named *named)
{
    free(named->text);
    weft_schema_destroy(named->schema);
}

static void clear_history(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        clear(&history->at[i]);
    free(history->at);
}

static int parse(struct named *named, const char *text, struct weft_error *err)
{
    named->schema = weft_schema_parse(text, err);
    return named->schema ? 0 : weft_error_prefix(err, "%s is no Avro schema", named->name);
}

static int read_file(const char *path, struct named *out, struct weft_error *err)
{
    *out = (struct named){0};
    snprintf(out->name, sizeof out->name, "%.290s", path);
    out->text = weft_schema_file_read(path, err);
    if (!out->text)
        return -1;
    if (parse(out, out->text, err) == 0)
        return 0;
    err->class = WEFT_ERROR_CONFIG;
    return -1;
}

/* version 0: the latest. */
static int fetch(struct weft_registry *registry, const char *subject, int version, struct named *out, bool *found,
                 struct weft_error *err)
{
    struct weft_registry_schema schema;
    *out = (struct named){0};
    int result = version ? weft_registry_version(registry, subject, version, &schema, found, err)
                         : weft_registry_latest(registry, subject, &schema, found, err);
    if (result == 0 && *found) {
        out->version = schema.version;
        snprintf(out->name, sizeof out->name, "version %d", schema.version);
        result = parse(out, schema.whole ? schema.whole : schema.schema, err);
    }
    weft_registry_schema_clear(&schema);
    return result;
}

/* All versions of the subject, the latest last. */
static int fetch_history(struct weft_registry *registry, const char *subject, struct history *history,
                         struct weft_error *err)
{
    int *versions;
    size_t count;
    bool found;
    if (weft_registry_versions(registry, subject, &versions, &count, err) != 0)
        return -1;
    int result = 0;
    history->at = calloc(count + 1, sizeof *history->at);
    for (size_t i = 0; history->at && result == 0 && i < count; i++) {
        result = fetch(registry, subject, versions[i], &history->at[history->count], &found, err);
        if (found || result != 0)
            history->count++;
    }
    free(versions);
    return history->at ? result : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* The level that the registry judges the subject by. NONE may stand for the level of all subjects: the registry's
 * verdict tells. */
static int find_level(struct weft_registry *registry, const char *subject, bool refused,
                      enum weft_compatibility_level *level, struct weft_error *err)
{
    char name[WEFT_REGISTRY_LEVEL_SIZE];
    if (weft_registry_effective_compatibility(registry, subject, name, err) != 0)
        return -1;
    if (refused && strcmp(name, "NONE") == 0 && weft_registry_get_compatibility(registry, NULL, name, err) != 0)
        return -1;
    return weft_compatibility_level_parse(*name ? name : "BACKWARD", level, err);
}

static int compare(const struct named *schema, const struct history *history, enum weft_compatibility_level level,
                   struct weft_incompatibilities *found, struct weft_error *err)
{
    struct weft_schema **others = calloc(history->count + 1, sizeof(*others));
    if (!others)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < history->count; i++)
        others[i] = history->at[i].schema;
    int result = weft_compatibility_check(schema->schema, others, history->count, level, found, err);
    free(others);
    return result;
}

static void print_verdict(const char *what, const struct history *history, enum weft_compatibility_level level,
                          const struct weft_incompatibilities *found)
{
    bool all = strstr(weft_compatibility_level_name(level), "_TRANSITIVE") != NULL;
    const char *compatible = found->count ? "not compatible" : "compatible";
    if (history->count == 0)
        printf("%s: compatible, the subject is new\n", what);
    else if (all && history->count > 1)
        printf("%s: %s with all %zu versions (%s)\n", what, compatible, history->count,
               weft_compatibility_level_name(level));
    else
        printf("%s: %s with %s (%s)\n", what, compatible, history->at[history->count - 1].name,
               weft_compatibility_level_name(level));
    for (size_t i = 0; i < found->count; i++) {
        const struct weft_incompatibility *one = &found->at[i];
        const struct weft_incompatibility *before = i ? one - 1 : NULL;
        if (!before || before->version != one->version || before->forward != one->forward)
            printf(one->forward ? "  %s cannot read what is written with the new schema:\n"
                                : "  the new schema cannot read what is written with %s:\n",
                   history->at[one->version].name);
        printf("    %s: %s\n", one->path, one->reason);
    }
}

static json_t *json_of(const struct weft_incompatibilities *found, const struct history *history)
{
    json_t *reasons = json_array();
    for (size_t i = 0; i < found->count; i++) {
        const struct weft_incompatibility *one = &found->at[i];
        json_t *reason = json_pack("{s:s,s:s,s:s,s:s}", "reader", one->forward ? "old" : "new", "kind",
                                   weft_incompatibility_name(one->kind), "path", one->path, "reason", one->reason);
        if (history->at[one->version].version)
            json_object_set_new(reason, "version", json_integer(history->at[one->version].version));
        json_array_append_new(reasons, reason);
    }
    return reasons;
}

/* Compares with the history; says so, too, when the registry has another opinion. verdict is NULL where it was not
 * asked. */
static int judge(struct cli *cli, const char *subject, const struct named *schema, const struct history *history,
                 enum weft_compatibility_level level, const enum weft_registry_verdict *verdict, struct weft_error *err)
{
    struct weft_incompatibilities found = {0};
    if (compare(schema, history, level, &found, err) != 0) {
        weft_incompatibilities_clear(&found);
        return -1;
    }
    bool judged = verdict && *verdict != WEFT_REGISTRY_UNJUDGED;
    bool compatible = found.count == 0, accepted = judged && *verdict == WEFT_REGISTRY_COMPATIBLE;
    bool differs = judged && accepted != compatible;
    if (cli_json(cli)) {
        json_t *out = json_pack("{s:s,s:b,s:s,s:o}", "file", schema->name, "compatible", compatible && !differs,
                                "level", weft_compatibility_level_name(level), "reasons", json_of(&found, history));
        if (subject)
            json_object_set_new(out, "subject", json_string(subject));
        if (subject && history->count)
            json_object_set_new(out, "version", json_integer(history->at[history->count - 1].version));
        if (verdict)
            json_object_set_new(out, "registry", judged ? json_boolean(accepted) : json_null());
        weft_json_print(stdout, out);
    } else {
        print_verdict(subject ? subject : schema->name, history, level, &found);
        if (differs)
            printf("  but the registry finds it %s\n", accepted ? "compatible" : "not compatible");
        else if (verdict && !judged)
            puts("  the registry does not judge schemas with references before they are registered");
    }
    weft_incompatibilities_clear(&found);
    return compatible && !differs ? CLI_DONE : CLI_FAILED;
}

/* The file's schema, with what it refers to in place. */
static int read_file_with(struct weft_registry *registry, const char *path,
                          const struct cli_schema_references *references, struct named *out, struct weft_error *err)
{
    char *whole = NULL;
    if (!references->count)
        return read_file(path, out, err);
    *out = (struct named){0};
    snprintf(out->name, sizeof out->name, "%.290s", path);
    out->text = weft_schema_file_read(path, err);
    if (!out->text || weft_registry_resolve(registry, out->text, references->list, references->count, &whole, err) != 0)
        return -1;
    int result = parse(out, whole, err);
    free(whole);
    return result;
}

static int check_subject(struct cli *cli, const char *subject, const struct cli_schema_references *references,
                         struct weft_error *err)
{
    const char *given = cli_option(cli, "level");
    enum weft_compatibility_level level;
    enum weft_registry_verdict verdict = WEFT_REGISTRY_COMPATIBLE;
    struct named schema = {0};
    struct history history = {0};
    int status = -1, known;
    struct weft_registry *registry = weft_registry_from_settings(cli_settings(cli), err);
    if (!registry || read_file_with(registry, cli_argument(cli, 0), references, &schema, err) != 0 ||
        fetch_history(registry, subject, &history, err) != 0)
        goto out;
    bool ask = !given && history.count;
    if (ask && weft_registry_compatible(registry, subject, schema.text, references->list, references->count, &verdict,
                                        err) != 0)
        goto out;
    known = given ? weft_compatibility_level_parse(given, &level, err)
                  : find_level(registry, subject, verdict != WEFT_REGISTRY_COMPATIBLE, &level, err);
    if (known == 0)
        status = judge(cli, subject, &schema, &history, level, ask ? &verdict : NULL, err);
out:
    clear(&schema);
    clear_history(&history);
    weft_registry_destroy(registry);
    return status;
}

static int check_file(struct cli *cli, const char *path, const struct named *schema, struct weft_error *err)
{
    const char *given = cli_option(cli, "level");
    enum weft_compatibility_level level = WEFT_LEVEL_BACKWARD;
    struct named other;
    struct history history = {.at = &other, .count = 1};
    int status = -1;
    if (read_file(path, &other, err) == 0 && (!given || weft_compatibility_level_parse(given, &level, err) == 0))
        status = judge(cli, NULL, schema, &history, level, NULL, err);
    clear(&other);
    return status;
}

static int check(struct cli *cli, struct weft_error *err)
{
    const char *subject = cli_option(cli, "subject"), *against = cli_option(cli, "against");
    struct cli_schema_references references;
    struct named schema = {0};
    int status = -1;
    if (subject && against)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--subject and --against are one too many");
    if (!subject && !against && cli_option(cli, "level"))
        return weft_error_set(err, WEFT_ERROR_USAGE, "--level wants something to compare with: --subject or --against");
    if (!subject && cli_option(cli, "reference"))
        return weft_error_set(err, WEFT_ERROR_USAGE, "--reference wants --subject: references are in a registry");
    if (cli_schema_references_read(cli, &references, err) != 0)
        goto out;
    if (subject) {
        status = check_subject(cli, subject, &references, err);
    } else if (read_file(cli_argument(cli, 0), &schema, err) != 0) {
        goto out;
    } else if (against) {
        status = check_file(cli, against, &schema, err);
    } else {
        if (cli_json(cli))
            weft_json_print(stdout, json_pack("{s:s,s:b}", "file", schema.name, "valid", true));
        else
            printf("%s: an Avro schema\n", schema.name);
        status = CLI_DONE;
    }
out:
    cli_schema_references_clear(&references);
    clear(&schema);
    return status;
}

static void print_differences(struct cli *cli, const char *what, const struct named *old, const struct named *new,
                              const struct weft_differences *found)
{
    static const char signs[] = {'+', '-', '~'};
    static const char *const names[] = {"added", "removed", "changed"};
    bool backward = weft_compatibility_of_types(new->schema, weft_schema_root(new->schema), old->schema,
                                                weft_schema_root(old->schema));
    bool forward = weft_compatibility_of_types(old->schema, weft_schema_root(old->schema), new->schema,
                                               weft_schema_root(new->schema));
    if (cli_json(cli)) {
        json_t *list = json_array();
        for (size_t i = 0; i < found->count; i++) {
            const struct weft_difference *one = &found->at[i];
            json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "change", names[one->kind], "path",
                                                  one->path, "what", one->what, "new_readers", one->new_readers,
                                                  "old_readers", one->old_readers));
        }
        weft_json_print(stdout, json_pack("{s:s,s:s,s:s,s:b,s:b,s:o}", "name", what, "old", old->name, "new", new->name,
                                          "backward", backward, "forward", forward, "differences", list));
        return;
    }
    printf("%s: %s -> %s\n", what, old->name, new->name);
    for (size_t i = 0; i < found->count; i++) {
        const struct weft_difference *one = &found->at[i];
        printf("%c %s: %s\n", signs[one->kind], one->path, one->what);
        printf("    new readers of old messages: %s\n    old readers of new messages: %s\n", one->new_readers,
               one->old_readers);
    }
    printf("%snew readers %s old messages, old readers %s new messages\n",
           found->count ? "" : "no difference that a reader sees; ", backward ? "read" : "cannot read",
           forward ? "read" : "cannot read");
}

/* Which two: --against FILE -> the file named; a version -> the file named, or another version. */
static int find_both(struct cli *cli, struct named *old, struct named *new, struct weft_error *err)
{
    const char *against = cli_option(cli, "against"), *first = cli_argument(cli, 0), *file = cli_argument(cli, 1);
    int64_t from, to;
    bool found = true;
    if (against)
        return read_file(against, old, err) == 0 ? read_file(first, new, err) : -1;
    if (cli_integer(cli, "from", 1, INT32_MAX, 0, &from, err) != 0 ||
        cli_integer(cli, "to", 1, INT32_MAX, 0, &to, err) != 0 || (file && read_file(file, new, err) != 0))
        return -1;
    struct weft_registry *registry = weft_registry_from_settings(cli_settings(cli), err);
    int result = registry ? 0 : -1;
    if (result == 0 && !file)
        result = fetch(registry, first, (int)to, new, &found, err);
    if (result == 0 && found && !file && !from)
        from = new->version > 1 ? new->version - 1 : new->version;
    if (result == 0 && found)
        result = fetch(registry, first, (int)from, old, &found, err);
    if (result == 0 && !found)
        result = weft_error_set(err, WEFT_ERROR_CORRUPT, "the registry knows no such version of %s", first);
    weft_registry_destroy(registry);
    return result;
}

static int diff(struct cli *cli, struct weft_error *err)
{
    struct named old = {0}, new = {0};
    struct weft_differences found = {0};
    int status = -1;
    if (cli_option(cli, "against") && (cli_argument_count(cli) > 1 || cli_option(cli, "from") || cli_option(cli, "to")))
        return weft_error_set(err, WEFT_ERROR_USAGE, "with --against name one file, and nothing of a subject");
    if (cli_argument_count(cli) > 1 && cli_option(cli, "to"))
        return weft_error_set(err, WEFT_ERROR_USAGE, "FILE and --to are one too many");
    if (find_both(cli, &old, &new, err) == 0 && weft_difference_find(old.schema, new.schema, &found, err) == 0) {
        print_differences(cli, cli_argument(cli, 0), &old, &new, &found);
        status = CLI_DONE;
    }
    weft_differences_clear(&found);
    clear(&old);
    clear(&new);
    return status;
}

static const struct cli_option check_options[] = {
    {0, "subject", "SUBJECT", "against the versions of this subject, by the level that is set there"},
    {0, "against", "FILE", "against the schema in this file; asks no registry"},
    {0, "level", "LEVEL", "by this compatibility level; BACKWARD with --against"},
    CLI_OPTION_REFERENCE,
    {0, NULL, NULL, NULL},
};

static const struct cli_option diff_options[] = {
    {0, "from", "N", "from this version; without it from the one before, or with FILE from the latest"},
    {0, "to", "N", "to this version; without it to the latest"},
    {0, "against", "FILE", "from the schema in this file to that in the file named; asks no registry"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_schema_check = {
    .name = "schema check",
    .summary = "say whether a schema is compatible, and if not, why not",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Says whether the Avro schema in FILE may be the next version of a subject, or may follow\n"
                   "the schema in another file, and names each field that stands in the way. Registers\n"
                   "nothing. Without --subject and --against it only says whether FILE is an Avro schema.\n\n"
                   "Exit status: 0 compatible, 1 not compatible or it failed, 2 wrong use.",
    .example = "weft schema check new_request.avsc --subject req_predict-value\n"
               "weft schema check new_request.avsc --against schemas/predict_request.avsc --level FULL",
    .options = check_options,
    .uses_settings = true,
    .run = check,
};

const struct cli_command cli_schema_diff = {
    .name = "schema diff",
    .summary = "show what changed between two schemas, and who can read it",
    .arguments = "SUBJECT|FILE [FILE]",
    .arguments_min = 1,
    .arguments_max = 2,
    .description = "Shows field by field what changed between two versions of a subject, from a subject's\n"
                   "latest version to the schema in FILE, or between two files, and what readers of the one\n"
                   "make of messages written with the other.",
    .example = "weft schema diff req_predict-value\nweft schema diff req_predict-value --from 1 --to 3\n"
               "weft schema diff req_predict-value new_request.avsc\n"
               "weft schema diff new_request.avsc --against schemas/predict_request.avsc",
    .options = diff_options,
    .uses_settings = true,
    .run = diff,
};
