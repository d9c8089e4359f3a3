/* The part of the registry client that is about subjects: their versions, their levels, and their end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/registry_call.h"

static const int absent[] = {WEFT_REGISTRY_NO_SUBJECT, WEFT_REGISTRY_NO_VERSION, WEFT_REGISTRY_SUBJECT_DELETED, 0};

/* before and after: what stands around the subject in the path. */
static int ask_about(struct weft_registry *registry, const char *method, const char *before, const char *subject,
                     const char *after, struct weft_registry_question question, struct weft_registry_reply *reply,
                     struct weft_error *err)
{
    *reply = (struct weft_registry_reply){0};
    char *path = weft_registry_path(before, subject, after, err);
    if (!path)
        return -1;
    question.method = method;
    question.path = path;
    int result = weft_registry_ask(registry, &question, reply, err);
    free(path);
    return result;
}

static int get_version(struct weft_registry *registry, const char *subject, const char *version,
                       struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    char after[64];
    struct weft_registry_reply reply;
    const struct weft_registry_question question = {.expected = absent, .wanted = JSON_OBJECT};
    *out = (struct weft_registry_schema){0};
    *found = false;
    snprintf(after, sizeof after, "/versions/%s", version);
    int result = ask_about(registry, "GET", "/subjects/", subject, after, question, &reply, err);
    if (result == 0 && reply.json)
        result = weft_registry_take_schema(registry, reply.json, out, err);
    *found = result == 0 && reply.json;
    json_decref(reply.json);
    return result;
}

int weft_registry_latest(struct weft_registry *registry, const char *subject, struct weft_registry_schema *out,
                         bool *found, struct weft_error *err)
{
    int result = get_version(registry, subject, "latest", out, found, err);
    return result == 0 ? 0 : weft_error_prefix(err, "the latest version of %s", subject);
}

int weft_registry_version(struct weft_registry *registry, const char *subject, int version,
                          struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", version);
    int result = get_version(registry, subject, number, out, found, err);
    return result == 0 ? 0 : weft_error_prefix(err, "version %d of %s", version, subject);
}

int weft_registry_versions(struct weft_registry *registry, const char *subject, int **versions, size_t *count,
                           struct weft_error *err)
{
    struct weft_registry_reply reply;
    const struct weft_registry_question question = {.expected = absent, .wanted = JSON_ARRAY};
    *versions = NULL;
    *count = 0;
    if (ask_about(registry, "GET", "/subjects/", subject, "/versions", question, &reply, err) != 0)
        return weft_error_prefix(err, "the versions of %s", subject);
    size_t size = json_array_size(reply.json);
    int result = -1;
    *versions = calloc(size + 1, sizeof **versions);
    if (!*versions) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < size; i++) {
        json_int_t number = json_integer_value(json_array_get(reply.json, i));
        if (number <= 0 || number > INT32_MAX) {
            weft_registry_missing("versions", err);
            goto out;
        }
        (*versions)[(*count)++] = (int)number;
    }
    result = 0;
out:
    if (result != 0) {
        free(*versions);
        *versions = NULL;
    }
    json_decref(reply.json);
    return result;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int weft_registry_subjects(struct weft_registry *registry, struct weft_registry_subjects *out, struct weft_error *err)
{
    struct weft_registry_reply reply;
    const struct weft_registry_question question = {.method = "GET", .path = "/subjects", .wanted = JSON_ARRAY};
    *out = (struct weft_registry_subjects){0};
    if (weft_registry_ask(registry, &question, &reply, err) != 0)
        return -1;
    int result = 0;
    out->names = calloc(json_array_size(reply.json) + 1, sizeof *out->names);
    for (size_t i = 0; out->names && result == 0 && i < json_array_size(reply.json); i++) {
        const char *name = json_string_value(json_array_get(reply.json, i));
        if (!name)
            result = weft_registry_missing("subjects", err);
        else if ((out->names[out->count] = strdup(name)))
            out->count++;
        else
            result = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
    if (!out->names)
        result = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    json_decref(reply.json);
    if (result == 0)
        qsort(out->names, out->count, sizeof *out->names, by_name);
    else
        weft_registry_subjects_clear(out);
    return result;
}

void weft_registry_subjects_clear(struct weft_registry_subjects *subjects)
{
    for (size_t i = 0; i < subjects->count; i++)
        free(subjects->names[i]);
    free(subjects->names);
    *subjects = (struct weft_registry_subjects){0};
}

int weft_registry_delete(struct weft_registry *registry, const char *subject, int version, bool permanent, bool *found,
                         struct weft_error *err)
{
    char after[64];
    struct weft_registry_reply reply;
    const struct weft_registry_question question = {.expected = absent, .wanted = version ? JSON_INTEGER : JSON_ARRAY};
    const char *query = permanent ? "?permanent=true" : "";
    if (version)
        snprintf(after, sizeof after, "/versions/%d%s", version, query);
    else
        snprintf(after, sizeof after, "%s", query);
    int result = ask_about(registry, "DELETE", "/subjects/", subject, after, question, &reply, err);
    *found = result == 0 && reply.json;
    json_decref(reply.json);
    return result == 0 ? 0 : weft_error_prefix(err, "deleting %s", subject);
}

/* The global level has no subject in its path. */
static int ask_level(struct weft_registry *registry, const char *method, const char *subject, const char *query,
                     json_t *body, const int *expected, struct weft_registry_reply *reply, struct weft_error *err)
{
    const struct weft_registry_question question = {
        .method = method, .path = "/config", .body = body, .expected = expected, .wanted = JSON_OBJECT};
    if (!subject)
        return weft_registry_ask(registry, &question, reply, err);
    return ask_about(registry, method, "/config/", subject, query, question, reply, err);
}

static int get_level(struct weft_registry *registry, const char *subject, const char *query, char *level,
                     struct weft_error *err)
{
    static const int unset[] = {WEFT_REGISTRY_NO_SUBJECT, WEFT_REGISTRY_NO_LEVEL, 0};
    struct weft_registry_reply reply;
    *level = '\0';
    int result = ask_level(registry, "GET", subject, query, NULL, unset, &reply, err);
    const char *set = json_string_value(json_object_get(reply.json, "compatibilityLevel"));
    if (result == 0 && reply.json && (!set || strlen(set) >= WEFT_REGISTRY_LEVEL_SIZE))
        result = weft_registry_missing("compatibilityLevel", err);
    if (result == 0 && reply.json)
        memcpy(level, set, strlen(set) + 1);
    json_decref(reply.json);
    return result == 0 ? 0 : weft_error_prefix(err, "compatibility level of %s", subject ? subject : "all subjects");
}

int weft_registry_get_compatibility(struct weft_registry *registry, const char *subject, char *level,
                                    struct weft_error *err)
{
    return get_level(registry, subject, "", level, err);
}

int weft_registry_effective_compatibility(struct weft_registry *registry, const char *subject, char *level,
                                          struct weft_error *err)
{
    if (get_level(registry, subject, "?defaultToGlobal=true", level, err) != 0)
        return -1;
    return *level ? 0 : get_level(registry, NULL, "", level, err);
}

int weft_registry_set_compatibility(struct weft_registry *registry, const char *subject, const char *level,
                                    struct weft_error *err)
{
    struct weft_registry_reply reply;
    json_t *body = json_pack("{s:s}", "compatibility", level);
    int result = ask_level(registry, "PUT", subject, "", body, NULL, &reply, err);
    json_decref(reply.json);
    json_decref(body);
    return result == 0
               ? 0
               : weft_error_prefix(err, "setting the compatibility level of %s", subject ? subject : "all subjects");
}

/* Whether nothing is asked of new versions. */
static bool takes_all(struct weft_registry *registry, const char *subject)
{
    char own[WEFT_REGISTRY_LEVEL_SIZE], global[WEFT_REGISTRY_LEVEL_SIZE];
    return weft_registry_effective_compatibility(registry, subject, own, NULL) == 0 && strcmp(own, "NONE") == 0 &&
           weft_registry_get_compatibility(registry, NULL, global, NULL) == 0 && strcmp(global, "NONE") == 0;
}

int weft_registry_compatible(struct weft_registry *registry, const char *subject, const char *schema,
                             const struct weft_registry_reference *references, size_t count,
                             enum weft_registry_verdict *verdict, struct weft_error *err)
{
    static const int answers[] = {WEFT_REGISTRY_NO_SUBJECT, WEFT_REGISTRY_NO_VERSION, WEFT_REGISTRY_SUBJECT_DELETED,
                                  WEFT_REGISTRY_INVALID, 0};
    struct weft_registry_reply reply = {0};
    json_t *body = weft_registry_body(schema, references, count, err);
    const struct weft_registry_question question = {
        .body = body, .expected = count ? answers : absent, .wanted = JSON_OBJECT};
    int result = -1;
    if (body)
        result = ask_about(registry, "POST", "/compatibility/subjects/", subject,
                           registry->normalize ? "/versions/latest?normalize=true" : "/versions/latest", question,
                           &reply, err);
    json_t *compatible = json_object_get(reply.json, "is_compatible");
    if (result == 0 && reply.json && !json_is_boolean(compatible))
        result = weft_registry_missing("is_compatible", err);
    /* Apicurio 3 judges by BACKWARD where no level is set at all. */
    if (result == 0 && reply.code == WEFT_REGISTRY_INVALID)
        *verdict = WEFT_REGISTRY_UNJUDGED;
    else if (result == 0 && (!reply.json || json_is_true(compatible) || takes_all(registry, subject)))
        *verdict = WEFT_REGISTRY_COMPATIBLE;
    else if (result == 0)
        *verdict = WEFT_REGISTRY_INCOMPATIBLE;
    json_decref(body);
    json_decref(reply.json);
    return result == 0 ? 0 : weft_error_prefix(err, "compatibility with %s", subject);
}
