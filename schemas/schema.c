#include "schemas/schema.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest fixed that is believed: no message of Kafka's holds more. */
enum { FIXED_MAX = 1 << 30 };

struct weft_schema {
    const struct weft_schema_type *root;
    struct weft_schema_type *owned; /* all types but the primitive ones */
};

struct parser {
    struct weft_schema *schema;
    json_t *names; /* full name -> index into types */
    struct weft_schema_type **types;
    size_t type_count;
    struct weft_error *err;
};

static const struct weft_schema_type primitives[] = {
    {.kind = WEFT_SCHEMA_NULL, .empty = true},
    {.kind = WEFT_SCHEMA_BOOLEAN},
    {.kind = WEFT_SCHEMA_INT},
    {.kind = WEFT_SCHEMA_LONG},
    {.kind = WEFT_SCHEMA_FLOAT},
    {.kind = WEFT_SCHEMA_DOUBLE},
    {.kind = WEFT_SCHEMA_BYTES},
    {.kind = WEFT_SCHEMA_STRING},
};

static const char *const kind_names[] = {
    "null",   "boolean", "int",  "long",  "float", "double", "bytes",
    "string", "record",  "enum", "fixed", "array", "map",    "union",
};

const char *weft_schema_kind_name(enum weft_schema_kind kind)
{
    return kind_names[kind];
}

static const struct weft_schema_type *parse_type(struct parser *p, json_t *json, const char *space);

static const struct weft_schema_type *fail(struct parser *p, const char *what, const char *name)
{
    weft_error_set(p->err, WEFT_ERROR_CORRUPT, "%s \"%.100s\"", what, name);
    return NULL;
}

static const struct weft_schema_type *out_of_memory(struct parser *p)
{
    weft_error_set(p->err, WEFT_ERROR_INTERNAL, "out of memory");
    return NULL;
}

static struct weft_schema_type *new_type(struct parser *p, enum weft_schema_kind kind)
{
    struct weft_schema_type *type = calloc(1, sizeof *type);
    if (!type) {
        out_of_memory(p);
        return NULL;
    }
    type->kind = kind;
    type->next_owned = p->schema->owned;
    p->schema->owned = type;
    return type;
}

static bool is_name(const char *text, bool dots)
{
    bool start = true;
    for (; *text; text++) {
        char ch = *text;
        bool letter = (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || ch == '_';
        if (dots && ch == '.' && !start)
            start = true;
        else if (letter || (!start && ch >= '0' && ch <= '9'))
            start = false;
        else
            return false;
    }
    return !start;
}

/* Name and namespace joined; a name with a dot is full already. The caller frees. */
static char *full_name(const char *name, const char *space)
{
    char *full;
    bool joined = *space && !strchr(name, '.');
    if (asprintf(&full, "%s%s%s", joined ? space : "", joined ? "." : "", name) < 0)
        return NULL;
    return full;
}

/* Gives the type its name, and makes it known by it before its members are read: they may refer to it. */
static bool name_type(struct parser *p, struct weft_schema_type *type, json_t *json, const char *space)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *own_space = json_string_value(json_object_get(json, "namespace"));
    if (!name || !is_name(name, true) || (own_space && *own_space && !is_name(own_space, true))) {
        fail(p, "not a name for a type:", name ? name : "");
        return false;
    }
    type->name = full_name(name, own_space ? own_space : space);
    if (!type->name) {
        out_of_memory(p);
        return false;
    }
    if (json_object_get(p->names, type->name)) {
        fail(p, "defined twice:", type->name);
        return false;
    }
    struct weft_schema_type **types = realloc(p->types, (p->type_count + 1) * sizeof(*types));
    if (types)
        p->types = types;
    if (!types || json_object_set_new(p->names, type->name, json_integer((json_int_t)p->type_count))) {
        out_of_memory(p);
        return false;
    }
    p->types[p->type_count++] = type;
    return true;
}

static const struct weft_schema_type *parse_named(struct parser *p, const char *name, const char *space)
{
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (!strcmp(name, kind_names[i]))
            return &primitives[i];
    char *full = full_name(name, space);
    if (!full)
        return out_of_memory(p);
    json_t *index = json_object_get(p->names, full);
    free(full);
    /* A name without a namespace may have been defined without one, too. */
    if (!index)
        index = json_object_get(p->names, name);
    if (!index)
        return fail(p, "unknown type", name);
    return p->types[json_integer_value(index)];
}

static const struct weft_schema_type *parse_union(struct parser *p, json_t *json, const char *space)
{
    struct weft_schema_type *type = new_type(p, WEFT_SCHEMA_UNION);
    if (!type)
        return NULL;
    type->count = json_array_size(json);
    type->members = calloc(type->count + 1, sizeof *type->members);
    if (!type->members)
        return out_of_memory(p);
    for (size_t i = 0; i < type->count; i++) {
        type->members[i].type = parse_type(p, json_array_get(json, i), space);
        if (!type->members[i].type)
            return NULL;
        if (type->members[i].type->kind == WEFT_SCHEMA_UNION)
            return fail(p, "a union holds a", "union");
    }
    return type;
}

static const struct weft_schema_type *parse_record(struct parser *p, json_t *json, const char *space)
{
    struct weft_schema_type *type = new_type(p, WEFT_SCHEMA_RECORD);
    if (!type || !name_type(p, type, json, space))
        return NULL;
    json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields))
        return fail(p, "no list of fields in record", type->name);
    const char *dot = strrchr(type->name, '.');
    char *inner_space = strndup(type->name, dot ? (size_t)(dot - type->name) : 0);
    const struct weft_schema_type *result = NULL;
    type->members = calloc(json_array_size(fields) + 1, sizeof *type->members);
    json_t *seen = json_object();
    if (!inner_space || !type->members || !seen) {
        out_of_memory(p);
        goto out;
    }
    bool empty = true;
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        if (!name || !is_name(name, false)) {
            fail(p, "a field has no name that Avro allows in record", type->name);
            goto out;
        }
        if (json_object_get(seen, name)) {
            fail(p, "a field stands twice:", name);
            goto out;
        }
        struct weft_schema_member *member = &type->members[type->count];
        member->name = strdup(name);
        if (!member->name || json_object_set_new(seen, name, json_true())) {
            free(member->name);
            out_of_memory(p);
            goto out;
        }
        type->count++;
        member->type = parse_type(p, json_object_get(field, "type"), inner_space);
        if (!member->type) {
            weft_error_prefix(p->err, "field \"%.100s\"", name);
            goto out;
        }
        empty = empty && member->type->empty;
    }
    /* While its fields were read the record counted as not empty. That is safe for those that refer to it: a record
     * that holds itself without a union or an array between has no finite value. */
    type->empty = empty;
    result = type;
out:
    json_decref(seen);
    free(inner_space);
    return result;
}

static const struct weft_schema_type *parse_enum(struct parser *p, json_t *json, const char *space)
{
    struct weft_schema_type *type = new_type(p, WEFT_SCHEMA_ENUM);
    if (!type || !name_type(p, type, json, space))
        return NULL;
    type->count = json_array_size(json_object_get(json, "symbols"));
    return type->count ? type : fail(p, "no symbols in enum", type->name);
}

static const struct weft_schema_type *parse_fixed(struct parser *p, json_t *json, const char *space)
{
    struct weft_schema_type *type = new_type(p, WEFT_SCHEMA_FIXED);
    if (!type || !name_type(p, type, json, space))
        return NULL;
    json_t *size = json_object_get(json, "size");
    json_int_t count = json_integer_value(size);
    if (!json_is_integer(size) || count < 0 || count > FIXED_MAX)
        return fail(p, "no usable size in fixed", type->name);
    type->count = (size_t)count;
    type->empty = count == 0;
    return type;
}

static const struct weft_schema_type *parse_items(struct parser *p, enum weft_schema_kind kind, json_t *items,
                                                  const char *space)
{
    struct weft_schema_type *type = new_type(p, kind);
    if (!type)
        return NULL;
    type->items = parse_type(p, items, space);
    return type->items ? type : NULL;
}

static const struct weft_schema_type *parse_type(struct parser *p, json_t *json, const char *space)
{
    if (json_is_string(json))
        return parse_named(p, json_string_value(json), space);
    if (json_is_array(json))
        return parse_union(p, json, space);
    json_t *of = json_object_get(json, "type");
    if (!of) {
        weft_error_set(p->err, WEFT_ERROR_CORRUPT, "a type is missing, or is neither text, list nor object");
        return NULL;
    }
    if (!json_is_string(of))
        return parse_type(p, of, space);
    const char *name = json_string_value(of);
    if (!strcmp(name, "record") || !strcmp(name, "error"))
        return parse_record(p, json, space);
    if (!strcmp(name, "enum"))
        return parse_enum(p, json, space);
    if (!strcmp(name, "fixed"))
        return parse_fixed(p, json, space);
    if (!strcmp(name, "array"))
        return parse_items(p, WEFT_SCHEMA_ARRAY, json_object_get(json, "items"), space);
    if (!strcmp(name, "map"))
        return parse_items(p, WEFT_SCHEMA_MAP, json_object_get(json, "values"), space);
    return parse_named(p, name, space);
}

struct weft_schema *weft_schema_parse(const char *text, struct weft_error *err)
{
    struct weft_schema *schema = NULL;
    struct parser p = {.names = json_object(), .err = err};
    json_error_t fault;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &fault);
    if (!json) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "not JSON: line %d, column %d: %.100s", fault.line, fault.column,
                       fault.text);
        goto out;
    }
    schema = calloc(1, sizeof *schema);
    if (!schema || !p.names) {
        out_of_memory(&p);
        goto out;
    }
    p.schema = schema;
    schema->root = parse_type(&p, json, "");
out:
    json_decref(json);
    json_decref(p.names);
    free(p.types);
    if (schema && !schema->root) {
        weft_schema_destroy(schema);
        schema = NULL;
    }
    return schema;
}

void weft_schema_destroy(struct weft_schema *schema)
{
    if (!schema)
        return;
    for (struct weft_schema_type *type = schema->owned, *next; type; type = next) {
        next = type->next_owned;
        if (type->kind == WEFT_SCHEMA_RECORD)
            for (size_t i = 0; i < type->count; i++)
                free(type->members[i].name);
        free(type->members);
        free(type->name);
        free(type);
    }
    free(schema);
}

const struct weft_schema_type *weft_schema_root(const struct weft_schema *schema)
{
    return schema->root;
}

static bool skip(const struct weft_schema_type *type, struct weft_cursor *c, int depth);

/* Blocks of items: a count and the items, or a negative count, the block's bytes and the items; a count of 0 ends. */
static bool skip_blocks(const struct weft_schema_type *type, struct weft_cursor *c, int depth)
{
    for (;;) {
        int64_t count, bytes;
        if (!weft_cursor_long(c, &count))
            return false;
        if (count == 0)
            return true;
        if (count < 0) {
            if (!weft_cursor_long(c, &bytes) || bytes < 0 || !weft_cursor_skip(c, (size_t)bytes))
                return false;
            continue;
        }
        bool map = type->kind == WEFT_SCHEMA_MAP;
        if (type->items->empty && !map)
            continue;
        for (int64_t i = 0; i < count; i++) {
            const uint8_t *key;
            size_t size;
            if (map && !weft_cursor_bytes(c, &key, &size))
                return false;
            if (!skip(type->items, c, depth))
                return false;
        }
    }
}

static bool skip(const struct weft_schema_type *type, struct weft_cursor *c, int depth)
{
    int64_t number;
    const uint8_t *bytes;
    size_t size;

    if (type->empty)
        return true;
    if (depth == WEFT_SCHEMA_DEPTH_MAX)
        return false;
    switch (type->kind) {
    case WEFT_SCHEMA_NULL: return true;
    case WEFT_SCHEMA_BOOLEAN: return weft_cursor_skip(c, 1);
    case WEFT_SCHEMA_INT:
    case WEFT_SCHEMA_LONG: return weft_cursor_long(c, &number);
    case WEFT_SCHEMA_FLOAT: return weft_cursor_skip(c, 4);
    case WEFT_SCHEMA_DOUBLE: return weft_cursor_skip(c, 8);
    case WEFT_SCHEMA_BYTES:
    case WEFT_SCHEMA_STRING: return weft_cursor_bytes(c, &bytes, &size);
    case WEFT_SCHEMA_FIXED: return weft_cursor_skip(c, type->count);
    case WEFT_SCHEMA_ENUM: return weft_cursor_long(c, &number) && number >= 0 && (uint64_t)number < type->count;
    case WEFT_SCHEMA_RECORD:
        for (size_t i = 0; i < type->count; i++)
            if (!skip(type->members[i].type, c, depth + 1))
                return false;
        return true;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP: return skip_blocks(type, c, depth + 1);
    case WEFT_SCHEMA_UNION:
        return weft_cursor_long(c, &number) && number >= 0 && (uint64_t)number < type->count &&
               skip(type->members[number].type, c, depth + 1);
    }
    return false;
}

bool weft_schema_skip(const struct weft_schema_type *type, struct weft_cursor *c)
{
    return skip(type, c, 0);
}
