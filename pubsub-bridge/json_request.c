#include "pubsub-bridge/json_request.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pubsub-bridge/encoding.h"
#include "schemas/encoder.h"
#include "schemas/framing.h"

enum {
    PATH_SIZE = 256,
    TYPE_SIZE = 160,
    LEVELS_MAX = 3, /* of an image: channels, rows, pixels */
    ROOM = 1024,    /* what a message may need beside what its JSON has: defaults */
};

struct encoding {
    struct weft_encoder out;
    struct weft_arena *arena;
    struct weft_error *err;
    char path[PATH_SIZE]; /* of the value at work: "image[3][5]" */
    int depth;
    bool by_default; /* it is not the message's value but the schema's, which has rules of its own */
};

static bool encode(struct encoding *in, const struct weft_schema_type *type, json_t *json);

/* Says what is wrong with the value at work. Gives false. */
__attribute__((format(printf, 2, 3))) static bool fail(struct encoding *in, const char *format, ...)
{
    char what[WEFT_ERROR_MESSAGE_MAX - PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    weft_error_set(in->err, WEFT_ERROR_CORRUPT, "%s: %s", in->path[0] ? in->path : "the JSON", what);
    return false;
}

static bool no_memory(struct encoding *in)
{
    weft_error_set(in->err, WEFT_ERROR_INTERNAL, "out of memory");
    return false;
}

/* Go down to a member or an item; the path is given back by ascend. */
static size_t descend(struct encoding *in, const char *name)
{
    size_t length = strlen(in->path);
    snprintf(in->path + length, sizeof in->path - length, "%s%s", length ? "." : "", name);
    return length;
}

static size_t descend_item(struct encoding *in, size_t index)
{
    size_t length = strlen(in->path);
    snprintf(in->path + length, sizeof in->path - length, "[%zu]", index);
    return length;
}

static void ascend(struct encoding *in, size_t length)
{
    in->path[length] = '\0';
}

static const char *kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number with a fraction or an exponent";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: break;
    }
    return "null";
}

static bool mismatch(struct encoding *in, const char *wanted, const json_t *json)
{
    return fail(in, "%s is wanted, this is %s", wanted, kind_of(json));
}

/* ---- Bytes */

/* Numbers, or lists of lists of them that are as long as sizes says, in their order. Gives the end, or NULL. */
static uint8_t *put_pixels(struct encoding *in, json_t *list, const size_t *sizes, size_t levels, uint8_t *at)
{
    if (!json_is_array(list)) {
        mismatch(in, "a list, as those before it,", list);
        return NULL;
    }
    if (json_array_size(list) != sizes[0]) {
        fail(in, "it has %zu items, and those before it have %zu", json_array_size(list), sizes[0]);
        return NULL;
    }
    for (size_t i = 0; i < sizes[0]; i++) {
        json_t *item = json_array_get(list, i);
        json_int_t number = json_integer_value(item);
        if (levels == 1 && json_is_integer(item) && number >= 0 && number <= UINT8_MAX) {
            *at++ = (uint8_t)number;
            continue;
        }
        size_t above = descend_item(in, i);
        at = levels > 1 ? put_pixels(in, item, sizes + 1, levels - 1, at) : NULL;
        if (levels == 1 && json_is_integer(item))
            fail(in, "a number from 0 to 255 is wanted, this is %" JSON_INTEGER_FORMAT, number);
        else if (levels == 1)
            mismatch(in, "a whole number from 0 to 255", item);
        if (!at)
            return NULL;
        ascend(in, above);
    }
    return at;
}

/* data is NULL where the list is none of pixels. */
static struct weft_bytes pixels(struct encoding *in, json_t *list)
{
    const struct weft_bytes none = {0};
    size_t sizes[LEVELS_MAX], levels = 0, count = 1;
    for (json_t *first = list; json_is_array(first); first = json_array_get(first, 0)) {
        if (levels == LEVELS_MAX) {
            fail(in, "lists within lists deeper than channels, rows and pixels");
            return none;
        }
        size_t size = sizes[levels++] = json_array_size(first);
        if (size && count > WEFT_JSON_VALUES_MAX / size) { /* so many there are not */
            fail(in, "its lists are not equally long");
            return none;
        }
        count *= size;
    }
    uint8_t *bytes = weft_arena_take(in->arena, count + 1);
    if (!bytes) {
        no_memory(in);
        return none;
    }
    return put_pixels(in, list, sizes, levels, bytes) ? (struct weft_bytes){bytes, count} : none;
}

/* A default of bytes is text in which each character from U+0000 to U+00FF stands for one byte. */
static struct weft_bytes characters(struct encoding *in, json_t *json)
{
    const unsigned char *text = (const unsigned char *)json_string_value(json);
    uint8_t *bytes = weft_arena_take(in->arena, json_string_length(json) + 1);
    size_t count = 0;
    for (size_t i = 0; bytes && i < json_string_length(json); i++) {
        unsigned code = text[i];
        if (code >= 0xc4)
            return (struct weft_bytes){0};
        if (code >= 0xc2)
            code = (code & 0x3u) << 6 | (text[++i] & 0x3fu);
        bytes[count++] = (uint8_t)code;
    }
    return (struct weft_bytes){bytes, count};
}

/* data is NULL where the JSON is no bytes. */
static struct weft_bytes bytes_of(struct encoding *in, json_t *json)
{
    struct weft_bytes bytes = {0};
    if (json_is_array(json))
        return pixels(in, json);
    if (!json_is_string(json)) {
        mismatch(in, "base64 or a list of numbers", json);
        return bytes;
    }
    bytes = in->by_default ? characters(in, json)
                           : weft_base64_read(in->arena, json_string_value(json), json_string_length(json));
    if (!bytes.data)
        fail(in, "this is not base64 (A-Z a-z 0-9 + /, filled up with = to a multiple of four)");
    return bytes;
}

static bool put_bytes(struct encoding *in, json_t *json)
{
    struct weft_bytes bytes = bytes_of(in, json);
    if (bytes.data)
        weft_encoder_text(&in->out, bytes.data, bytes.size);
    return bytes.data;
}

static bool put_fixed(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    struct weft_bytes bytes = bytes_of(in, json);
    if (bytes.data && bytes.size != type->count)
        return fail(in, "%zu bytes are wanted, these are %zu", type->count, bytes.size);
    if (bytes.data)
        weft_encoder_bytes(&in->out, bytes.data, bytes.size);
    return bytes.data;
}

/* ---- Numbers and words */

static bool is_int(const json_t *json)
{
    return json_is_integer(json) && json_integer_value(json) >= INT32_MIN && json_integer_value(json) <= INT32_MAX;
}

static bool put_integer(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    if (!json_is_integer(json))
        return mismatch(in, "a whole number", json);
    if (type->kind == WEFT_SCHEMA_INT && !is_int(json))
        return fail(in, "%" JSON_INTEGER_FORMAT " is more than an int of 32 bits holds", json_integer_value(json));
    weft_encoder_long(&in->out, json_integer_value(json));
    return true;
}

static bool put_real(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    double number = json_number_value(json);
    const char *word = json_string_value(json);
    bool named = true;
    if (word && strcmp(word, "NaN") == 0)
        number = (double)NAN;
    else if (word && strcmp(word, "Infinity") == 0)
        number = (double)INFINITY;
    else if (word && strcmp(word, "-Infinity") == 0)
        number = -(double)INFINITY;
    else
        named = false;
    if (!named && !json_is_number(json))
        return mismatch(in, "a number", json);
    if (type->kind == WEFT_SCHEMA_DOUBLE) {
        weft_encoder_double(&in->out, number);
        return true;
    }
    if (!named && fabs(number) > (double)FLT_MAX)
        return fail(in, "%g is more than a float holds", number);
    weft_encoder_float(&in->out, (float)number);
    return true;
}

static bool put_boolean(struct encoding *in, json_t *json)
{
    uint8_t byte = json_is_true(json);
    if (!json_is_boolean(json))
        return mismatch(in, "true or false", json);
    weft_encoder_bytes(&in->out, &byte, sizeof byte);
    return true;
}

static bool put_text(struct encoding *in, json_t *json)
{
    if (!json_is_string(json))
        return mismatch(in, "text", json);
    weft_encoder_text(&in->out, json_string_value(json), json_string_length(json));
    return true;
}

static bool put_symbol(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    if (!json_is_string(json))
        return mismatch(in, "text", json);
    const struct weft_schema_member *symbol = weft_schema_member(type, json_string_value(json));
    if (!symbol)
        return fail(in, "\"%.100s\" is no symbol of the enum %s", json_string_value(json), type->name);
    weft_encoder_long(&in->out, symbol - type->members);
    return true;
}

/* ---- What holds others */

static bool put_default(struct encoding *in, const struct weft_schema_member *field)
{
    bool outer = in->by_default;
    json_t *json = json_loads(field->fallback, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    in->by_default = true;
    bool fine = json ? encode(in, field->type, json) : no_memory(in);
    in->by_default = outer;
    json_decref(json);
    return fine;
}

/* The first member of the object that the record does not have, or NULL. */
static const char *unknown_member(const struct weft_schema_type *type, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) if (!weft_schema_member(type, name)) return name;
    return NULL;
}

/* The names of the record's fields, cut to size. */
static void list_fields(const struct weft_schema_type *type, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < type->count && length < size; i++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "", type->members[i].name);
}

static bool put_record(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    char fields[TYPE_SIZE] = "";
    if (!json_is_object(json))
        return mismatch(in, "an object", json);
    const char *unknown = unknown_member(type, json);
    if (unknown) {
        list_fields(type, fields, sizeof fields);
        return fail(in, "the schema has no field \"%.100s\", but %s", unknown, fields);
    }
    for (size_t i = 0; i < type->count; i++) {
        const struct weft_schema_member *field = &type->members[i];
        json_t *value = json_object_get(json, field->name);
        if (!value && !field->fallback)
            return fail(in, "\"%.100s\" is missing, and the schema has no default for it", field->name);
        size_t above = descend(in, field->name);
        if (!(value ? encode(in, field->type, value) : put_default(in, field)))
            return false;
        ascend(in, above);
    }
    return true;
}

static bool put_array(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json))
        return mismatch(in, "a list", json);
    if (count)
        weft_encoder_long(&in->out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        size_t above = descend_item(in, i);
        if (!encode(in, type->items, json_array_get(json, i)))
            return false;
        ascend(in, above);
    }
    weft_encoder_long(&in->out, 0);
    return true;
}

static bool put_map(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    const char *name;
    json_t *value;
    if (!json_is_object(json))
        return mismatch(in, "an object", json);
    if (json_object_size(json))
        weft_encoder_long(&in->out, (int64_t)json_object_size(json));
    json_object_foreach(json, name, value)
    {
        size_t above = descend(in, name);
        weft_encoder_text(&in->out, name, strlen(name));
        if (!encode(in, type->items, value))
            return false;
        ascend(in, above);
    }
    weft_encoder_long(&in->out, 0);
    return true;
}

/* Whether the value may be of this branch. It looks no deeper, so that a message cannot make us try for ever. */
static bool fits(const struct weft_schema_type *type, json_t *json)
{
    switch (type->kind) {
    case WEFT_SCHEMA_NULL: return json_is_null(json);
    case WEFT_SCHEMA_BOOLEAN: return json_is_boolean(json);
    case WEFT_SCHEMA_INT: return is_int(json);
    case WEFT_SCHEMA_LONG: return json_is_integer(json);
    case WEFT_SCHEMA_FLOAT:
    case WEFT_SCHEMA_DOUBLE: return json_is_number(json);
    case WEFT_SCHEMA_BYTES:
    case WEFT_SCHEMA_FIXED: return json_is_string(json) || json_is_array(json);
    case WEFT_SCHEMA_STRING: return json_is_string(json);
    case WEFT_SCHEMA_ENUM: return json_is_string(json) && weft_schema_member(type, json_string_value(json));
    case WEFT_SCHEMA_ARRAY: return json_is_array(json);
    case WEFT_SCHEMA_MAP: return json_is_object(json);
    case WEFT_SCHEMA_RECORD: break;
    case WEFT_SCHEMA_UNION: return false;
    }
    if (!json_is_object(json) || unknown_member(type, json))
        return false;
    for (size_t i = 0; i < type->count; i++)
        if (!type->members[i].fallback && !json_object_get(json, type->members[i].name))
            return false;
    return true;
}

/* The branch for the value; type->count where there is none. Where only one is not null, it is that one, which then
 * says what is wrong. A default is always of the first. */
static size_t branch_of(const struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    size_t others = 0, last = 0;
    if (in->by_default)
        return 0;
    for (size_t i = 0; i < type->count; i++) {
        if (fits(type->members[i].type, json))
            return i;
        if (type->members[i].type->kind != WEFT_SCHEMA_NULL) {
            others++;
            last = i;
        }
    }
    return others == 1 ? last : type->count;
}

static bool put_union(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    char text[TYPE_SIZE];
    size_t branch = branch_of(in, type, json);
    if (branch >= type->count) {
        weft_schema_describe(type, text, sizeof text);
        return fail(in, "this is %s that fits no branch of %s", kind_of(json), text);
    }
    weft_encoder_long(&in->out, (int64_t)branch);
    return encode(in, type->members[branch].type, json);
}

static bool encode(struct encoding *in, const struct weft_schema_type *type, json_t *json)
{
    bool fine = false;
    if (in->depth == WEFT_SCHEMA_DEPTH_MAX)
        return fail(in, "nested deeper than anybody needs");
    in->depth++;
    switch (type->kind) {
    case WEFT_SCHEMA_NULL: fine = json_is_null(json) || mismatch(in, "null", json); break;
    case WEFT_SCHEMA_BOOLEAN: fine = put_boolean(in, json); break;
    case WEFT_SCHEMA_INT:
    case WEFT_SCHEMA_LONG: fine = put_integer(in, type, json); break;
    case WEFT_SCHEMA_FLOAT:
    case WEFT_SCHEMA_DOUBLE: fine = put_real(in, type, json); break;
    case WEFT_SCHEMA_BYTES: fine = put_bytes(in, json); break;
    case WEFT_SCHEMA_FIXED: fine = put_fixed(in, type, json); break;
    case WEFT_SCHEMA_STRING: fine = put_text(in, json); break;
    case WEFT_SCHEMA_ENUM: fine = put_symbol(in, type, json); break;
    case WEFT_SCHEMA_RECORD: fine = put_record(in, type, json); break;
    case WEFT_SCHEMA_ARRAY: fine = put_array(in, type, json); break;
    case WEFT_SCHEMA_MAP: fine = put_map(in, type, json); break;
    case WEFT_SCHEMA_UNION: fine = put_union(in, type, json); break;
    }
    in->depth--;
    return fine;
}

/* ---- The message */

/* At least as many values as the text can have. */
static size_t values_in(struct weft_bytes json)
{
    size_t count = 0;
    for (size_t i = 0; i < json.size; i++)
        count += json.data[i] == ',' || json.data[i] == '[' || json.data[i] == '{';
    return count;
}

static json_t *parse(struct weft_bytes json, struct weft_error *err)
{
    json_error_t fault;
    json_t *root = NULL;
    if (json.size == 0)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the message is empty: JSON is wanted");
    else if (json.data[0] == 0)
        weft_error_set(err, WEFT_ERROR_CORRUPT,
                       "JSON is wanted, this begins with a zero byte, as Avro in a frame does");
    else if (values_in(json) > WEFT_JSON_VALUES_MAX)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the JSON has more than %d values: send an image so large as base64",
                       WEFT_JSON_VALUES_MAX);
    else if (!(root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault)))
        weft_error_set(err, WEFT_ERROR_CORRUPT, "not JSON: line %d column %d: %s", fault.line, fault.column,
                       fault.text);
    return root;
}

/* A message without an id gets this one, where the schema has the field for it. */
static bool give_id(const struct weft_schema_type *type, json_t *root, const char *id)
{
    const struct weft_schema_member *field = type->kind == WEFT_SCHEMA_RECORD ? weft_schema_member(type, "id") : NULL;
    if (!field || field->type->kind != WEFT_SCHEMA_STRING || !json_is_object(root) || json_object_get(root, "id"))
        return true;
    return json_object_set_new(root, "id", json_string(id)) == 0;
}

int weft_json_request(const struct weft_schema *schema, uint32_t schema_id, struct weft_bytes json, const char *id,
                      struct weft_arena *arena, struct weft_bytes *message, struct weft_error *err)
{
    const struct weft_schema_type *type = weft_schema_root(schema);
    struct encoding in = {.arena = arena, .err = err};
    uint8_t frame[WEFT_FRAME_SIZE];
    weft_frame_write(frame, schema_id);
    json_t *root = parse(json, err);
    if (!root)
        return -1;
    bool fine = give_id(type, root, id) || no_memory(&in);
    /* Avro is as a rule shorter than JSON; where it is not, the first time has told how long it is. */
    for (size_t room = json.size + ROOM; fine; room = in.out.used) {
        in.out = (struct weft_encoder){.out = weft_arena_take(arena, room), .size = room};
        if (!in.out.out) {
            fine = no_memory(&in);
            break;
        }
        weft_encoder_bytes(&in.out, frame, sizeof frame);
        fine = encode(&in, type, root);
        if (in.out.used <= room)
            break;
    }
    json_decref(root);
    *message = (struct weft_bytes){in.out.out, in.out.used};
    return fine ? 0 : -1;
}
