#include "pubsub-bridge/json_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "pubsub-bridge/encoding.h"
#include "pubsub-bridge/envelope.h"
#include "schemas/utf8.h"

enum { ROOM = 1024 };

struct writing {
    struct weft_cursor cursor;
    const uint8_t *begin;
    char *text;
    size_t used, room;
    struct weft_error *err;
    int depth;
};

static bool write_value(struct writing *out, const struct weft_schema_type *type);

static bool fail(struct writing *out, const char *what)
{
    weft_error_set(out->err, WEFT_ERROR_CORRUPT, "not of its schema: %s, at byte %td of the body", what,
                   out->cursor.at - out->begin);
    return false;
}

/* Makes room for so many bytes and a zero byte; gives where, or NULL. */
static char *reserve(struct writing *out, size_t size)
{
    size_t needed = out->used + size + 1;
    if (needed > WEFT_PUBSUB_MESSAGE_MAX) {
        weft_error_set(out->err, WEFT_ERROR_CORRUPT, "as JSON it has more than Pub/Sub's %d bytes",
                       WEFT_PUBSUB_MESSAGE_MAX);
        return NULL;
    }
    if (needed > out->room) {
        size_t room = needed > 2 * out->room ? needed : 2 * out->room;
        char *text = realloc(out->text, room);
        if (!text) {
            weft_error_set(out->err, WEFT_ERROR_INTERNAL, "out of memory");
            return NULL;
        }
        out->text = text;
        out->room = room;
    }
    return out->text + out->used;
}

static bool put(struct writing *out, const char *text)
{
    size_t size = strlen(text);
    char *at = reserve(out, size);
    if (!at)
        return false;
    memcpy(at, text, size + 1);
    out->used += size;
    return true;
}

/* ---- Text and bytes */

static bool put_text(struct writing *out, const uint8_t *bytes, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    if (!weft_utf8_valid(bytes, size))
        return fail(out, "text that is not UTF-8");
    /* Six for each, if all are control characters, is asked for only if there is one. */
    size_t controls = 0;
    for (size_t i = 0; i < size; i++)
        controls += bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] == '\\';
    char *at = reserve(out, size + 5 * controls + 2);
    if (!at)
        return false;
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        char c = (char)bytes[i];
        if (bytes[i] < 0x20) {
            at = stpcpy(at, "\\u00");
            *at++ = hex[bytes[i] >> 4];
            *at++ = hex[bytes[i] & 15];
            continue;
        }
        if (c == '"' || c == '\\')
            *at++ = '\\';
        *at++ = c;
    }
    *at++ = '"';
    *at = '\0';
    out->used = (size_t)(at - out->text);
    return true;
}

static bool put_base64(struct writing *out, const uint8_t *bytes, size_t size)
{
    char *at = reserve(out, weft_base64_size(size) + 2);
    if (!at)
        return false;
    *at++ = '"';
    at += weft_base64_write(at, bytes, size);
    *at++ = '"';
    *at = '\0';
    out->used = (size_t)(at - out->text);
    return true;
}

static bool write_bytes(struct writing *out, bool is_text)
{
    const uint8_t *bytes;
    size_t size;
    if (!weft_cursor_bytes(&out->cursor, &bytes, &size))
        return fail(out, "it announces more bytes than there are, or a length below 0");
    return is_text ? put_text(out, bytes, size) : put_base64(out, bytes, size);
}

static bool write_fixed(struct writing *out, size_t size)
{
    const uint8_t *bytes;
    return weft_cursor_take(&out->cursor, size, &bytes) ? put_base64(out, bytes, size)
                                                        : fail(out, "it ends within a fixed");
}

/* ---- Numbers and words */

static bool write_integer(struct writing *out, int64_t min, int64_t max)
{
    char text[24];
    int64_t number;
    if (!weft_cursor_long(&out->cursor, &number))
        return fail(out, "it ends within a number");
    if (number < min || number > max)
        return fail(out, "a number that an int cannot hold");
    snprintf(text, sizeof text, "%" PRId64, number);
    return put(out, text);
}

/* Of 4 or 8 bytes; with as many digits as tell it from every other, and never like a whole number, of
 * which -0 would lose its sign. */
static bool write_real(struct writing *out, size_t size)
{
    char text[32];
    double number;
    if (!weft_cursor_real(&out->cursor, size, &number))
        return fail(out, "it ends within a number");
    if (isnan(number))
        return put(out, "\"NaN\"");
    if (isinf(number))
        return put(out, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    snprintf(text, sizeof text, "%.*g", size == sizeof(float) ? 9 : 17, number);
    return put(out, text) && (strpbrk(text, ".e") || put(out, ".0"));
}

static bool write_boolean(struct writing *out)
{
    const uint8_t *byte;
    if (!weft_cursor_take(&out->cursor, 1, &byte) || *byte > 1)
        return fail(out, "a boolean that is neither 0 nor 1");
    return put(out, *byte ? "true" : "false");
}

/* ---- What holds others */

/* The number that says which symbol or branch; -1 when there is none such. */
static int64_t choice(struct writing *out, const struct weft_schema_type *type)
{
    int64_t number;
    if (weft_cursor_long(&out->cursor, &number) && number >= 0 && (uint64_t)number < type->count)
        return number;
    fail(out, type->kind == WEFT_SCHEMA_ENUM ? "a symbol that the enum does not have"
                                             : "a branch that the union does not have");
    return -1;
}

static bool write_record(struct writing *out, const struct weft_schema_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        if (!put(out, i ? ",\"" : "{\"") || !put(out, type->members[i].name) || !put(out, "\":") ||
            !write_value(out, type->members[i].type))
            return false;
    return put(out, type->count ? "}" : "{}");
}

/* Announced number of items of the next block; 0 at the end, -1 when it is none. *end is where it ends, or NULL. */
static int64_t block_count(struct writing *out, const uint8_t **end)
{
    int64_t count;
    if (weft_cursor_block(&out->cursor, &count, end))
        return count;
    fail(out, "no number of items, or one of bytes that there are not");
    return -1;
}

/* Whatever count is announced, each item adds to the text, which is bounded. */
static bool write_items(struct writing *out, const struct weft_schema_type *type)
{
    bool is_map = type->kind == WEFT_SCHEMA_MAP, first = true;
    const uint8_t *end;
    int64_t count;
    if (!put(out, is_map ? "{" : "["))
        return false;
    while ((count = block_count(out, &end)) > 0) {
        for (; count > 0; count--, first = false)
            if ((!first && !put(out, ",")) || (is_map && (!write_bytes(out, true) || !put(out, ":"))) ||
                !write_value(out, type->items))
                return false;
        if (end && out->cursor.at != end)
            return fail(out, "items that do not end where it says that they do");
    }
    return count == 0 && put(out, is_map ? "}" : "]");
}

static bool write_value(struct writing *out, const struct weft_schema_type *type)
{
    bool fine = false;
    int64_t chosen;
    if (out->depth == WEFT_SCHEMA_DEPTH_MAX)
        return fail(out, "nested deeper than anybody needs");
    out->depth++;
    switch (type->kind) {
    case WEFT_SCHEMA_NULL: fine = put(out, "null"); break;
    case WEFT_SCHEMA_BOOLEAN: fine = write_boolean(out); break;
    case WEFT_SCHEMA_INT: fine = write_integer(out, INT32_MIN, INT32_MAX); break;
    case WEFT_SCHEMA_LONG: fine = write_integer(out, INT64_MIN, INT64_MAX); break;
    case WEFT_SCHEMA_FLOAT: fine = write_real(out, 4); break;
    case WEFT_SCHEMA_DOUBLE: fine = write_real(out, 8); break;
    case WEFT_SCHEMA_BYTES: fine = write_bytes(out, false); break;
    case WEFT_SCHEMA_STRING: fine = write_bytes(out, true); break;
    case WEFT_SCHEMA_FIXED: fine = write_fixed(out, type->count); break;
    case WEFT_SCHEMA_RECORD: fine = write_record(out, type); break;
    case WEFT_SCHEMA_ENUM:
        chosen = choice(out, type);
        fine = chosen >= 0 &&
               put_text(out, (const uint8_t *)type->members[chosen].name, strlen(type->members[chosen].name));
        break;
    case WEFT_SCHEMA_UNION:
        chosen = choice(out, type);
        fine = chosen >= 0 && write_value(out, type->members[chosen].type);
        break;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP: fine = write_items(out, type); break;
    }
    out->depth--;
    return fine;
}

char *weft_json_value(const struct weft_schema *schema, const void *body, size_t size, size_t *length,
                      struct weft_error *err)
{
    struct writing out = {.cursor = weft_cursor_of(body, size), .err = err};
    out.begin = out.cursor.at;
    bool fine = reserve(&out, ROOM) && write_value(&out, weft_schema_root(schema));
    if (fine && weft_cursor_left(&out.cursor) > 0)
        fine = fail(&out, "bytes are left over");
    if (!fine) {
        free(out.text);
        return NULL;
    }
    *length = out.used;
    return out.text;
}
