#include "base/file_watch.h"

static struct weft_file_mark look(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct weft_file_mark){0};
    return (struct weft_file_mark){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool same(const struct weft_file_mark *a, const struct weft_file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

void weft_file_watch_begin(struct weft_file_watch *watch, const char *path)
{
    const struct weft_file_mark mark = look(path);
    *watch = (struct weft_file_watch){.path = path, .known = mark, .seen = mark};
}

bool weft_file_watch_changed(struct weft_file_watch *watch, int64_t now_ms)
{
    const struct weft_file_mark mark = look(watch->path);
    if (!same(&mark, &watch->seen)) {
        watch->seen = mark;
        watch->seen_ms = now_ms;
    }
    if (same(&watch->seen, &watch->known) || now_ms - watch->seen_ms < WEFT_FILE_WATCH_STILL_MS)
        return false;
    watch->known = watch->seen;
    return true;
}
