#include "base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fault(const char *path, struct weft_error *err)
{
    enum weft_error_class class = WEFT_ERROR_CONFIG;
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        class = WEFT_ERROR_REFUSED;
    return weft_error_set(err, class, "%s: cannot be written: %s", path, strerror(errno));
}

/* Opens the file beside path that becomes it; *beside is the caller's to free. */
static int open_beside(const char *path, char **beside, struct weft_error *err)
{
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return fault(path, err);
    }
    if (asprintf(beside, "%s.part", path) < 0) {
        *beside = NULL;
        errno = ENOMEM;
        return fault(path, err);
    }
    int fd = open(*beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? fault(path, err) : fd;
}

/* Makes the new name itself durable. A file system that cannot sync a folder is no reason to fail. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

int weft_atomic_file_move(const char *beside, const char *path, struct weft_error *err)
{
    if (rename(beside, path) != 0)
        return fault(path, err);
    sync_folder(path);
    return 0;
}

int weft_atomic_file_write(const char *path, const void *bytes, size_t size, struct weft_error *err)
{
    char *beside = NULL;
    const char *at = bytes;
    int rc = -1;
    int fd = open_beside(path, &beside, err);
    if (fd < 0)
        goto out;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fault(path, err);
            goto out;
        }
        at += n;
        size -= (size_t)n;
    }
    if (fsync(fd) != 0) {
        fault(path, err);
        goto out;
    }
    int closed = close(fd);
    fd = -1;
    rc = closed != 0 ? fault(path, err) : weft_atomic_file_move(beside, path, err);
    if (rc != 0)
        unlink(beside);
out:
    if (fd >= 0) {
        close(fd);
        unlink(beside);
    }
    free(beside);
    return rc;
}

int weft_atomic_file_check(const char *path, struct weft_error *err)
{
    char *beside = NULL;
    int fd = open_beside(path, &beside, err);
    if (fd >= 0) {
        close(fd);
        unlink(beside);
    }
    free(beside);
    return fd < 0 ? -1 : 0;
}
