#include "pubsub-bridge/outgoing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub-bridge/encoding.h"
#include "pubsub-bridge/envelope.h"
#include "pubsub-bridge/kafka_record.h"
#include "pubsub-bridge/ordering.h"

enum { RECORD_OVERHEAD = 500 /* bytes of a message beside its value: names of attributes, coordinates */ };

/* About the size of its message at most, or a batch would be larger than a call may be: a text key is its ordering key,
 * too, and a header's name may stand there twice, once percent-encoded. */
static size_t size_of(const struct weft_record *record)
{
    size_t size = RECORD_OVERHEAD + record->value.size + 2 * record->key.size;
    for (size_t i = 0; i < record->header_count; i++) {
        size_t length = strlen(record->headers[i].name);
        size += length + weft_percent_size_max(length) + weft_base64_size(record->headers[i].value.size) + 16;
    }
    return size;
}

struct weft_outgoing *weft_outgoing_new(rd_kafka_message_t *message, const struct weft_record *record,
                                        unsigned assignment)
{
    struct weft_outgoing *outgoing = calloc(1, sizeof *outgoing);
    if (outgoing)
        *outgoing =
            (struct weft_outgoing){.lane = {.size = size_of(record)}, .message = message, .assignment = assignment};
    return outgoing;
}

void weft_outgoing_destroy(struct weft_outgoing *outgoing)
{
    if (!outgoing)
        return;
    rd_kafka_message_destroy(outgoing->message);
    free((void *)(uintptr_t)outgoing->json.data);
    free(outgoing);
}

int weft_outgoing_translate(struct weft_outgoing *outgoing, struct weft_translation *translation,
                            const struct weft_record *record, struct weft_error *err)
{
    size_t size;
    if (!record->value.data)
        return 0;
    char *json = weft_translation_to_json(translation, record, &size, err);
    if (!json)
        return -1;
    outgoing->json = (struct weft_bytes){(uint8_t *)json, size};
    outgoing->lane.size += size;
    return 0;
}

Pubsub__Message *weft_outgoing_seal(const struct weft_outgoing *outgoing, const char *place,
                                    enum weft_topology_order order, struct weft_arena *arena, struct weft_error *err)
{
    struct weft_record record;
    bool fine = weft_kafka_record(outgoing->message, arena, &record) &&
                (!outgoing->json.data || weft_translation_put(&record, outgoing->json, arena));
    Pubsub__Message *message = fine ? weft_envelope_seal(&record, place, arena, err) : NULL;
    if (message)
        message->ordering_key = weft_ordering_key(order, &record, arena);
    if (err->class == WEFT_ERROR_NONE && (!message || !message->ordering_key))
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return err->class == WEFT_ERROR_NONE ? message : NULL;
}
