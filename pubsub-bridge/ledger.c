#include "pubsub-bridge/ledger.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

/* An id takes 16 bytes of its SHA-256: ids are of any length, and no two of a million share them. */
enum { ID_SIZE = 16, VERSION = 1, HEAD_SIZE = 9, BUCKETS = 1 << 21 };

#define EMPTY UINT32_MAX /* bucket */

struct digest {
    uint64_t half[2];
};

/* A ring of the last ids, and a hash table with open addressing of where they are in it. */
struct weft_ledger {
    struct digest *ring;
    uint32_t *buckets; /* index in the ring, or EMPTY */
    size_t first, count;
    uint64_t sequence; /* of the next entry */
};

_Static_assert(sizeof(struct digest) == ID_SIZE, "an id has two halves");

struct weft_ledger *weft_ledger_new(void)
{
    struct weft_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return NULL;
    ledger->ring = malloc(WEFT_LEDGER_MESSAGES * sizeof *ledger->ring);
    ledger->buckets = malloc(BUCKETS * sizeof *ledger->buckets);
    if (!ledger->ring || !ledger->buckets) {
        weft_ledger_destroy(ledger);
        return NULL;
    }
    /* The ring is written, too, so that a process is as large at its start as after a million messages. */
    memset(ledger->ring, 0xff, WEFT_LEDGER_MESSAGES * sizeof *ledger->ring);
    memset(ledger->buckets, 0xff, BUCKETS * sizeof *ledger->buckets); /* EMPTY */
    return ledger;
}

void weft_ledger_destroy(struct weft_ledger *ledger)
{
    if (!ledger)
        return;
    free(ledger->ring);
    free(ledger->buckets);
    free(ledger);
}

static struct digest digest_of(const char *identity)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct digest id;
    SHA256((const uint8_t *)identity, strlen(identity), hash);
    memcpy(&id, hash, sizeof id);
    return id;
}

static size_t home(const struct digest *id)
{
    return id->half[0] & (BUCKETS - 1);
}

/* The bucket of the id, or the empty one where it would go. */
static size_t find(const struct weft_ledger *ledger, const struct digest *id)
{
    size_t at = home(id);
    while (ledger->buckets[at] != EMPTY && memcmp(&ledger->ring[ledger->buckets[at]], id, sizeof *id) != 0)
        at = (at + 1) & (BUCKETS - 1);
    return at;
}

/* Takes the id out and moves up those behind it whose way leads over its bucket: Knuth, volume 3, 6.4, algorithm R. */
static void forget(struct weft_ledger *ledger, const struct digest *id)
{
    size_t hole = find(ledger, id);
    for (size_t at = (hole + 1) & (BUCKETS - 1); ledger->buckets[at] != EMPTY; at = (at + 1) & (BUCKETS - 1)) {
        size_t wanted = home(&ledger->ring[ledger->buckets[at]]);
        if (((at - wanted) & (BUCKETS - 1)) < ((at - hole) & (BUCKETS - 1)))
            continue;
        ledger->buckets[hole] = ledger->buckets[at];
        hole = at;
    }
    ledger->buckets[hole] = EMPTY;
}

static void remember(struct weft_ledger *ledger, const struct digest *id)
{
    if (ledger->buckets[find(ledger, id)] != EMPTY)
        return;
    if (ledger->count == WEFT_LEDGER_MESSAGES) {
        forget(ledger, &ledger->ring[ledger->first]);
        ledger->first = (ledger->first + 1) % WEFT_LEDGER_MESSAGES;
        ledger->count--;
    }
    size_t slot = (ledger->first + ledger->count++) % WEFT_LEDGER_MESSAGES;
    ledger->ring[slot] = *id;
    ledger->buckets[find(ledger, id)] = (uint32_t)slot;
}

bool weft_ledger_holds(const struct weft_ledger *ledger, const char *identity)
{
    struct digest id = digest_of(identity);
    return ledger->buckets[find(ledger, &id)] != EMPTY;
}

static void write_big_endian(uint8_t *to, uint64_t value, int size)
{
    for (int i = size; i-- > 0; value >>= 8)
        to[i] = (uint8_t)value;
}

/* Version, the entry's number, the ids. */
bool weft_ledger_entry(const struct weft_ledger *ledger, const char *const *identities, size_t count,
                       struct weft_ledger_entry *entry)
{
    entry->size = HEAD_SIZE + count * ID_SIZE;
    entry->value = malloc(entry->size);
    if (!entry->value)
        return false;
    write_big_endian(entry->key, ledger->sequence % WEFT_LEDGER_ENTRIES, sizeof entry->key);
    entry->value[0] = VERSION;
    write_big_endian(entry->value + 1, ledger->sequence, 8);
    for (size_t i = 0; i < count; i++) {
        struct digest id = digest_of(identities[i]);
        memcpy(entry->value + HEAD_SIZE + i * ID_SIZE, &id, ID_SIZE);
    }
    return true;
}

int weft_ledger_read(struct weft_ledger *ledger, const void *value, size_t size, struct weft_error *err)
{
    struct weft_cursor cursor = weft_cursor_of(value, size);
    const uint8_t *version, *bytes;
    uint32_t high, low;
    if (!weft_cursor_take(&cursor, 1, &version) || *version != VERSION || !weft_cursor_be32(&cursor, &high) ||
        !weft_cursor_be32(&cursor, &low) || weft_cursor_left(&cursor) % ID_SIZE != 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "%zu bytes that are no entry of a bridge's ledger: is the topic used by another?", size);
    while (weft_cursor_take(&cursor, ID_SIZE, &bytes)) {
        struct digest id;
        memcpy(&id, bytes, sizeof id);
        remember(ledger, &id);
    }
    ledger->sequence = ((uint64_t)high << 32 | low) + 1;
    return 0;
}

void weft_ledger_written(struct weft_ledger *ledger, const struct weft_ledger_entry *entry)
{
    weft_ledger_read(ledger, entry->value, entry->size, NULL);
}
