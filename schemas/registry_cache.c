#include "schemas/registry_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { UNKNOWN_MAX = 256, UNKNOWN_MS = 1000 };

/* What a schema is asked for by: its GUID, or its id with the rest 0. (No GUID begins with 12 zeros: it is a hash.) */
enum { KEY_SIZE = 16 };

struct known_id {
    uint8_t key[KEY_SIZE];
    char *text;
    struct known_id *next;
};

struct known_schema {
    char *subject;
    char *text; /* compact, as sent */
    uint32_t id;
    int version;
    struct known_schema *next;
};

/* An id that the registry did not know a moment ago. */
struct unknown_id {
    uint8_t key[KEY_SIZE];
    int64_t until_ms; /* 0: the place is free */
};

struct weft_registry_cache {
    pthread_mutex_t lock; /* of what follows */
    struct known_id *ids;
    struct known_schema *schemas;
    struct unknown_id unknown[UNKNOWN_MAX]; /* at the key modulo the size: bounded, however many are made up */
};

struct weft_registry_cache *weft_registry_cache_new(void)
{
    struct weft_registry_cache *cache = calloc(1, sizeof *cache);
    if (cache && pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        cache = NULL;
    }
    return cache;
}

void weft_registry_cache_destroy(struct weft_registry_cache *cache)
{
    if (!cache)
        return;
    for (struct known_id *known = cache->ids, *next; known; known = next) {
        next = known->next;
        free(known->text);
        free(known);
    }
    for (struct known_schema *known = cache->schemas, *next; known; known = next) {
        next = known->next;
        free(known->subject);
        free(known->text);
        free(known);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* The caller holds the lock. */
static struct known_schema *find_schema(struct weft_registry_cache *cache, const char *subject, const char *text)
{
    struct known_schema *known = cache->schemas;
    while (known && (strcmp(known->subject, subject) != 0 || strcmp(known->text, text) != 0))
        known = known->next;
    return known;
}

bool weft_registry_cache_schema(struct weft_registry_cache *cache, const char *subject, const char *text, uint32_t *id,
                                int *version)
{
    pthread_mutex_lock(&cache->lock);
    const struct known_schema *known = find_schema(cache, subject, text);
    if (known) {
        *id = known->id;
        *version = known->version;
    }
    pthread_mutex_unlock(&cache->lock);
    return known != NULL;
}

void weft_registry_cache_add_schema(struct weft_registry_cache *cache, const char *subject, const char *text,
                                    uint32_t id, int version)
{
    pthread_mutex_lock(&cache->lock);
    struct known_schema *known = find_schema(cache, subject, text);
    if (!known && (known = calloc(1, sizeof *known))) {
        known->subject = strdup(subject);
        known->text = strdup(text);
        if (known->subject && known->text) {
            known->next = cache->schemas;
            cache->schemas = known;
        } else {
            free(known->subject);
            free(known->text);
            free(known);
            known = NULL;
        }
    }
    if (known) {
        known->id = id;
        known->version = version ? version : known->version;
    }
    pthread_mutex_unlock(&cache->lock);
}

static struct known_id *find_id(struct weft_registry_cache *cache, const uint8_t *key)
{
    struct known_id *known = cache->ids;
    while (known && memcmp(known->key, key, KEY_SIZE) != 0)
        known = known->next;
    return known;
}

static struct unknown_id *place_of(struct weft_registry_cache *cache, const uint8_t *key)
{
    return &cache->unknown[key[KEY_SIZE - 1] % UNKNOWN_MAX];
}

bool weft_registry_cache_guid(struct weft_registry_cache *cache, const uint8_t *guid, const char **text)
{
    pthread_mutex_lock(&cache->lock);
    const struct known_id *known = find_id(cache, guid);
    *text = known ? known->text : NULL;
    const struct unknown_id *unknown = place_of(cache, guid);
    bool answered = known || (memcmp(unknown->key, guid, KEY_SIZE) == 0 && unknown->until_ms > weft_clock_ms());
    pthread_mutex_unlock(&cache->lock);
    return answered;
}

int weft_registry_cache_add_guid(struct weft_registry_cache *cache, const uint8_t *guid, char *text, const char **kept)
{
    int result = 0;
    *kept = NULL;
    pthread_mutex_lock(&cache->lock);
    struct known_id *known = find_id(cache, guid);
    if (known) {
        *kept = known->text;
        free(text);
    } else if (!text) {
        struct unknown_id *unknown = place_of(cache, guid);
        memcpy(unknown->key, guid, KEY_SIZE);
        unknown->until_ms = weft_clock_ms() + UNKNOWN_MS;
    } else if ((known = malloc(sizeof *known))) {
        memcpy(known->key, guid, KEY_SIZE);
        known->text = text;
        known->next = cache->ids;
        cache->ids = known;
        *kept = text;
    } else {
        free(text);
        result = -1;
    }
    pthread_mutex_unlock(&cache->lock);
    return result;
}

static void key_of(uint32_t id, uint8_t *key)
{
    memset(key, 0, KEY_SIZE);
    for (int i = 0; i < 4; i++)
        key[KEY_SIZE - 1 - i] = (uint8_t)(id >> 8 * i);
}

bool weft_registry_cache_id(struct weft_registry_cache *cache, uint32_t id, const char **text)
{
    uint8_t key[KEY_SIZE];
    key_of(id, key);
    return weft_registry_cache_guid(cache, key, text);
}

int weft_registry_cache_add_id(struct weft_registry_cache *cache, uint32_t id, char *text, const char **kept)
{
    uint8_t key[KEY_SIZE];
    key_of(id, key);
    return weft_registry_cache_add_guid(cache, key, text, kept);
}
