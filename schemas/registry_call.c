#include "schemas/registry_call.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 255, REFERENCED = 42206 };

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

int weft_registry_ask(struct weft_registry *registry, const struct weft_registry_question *question,
                      struct weft_registry_reply *reply, struct weft_error *err)
{
    struct weft_http_answer answer = {0};
    struct weft_error unused;
    err = err ? err : &unused;
    *reply = (struct weft_registry_reply){0};
    char *text = question->body ? json_dumps(question->body, JSON_COMPACT) : NULL;
    if (question->body && !text)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory, or the schema is not UTF-8");
    int result = weft_http_call(registry->http, question->method, question->path, text, &answer, err);
    free(text);
    if (result != 0)
        return weft_error_prefix(err, "the schema registry");

    json_t *got = json_loadb(answer.body, answer.size, JSON_DECODE_ANY, NULL);
    json_int_t code = json_integer_value(json_object_get(got, "error_code"));
    reply->status = answer.status;
    reply->code = code > 0 && code <= INT32_MAX ? (int)code : 0;
    if (answer.status >= 200 && answer.status < 300) {
        if (got && json_typeof(got) == question->wanted)
            reply->json = json_incref(got);
        else
            result = no_registry(&answer, err);
        goto out;
    }
    for (const int *known = question->expected; known && *known; known++)
        if (reply->code == *known)
            goto out;
    if (answer.status == 401 || answer.status == 403)
        result = weft_error_set(err, WEFT_ERROR_REFUSED, "the schema registry %s refuses %s (status %ld)", answer.url,
                                answer.status == 401 ? "the credentials" : "this for want of rights", answer.status);
    else if (answer.status == 409 || reply->code == REFERENCED)
        result =
            weft_error_set(err, WEFT_ERROR_CONFLICT, "the schema registry %s %s", answer.url,
                           strcmp(question->method, "DELETE") == 0 ? "keeps this" : "finds the schema incompatible");
    else if (answer.status < 400 || (answer.status == 404 && reply->code <= 40400))
        result = no_registry(&answer, err);
    else
        result = weft_error_set(err, WEFT_ERROR_CONFIG, "the schema registry %s does not accept this (status %ld)",
                                answer.url, answer.status);
    add_reason(err, got);
out:
    if (result == 0)
        atomic_store(&registry->proven, true);
    json_decref(got);
    free(answer.body);
    return result;
}

char *weft_registry_path(const char *before, const char *subject, const char *after, struct weft_error *err)
{
    char *path = NULL;
    if (!*subject || strlen(subject) > SUBJECT_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "a subject has 1 to %d bytes", SUBJECT_MAX);
        return NULL;
    }
    char *escaped = weft_http_escape(subject);
    if (!escaped || asprintf(&path, "%s%s%s", before, escaped, after) < 0) {
        path = NULL;
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
    free(escaped);
    return path;
}

static json_t *references_of(const struct weft_registry_reference *references, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_pack("{s:s,s:s,s:i}", "name", references[i].name, "subject",
                                                  references[i].subject, "version", references[i].version)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *weft_registry_body(const char *schema, const struct weft_registry_reference *references, size_t count,
                           struct weft_error *err)
{
    json_t *body = json_pack("{s:s}", "schema", schema);
    if (body && (!count || json_object_set_new(body, "references", references_of(references, count)) == 0))
        return body;
    json_decref(body);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory, or the schema is not UTF-8");
    return NULL;
}

int weft_registry_missing(const char *what, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "the schema registry's answer has no usable \"%s\": check schema.registry.url", what);
}
