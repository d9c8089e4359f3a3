/* The functional core: request bytes in, result bytes or the reason for a dead letter out. Knows no Kafka.
 *
 * A scorer belongs to one thread; networks and reader are shared. */
#ifndef WEFT_STREAMS_SCORER_H
#define WEFT_STREAMS_SCORER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/network.h"
#include "schemas/request.h"

struct weft_scorer;

struct weft_scorer_config {
    const struct weft_network *network; /* borrowed, as those below */
    const struct weft_network *canary;  /* answers for canary_percent of the keys instead (canary.h); NULL: none */
    const struct weft_network *shadow;  /* scores whatever is scored once more; NULL: none */
    int canary_percent;
    struct weft_request_reader *reader; /* borrowed */
    uint32_t result_schema_id, shadow_schema_id;
    void (*tick)(void *arg); /* called between pieces of work, for a watchdog; may be NULL */
    void *arg;
};

/* One message, and where it stood. The bytes stay the caller's until the answers have been used. */
struct weft_scorer_request {
    const void *value; /* NULL for a null value */
    size_t size;
    const void *frame; /* of a value whose frame stands in a header (schemas/framing.h); else NULL */
    size_t frame_size;
    const void *key; /* what a canary is chosen by; NULL: the request's id is */
    size_t key_size;
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
};

/* bytes: the framed result, or NULL when there is none and reason says why. Valid until the next call. */
struct weft_scorer_answer {
    const uint8_t *bytes;
    size_t size;
    const uint8_t *shadow; /* the framed result of the shadow; NULL where there is none */
    size_t shadow_size;
    const char *error_class;
    const char *reason;
};

struct weft_scorer *weft_scorer_new(const struct weft_scorer_config *config, struct weft_error *err);
void weft_scorer_destroy(struct weft_scorer *scorer); /* accepts NULL */

/* Goes over to other networks, which take images of the same size; canary and shadow may be NULL. On failure nothing
 * has changed. The old ones are no longer used. */
int weft_scorer_replace(struct weft_scorer *scorer, const struct weft_network *network,
                        const struct weft_network *canary, const struct weft_network *shadow, struct weft_error *err);

/* Answers n requests, each with a result or a reason. Fails as a whole, with nothing lost and to be called again, when
 * a schema would have to be fetched and the registry does not give it (WEFT_ERROR_UNAVAILABLE, _REFUSED). */
int weft_scorer_score(struct weft_scorer *scorer, const struct weft_scorer_request *requests, size_t n,
                      struct weft_scorer_answer *answers, struct weft_error *err);

/* What the networks, and the encoding of their results, took of the last call. */
int64_t weft_scorer_network_ns(const struct weft_scorer *scorer);

#endif
