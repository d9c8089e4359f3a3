#include "schemas/plan_default.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/encoder.h"

/* The default of bytes is text in which each character from U+0000 to U+00FF stands for one byte. */
static bool take_bytes(const json_t *json, uint8_t *out, size_t *size)
{
    const unsigned char *text = (const unsigned char *)json_string_value(json);
    size_t length = json_string_length(json), n = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned code = text[i];
        if (code >= 0xc4)
            return false;
        if (code >= 0xc2)
            code = (code & 0x3u) << 6 | (text[++i] & 0x3fu);
        out[n++] = (uint8_t)code;
    }
    *size = n;
    return true;
}

/* One block of floats, as a writer would write them. */
static void put_floats(const json_t *json, struct weft_encoder *e)
{
    size_t count = json_array_size(json);
    if (count)
        weft_encoder_long(e, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        weft_encoder_float(e, (float)json_number_value(json_array_get(json, i)));
    weft_encoder_long(e, 0);
}

static bool fill(const json_t *json, enum weft_plan_kind kind, struct weft_plan_value *value)
{
    struct weft_encoder e = {0};
    size_t room = 0;
    value->present = true;
    switch (kind) {
    case WEFT_PLAN_INT:
    case WEFT_PLAN_LONG: value->number = json_integer_value(json); return json_is_integer(json);
    case WEFT_PLAN_STRING:
    case WEFT_PLAN_BYTES:
        if (!json_is_string(json))
            return false;
        room = json_string_length(json) + 1;
        break;
    case WEFT_PLAN_FLOATS:
        if (!json_is_array(json))
            return false;
        put_floats(json, &e);
        room = e.used;
        break;
    }
    uint8_t *bytes = malloc(room);
    if (!bytes)
        return false;
    value->at = bytes;
    switch (kind) {
    case WEFT_PLAN_BYTES: return take_bytes(json, bytes, &value->size);
    case WEFT_PLAN_FLOATS:
        e = (struct weft_encoder){.out = bytes, .size = room};
        put_floats(json, &e);
        value->size = room;
        value->items = WEFT_SCHEMA_FLOAT;
        value->number = (int64_t)json_array_size(json);
        return true;
    default:
        value->size = json_string_length(json);
        memcpy(bytes, json_string_value(json), value->size);
        return true;
    }
}

/* The field of a record's default that the path leads to; what stands there without one has a default of its own. A new
 * reference, or NULL. */
static json_t *find(const struct weft_schema_member *member, json_t *json, const char *rest)
{
    while (*rest == '.' && member) {
        size_t length = strcspn(++rest, ".");
        const struct weft_schema_type *type = member->type;
        /* A union's default is of its first branch. */
        if (type->kind == WEFT_SCHEMA_UNION && type->count)
            type = type->members[0].type;
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)length, rest);
        member = type->kind == WEFT_SCHEMA_RECORD ? weft_schema_member(type, name) : NULL;
        json_t *inner = json_incref(json_object_get(json, name));
        if (!inner && member && member->fallback)
            inner = json_loads(member->fallback, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        json_decref(json);
        json = inner;
        rest += length;
    }
    return json;
}

struct weft_plan_value *weft_plan_default(const struct weft_schema_member *member, const char *rest,
                                          enum weft_plan_kind kind)
{
    if (!member->fallback)
        return NULL;
    json_t *json = find(member, json_loads(member->fallback, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL), rest);
    struct weft_plan_value *value = json ? calloc(1, sizeof *value) : NULL;
    if (value && !fill(json, kind, value)) {
        free((void *)value->at);
        free(value);
        value = NULL;
    }
    json_decref(json);
    return value;
}
