#include "schemas/references.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schemas/schema.h"

struct inlining {
    json_t *definitions; /* full name -> parsed schema; taken out once put in place */
    bool failed;         /* memory */
};

static json_t *inline_type(struct inlining *in, json_t *type, const char *space, int depth);

/* The definition may stand in a namespace now that is not its own. */
static json_t *definition_of(struct inlining *in, const char *name, const char *space, int depth)
{
    char full[512];
    json_t *definition = json_object_get(in->definitions, name);
    snprintf(full, sizeof full, "%s.%s", space, name);
    if (!strchr(name, '.') && *space && json_object_get(in->definitions, full)) {
        name = full;
        definition = json_object_get(in->definitions, full);
    }
    if (!definition)
        return json_string(name);
    json_t *own = json_deep_copy(definition);
    json_object_del(in->definitions, name);
    if (json_is_object(own) && !json_object_get(own, "namespace"))
        json_object_set_new(own, "namespace", json_string(""));
    json_t *placed = own ? inline_type(in, own, "", depth) : NULL;
    json_decref(own);
    return placed;
}

/* The namespace for what stands inside of a type, into inner. */
static void inner_space(const json_t *type, const char *space, char *inner, size_t size)
{
    const char *name = json_string_value(json_object_get(type, "name"));
    const char *own = json_string_value(json_object_get(type, "namespace"));
    const char *dot = name ? strrchr(name, '.') : NULL;
    if (dot)
        snprintf(inner, size, "%.*s", (int)(dot - name), name);
    else
        snprintf(inner, size, "%s", own ? own : space);
}

static void inline_member(struct inlining *in, json_t *object, const char *key, const char *space, int depth)
{
    json_t *inner = json_object_get(object, key);
    if (inner && json_object_set_new(object, key, inline_type(in, inner, space, depth)) != 0)
        in->failed = true;
}

/* A new reference: the type with what it refers to in place. */
static json_t *inline_type(struct inlining *in, json_t *type, const char *space, int depth)
{
    char inner[256];
    size_t i;
    json_t *branch, *field;
    if (depth == WEFT_SCHEMA_DEPTH_MAX)
        return json_incref(type);
    depth++;
    if (json_is_string(type))
        return definition_of(in, json_string_value(type), space, depth);
    if (json_is_array(type)) {
        json_t *branches = json_array();
        json_array_foreach(type, i,
                           branch) if (json_array_append_new(branches, inline_type(in, branch, space, depth)) != 0)
            in->failed = true;
        return branches;
    }
    if (!json_is_object(type))
        return json_incref(type);
    json_t *out = json_copy(type), *fields = json_array();
    inner_space(type, space, inner, sizeof inner);
    json_array_foreach(json_object_get(type, "fields"), i, field)
    {
        json_t *changed = json_copy(field);
        inline_member(in, changed, "type", inner, depth);
        if (json_array_append_new(fields, changed) != 0)
            in->failed = true;
    }
    if (json_array_size(fields))
        json_object_set(out, "fields", fields);
    json_decref(fields);
    inline_member(in, out, "items", space, depth);
    inline_member(in, out, "values", space, depth);
    /* {"type": {"type": ...}} is a type around a type. */
    if (!json_is_string(json_object_get(type, "type")))
        inline_member(in, out, "type", space, depth);
    return out;
}

char *weft_references_inline(const char *schema, json_t *definitions, struct weft_error *err)
{
    struct inlining in = {.definitions = json_object()};
    char *text = NULL;
    const char *name;
    json_t *definition, *whole = NULL;
    json_t *root = json_loads(schema, JSON_DECODE_ANY, NULL);
    json_object_foreach(definitions, name, definition)
    {
        json_t *parsed = json_loads(json_string_value(definition), JSON_DECODE_ANY, NULL);
        if (!parsed || json_object_set_new(in.definitions, name, parsed) != 0) {
            weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema %s that is referred to is not JSON", name);
            goto out;
        }
    }
    if (!root) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema is not JSON");
        goto out;
    }
    whole = inline_type(&in, root, "", 0);
    if (!whole || in.failed || !(text = json_dumps(whole, JSON_COMPACT | JSON_ENCODE_ANY)))
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
out:
    json_decref(whole);
    json_decref(root);
    json_decref(in.definitions);
    return text;
}
