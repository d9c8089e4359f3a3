/* A fixed number of threads that do one piece of work together, each its share, again and again.
 *
 * The caller is the first of them: a crew of one starts no thread. */
#ifndef WEFT_BASE_CREW_H
#define WEFT_BASE_CREW_H

#include <stddef.h>

#include "base/error.h"

struct weft_crew;

struct weft_crew *weft_crew_new(size_t threads, struct weft_error *err);
void weft_crew_destroy(struct weft_crew *crew); /* accepts NULL */

/* Calls work(context, i) for i in 0..threads-1, each on its own thread, and returns when all have returned. */
void weft_crew_run(struct weft_crew *crew, void (*work)(void *context, size_t index), void *context);

#endif
