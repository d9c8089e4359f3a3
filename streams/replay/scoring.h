/* Scores a batch on several threads, each its share of it with a scorer of its own. */
#ifndef WEFT_STREAMS_REPLAY_SCORING_H
#define WEFT_STREAMS_REPLAY_SCORING_H

#include <stddef.h>

#include "base/error.h"
#include "streams/scorer.h"

struct weft_scoring;

/* config is that of every scorer; its tick is called on several threads. */
struct weft_scoring *weft_scoring_new(const struct weft_scorer_config *config, size_t threads, struct weft_error *err);
void weft_scoring_destroy(struct weft_scoring *scoring); /* accepts NULL */

/* As weft_scorer_score; the answers are valid until the next call. */
int weft_scoring_score(struct weft_scoring *scoring, const struct weft_scorer_request *requests, size_t n,
                       struct weft_scorer_answer *answers, struct weft_error *err);

#endif
