/* What can be asked of the types that schemas are made of. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/schema.h"

static const char *const kind_names[] = {
    "null",   "boolean", "int",  "long",  "float", "double", "bytes",
    "string", "record",  "enum", "fixed", "array", "map",    "union",
};

const char *weft_schema_kind_name(enum weft_schema_kind kind)
{
    return kind_names[kind];
}

const char *weft_schema_short_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

const struct weft_schema_member *weft_schema_member(const struct weft_schema_type *type, const char *name)
{
    for (size_t i = 0; i < type->count; i++)
        if (strcmp(type->members[i].name, name) == 0)
            return &type->members[i];
    return NULL;
}

const struct weft_schema_member *weft_schema_source(const struct weft_schema_member *field,
                                                    const struct weft_schema_type *writer)
{
    const struct weft_schema_member *source = weft_schema_member(writer, field->name);
    for (char **alias = field->aliases; !source && alias && *alias; alias++)
        source = weft_schema_member(writer, *alias);
    return source;
}

bool weft_schema_promotes(enum weft_schema_kind reader, enum weft_schema_kind writer)
{
    switch (reader) {
    case WEFT_SCHEMA_LONG: return writer == WEFT_SCHEMA_INT || writer == reader;
    case WEFT_SCHEMA_FLOAT: return writer == WEFT_SCHEMA_INT || writer == WEFT_SCHEMA_LONG || writer == reader;
    case WEFT_SCHEMA_DOUBLE: return writer >= WEFT_SCHEMA_INT && writer <= WEFT_SCHEMA_DOUBLE;
    case WEFT_SCHEMA_BYTES:
    case WEFT_SCHEMA_STRING: return writer == WEFT_SCHEMA_BYTES || writer == WEFT_SCHEMA_STRING;
    default: return writer == reader;
    }
}

static size_t describe(const struct weft_schema_type *type, char *out, size_t size)
{
    const char *kind = kind_names[type->kind];
    size_t n = 0;
    switch (type->kind) {
    case WEFT_SCHEMA_RECORD:
    case WEFT_SCHEMA_ENUM: n = (size_t)snprintf(out, size, "%s %s", kind, type->name); break;
    case WEFT_SCHEMA_FIXED: n = (size_t)snprintf(out, size, "%s %s(%zu)", kind, type->name, type->count); break;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP:
        n = (size_t)snprintf(out, size, "%s<", kind);
        if (n < size)
            n += describe(type->items, out + n, size - n);
        if (n < size)
            n += (size_t)snprintf(out + n, size - n, ">");
        break;
    case WEFT_SCHEMA_UNION:
        n = (size_t)snprintf(out, size, "%s<", kind);
        for (size_t i = 0; i < type->count && n < size; i++) {
            n += (size_t)snprintf(out + n, size - n, "%s", i ? ", " : "");
            if (n < size)
                n += describe(type->members[i].type, out + n, size - n);
        }
        if (n < size)
            n += (size_t)snprintf(out + n, size - n, ">");
        break;
    default: n = (size_t)snprintf(out, size, "%s", kind); break;
    }
    if (type->logical && n < size)
        n += (size_t)snprintf(out + n, size - n, " (%s)", type->logical);
    return n;
}

void weft_schema_describe(const struct weft_schema_type *type, char *out, size_t size)
{
    if (describe(type, out, size) >= size && size > 4)
        memcpy(out + size - 4, "...", 4);
}

/* pairs: records of a by records of b that were seen; they are the same if all that is reached from them is. */
static bool same_encoding(const struct weft_schema_type *a, const struct weft_schema_type *b, uint8_t *pairs,
                          size_t columns, int depth)
{
    if (a->kind != b->kind || a->count != b->count || depth == WEFT_SCHEMA_DEPTH_MAX)
        return false;
    if (a->kind == WEFT_SCHEMA_ARRAY || a->kind == WEFT_SCHEMA_MAP)
        return same_encoding(a->items, b->items, pairs, columns, depth + 1);
    if (a->kind == WEFT_SCHEMA_RECORD && pairs[a->record * columns + b->record])
        return true;
    if (a->kind == WEFT_SCHEMA_RECORD)
        pairs[a->record * columns + b->record] = 1;
    for (size_t i = 0; a->members && i < a->count; i++) {
        const struct weft_schema_member *left = &a->members[i], *right = &b->members[i];
        if (left->name && strcmp(left->name, right->name) != 0)
            return false;
        if (left->type && !same_encoding(left->type, right->type, pairs, columns, depth + 1))
            return false;
    }
    return true;
}

bool weft_schema_same_encoding(const struct weft_schema *a, const struct weft_schema *b)
{
    uint8_t *pairs = calloc(weft_schema_records(a) * weft_schema_records(b) + 1, 1);
    bool same = pairs && same_encoding(weft_schema_root(a), weft_schema_root(b), pairs, weft_schema_records(b), 0);
    free(pairs);
    return same;
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
