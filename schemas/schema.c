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
    struct weft_schema_type *owned; /* all types but the plain primitive ones */
    size_t records;
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

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

/* The texts of the list under "aliases", joined with space; what is no name is left out, as other readers do. */
static bool take_aliases(struct parser *p, json_t *json, const char *space, char ***names)
{
    json_t *list = json_object_get(json, "aliases");
    size_t count = json_array_size(list), kept = 0;
    if (count == 0)
        return true;
    *names = calloc(count + 1, sizeof **names);
    for (size_t i = 0; *names && i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || !is_name(name, true))
            continue;
        (*names)[kept] = full_name(name, space);
        if (!(*names)[kept++]) {
            out_of_memory(p);
            return false;
        }
    }
    return *names || out_of_memory(p);
}

/* The length of the namespace in a full name. */
static size_t space_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
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
    char *alias_space = strndup(type->name, space_length(type->name));
    bool ok = alias_space && take_aliases(p, json, alias_space, &type->aliases);
    if (!alias_space)
        out_of_memory(p);
    free(alias_space);
    return ok;
}

static const struct weft_schema_type *parse_named(struct parser *p, const char *name, const char *space)
{
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (!strcmp(name, weft_schema_kind_name(primitives[i].kind)))
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
    type->record = p->schema->records++;
    char *inner_space = strndup(type->name, space_length(type->name));
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
        json_t *fallback = json_object_get(field, "default");
        if (fallback && !(member->fallback = json_dumps(fallback, JSON_COMPACT | JSON_ENCODE_ANY))) {
            out_of_memory(p);
            goto out;
        }
        if (!take_aliases(p, field, "", &member->aliases))
            goto out;
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
    json_t *symbols = json_object_get(json, "symbols");
    if (json_array_size(symbols) == 0)
        return fail(p, "no symbols in enum", type->name);
    type->members = calloc(json_array_size(symbols), sizeof *type->members);
    if (!type->members)
        return out_of_memory(p);
    for (size_t i = 0; i < json_array_size(symbols); i++) {
        const char *symbol = json_string_value(json_array_get(symbols, i));
        if (!symbol)
            return fail(p, "a symbol is not text in enum", type->name);
        if (!(type->members[i].name = strdup(symbol)))
            return out_of_memory(p);
        type->count++;
    }
    const char *fallback = json_string_value(json_object_get(json, "default"));
    if (fallback && !(type->fallback = strdup(fallback)))
        return out_of_memory(p);
    return type;
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

/* The primitive type as one of its own, to carry what is said of it here. */
static const struct weft_schema_type *with_logical(struct parser *p, const struct weft_schema_type *primitive,
                                                   const char *logical)
{
    struct weft_schema_type *type = new_type(p, primitive->kind);
    if (!type)
        return NULL;
    type->empty = primitive->empty;
    type->logical = strdup(logical);
    return type->logical ? type : out_of_memory(p);
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
    const struct weft_schema_type *type = parse_named(p, name, space);
    const char *logical = json_string_value(json_object_get(json, "logicalType"));
    return type && logical && type->kind <= WEFT_SCHEMA_STRING ? with_logical(p, type, logical) : type;
}

struct weft_schema *weft_schema_parse(const char *text, struct weft_error *err)
{
    struct weft_schema *schema = NULL;
    struct parser p = {.names = json_object(), .err = err};
    json_error_t fault;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
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
        for (size_t i = 0; type->members && i < type->count; i++) {
            free(type->members[i].name);
            free_names(type->members[i].aliases);
            free(type->members[i].fallback);
        }
        free(type->members);
        free(type->name);
        free_names(type->aliases);
        free(type->fallback);
        free(type->logical);
        free(type);
    }
    free(schema);
}

const struct weft_schema_type *weft_schema_root(const struct weft_schema *schema)
{
    return schema->root;
}

size_t weft_schema_records(const struct weft_schema *schema)
{
    return schema->records;
}
