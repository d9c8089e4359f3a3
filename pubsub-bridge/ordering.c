#include "pubsub-bridge/ordering.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "pubsub-bridge/encoding.h"
#include "pubsub-bridge/envelope.h"

char *weft_ordering_key(enum weft_topology_order order, const struct weft_record *record, struct weft_arena *arena)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char text[WEFT_PUBSUB_ORDERING_KEY_MAX];
    if (order == WEFT_ORDER_PARTITION) {
        int size = snprintf(text, sizeof text, "%s/%d", record->topic, (int)record->partition);
        return weft_arena_text(arena, text, (size_t)size);
    }
    if (order == WEFT_ORDER_NONE || !record->key.size)
        return weft_arena_text(arena, "", 0);
    if (record->key.size <= WEFT_PUBSUB_ORDERING_KEY_MAX && weft_is_text(record->key.data, record->key.size))
        return weft_arena_text(arena, record->key.data, record->key.size);
    SHA256(record->key.data, record->key.size, digest);
    return weft_arena_text(arena, text, weft_base64_write(text, digest, sizeof digest));
}
