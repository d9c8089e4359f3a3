/* The page of a comparison: one HTML file that needs nothing from outside. */
#ifndef WEFT_STREAMS_REPLAY_PAGE_H
#define WEFT_STREAMS_REPLAY_PAGE_H

#include "base/error.h"
#include "streams/replay/diff.h"

/* Written whole or not at all. */
int weft_diff_page_write(const char *path, const struct weft_diff *diff, struct weft_error *err);

#endif
