#include "streams/replay/scoring.h"

#include <stdlib.h>

#include "base/crew.h"

struct share {
    struct weft_scorer *scorer;
    struct weft_error err; /* class NONE: done */
};

struct weft_scoring {
    struct weft_crew *crew;
    struct share *shares;
    size_t threads;
    /* The batch at hand. */
    const struct weft_scorer_request *requests;
    struct weft_scorer_answer *answers;
    size_t count;
};

struct weft_scoring *weft_scoring_new(const struct weft_scorer_config *config, size_t threads, struct weft_error *err)
{
    struct weft_scoring *scoring = calloc(1, sizeof *scoring);
    if (scoring)
        scoring->shares = calloc(threads, sizeof *scoring->shares);
    if (!scoring || !scoring->shares) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    for (; scoring->threads < threads; scoring->threads++) {
        scoring->shares[scoring->threads].scorer = weft_scorer_new(config, err);
        if (!scoring->shares[scoring->threads].scorer)
            goto fail;
    }
    scoring->crew = weft_crew_new(threads, err);
    if (!scoring->crew)
        goto fail;
    return scoring;
fail:
    weft_scoring_destroy(scoring);
    return NULL;
}

void weft_scoring_destroy(struct weft_scoring *scoring)
{
    if (!scoring)
        return;
    weft_crew_destroy(scoring->crew);
    for (size_t i = 0; i < scoring->threads; i++)
        weft_scorer_destroy(scoring->shares[i].scorer);
    free(scoring->shares);
    free(scoring);
}

static void score_share(void *context, size_t index)
{
    struct weft_scoring *scoring = context;
    struct share *share = &scoring->shares[index];
    const size_t from = scoring->count * index / scoring->threads;
    const size_t to = scoring->count * (index + 1) / scoring->threads;
    share->err = (struct weft_error){0};
    if (from < to)
        weft_scorer_score(share->scorer, scoring->requests + from, to - from, scoring->answers + from, &share->err);
}

int weft_scoring_score(struct weft_scoring *scoring, const struct weft_scorer_request *requests, size_t n,
                       struct weft_scorer_answer *answers, struct weft_error *err)
{
    scoring->requests = requests;
    scoring->answers = answers;
    scoring->count = n;
    weft_crew_run(scoring->crew, score_share, scoring);
    for (size_t i = 0; i < scoring->threads; i++) {
        if (scoring->shares[i].err.class == WEFT_ERROR_NONE)
            continue;
        *err = scoring->shares[i].err;
        return -1;
    }
    return 0;
}
