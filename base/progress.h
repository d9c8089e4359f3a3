/* Progress of long work: one line on a terminal, rewritten a few times a second, with rate and time left.
 *
 * Writes nothing at all when stderr is not a terminal, so that logs and pipes stay clean. */
#ifndef WEFT_BASE_PROGRESS_H
#define WEFT_BASE_PROGRESS_H

#include <stdint.h>

struct weft_progress;

/* what: a word or two before the bar, copied ("sending"). unit: copied ("images"). total: 0 where it is not known.
 * NULL when memory is short; every other function accepts NULL. */
struct weft_progress *weft_progress_new(const char *what, const char *unit, uint64_t total);

/* Says how far the work is; cheap enough to call for every item. */
void weft_progress_update(struct weft_progress *progress, uint64_t done);

/* A few words behind the figures ("loss 0.31"), copied; shown from the next update on. */
void weft_progress_note(struct weft_progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Clears the line, so that something else can be printed, and frees. */
void weft_progress_destroy(struct weft_progress *progress);

#endif
