#include "schemas/inspect.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "schemas/utf8.h"

enum {
    BYTES_SHOWN = 32,
    TEXT_SHOWN = 256,
    ITEMS_SHOWN = 64,
    PATH_SIZE = 256,
    /* Items of no bytes cost none: a count alone must not keep us at work. */
    EMPTY_ITEMS_MAX = 1 << 20,
};

struct inspection {
    struct weft_cursor cursor;
    const uint8_t *begin;
    char path[PATH_SIZE]; /* of the value at work: "source.offset" */
    struct weft_error *why;
    int depth;
};

static json_t *inspect(struct inspection *in, const struct weft_schema_type *type);

/* Says what is wrong at this place, unless something was before. Gives NULL: no value. */
static json_t *stop(struct inspection *in, const char *what)
{
    if (in->why->class == WEFT_ERROR_NONE)
        weft_error_set(in->why, WEFT_ERROR_CORRUPT, "%s: %s, at byte %td of the body (%zu are left)",
                       in->path[0] ? in->path : "the value", what, in->cursor.at - in->begin,
                       weft_cursor_left(&in->cursor));
    return NULL;
}

static bool stopped(const struct inspection *in)
{
    return in->why->class != WEFT_ERROR_NONE;
}

/* Goes down to a field or item; the path is given back by ascend. */
static size_t descend(struct inspection *in, const char *name)
{
    size_t length = strlen(in->path);
    snprintf(in->path + length, sizeof in->path - length, "%s%s", length ? "." : "", name);
    return length;
}

static void ascend(struct inspection *in, size_t length)
{
    in->path[length] = '\0';
}

static json_t *hexadecimal(const uint8_t *bytes, size_t size)
{
    char text[2 * BYTES_SHOWN + 48] = "";
    size_t shown = size < BYTES_SHOWN ? size : BYTES_SHOWN, length = 0;
    for (size_t i = 0; i < shown; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%02x", bytes[i]);
    if (shown < size)
        snprintf(text + length, sizeof text - length, "... (%zu bytes)", size);
    return json_string(text);
}

static json_t *text(struct inspection *in, const uint8_t *bytes, size_t size)
{
    size_t shown = size;
    if (!weft_utf8_valid(bytes, size)) {
        stop(in, "text that is not UTF-8");
        return hexadecimal(bytes, size);
    }
    if (shown > TEXT_SHOWN)
        for (shown = TEXT_SHOWN; shown > 0 && (bytes[shown] & 0xc0) == 0x80;)
            shown--;
    return shown == size ? json_stringn((const char *)bytes, size)
                         : json_sprintf("%.*s... (%zu bytes)", (int)shown, (const char *)bytes, size);
}

/* size is 4 or 8. */
static json_t *floating(struct inspection *in, size_t size)
{
    double number;
    if (!weft_cursor_real(&in->cursor, size, &number))
        return stop(in, "the bytes end within a number");
    if (isfinite(number))
        return json_real(number);
    return json_string(isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

static json_t *integer(struct inspection *in, int64_t min, int64_t max)
{
    int64_t number;
    if (!weft_cursor_long(&in->cursor, &number))
        return stop(in, "the bytes end within a number");
    if (number < min || number > max)
        return stop(in, "a number that an int cannot hold");
    return json_integer(number);
}

static json_t *boolean(struct inspection *in)
{
    const uint8_t *byte;
    if (!weft_cursor_take(&in->cursor, 1, &byte))
        return stop(in, "the bytes end before a boolean");
    return *byte > 1 ? stop(in, "a boolean that is neither 0 nor 1") : json_boolean(*byte);
}

static json_t *bytes_or_text(struct inspection *in, bool is_text)
{
    const uint8_t *bytes;
    size_t size;
    if (!weft_cursor_bytes(&in->cursor, &bytes, &size))
        return stop(in, "announces more bytes than there are, or a length below 0");
    return is_text ? text(in, bytes, size) : hexadecimal(bytes, size);
}

static json_t *fixed(struct inspection *in, size_t size)
{
    const uint8_t *bytes;
    return weft_cursor_take(&in->cursor, size, &bytes) ? hexadecimal(bytes, size)
                                                       : stop(in, "the bytes end within a fixed");
}

static json_t *record(struct inspection *in, const struct weft_schema_type *type)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < type->count && !stopped(in); i++) {
        size_t above = descend(in, type->members[i].name);
        json_t *value = inspect(in, type->members[i].type);
        if (value)
            json_object_set_new(object, type->members[i].name, value);
        ascend(in, above);
    }
    return object;
}

/* The number that says which symbol or branch; -1 when there is none such. */
static int64_t choice(struct inspection *in, size_t count, const char *what)
{
    int64_t number;
    if (weft_cursor_long(&in->cursor, &number) && number >= 0 && (uint64_t)number < count)
        return number;
    stop(in, what);
    return -1;
}

/* Announced number of items of the next block; 0 at the end, -1 when it is none. *end is where it ends, or NULL. */
static int64_t block_count(struct inspection *in, const uint8_t **end)
{
    int64_t count;
    if (weft_cursor_block(&in->cursor, &count, end))
        return count;
    stop(in, "no number of items, or one of bytes that there are not");
    return -1;
}

static void item(struct inspection *in, const struct weft_schema_type *type, uint64_t index, json_t *list)
{
    char name[24];
    snprintf(name, sizeof name, "%" PRIu64, index);
    size_t above = descend(in, name);
    json_t *value = inspect(in, type);
    ascend(in, above);
    if (value && index < ITEMS_SHOWN)
        json_array_append_new(list, value);
    else
        json_decref(value);
}

static void entry(struct inspection *in, const struct weft_schema_type *type, uint64_t index, json_t *map)
{
    const uint8_t *bytes;
    size_t size;
    if (!weft_cursor_bytes(&in->cursor, &bytes, &size) || !weft_utf8_valid(bytes, size)) {
        stop(in, "a key of the map that is none");
        return;
    }
    json_t *name = json_sprintf("%.*s", size < TEXT_SHOWN ? (int)size : TEXT_SHOWN, (const char *)bytes);
    const char *key = name ? json_string_value(name) : "?";
    size_t above = descend(in, key);
    json_t *value = inspect(in, type);
    ascend(in, above);
    if (value && index < ITEMS_SHOWN)
        json_object_set_new(map, key, value);
    else
        json_decref(value);
    json_decref(name);
}

static json_t *items(struct inspection *in, const struct weft_schema_type *type)
{
    bool is_map = type->kind == WEFT_SCHEMA_MAP;
    json_t *collection = is_map ? json_object() : json_array();
    const uint8_t *end;
    int64_t count;
    uint64_t index = 0;
    while (collection && !stopped(in) && (count = block_count(in, &end)) > 0) {
        if (!is_map && type->items->empty && (uint64_t)count > EMPTY_ITEMS_MAX - index) {
            stop(in, "announces more items than anybody needs");
            break;
        }
        for (; count > 0 && !stopped(in); count--, index++) {
            if (is_map)
                entry(in, type->items, index, collection);
            else
                item(in, type->items, index, collection);
        }
        if (end && !stopped(in) && in->cursor.at != end)
            stop(in, "its items do not end where it says that they do");
    }
    if (collection && index > ITEMS_SHOWN && !is_map)
        json_array_append_new(collection, json_sprintf("... (%" PRIu64 " items)", index));
    return collection;
}

static json_t *inspect(struct inspection *in, const struct weft_schema_type *type)
{
    json_t *value = NULL;
    int64_t chosen;
    if (in->depth == WEFT_SCHEMA_DEPTH_MAX)
        return stop(in, "nested deeper than anybody needs");
    in->depth++;
    switch (type->kind) {
    case WEFT_SCHEMA_NULL: value = json_null(); break;
    case WEFT_SCHEMA_BOOLEAN: value = boolean(in); break;
    case WEFT_SCHEMA_INT: value = integer(in, INT32_MIN, INT32_MAX); break;
    case WEFT_SCHEMA_LONG: value = integer(in, INT64_MIN, INT64_MAX); break;
    case WEFT_SCHEMA_FLOAT: value = floating(in, 4); break;
    case WEFT_SCHEMA_DOUBLE: value = floating(in, 8); break;
    case WEFT_SCHEMA_BYTES: value = bytes_or_text(in, false); break;
    case WEFT_SCHEMA_STRING: value = bytes_or_text(in, true); break;
    case WEFT_SCHEMA_FIXED: value = fixed(in, type->count); break;
    case WEFT_SCHEMA_RECORD: value = record(in, type); break;
    case WEFT_SCHEMA_ENUM:
        chosen = choice(in, type->count, "a symbol that the schema does not have");
        value = chosen < 0 ? NULL : json_string(type->members[chosen].name);
        break;
    case WEFT_SCHEMA_UNION:
        chosen = choice(in, type->count, "a branch that the union does not have");
        value = chosen < 0 ? NULL : inspect(in, type->members[chosen].type);
        break;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP: value = items(in, type); break;
    }
    in->depth--;
    return value;
}

json_t *weft_inspect(const struct weft_schema *schema, const void *body, size_t size, struct weft_error *why)
{
    struct inspection in = {.cursor = weft_cursor_of(body, size), .why = why};
    in.begin = in.cursor.at;
    *why = (struct weft_error){0};
    json_t *value = inspect(&in, weft_schema_root(schema));
    if (!stopped(&in) && weft_cursor_left(&in.cursor) > 0)
        weft_error_set(why, WEFT_ERROR_CORRUPT, "%zu bytes are left over behind the value",
                       weft_cursor_left(&in.cursor));
    return value ? value : json_null();
}
