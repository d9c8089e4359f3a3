#include "pubsub-bridge/translation.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/envelope.h"
#include "pubsub-bridge/json_request.h"
#include "pubsub-bridge/json_value.h"
#include "schemas/framing.h"
#include "schemas/registry_settings.h"
#include "schemas/request.h"
#include "schemas/subject.h"

enum { BACKOFF_MS = 500, BACKOFF_MAX_MS = 8000, SLICE_MS = 50 };

/* A schema that has been seen. */
struct known {
    const char *text; /* the registry's, which is the same for the same id */
    struct weft_schema *schema;
    struct known *next;
};

struct weft_translation {
    struct weft_registry *registry;
    struct known *known; /* outward: of the records' schemas */
    struct weft_schema *schema;
    uint32_t schema_id; /* inward: what messages are written with */
};

/* ---- The start */

static int take_schema(struct weft_translation *translation, const struct weft_registry_schema *latest,
                       struct weft_error *err)
{
    translation->schema_id = latest->id;
    translation->schema = weft_schema_parse(latest->whole ? latest->whole : latest->schema, err);
    if (translation->schema)
        return 0;
    err->class = WEFT_ERROR_CONFIG;
    return weft_error_prefix(err, "version %d, the latest", latest->version);
}

static int register_ours(struct weft_translation *translation, const char *subject,
                         const struct weft_settings *settings, struct weft_error *err)
{
    if (!weft_settings_bool(settings, "auto.register.schemas"))
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "the registry has no such subject: register a schema with `weft topology apply` or `weft "
                              "schema register`, or set auto.register.schemas=true");
    translation->schema = weft_schema_parse(weft_request_schema, err);
    return translation->schema ? weft_registry_register(translation->registry, subject, weft_request_schema,
                                                        &translation->schema_id, err)
                               : -1;
}

/* Asks once. */
static int look_up(struct weft_translation *translation, const struct weft_translation_config *config,
                   const char *subject, struct weft_error *err)
{
    struct weft_registry_schema latest = {0};
    bool found;
    int result = weft_registry_latest(translation->registry, subject, &latest, &found, err);
    if (result == 0 && config->bridge->from.pubsub)
        result =
            found ? take_schema(translation, &latest, err) : register_ours(translation, subject, config->settings, err);
    weft_registry_schema_clear(&latest);
    return result;
}

static int await_schema(struct weft_translation *translation, const struct weft_translation_config *config,
                        struct weft_error *err)
{
    char subject[WEFT_SUBJECT_SIZE];
    int64_t backoff_ms = BACKOFF_MS;
    const struct weft_topology_bridge *bridge = config->bridge;
    const char *topic = bridge->from.pubsub ? bridge->to.name : bridge->from.name;
    if (weft_subject_name(translation->registry, topic, weft_request_schema, subject, err) != 0)
        return -1;
    while (look_up(translation, config, subject, err) != 0) {
        weft_schema_destroy(translation->schema);
        translation->schema = NULL;
        if (err->class != WEFT_ERROR_UNAVAILABLE)
            return weft_error_prefix(err, "subject %s", subject);
        weft_log(config->log, WEFT_LOG_WARN, "bridge.registry", "%s: waiting for the schema registry: %s", bridge->name,
                 err->message);
        for (int64_t until_ms = weft_clock_ms() + backoff_ms; weft_clock_ms() < until_ms; weft_clock_sleep_ms(SLICE_MS))
            if (atomic_load(config->stop))
                return -1;
        backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
    }
    return 0;
}

struct weft_translation *weft_translation_new(const struct weft_translation_config *config, struct weft_error *err)
{
    struct weft_translation *translation = calloc(1, sizeof *translation);
    if (!translation) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    translation->registry = weft_registry_once_from_settings(config->settings, err);
    if (translation->registry && await_schema(translation, config, err) == 0)
        return translation;
    weft_error_prefix(err, "format: json");
    weft_translation_destroy(translation);
    return NULL;
}

void weft_translation_destroy(struct weft_translation *translation)
{
    if (!translation)
        return;
    for (struct known *known = translation->known, *next; known; known = next) {
        next = known->next;
        weft_schema_destroy(known->schema);
        free(known);
    }
    weft_schema_destroy(translation->schema);
    weft_registry_destroy(translation->registry);
    free(translation);
}

/* ---- One record */

bool weft_translation_put(struct weft_record *record, struct weft_bytes value, struct weft_arena *arena)
{
    record->value = value;
    if (!weft_record_header_value(record, WEFT_FRAME_HEADER).data)
        return true;
    struct weft_record_header *headers = weft_arena_take(arena, record->header_count * sizeof *headers);
    size_t count = 0;
    for (size_t i = 0; headers && i < record->header_count; i++)
        if (strcmp(record->headers[i].name, WEFT_FRAME_HEADER) != 0)
            headers[count++] = record->headers[i];
    record->headers = headers;
    record->header_count = count;
    return headers;
}

int weft_translation_to_avro(const struct weft_translation *translation, struct weft_record *record, const char *id,
                             struct weft_arena *arena, struct weft_error *err)
{
    struct weft_bytes value = record->value;
    if (!value.data)
        return 0;
    if (weft_json_request(translation->schema, translation->schema_id, value, id, arena, &value, err) != 0)
        return -1;
    return weft_translation_put(record, value, arena) ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

/* The schema of a frame, which the registry is asked for where it is not known. */
static const struct weft_schema *schema_of(struct weft_translation *translation, const struct weft_frame *frame,
                                           struct weft_error *err)
{
    const char *text;
    int asked = frame->guid ? weft_registry_by_guid(translation->registry, frame->guid, &text, err)
                            : weft_registry_by_id(translation->registry, frame->schema_id, &text, err);
    if (asked != 0)
        return NULL;
    if (!text && frame->guid)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema's GUID is not known to the registry");
    else if (!text)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "schema id %u is not known to the registry", frame->schema_id);
    if (!text)
        return NULL;
    for (const struct known *known = translation->known; known; known = known->next)
        if (known->text == text)
            return known->schema;
    struct known *known = calloc(1, sizeof *known);
    if (!known) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *known = (struct known){text, weft_schema_parse(text, err), translation->known};
    if (!known->schema) {
        weft_error_prefix(err, "the message's schema cannot be read");
        free(known);
        return NULL;
    }
    translation->known = known;
    return known->schema;
}

char *weft_translation_to_json(struct weft_translation *translation, const struct weft_record *record, size_t *size,
                               struct weft_error *err)
{
    struct weft_frame frame;
    struct weft_bytes header = weft_record_header_value(record, WEFT_FRAME_HEADER);
    if (weft_frame_read_header(header.data, header.size, record->value.data, record->value.size, &frame, err) != 0)
        return NULL;
    const struct weft_schema *schema = schema_of(translation, &frame, err);
    return schema ? weft_json_value(schema, frame.body, frame.body_size, size, err) : NULL;
}
