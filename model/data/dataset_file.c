#include "model/data/dataset_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ROOM_FIRST = 1 << 18, LINE_MAX_BYTES = 1 << 26 };

struct weft_dataset_file {
    char *path;
    gzFile gz;
    uint8_t *buffer;        /* room bytes, and one for a terminator */
    size_t at, until, room; /* at..until is read and not yet taken */
    bool ended;
};

struct weft_dataset_file *weft_dataset_file_open(const char *path, struct weft_error *err)
{
    struct weft_dataset_file *file = calloc(1, sizeof *file);
    if (!file || !(file->path = strdup(path)) || !(file->buffer = malloc(ROOM_FIRST + 1))) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", path);
        goto fail;
    }
    file->room = ROOM_FIRST;
    errno = 0;
    file->gz = gzopen(path, "rb");
    if (!file->gz) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be opened: %s", path, strerror(errno ? errno : ENOMEM));
        goto fail;
    }
    gzbuffer(file->gz, ROOM_FIRST / 2);
    return file;
fail:
    weft_dataset_file_close(file);
    return NULL;
}

void weft_dataset_file_close(struct weft_dataset_file *file)
{
    if (!file)
        return;
    if (file->gz)
        gzclose(file->gz);
    free(file->buffer);
    free(file->path);
    free(file);
}

const char *weft_dataset_file_path(const struct weft_dataset_file *file)
{
    return file->path;
}

static int ends_too_early(const struct weft_dataset_file *file, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: the file ends too early; is the download complete?",
                          file->path);
}

/* Reads on behind what is there, moving it to the front and making room for more. */
static int fill(struct weft_dataset_file *file, struct weft_error *err)
{
    if (file->at > 0) {
        memmove(file->buffer, file->buffer + file->at, file->until - file->at);
        file->until -= file->at;
        file->at = 0;
    }
    if (file->until == file->room) {
        uint8_t *larger = file->room < LINE_MAX_BYTES ? realloc(file->buffer, 2 * file->room + 1) : NULL;
        if (!larger)
            return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has a line of more than %zu bytes", file->path,
                                  file->room);
        file->buffer = larger;
        file->room *= 2;
    }
    int n = gzread(file->gz, file->buffer + file->until, (unsigned)(file->room - file->until));
    if (n > 0) {
        file->until += (size_t)n;
        return 0;
    }
    /* A gzip file that was cut within its trailer gives no -1 at its end, only this code. */
    int code = Z_OK;
    const char *why = gzerror(file->gz, &code);
    if (n == 0 && (code == Z_OK || code == Z_STREAM_END)) {
        file->ended = true;
        return 0;
    }
    if (code == Z_BUF_ERROR)
        return ends_too_early(file, err);
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: %s", file->path, code == Z_ERRNO ? strerror(errno) : why);
}

int weft_dataset_file_peek(struct weft_dataset_file *file, const uint8_t **bytes, size_t *size, struct weft_error *err)
{
    if (file->at == file->until && !file->ended && fill(file, err) != 0)
        return -1;
    *bytes = file->buffer + file->at;
    *size = file->until - file->at;
    return 0;
}

int weft_dataset_file_read(struct weft_dataset_file *file, uint8_t *into, size_t size, struct weft_error *err)
{
    while (size > 0) {
        const uint8_t *bytes;
        size_t there;
        if (weft_dataset_file_peek(file, &bytes, &there, err) != 0)
            return -1;
        if (there == 0)
            return ends_too_early(file, err);
        if (there > size)
            there = size;
        memcpy(into, bytes, there);
        file->at += there;
        into += there;
        size -= there;
    }
    return 0;
}

int weft_dataset_file_line(struct weft_dataset_file *file, char **line, size_t *size, struct weft_error *err)
{
    uint8_t *end;
    for (size_t searched = 0;;) {
        uint8_t *start = file->buffer + file->at;
        size_t there = file->until - file->at;
        end = memchr(start + searched, '\n', there - searched);
        if (end || file->ended)
            break;
        searched = there;
        if (fill(file, err) != 0)
            return -1;
    }
    if (!end && file->at == file->until)
        return 0;
    *line = (char *)file->buffer + file->at;
    *size = end ? (size_t)(end - (uint8_t *)*line) : file->until - file->at;
    file->at += *size + (end != NULL);
    if (*size > 0 && (*line)[*size - 1] == '\r')
        --*size;
    (*line)[*size] = '\0';
    return 1;
}
