#include "pubsub-bridge/envelope.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub-bridge/encoding.h"
#include "pubsub-bridge/path.h"

#define TOPIC "kafka.topic"
#define PARTITION "kafka.partition"
#define OFFSET "kafka.offset"
#define TIMESTAMP "kafka.timestamp"
#define KEY "kafka.key"
#define KEY_BASE64 "kafka.key.base64"
#define VALUE "kafka.value"
#define HEADERS "kafka.headers"
#define RESERVED "kafka." /* begins the names that no header's attribute may have */
#define NULL_VALUE "null"

static int no_memory(struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

struct weft_bytes weft_record_header_value(const struct weft_record *record, const char *name)
{
    for (size_t i = record->header_count; i-- > 0;)
        if (strcmp(record->headers[i].name, name) == 0)
            return record->headers[i].value;
    return (struct weft_bytes){0};
}

/* ---- Sealing */

struct sealing {
    const struct weft_record *record;
    struct weft_arena *arena;
    struct weft_error *err; /* may be NULL */
    Pubsub__Attribute *attributes[WEFT_PUBSUB_ATTRIBUTES_MAX];
    size_t count;
};

/* name and value must live as long as the message. */
static int add(struct sealing *sealing, const char *name, const char *value)
{
    if (sealing->count == WEFT_PUBSUB_ATTRIBUTES_MAX)
        return weft_error_set(sealing->err, WEFT_ERROR_CORRUPT,
                              "its key and headers take more than the %d attributes of %d bytes that Pub/Sub has for a "
                              "message",
                              WEFT_PUBSUB_ATTRIBUTES_MAX, WEFT_PUBSUB_VALUE_MAX);
    Pubsub__Attribute *attribute = weft_arena_take(sealing->arena, sizeof *attribute);
    if (!attribute)
        return no_memory(sealing->err);
    pubsub__attribute__init(attribute);
    attribute->name = (char *)(uintptr_t)name;
    attribute->value = (char *)(uintptr_t)value;
    sealing->attributes[sealing->count++] = attribute;
    return 0;
}

static int add_text(struct sealing *sealing, const char *name, const void *value, size_t size)
{
    const char *text = weft_arena_text(sealing->arena, value, size);
    return text ? add(sealing, name, text) : no_memory(sealing->err);
}

static int add_number(struct sealing *sealing, const char *name, int64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%" PRId64, value);
    return add_text(sealing, name, text, (size_t)size);
}

/* ASCII text of any size, over as many attributes as it takes. */
static int add_long(struct sealing *sealing, const char *name, const char *text, size_t size)
{
    for (size_t part = 0, at = 0; part == 0 || at < size; part++) {
        char numbered[64];
        int length = part ? snprintf(numbered, sizeof numbered, "%s.%zu", name, part)
                          : snprintf(numbered, sizeof numbered, "%s", name);
        size_t piece = size - at < WEFT_PUBSUB_VALUE_MAX ? size - at : WEFT_PUBSUB_VALUE_MAX;
        const char *owned = weft_arena_text(sealing->arena, numbered, (size_t)length);
        if (!owned)
            return no_memory(sealing->err);
        if (add_text(sealing, owned, text + at, piece) != 0)
            return -1;
        at += piece;
    }
    return 0;
}

static int seal_key(struct sealing *sealing)
{
    const struct weft_bytes *key = &sealing->record->key;
    if (!key->data)
        return 0;
    if (key->size <= WEFT_PUBSUB_VALUE_MAX && weft_is_text(key->data, key->size))
        return add_text(sealing, KEY, key->data, key->size);
    char *text = weft_arena_take(sealing->arena, weft_base64_size(key->size) + 1);
    if (!text)
        return no_memory(sealing->err);
    return add_long(sealing, KEY_BASE64, text, weft_base64_write(text, key->data, key->size));
}

/* Whether the header can be an attribute of its own name. */
static bool is_plain(const struct weft_record *record, size_t index)
{
    const struct weft_record_header *header = &record->headers[index];
    size_t length = strlen(header->name);
    if (length == 0 || length > WEFT_PUBSUB_NAME_MAX || !weft_is_text(header->name, length) ||
        strncmp(header->name, "goog", 4) == 0 || strncmp(header->name, RESERVED, sizeof RESERVED - 1) == 0)
        return false;
    if (!header->value.data || header->value.size > WEFT_PUBSUB_VALUE_MAX ||
        !weft_is_text(header->value.data, header->value.size))
        return false;
    for (size_t i = 0; i < record->header_count; i++)
        if (i != index && strcmp(record->headers[i].name, header->name) == 0)
            return false;
    return true;
}

static bool is_path(const struct weft_record_header *header)
{
    return strcmp(header->name, WEFT_PATH_NAME) == 0;
}

/* One entry of the list of headers; gives its end. */
static char *write_header(char *at, const struct weft_record_header *header, bool plain)
{
    at += weft_percent_write(at, header->name, strlen(header->name));
    if (plain)
        return at;
    if (!header->value.data) {
        *at++ = '~';
        return at;
    }
    *at++ = '=';
    return at + weft_base64_write(at, header->value.data, header->value.size);
}

/* The headers, those that can be as attributes of their own if `plain`, else all within the list. */
static int seal_headers(struct sealing *sealing, bool plain)
{
    const struct weft_record *record = sealing->record;
    size_t room = 1;
    for (size_t i = 0; i < record->header_count; i++)
        room += weft_percent_size_max(strlen(record->headers[i].name)) +
                weft_base64_size(record->headers[i].value.size) + 2;
    char *list = weft_arena_take(sealing->arena, room), *at = list;
    if (!list)
        return no_memory(sealing->err);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct weft_record_header *header = &record->headers[i];
        if (is_path(header))
            continue;
        if (at > list)
            *at++ = ',';
        bool own = plain && is_plain(record, i);
        at = write_header(at, header, own);
        if (own && add_text(sealing, header->name, header->value.data, header->value.size) != 0)
            return -1;
    }
    return at > list ? add_long(sealing, HEADERS, list, (size_t)(at - list)) : 0;
}

static int seal_path(struct sealing *sealing, const char *place)
{
    struct weft_bytes before = weft_record_header_value(sealing->record, WEFT_PATH_NAME);
    size_t size = before.size + strlen(place) + 2;
    if (size > WEFT_PATH_MAX || !weft_is_text(before.data, before.size))
        return weft_error_set(sealing->err, WEFT_ERROR_CORRUPT, "its header %s is no path, or longer than %d bytes",
                              WEFT_PATH_NAME, WEFT_PATH_MAX);
    char *path = weft_arena_take(sealing->arena, size);
    if (!path)
        return no_memory(sealing->err);
    snprintf(path, size, "%.*s%s%s", (int)before.size, before.size ? (const char *)before.data : "",
             before.size ? "," : "", place);
    return add(sealing, WEFT_PATH_NAME, path);
}

static int seal_all(struct sealing *sealing, const char *place, bool plain)
{
    const struct weft_record *record = sealing->record;
    sealing->count = 0;
    if (add(sealing, TOPIC, record->topic) != 0 || add_number(sealing, PARTITION, record->partition) != 0 ||
        add_number(sealing, OFFSET, record->offset) != 0 || seal_path(sealing, place) != 0)
        return -1;
    if (record->timestamp_ms >= 0 && add_number(sealing, TIMESTAMP, record->timestamp_ms) != 0)
        return -1;
    if (!record->value.data && add(sealing, VALUE, NULL_VALUE) != 0)
        return -1;
    return seal_key(sealing) != 0 || seal_headers(sealing, plain) != 0 ? -1 : 0;
}

Pubsub__Message *weft_envelope_seal(const struct weft_record *record, const char *place, struct weft_arena *arena,
                                    struct weft_error *err)
{
    struct sealing sealing = {.record = record, .arena = arena};
    /* Where the attributes are too few for one a header, the list has more room. */
    bool plain = record->header_count <= WEFT_PUBSUB_ATTRIBUTES_MAX && seal_all(&sealing, place, true) == 0;
    sealing.err = err;
    if (!plain && seal_all(&sealing, place, false) != 0)
        return NULL;
    size_t bytes = sealing.count * sizeof *sealing.attributes;
    Pubsub__Message *message = weft_arena_take(arena, sizeof *message);
    Pubsub__Attribute **attributes = weft_arena_take(arena, bytes);
    if (!message || !attributes) {
        no_memory(err);
        return NULL;
    }
    memcpy(attributes, sealing.attributes, bytes);
    pubsub__message__init(message);
    message->attributes = attributes;
    message->n_attributes = sealing.count;
    message->data = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)record->value.data, .len = record->value.size};
    size_t size = pubsub__message__get_packed_size(message);
    if (size > WEFT_PUBSUB_MESSAGE_MAX) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "as a message it has %zu bytes, more than Pub/Sub's %d", size,
                       WEFT_PUBSUB_MESSAGE_MAX);
        return NULL;
    }
    return message;
}

/* ---- Opening */

struct opening {
    struct weft_arena *arena;
    struct weft_error *err;
    const Pubsub__Attribute **attributes; /* sorted by name */
    bool *used;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const Pubsub__Attribute *const *)a)->name, (*(const Pubsub__Attribute *const *)b)->name);
}

static int open_attributes(struct opening *opening, const Pubsub__Message *message)
{
    opening->count = message->n_attributes;
    opening->attributes = weft_arena_take(opening->arena, opening->count * sizeof *opening->attributes);
    opening->used = weft_arena_take(opening->arena, opening->count * sizeof *opening->used);
    if (!opening->attributes || !opening->used)
        return no_memory(opening->err);
    for (size_t i = 0; i < opening->count; i++) {
        opening->attributes[i] = message->attributes[i];
        opening->used[i] = false;
    }
    qsort(opening->attributes, opening->count, sizeof *opening->attributes, by_name);
    return 0;
}

/* The attribute's value, which is thereby accounted for; NULL where there is none. */
static const char *use(struct opening *opening, const char *name)
{
    const Pubsub__Attribute wanted = {.name = (char *)(uintptr_t)name}, *key = &wanted;
    const Pubsub__Attribute **found =
        bsearch(&key, opening->attributes, opening->count, sizeof *opening->attributes, by_name);
    if (!found)
        return NULL;
    opening->used[found - opening->attributes] = true;
    return (*found)->value;
}

/* The text that add_long wrote; data is NULL where there is none, or memory is short. */
static struct weft_bytes use_long(struct opening *opening, const char *name)
{
    const char *parts[WEFT_PUBSUB_ATTRIBUTES_MAX];
    size_t count = 0, size = 0;
    for (const char *part = use(opening, name); part && count < WEFT_PUBSUB_ATTRIBUTES_MAX;) {
        char numbered[64];
        parts[count++] = part;
        size += strlen(part);
        snprintf(numbered, sizeof numbered, "%s.%zu", name, count);
        part = use(opening, numbered);
    }
    if (count <= 1)
        return (struct weft_bytes){(const uint8_t *)(count ? parts[0] : NULL), size};
    char *text = weft_arena_take(opening->arena, size + 1), *at = text;
    for (size_t i = 0; text && i < count; i++)
        at = stpcpy(at, parts[i]);
    return (struct weft_bytes){(uint8_t *)text, size};
}

static int damaged(struct opening *opening, const char *name)
{
    return weft_error_set(opening->err, WEFT_ERROR_CORRUPT,
                          "its attribute %s is not what the bridge writes: a client that is no bridge should leave out "
                          "the attributes that begin with " RESERVED,
                          name);
}

static int open_number(struct opening *opening, const char *name, int64_t max, bool needed, int64_t *value)
{
    const char *text = use(opening, name);
    char *end;
    *value = -1;
    if (!text)
        return needed ? damaged(opening, name) : 0;
    /* The writer writes digits alone. */
    size_t digits = strspn(text, "0123456789");
    *value = digits > 0 && digits < 20 && !text[digits] ? strtoll(text, &end, 10) : -1;
    return *value >= 0 && *value <= max ? 0 : damaged(opening, name);
}

static int open_key(struct opening *opening, struct weft_bytes *key)
{
    const char *text = use(opening, KEY);
    struct weft_bytes base64 = use_long(opening, KEY_BASE64);
    *key = (struct weft_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
    if (!base64.data)
        return 0;
    *key = weft_base64_read(opening->arena, (const char *)base64.data, base64.size);
    return key->data && !text ? 0 : damaged(opening, KEY_BASE64);
}

/* One entry of the list of headers. */
static int open_header(struct opening *opening, const char *entry, size_t size, struct weft_record_header *header)
{
    size_t length = 0;
    while (length < size && entry[length] != '=' && entry[length] != '~')
        length++;
    header->name = (const char *)weft_percent_read(opening->arena, entry, length).data;
    if (!header->name)
        return damaged(opening, HEADERS);
    if (length == size) {
        const char *text = use(opening, header->name);
        header->value = (struct weft_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
        return text ? 0 : damaged(opening, HEADERS);
    }
    header->value = (struct weft_bytes){0};
    if (entry[length] == '~')
        return length + 1 == size ? 0 : damaged(opening, HEADERS);
    header->value = weft_base64_read(opening->arena, entry + length + 1, size - length - 1);
    return header->value.data ? 0 : damaged(opening, HEADERS);
}

/* The listed headers, then the attributes that somebody has added on the way, then the path. */
static int open_headers(struct opening *opening, const char *path, struct weft_record *record)
{
    struct weft_bytes list = use_long(opening, HEADERS);
    const char *text = (const char *)list.data;
    size_t room = opening->count + 2;
    for (size_t i = 0; i < list.size; i++)
        room += text[i] == ',';
    struct weft_record_header *headers = weft_arena_take(opening->arena, room * sizeof *headers);
    if (!headers)
        return no_memory(opening->err);
    size_t count = 0;
    for (size_t at = 0; text && at <= list.size; count++) {
        size_t size = strcspn(text + at, ",");
        if (open_header(opening, text + at, size, &headers[count]) != 0)
            return -1;
        at += size + 1;
    }
    for (size_t i = 0; i < opening->count; i++) {
        const Pubsub__Attribute *attribute = opening->attributes[i];
        if (!opening->used[i])
            headers[count++] = (struct weft_record_header){
                attribute->name, {(const uint8_t *)attribute->value, strlen(attribute->value)}};
    }
    headers[count++] = (struct weft_record_header){WEFT_PATH_NAME, {(const uint8_t *)path, strlen(path)}};
    record->headers = headers;
    record->header_count = count;
    return 0;
}

static const char *open_path(struct opening *opening, const char *place)
{
    const char *before = use(opening, WEFT_PATH_NAME);
    if (!before)
        return place;
    size_t size = strlen(before) + strlen(place) + 2;
    char *path = weft_arena_take(opening->arena, size);
    if (path)
        snprintf(path, size, "%s,%s", before, place);
    return path;
}

/* -1 for no time, one before 1970, and one after the year 9999, with which protobuf's end. */
static int64_t milliseconds(const Pubsub__Timestamp *time)
{
    const int64_t seconds_max = 253402300799;
    if (!time || time->seconds < 0 || time->seconds > seconds_max || time->nanos < 0)
        return -1;
    return time->seconds * 1000 + time->nanos / 1000000;
}

int weft_envelope_open(const Pubsub__Message *message, const char *place, struct weft_arena *arena,
                       struct weft_record *record, struct weft_error *err)
{
    struct opening opening = {.arena = arena, .err = err};
    *record = (struct weft_record){.partition = -1, .offset = -1, .timestamp_ms = -1};
    if (open_attributes(&opening, message) != 0)
        return -1;
    const char *path = open_path(&opening, place);
    if (!path)
        return no_memory(err);
    /* An empty value has data that is not NULL. */
    record->value =
        (struct weft_bytes){message->data.len ? message->data.data : (const uint8_t *)"", message->data.len};
    record->topic = use(&opening, TOPIC);
    if (!record->topic) {
        if (message->ordering_key[0])
            record->key = (struct weft_bytes){(const uint8_t *)message->ordering_key, strlen(message->ordering_key)};
        record->timestamp_ms = milliseconds(message->publish_time);
        return open_headers(&opening, path, record);
    }
    int64_t partition;
    if (open_number(&opening, PARTITION, INT32_MAX, true, &partition) != 0 ||
        open_number(&opening, OFFSET, INT64_MAX, true, &record->offset) != 0 ||
        open_number(&opening, TIMESTAMP, INT64_MAX, false, &record->timestamp_ms) != 0 ||
        open_key(&opening, &record->key) != 0)
        return -1;
    record->partition = (int32_t)partition;
    const char *value = use(&opening, VALUE);
    if (value && (strcmp(value, NULL_VALUE) != 0 || message->data.len > 0))
        return damaged(&opening, VALUE);
    if (value)
        record->value = (struct weft_bytes){0};
    return open_headers(&opening, path, record);
}

const char *weft_envelope_attribute(const Pubsub__Message *message, const char *name)
{
    for (size_t i = 0; i < message->n_attributes; i++)
        if (strcmp(message->attributes[i]->name, name) == 0)
            return message->attributes[i]->value;
    return NULL;
}
