/* What a registry client has seen: schemas by id and by (subject, text), and for a moment the ids that do not exist.
 * Threads may share a cache. */
#ifndef WEFT_SCHEMAS_REGISTRY_CACHE_H
#define WEFT_SCHEMAS_REGISTRY_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct weft_registry_cache;

/* NULL when memory is short. */
struct weft_registry_cache *weft_registry_cache_new(void);
void weft_registry_cache_destroy(struct weft_registry_cache *cache); /* accepts NULL */

/* Whether the id was asked for before. *text is then the schema, valid as long as the cache, or NULL if the registry
 * did not know the id within the last second. */
bool weft_registry_cache_id(struct weft_registry_cache *cache, uint32_t id, const char **text);

/* Takes text (NULL: the registry does not know the id) in any case, and gives in *kept what is in the cache now:
 * another thread may have been quicker. -1 when memory is short. */
int weft_registry_cache_add_id(struct weft_registry_cache *cache, uint32_t id, char *text, const char **kept);

/* The same for the 16 bytes of a GUID. */
bool weft_registry_cache_guid(struct weft_registry_cache *cache, const uint8_t *guid, const char **text);
int weft_registry_cache_add_guid(struct weft_registry_cache *cache, const uint8_t *guid, char *text, const char **kept);

/* Whether the subject is known to have the schema (its compact text), and under which id and version (0: not known). */
bool weft_registry_cache_schema(struct weft_registry_cache *cache, const char *subject, const char *text, uint32_t *id,
                                int *version);

/* A cache that cannot grow for want of memory is no error. */
void weft_registry_cache_add_schema(struct weft_registry_cache *cache, const char *subject, const char *text,
                                    uint32_t id, int version);

#endif
