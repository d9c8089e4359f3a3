#include "schemas/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/registry_call.h"

enum { TIMEOUT_MS = 5000, RETRIES = 3, GUID_SIZE = 16 };

struct weft_registry *weft_registry_new(const struct weft_registry_config *config, struct weft_error *err)
{
    int retries = config->retries ? config->retries : RETRIES;
    struct weft_http_config http = {
        .urls = config->url,
        .basic_auth = config->basic_auth,
        .bearer = config->bearer,
        .ca_file = config->ca_file,
        .cert_file = config->cert_file,
        .key_file = config->key_file,
        .key_password = config->key_password,
        .timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TIMEOUT_MS,
        .rounds = retries > 0 ? 1 + retries : 1,
        .wait_ms = config->wait_ms,
        .wait_max_ms = config->wait_max_ms,
    };
    struct weft_registry *registry = calloc(1, sizeof *registry);
    if (!registry || !(registry->cache = weft_registry_cache_new())) {
        free(registry);
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    registry->strategy = config->strategy;
    registry->normalize = config->normalize;
    registry->use_latest = config->use_latest;
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
    free(schema->whole);
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

static const char *normalized(const struct weft_registry *registry, const char *plain, const char *with_query)
{
    return registry->normalize ? with_query : plain;
}

/* Somebody else, or a try of ours that timed out, may have been quicker at this moment: some registries call that a
 * conflict. */
static bool is_there(struct weft_registry *registry, const char *subject, const char *schema,
                     const struct weft_registry_reference *references, size_t count, uint32_t *id)
{
    bool found;
    struct weft_registry_schema there;
    if (weft_registry_lookup_with(registry, subject, schema, references, count, &there, &found, NULL) != 0 || !found)
        return false;
    *id = there.id;
    weft_registry_schema_clear(&there);
    return true;
}

int weft_registry_register_with(struct weft_registry *registry, const char *subject, const char *schema,
                                const struct weft_registry_reference *references, size_t count, uint32_t *id,
                                struct weft_error *err)
{
    int result = -1, version;
    struct weft_error fault = {0};
    struct weft_registry_reply reply = {0};
    json_t *body = NULL;
    char *text = compact(schema, err);
    char *path =
        weft_registry_path("/subjects/", subject, normalized(registry, "/versions", "/versions?normalize=true"), err);
    if (!text || !path)
        goto out;
    /* With other references the same text is another schema. */
    if (!count && weft_registry_cache_schema(registry->cache, subject, text, id, &version)) {
        result = 0;
        goto out;
    }
    body = weft_registry_body(text, references, count, err);
    if (!body)
        goto out;
    const struct weft_registry_question question = {
        .method = "POST", .path = path, .body = body, .wanted = JSON_OBJECT};
    result = weft_registry_ask(registry, &question, &reply, &fault);
    if (result != 0 && fault.class == WEFT_ERROR_CONFLICT && is_there(registry, subject, text, references, count, id)) {
        result = 0;
        goto out;
    }
    json_t *number = json_object_get(reply.json, "id");
    if (result == 0 &&
        (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) > INT32_MAX))
        result = weft_registry_missing("id", &fault);
    if (result != 0) {
        weft_error_set(err, fault.class, "registering under %s: %s", subject, fault.message);
        goto out;
    }
    *id = (uint32_t)json_integer_value(number);
    if (!count)
        weft_registry_cache_add_schema(registry->cache, subject, text, *id, 0);
out:
    json_decref(body);
    json_decref(reply.json);
    free(path);
    free(text);
    return result;
}

int weft_registry_register(struct weft_registry *registry, const char *subject, const char *schema, uint32_t *id,
                           struct weft_error *err)
{
    return weft_registry_register_with(registry, subject, schema, NULL, 0, id, err);
}

int weft_registry_lookup_with(struct weft_registry *registry, const char *subject, const char *schema,
                              const struct weft_registry_reference *references, size_t count,
                              struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    static const int absent[] = {WEFT_REGISTRY_NO_SUBJECT, WEFT_REGISTRY_NO_SCHEMA, WEFT_REGISTRY_SUBJECT_DELETED, 0};
    int result = -1;
    struct weft_registry_reply reply = {0};
    json_t *body = NULL;
    *out = (struct weft_registry_schema){0};
    *found = false;
    char *text = compact(schema, err);
    char *path = weft_registry_path("/subjects/", subject, normalized(registry, "", "?normalize=true"), err);
    if (!text || !path)
        goto out;
    /* The version is not known of a schema that this client has registered. */
    if (!count && weft_registry_cache_schema(registry->cache, subject, text, &out->id, &out->version) && out->version) {
        out->schema = text;
        text = NULL;
        *found = true;
        result = 0;
        goto out;
    }
    body = weft_registry_body(text, references, count, err);
    if (!body)
        goto out;
    const struct weft_registry_question question = {
        .method = "POST", .path = path, .body = body, .expected = absent, .wanted = JSON_OBJECT};
    result = weft_registry_ask(registry, &question, &reply, err);
    if (result == 0 && reply.json)
        result = weft_registry_take_schema(registry, reply.json, out, err);
    if (result != 0) {
        weft_error_prefix(err, "looking under %s", subject);
        goto out;
    }
    *found = reply.json != NULL;
    if (*found && !count)
        weft_registry_cache_add_schema(registry->cache, subject, text, out->id, out->version);
out:
    json_decref(body);
    json_decref(reply.json);
    free(path);
    free(text);
    return result;
}

int weft_registry_lookup(struct weft_registry *registry, const char *subject, const char *schema,
                         struct weft_registry_schema *out, bool *found, struct weft_error *err)
{
    return weft_registry_lookup_with(registry, subject, schema, NULL, 0, out, found, err);
}

/* Asks for one schema. *whole is NULL when the registry does not know it. What it objects to in this one is no reason
 * to stop for the rest. */
static int ask_for_one(struct weft_registry *registry, const char *path, char **whole, long *status,
                       struct weft_error *err)
{
    static const int absent[] = {WEFT_REGISTRY_NO_SCHEMA, 0};
    struct weft_registry_reply reply;
    struct weft_error fault = {0};
    char *text = NULL;
    const struct weft_registry_question question = {
        .method = "GET", .path = path, .expected = absent, .wanted = JSON_OBJECT};
    *whole = NULL;
    bool proven = atomic_load(&registry->proven);
    int result = weft_registry_ask(registry, &question, &reply, &fault);
    *status = reply.status;
    if (result != 0 && fault.class == WEFT_ERROR_CONFIG && reply.code >= 40000)
        fault.class = WEFT_ERROR_CORRUPT;
    else if (result != 0 && fault.class == WEFT_ERROR_CONFIG && proven)
        fault.class = WEFT_ERROR_UNAVAILABLE;
    if (result == 0 && reply.json)
        result = weft_registry_take_text(registry, reply.json, &text, whole, &fault);
    if (result == 0 && !*whole) {
        *whole = text;
        text = NULL;
    }
    free(text);
    json_decref(reply.json);
    return result == 0 ? 0 : weft_error_set(err, fault.class, "%s", fault.message);
}

int weft_registry_by_id(struct weft_registry *registry, uint32_t id, const char **text, struct weft_error *err)
{
    char path[64], *whole;
    long status;
    if (weft_registry_cache_id(registry->cache, id, text))
        return 0;
    /* Registries count in 32 bits with a sign and take a greater number for a malformed path. */
    if (id > INT32_MAX)
        return 0;
    snprintf(path, sizeof path, "/schemas/ids/%u", id);
    if (ask_for_one(registry, path, &whole, &status, err) != 0)
        return weft_error_prefix(err, "schema id %u", id);
    if (weft_registry_cache_add_id(registry->cache, id, whole, text) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return 0;
}

int weft_registry_by_guid(struct weft_registry *registry, const uint8_t *guid, const char **text,
                          struct weft_error *err)
{
    char path[64], *whole, level[WEFT_REGISTRY_LEVEL_SIZE];
    long status;
    size_t n = (size_t)snprintf(path, sizeof path, "/schemas/guids/");
    for (size_t i = 0; i < GUID_SIZE; i++)
        n += (size_t)snprintf(path + n, sizeof path - n, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                              guid[i]);
    if (weft_registry_cache_guid(registry->cache, guid, text))
        return 0;
    int result = ask_for_one(registry, path, &whole, &status, err);
    /* Many registries know nothing of GUIDs, and no such path; one that answers otherwise is there. */
    if (result != 0 && status == 404 && weft_registry_get_compatibility(registry, NULL, level, NULL) == 0)
        result = 0;
    if (result != 0)
        return weft_error_prefix(err, "schema %s", path + strlen("/schemas/guids/"));
    if (weft_registry_cache_add_guid(registry->cache, guid, whole, text) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return 0;
}
