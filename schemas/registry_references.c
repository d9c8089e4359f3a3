/* The schema in a registry's answer, with the schemas that it refers to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schemas/references.h"
#include "schemas/registry_call.h"

/* A schema that refers to more is made to keep somebody busy. */
enum { REFERENCES_MAX = 64 };

/* Weft understands Avro only; a registry that does not say means Avro. */
static int take_plain(json_t *answer, const char **text, struct weft_error *err)
{
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    if (type && strcasecmp(type, "AVRO") != 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema is %.20s, not Avro", type);
    *text = json_string_value(json_object_get(answer, "schema"));
    return *text ? 0 : weft_registry_missing("schema", err);
}

static int fetch_reference(struct weft_registry *registry, json_t *reference, json_t **answer, struct weft_error *err)
{
    const char *name = json_string_value(json_object_get(reference, "name"));
    const char *subject = json_string_value(json_object_get(reference, "subject"));
    json_int_t version = json_integer_value(json_object_get(reference, "version"));
    char after[64];
    struct weft_registry_reply reply;
    if (!name || !subject)
        return weft_registry_missing("references", err);
    snprintf(after, sizeof after, "/versions/%" JSON_INTEGER_FORMAT "?deleted=true", version);
    char *path = weft_registry_path("/subjects/", subject, after, err);
    if (!path)
        return -1;
    const struct weft_registry_question question = {.method = "GET", .path = path, .wanted = JSON_OBJECT};
    int result = weft_registry_ask(registry, &question, &reply, err);
    free(path);
    *answer = reply.json;
    return result == 0 ? 0 : weft_error_prefix(err, "the reference %s to %s", name, subject);
}

/* Fetches what the list names and, round by round, what that names. definitions: full name -> text. */
static int collect(struct weft_registry *registry, json_t *references, json_t *definitions, struct weft_error *err)
{
    json_t *waiting = json_deep_copy(references), *answer = NULL;
    int result = -1;
    for (size_t i = 0; i < json_array_size(waiting); i++) {
        json_t *reference = json_array_get(waiting, i);
        const char *name = json_string_value(json_object_get(reference, "name")), *text;
        if (name && json_object_get(definitions, name))
            continue;
        if (json_object_size(definitions) == REFERENCES_MAX) {
            weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema refers to more than %d others", REFERENCES_MAX);
            goto out;
        }
        json_decref(answer);
        answer = NULL;
        if (fetch_reference(registry, reference, &answer, err) != 0 || take_plain(answer, &text, err) != 0)
            goto out;
        if (json_object_set_new(definitions, name, json_string(text)) != 0) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
            goto out;
        }
        json_array_extend(waiting, json_object_get(answer, "references"));
    }
    result = 0;
out:
    json_decref(answer);
    json_decref(waiting);
    return result;
}

int weft_registry_take_text(struct weft_registry *registry, json_t *answer, char **text, char **whole,
                            struct weft_error *err)
{
    const char *plain;
    json_t *references = json_object_get(answer, "references");
    *text = *whole = NULL;
    if (take_plain(answer, &plain, err) != 0)
        return -1;
    if (json_array_size(references)) {
        json_t *definitions = json_object();
        if (collect(registry, references, definitions, err) == 0)
            *whole = weft_references_inline(plain, definitions, err);
        json_decref(definitions);
        if (!*whole)
            return -1;
    }
    *text = strdup(plain);
    if (*text)
        return 0;
    free(*whole);
    *whole = NULL;
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

int weft_registry_take_schema(struct weft_registry *registry, json_t *answer, struct weft_registry_schema *out,
                              struct weft_error *err)
{
    json_int_t version = json_integer_value(json_object_get(answer, "version"));
    json_t *id = json_object_get(answer, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX)
        return weft_registry_missing("id", err);
    out->id = (uint32_t)json_integer_value(id);
    out->version = version > 0 && version <= INT32_MAX ? (int)version : 0;
    return weft_registry_take_text(registry, answer, &out->schema, &out->whole, err);
}

int weft_registry_resolve(struct weft_registry *registry, const char *schema,
                          const struct weft_registry_reference *references, size_t count, char **whole,
                          struct weft_error *err)
{
    char *text;
    json_t *body = weft_registry_body(schema, references, count, err);
    *whole = NULL;
    if (!body)
        return -1;
    int result = weft_registry_take_text(registry, body, &text, whole, err);
    json_decref(body);
    if (*whole)
        free(text);
    else
        *whole = text;
    return result;
}
