/* Any bytes as a Pub/Sub message: a record, or refused with a word; a record goes through Pub/Sub once more and comes
 * back as it was. */
#include "pubsub-bridge/envelope.h"
#include "fuzz/fuzz.h"
#include "pubsub-bridge/path.h"

static Pubsub__Message *unpack(struct weft_arena *arena, const uint8_t *bytes, size_t size)
{
    ProtobufCAllocator allocator = weft_arena_allocator(arena);
    return pubsub__message__unpack(&allocator, size, bytes);
}

static int same(struct weft_bytes a, struct weft_bytes b)
{
    return !a.data == !b.data && a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The next header from *at on that is no path, or NULL. */
static const struct weft_record_header *next_header(const struct weft_record *record, size_t *at)
{
    while (*at < record->header_count) {
        const struct weft_record_header *header = &record->headers[(*at)++];
        if (strcmp(header->name, WEFT_PATH_NAME) != 0)
            return header;
    }
    return NULL;
}

static void expect_same(const struct weft_record *a, const struct weft_record *b)
{
    size_t at = 0, bt = 0;
    FUZZ_EXPECT(strcmp(a->topic, b->topic) == 0 && a->partition == b->partition && a->offset == b->offset);
    FUZZ_EXPECT(a->timestamp_ms == b->timestamp_ms && same(a->key, b->key) && same(a->value, b->value));
    for (;;) {
        const struct weft_record_header *one = next_header(a, &at), *other = next_header(b, &bt);
        FUZZ_EXPECT(!one == !other);
        if (!one)
            return;
        FUZZ_EXPECT(strcmp(one->name, other->name) == 0 && same(one->value, other->value));
    }
}

static void send_on(struct weft_record *record, struct weft_arena *arena)
{
    struct weft_record again;
    struct weft_error err = {0};
    if (!record->topic) {
        record->topic = "requests";
        record->partition = 0;
        record->offset = 0;
    }
    Pubsub__Message *message = weft_envelope_seal(record, "kafka:c/requests", arena, &err);
    if (!message) {
        fuzz_expect_reason(&err);
        return;
    }
    size_t size = pubsub__message__get_packed_size(message);
    uint8_t *wire = malloc(size + 1);
    FUZZ_EXPECT(wire != NULL);
    pubsub__message__pack(message, wire);
    message = unpack(arena, wire, size);
    FUZZ_EXPECT(message != NULL);
    FUZZ_EXPECT(weft_envelope_open(message, "pubsub:projects/p/topics/t", arena, &again, &err) == 0);
    expect_same(record, &again);
    free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct weft_record record;
    struct weft_error err = {0};
    struct weft_arena *arena = weft_arena_new();
    FUZZ_EXPECT(arena != NULL);
    Pubsub__Message *message = unpack(arena, bytes, size);
    if (message && weft_envelope_open(message, "pubsub:projects/p/topics/t", arena, &record, &err) == 0)
        send_on(&record, arena);
    else if (message)
        fuzz_expect_reason(&err);
    weft_arena_destroy(arena);
    return 0;
}
