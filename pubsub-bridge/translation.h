/* What a bridge with `format: json` does to values: JSON of clients with no registry, Avro of the registered schema.
 *
 * For one thread. */
#ifndef WEFT_BRIDGE_TRANSLATION_H
#define WEFT_BRIDGE_TRANSLATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "pubsub-bridge/arena.h"
#include "pubsub-bridge/record.h"
#include "topology/topology.h"

struct weft_translation;

struct weft_translation_config {
    const struct weft_topology_bridge *bridge; /* borrowed, as all is */
    const struct weft_settings *settings;
    const atomic_bool *stop;
    struct weft_log *log;
};

/* Inward from JSON to Avro, outward from Avro to JSON. Asks the registry for the latest schema of the Kafka topic's
 * subject, which is waited for until stop is set. Inward it must be there, or be registered (auto.register.schemas),
 * and is what all messages are written with. WEFT_ERROR_CONFIG when it is missing, or no registry is set. */
struct weft_translation *weft_translation_new(const struct weft_translation_config *config, struct weft_error *err);
void weft_translation_destroy(struct weft_translation *translation); /* accepts NULL */

/* Makes the record's value, which is JSON, a framed message; a null stays null. id is for a request that has none. What
 * is new is in the arena. Asks nobody. WEFT_ERROR_CORRUPT when it cannot be one. */
int weft_translation_to_avro(const struct weft_translation *translation, struct weft_record *record, const char *id,
                             struct weft_arena *arena, struct weft_error *err);

/* The record's value as JSON, which the caller frees; the value must not be null. WEFT_ERROR_CORRUPT when it cannot be
 * read. WEFT_ERROR_UNAVAILABLE when the registry had to be asked for its schema and did not answer once within
 * schema.registry.request.timeout.ms: try again. */
char *weft_translation_to_json(struct weft_translation *translation, const struct weft_record *record, size_t *size,
                               struct weft_error *err);

/* Puts a translated value in the place of the record's, and leaves out the header that told the former one's schema.
 * The list of headers is in the arena. False when memory is short. */
bool weft_translation_put(struct weft_record *record, struct weft_bytes value, struct weft_arena *arena);

#endif
