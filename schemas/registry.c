#include "schemas/registry.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schemas/http.h"
#include "schemas/registry_cache.h"

enum { TIMEOUT_MS = 5000, RETRIES = 3, SUBJECT_MAX = 255 };

/* Error codes of the API that are answers rather than errors. */
enum {
    UNKNOWN_SUBJECT = 40401,
    UNKNOWN_VERSION = 40402,
    UNKNOWN_SCHEMA = 40403,
    NO_LEVEL_SET = 40408,
};

struct weft_registry {
    struct weft_http *http;
    struct weft_registry_cache *cache;
};

struct weft_registry *weft_registry_new(const struct weft_registry_config *config, struct weft_error *err)
{
    int retries = config->retries ? config->retries : RETRIES;
    struct weft_http_config http = {
        .urls = config->url,
        .basic_auth = config->basic_auth,
        .ca_file = config->ca_file,
        .timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TIMEOUT_MS,
        .rounds = retries > 0 ? 1 + retries : 1,
    };
    struct weft_registry *registry = calloc(1, sizeof *registry);
    if (!registry || !(registry->cache = weft_registry_cache_new())) {
        free(registry);
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    registry->http = weft_http_new(&http, err);
    if (!registry->http) {
        weft_error_prefix(err, "schema.registry.url");
        weft_registry_destroy(registry);
        return NULL;
    }
    return registry;
}

void weft_registry_destroy(struct weft_registry *registry)
{
    if (!registry)
        return;
    weft_http_destroy(registry->http);
    weft_registry_cache_destroy(registry->cache);
    free(registry);
}

void weft_registry_schema_clear(struct weft_registry_schema *schema)
{
    if (!schema)
        return;
    free(schema->schema);
    *schema = (struct weft_registry_schema){0};
}

/* The JSON text without the white space between its tokens. The caller frees. */
static char *compact(const char *text, struct weft_error *err)
{
    json_error_t fault;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &fault);
    char *out = json ? malloc(strlen(text) + 1) : NULL;
    if (!json)
        weft_error_set(err, WEFT_ERROR_CONFIG, "the schema is not JSON: line %d, column %d: %.100s", fault.line,
                       fault.column, fault.text);
    else if (!out)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    json_decref(json);
    if (!out)
        return NULL;
    size_t n = 0;
    bool in_string = false;
    for (const char *p = text; *p; p++) {
        if (!in_string && strchr(" \t\r\n", *p))
            continue;
        if (*p == '"')
            in_string = !in_string;
        out[n++] = *p;
        if (*p == '\\') /* only inside a string: what follows is no quote that ends it */
            out[n++] = *++p;
    }
    out[n] = '\0';
    return out;
}

/* Puts what the registry says about an error behind ours, on one line. */
static void add_reason(struct weft_error *err, json_t *json)
{
    const char *reason = json_string_value(json_object_get(json, "message"));
    char line[300];
    if (!reason || !*reason)
        return;
    snprintf(line, sizeof line, "%s", reason);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    weft_error_set(err, err->class, "%s: %s", err->message, line);
}

static int no_registry(const struct weft_http_answer *answer, struct weft_error *err)
{
    if (answer->status >= 300 && answer->status < 400)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "%s answered with a redirect (status %ld), which is not followed: check "
                              "schema.registry.url",
                              answer->url, answer->status);
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "%s answered with %s (status %ld), is this a schema registry? check schema.registry.url",
                          answer->url, *answer->content_type ? answer->content_type : "nothing", answer->status);
}

/* Asks, and gives the answer's JSON in *json for a 2xx. With expected codes (ended by 0), an error answer that carries
 * one of them sets *json to NULL and succeeds. */
static int ask(struct weft_registry *registry, const char *method, const char *path, const json_t *body,
               const int *expected, json_t **json, struct weft_error *err)
{
    struct weft_http_answer answer = {0};
    struct weft_error unused;
    err = err ? err : &unused;
    *json = NULL;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (body && !text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory, or the schema is not UTF-8");
    int result = weft_http_call(registry->http, method, path, text, &answer, err);
    free(text);
    if (result != 0)
        return weft_error_prefix(err, "the schema registry");

    json_t *got = json_loadb(answer.body, answer.size, 0, NULL);
    json_int_t code = json_integer_value(json_object_get(got, "error_code"));
    if (answer.status >= 200 && answer.status < 300) {
        if (json_is_object(got))
            *json = json_incref(got);
        else
            result = no_registry(&answer, err);
        goto out;
    }
    for (const int *known = expected; known && *known; known++)
        if (code == *known)
            goto out;
    if (answer.status == 401 || answer.status == 403)
        result = weft_error_set(err, WEFT_ERROR_REFUSED, "the schema registry %s refuses %s (status %ld)", answer.url,
                                answer.status == 401 ? "the credentials" : "this for want of rights", answer.status);
    else if (answer.status == 409)
        result = weft_error_set(err, WEFT_ERROR_CONFLICT, "the schema registry %s finds the schema incompatible",
                                answer.url);
    else if (answer.status < 400 || (answer.status == 404 && code <= 40400))
        result = no_registry(&answer, err);
    else
        result = weft_error_set(err, WEFT_ERROR_CONFIG, "the schema registry %s does not accept this (status %ld)",
                                answer.url, answer.status);
    add_reason(err, got);
out:
    json_decref(got);
    free(answer.body);
    return result;
}

/* The path with the subject put in place of its %s. The caller frees. */
static char *subject_path(const char *format_before, const char *subject, const char *after, struct weft_error *err)
{
    char *path = NULL;
    if (!*subject || strlen(subject) > SUBJECT_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "a subject has 1 to %d bytes", SUBJECT_MAX);
        return NULL;
    }
    char *escaped = weft_http_escape(subject);
    if (!escaped || asprintf(&path, "%s%s%s", format_before, escaped, after) < 0) {
        path = NULL;
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
    free(escaped);
    return path;
}

static int missing(const char *what, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "the schema registry's answer has no usable \"%s\": check schema.registry.url", what);
}

static int take_id(json_t *json, uint32_t *id, struct weft_error *err)
{
    json_t *value = json_object_get(json, "id");
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > INT32_MAX)
        return missing("id", err);
    *id = (uint32_t)number;
    return 0;
}

/* Weft understands Avro only; a registry that does not say means Avro. */
static int take_text(json_t *json, char **text, struct weft_error *err)
{
    const char *type = json_string_value(json_object_get(json, "schemaType"));
    if (type && strcasecmp(type, "AVRO") != 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema is %.20s, not Avro", type);
    const char *schema = json_string_value(json_object_get(json, "schema"));
    if (!schema)
        return missing("schema", err);
    *text = strdup(schema);
    return *text ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

static int take_schema(json_t *json, struct weft_registry_schema *out, struct weft_error *err)
{
    json_int_t version = json_integer_value(json_object_get(json, "version"));
    out->version = version > 0 && version <= INT32_MAX ? (int)version : 0;
    return take_id(json, &out->id, err) == 0 ? take_text(json, &out->schema, err) : -1;
}

int weft_registry_register(struct weft_registry *registry, const char *subject, const char *schema, uint32_t *id,
                           struct weft_error *err)
{
    int result = -1;
    json_t *body = NULL, *json = NULL;
    char *text = compact(schema, err);
    char *path = subject_path("/subjects/", subject, "/versions", err);
    if (!text || !path)
        goto out;
    int version;
    if (weft_registry_cache_schema(registry->cache, subject, text, id, &version)) {
        result = 0;
        goto out;
    }
    body = json_pack("{s:s}", "schema", text);
    if (ask(registry, "POST", path, body, NULL, &json, err) != 0 || take_id(json, id, err) != 0) {
        weft_error_prefix(err, "registering under %s", subject);
        goto out;
    }
    weft_registry_cache_add_schema(registry->cache, subject, text, *id, 0);
    result = 0;
out:
    json_decref(body);
    json_decref(json);
    free(path);
    free(text);
    return result;
}

int weft_registry_lookup(struct weft_registry *registry, const char *subject, const char *schema,
                         struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    static const int absent[] = {UNKNOWN_SUBJECT, UNKNOWN_SCHEMA, 0};
    int result = -1;
    json_t *body = NULL, *json = NULL;
    *out = (struct weft_registry_schema){0};
    *found = false;
    char *text = compact(schema, err);
    char *path = subject_path("/subjects/", subject, "", err);
    if (!text || !path)
        goto out;
    /* The version is not known of a schema that this client has registered. */
    if (weft_registry_cache_schema(registry->cache, subject, text, &out->id, &out->version) && out->version) {
        out->schema = text;
        text = NULL;
        *found = true;
        result = 0;
        goto out;
    }
    body = json_pack("{s:s}", "schema", text);
    if (ask(registry, "POST", path, body, absent, &json, err) != 0 || (json && take_schema(json, out, err) != 0)) {
        weft_error_prefix(err, "looking under %s", subject);
        goto out;
    }
    *found = json != NULL;
    if (*found)
        weft_registry_cache_add_schema(registry->cache, subject, text, out->id, out->version);
    result = 0;
out:
    json_decref(body);
    json_decref(json);
    free(path);
    free(text);
    return result;
}

int weft_registry_latest(struct weft_registry *registry, const char *subject, struct weft_registry_schema *out,
                         bool *found, struct weft_error *err)
{
    static const int absent[] = {UNKNOWN_SUBJECT, UNKNOWN_VERSION, 0};
    *out = (struct weft_registry_schema){0};
    *found = false;
    json_t *json = NULL;
    char *path = subject_path("/subjects/", subject, "/versions/latest", err);
    if (!path)
        return -1;
    int result = ask(registry, "GET", path, NULL, absent, &json, err);
    if (result == 0 && json)
        result = take_schema(json, out, err);
    *found = result == 0 && json;
    json_decref(json);
    free(path);
    return result == 0 ? 0 : weft_error_prefix(err, "the latest version of %s", subject);
}

int weft_registry_by_id(struct weft_registry *registry, uint32_t id, const char **text, struct weft_error *err)
{
    static const int absent[] = {UNKNOWN_SCHEMA, 0};
    if (weft_registry_cache_id(registry->cache, id, text))
        return 0;
    /* Registries count in 32 bits with a sign and take a greater number for a malformed path. */
    if (id > INT32_MAX)
        return 0;
    char path[64];
    json_t *json = NULL;
    char *got = NULL;
    snprintf(path, sizeof path, "/schemas/ids/%u", id);
    int result = ask(registry, "GET", path, NULL, absent, &json, err);
    if (result == 0 && json)
        result = take_text(json, &got, err);
    json_decref(json);
    if (result == 0 && weft_registry_cache_add_id(registry->cache, id, got, text) != 0)
        result = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return result == 0 ? 0 : weft_error_prefix(err, "schema id %u", id);
}

int weft_registry_compatible(struct weft_registry *registry, const char *subject, const char *schema, bool *compatible,
                             struct weft_error *err)
{
    static const int absent[] = {UNKNOWN_SUBJECT, UNKNOWN_VERSION, 0};
    int result = -1;
    json_t *body = NULL, *json = NULL;
    char *text = compact(schema, err);
    char *path = subject_path("/compatibility/subjects/", subject, "/versions/latest", err);
    if (!text || !path)
        goto out;
    body = json_pack("{s:s}", "schema", text);
    if (ask(registry, "POST", path, body, absent, &json, err) != 0)
        goto out;
    json_t *verdict = json_object_get(json, "is_compatible");
    if (json && !json_is_boolean(verdict)) {
        missing("is_compatible", err);
        goto out;
    }
    *compatible = !json || json_is_true(verdict);
    result = 0;
out:
    if (result != 0)
        weft_error_prefix(err, "compatibility with %s", subject);
    json_decref(body);
    json_decref(json);
    free(path);
    free(text);
    return result;
}

int weft_registry_get_compatibility(struct weft_registry *registry, const char *subject, char *level,
                                    struct weft_error *err)
{
    static const int absent[] = {UNKNOWN_SUBJECT, NO_LEVEL_SET, 0};
    json_t *json = NULL;
    *level = '\0';
    char *path = subject_path("/config/", subject, "", err);
    if (!path)
        return -1;
    int result = ask(registry, "GET", path, NULL, absent, &json, err);
    const char *set = json_string_value(json_object_get(json, "compatibilityLevel"));
    if (result == 0 && json && (!set || strlen(set) >= WEFT_REGISTRY_LEVEL_SIZE))
        result = missing("compatibilityLevel", err);
    if (result == 0 && json)
        memcpy(level, set, strlen(set) + 1);
    json_decref(json);
    free(path);
    return result == 0 ? 0 : weft_error_prefix(err, "compatibility level of %s", subject);
}

int weft_registry_set_compatibility(struct weft_registry *registry, const char *subject, const char *level,
                                    struct weft_error *err)
{
    json_t *json = NULL;
    json_t *body = json_pack("{s:s}", "compatibility", level);
    char *path = subject_path("/config/", subject, "", err);
    int result = path ? ask(registry, "PUT", path, body, NULL, &json, err) : -1;
    json_decref(json);
    json_decref(body);
    free(path);
    return result == 0 ? 0 : weft_error_prefix(err, "setting the compatibility level of %s", subject);
}
