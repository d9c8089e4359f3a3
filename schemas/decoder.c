#include "schemas/decoder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256, FAULT_MAX = 200 };

/* Never changed once it can be seen, and never taken out before the decoder goes. */
struct entry {
    uint32_t id;
    bool by_guid; /* guid counts, and not the id */
    uint8_t guid[WEFT_FRAME_GUID_SIZE];
    struct weft_plan *plan; /* NULL: the schema cannot be read, fault says why */
    char fault[FAULT_MAX];
    struct entry *next;
};

struct weft_decoder {
    struct weft_registry *registry;
    const char *reader_schema;
    const struct weft_plan_field *fields;
    size_t count;
    pthread_mutex_t growing; /* held by who puts an entry into its bucket */
    _Atomic(struct entry *) buckets[BUCKETS];
};

struct weft_decoder *weft_decoder_new(struct weft_registry *registry, const char *reader_schema,
                                      const struct weft_plan_field *fields, size_t count, struct weft_error *err)
{
    struct weft_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder || pthread_mutex_init(&decoder->growing, NULL) != 0) {
        free(decoder);
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    decoder->registry = registry;
    decoder->reader_schema = reader_schema;
    decoder->fields = fields;
    decoder->count = count;
    return decoder;
}

static void free_entry(struct entry *entry)
{
    weft_plan_destroy(entry->plan);
    free(entry);
}

void weft_decoder_destroy(struct weft_decoder *decoder)
{
    if (!decoder)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = atomic_load(&decoder->buckets[i]), *next; entry; entry = next) {
            next = entry->next;
            free_entry(entry);
        }
    pthread_mutex_destroy(&decoder->growing);
    free(decoder);
}

static bool is_of(const struct entry *entry, const struct weft_frame *frame)
{
    if (frame->guid)
        return entry->by_guid && memcmp(entry->guid, frame->guid, sizeof entry->guid) == 0;
    return entry->id == frame->schema_id && !entry->by_guid;
}

static _Atomic(struct entry *) *bucket_of(struct weft_decoder *decoder, const struct weft_frame *frame)
{
    return &decoder->buckets[(frame->guid ? frame->guid[0] : frame->schema_id) % BUCKETS];
}

static const struct entry *find(struct weft_decoder *decoder, const struct weft_frame *frame)
{
    const struct entry *entry = atomic_load_explicit(bucket_of(decoder, frame), memory_order_acquire);
    while (entry && !is_of(entry, frame))
        entry = entry->next;
    return entry;
}

/* Asks the registry and compiles. Two threads may do so for the same id at once; the first to end is kept. */
static const struct entry *learn(struct weft_decoder *decoder, const struct weft_frame *frame, struct weft_error *err)
{
    const char *text;
    struct weft_error fault = {0};
    int asked = frame->guid ? weft_registry_by_guid(decoder->registry, frame->guid, &text, &fault)
                            : weft_registry_by_id(decoder->registry, frame->schema_id, &text, &fault);
    /* An answer that is no Avro schema will be none the next time. */
    if (asked != 0 && fault.class != WEFT_ERROR_CORRUPT) {
        weft_error_set(err, fault.class, "%s", fault.message);
        return NULL;
    }
    if (asked == 0 && !text) {
        if (frame->guid)
            weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema's GUID is not known to the registry");
        else
            weft_error_set(err, WEFT_ERROR_CORRUPT, "schema id %u is not known to the registry", frame->schema_id);
        return NULL;
    }
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    entry->id = frame->schema_id;
    entry->by_guid = frame->guid != NULL;
    if (frame->guid)
        memcpy(entry->guid, frame->guid, sizeof entry->guid);
    if (asked == 0)
        entry->plan = weft_plan_compile(text, decoder->reader_schema, decoder->fields, decoder->count, &fault);
    if (!entry->plan && fault.class != WEFT_ERROR_CORRUPT) {
        free_entry(entry);
        weft_error_set(err, fault.class, "%s", fault.message);
        return NULL;
    }
    snprintf(entry->fault, sizeof entry->fault, "%s", fault.message);

    pthread_mutex_lock(&decoder->growing);
    const struct entry *known = find(decoder, frame);
    if (!known) {
        _Atomic(struct entry *) *bucket = bucket_of(decoder, frame);
        entry->next = atomic_load_explicit(bucket, memory_order_relaxed);
        atomic_store_explicit(bucket, entry, memory_order_release);
        known = entry;
    }
    pthread_mutex_unlock(&decoder->growing);
    if (known != entry)
        free_entry(entry);
    return known;
}

int weft_decoder_read(struct weft_decoder *decoder, const struct weft_frame *frame, struct weft_plan_value *values,
                      struct weft_error *err)
{
    const struct entry *entry = find(decoder, frame);
    if (!entry)
        entry = learn(decoder, frame, err);
    if (!entry)
        return -1;
    if (!entry->plan && entry->by_guid)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the message's schema cannot be read: %s", entry->fault);
    if (!entry->plan)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "schema id %u cannot be read: %s", entry->id, entry->fault);
    return weft_plan_run(entry->plan, frame->body, frame->body_size, values, err);
}
