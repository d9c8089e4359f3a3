/* A file that is there whole or not at all, whatever happens while it is written. */
#ifndef WEFT_BASE_ATOMIC_FILE_H
#define WEFT_BASE_ATOMIC_FILE_H

#include <stddef.h>

#include "base/error.h"

/* Writes beside path, syncs, renames over path. After a failure what was at path before is still there. */
int weft_atomic_file_write(const char *path, const void *bytes, size_t size, struct weft_error *err);

/* Puts a file that was written otherwise beside path, and synced, in the place of path. */
int weft_atomic_file_move(const char *beside, const char *path, struct weft_error *err);

/* Finds out before long work whether its end could be written to path. */
int weft_atomic_file_check(const char *path, struct weft_error *err);

#endif
