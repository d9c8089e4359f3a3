/* Notices that a file has been changed: written anew in its place, or another one put there under its name (also
 * through a symbolic link on the way). */
#ifndef WEFT_BASE_FILE_WATCH_H
#define WEFT_BASE_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { WEFT_FILE_WATCH_STILL_MS = 1000 };

/* What tells two states of a file apart; all 0 when it is not there. */
struct weft_file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct weft_file_watch {
    const char *path; /* borrowed */
    struct weft_file_mark known, seen;
    int64_t seen_ms; /* since when the file has been as seen */
};

/* As the file is now it is known. */
void weft_file_watch_begin(struct weft_file_watch *watch, const char *path);

/* True once for each change, when the file (or its absence) has been the same for WEFT_FILE_WATCH_STILL_MS: who writes
 * it may take a while. now_ms is weft_clock_ms(). */
bool weft_file_watch_changed(struct weft_file_watch *watch, int64_t now_ms);

#endif
