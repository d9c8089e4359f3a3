#include "schemas/registry_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { UNKNOWN_MAX = 256, UNKNOWN_MS = 1000 };

struct known_id {
    uint32_t id;
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
    uint32_t id;
    int64_t until_ms; /* 0: the place is free */
};

struct weft_registry_cache {
    pthread_mutex_t lock; /* of what follows */
    struct known_id *ids;
    struct known_schema *schemas;
    struct unknown_id unknown[UNKNOWN_MAX]; /* at id modulo the size: bounded, however many ids are made up */
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

bool weft_registry_cache_id(struct weft_registry_cache *cache, uint32_t id, const char **text)
{
    *text = NULL;
    pthread_mutex_lock(&cache->lock);
    const struct known_id *known = cache->ids;
    while (known && known->id != id)
        known = known->next;
    if (known)
        *text = known->text;
    const struct unknown_id *unknown = &cache->unknown[id % UNKNOWN_MAX];
    bool answered = known || (unknown->id == id && unknown->until_ms > weft_clock_ms());
    pthread_mutex_unlock(&cache->lock);
    return answered;
}

int weft_registry_cache_add_id(struct weft_registry_cache *cache, uint32_t id, char *text, const char **kept)
{
    int result = 0;
    *kept = NULL;
    pthread_mutex_lock(&cache->lock);
    struct known_id *known = cache->ids;
    while (known && known->id != id)
        known = known->next;
    if (known) {
        *kept = known->text;
        free(text);
    } else if (!text) {
        cache->unknown[id % UNKNOWN_MAX] = (struct unknown_id){.id = id, .until_ms = weft_clock_ms() + UNKNOWN_MS};
    } else if ((known = malloc(sizeof *known))) {
        *known = (struct known_id){.id = id, .text = text, .next = cache->ids};
        cache->ids = known;
        *kept = text;
    } else {
        free(text);
        result = -1;
    }
    pthread_mutex_unlock(&cache->lock);
    return result;
}
