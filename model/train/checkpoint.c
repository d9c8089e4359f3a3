#include "model/train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/atomic_file.h"
#include "base/cursor.h"

/* The version changes whenever what stands in the file does. */
enum { VERSION = 1 };

struct header {
    char magic[8];
    uint32_t version; /* in the machine's byte order: one of another kind reads another version */
    uint32_t crc;     /* of the body */
    uint64_t size;    /* of the body */
};

static const char magic[8] = {'w', 'e', 'f', 't', 'c', 'k', 'p', 't'};

static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
}

static void put(FILE *out, const void *bytes, size_t size)
{
    const uint64_t prefix = size;
    fwrite(&prefix, sizeof prefix, 1, out);
    if (size > 0)
        fwrite(bytes, 1, size, out);
}

int weft_checkpoint_save(const struct weft_checkpoint *checkpoint, const char *path, struct weft_error *err)
{
    int rc = -1;
    char *bytes = NULL, *recipe = weft_recipe_text(checkpoint->recipe);
    size_t size;
    struct header header = {.version = VERSION};
    FILE *out = recipe ? open_memstream(&bytes, &size) : NULL;
    if (!out)
        goto no_memory;
    fwrite(&header, sizeof header, 1, out);
    put(out, recipe, strlen(recipe));
    put(out, checkpoint->data, strlen(checkpoint->data));
    put(out, checkpoint->teacher, strlen(checkpoint->teacher));
    put(out, checkpoint->state, sizeof *checkpoint->state);
    put(out, checkpoint->epochs, checkpoint->state->epoch * sizeof *checkpoint->epochs);
    for (size_t i = 0; i < WEFT_CHECKPOINT_ARRAYS_MAX; i++)
        put(out, checkpoint->arrays[i].values, checkpoint->arrays[i].count * sizeof(float));
    if (fclose(out) != 0)
        goto no_memory;
    memcpy(header.magic, magic, sizeof magic);
    header.size = size - sizeof header;
    header.crc = crc_of((const uint8_t *)bytes + sizeof header, size - sizeof header);
    memcpy(bytes, &header, sizeof header);
    rc = weft_atomic_file_write(path, bytes, size, err);
    goto out;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write it", path);
out:
    free(bytes);
    free(recipe);
    return rc;
}

struct piece {
    const uint8_t *bytes;
    size_t size;
};

static bool take(struct weft_cursor *cursor, struct piece *piece)
{
    const uint8_t *prefix;
    uint64_t size;
    if (!weft_cursor_take(cursor, sizeof size, &prefix))
        return false;
    memcpy(&size, prefix, sizeof size);
    piece->size = (size_t)size;
    return weft_cursor_take(cursor, piece->size, &piece->bytes);
}

static bool says(struct piece piece, const char *text)
{
    return piece.size == strlen(text) && memcmp(piece.bytes, text, piece.size) == 0;
}

static int corrupt(const char *path, const char *how, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: %s: remove it to train from the beginning", path, how);
}

static int check_header(struct weft_cursor *cursor, const char *path, struct weft_error *err)
{
    const uint8_t *bytes;
    struct header header;
    if (!weft_cursor_take(cursor, sizeof header, &bytes))
        return corrupt(path, "the checkpoint is cut off", err);
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) != 0)
        return corrupt(path, "this is no checkpoint", err);
    if (header.version != VERSION)
        return corrupt(path, "the checkpoint is of another version of weft", err);
    if (header.size != weft_cursor_left(cursor))
        return corrupt(path, "the checkpoint is cut off", err);
    if (header.crc != crc_of(cursor->at, weft_cursor_left(cursor)))
        return corrupt(path, "the checkpoint is damaged, its checksum is wrong", err);
    return 0;
}

static int check_run(const struct weft_checkpoint *checkpoint, struct piece recipe, struct piece data,
                     struct piece teacher, const char *path, struct weft_error *err)
{
    char was[WEFT_RECIPE_TEXT_SIZE], is[WEFT_RECIPE_TEXT_SIZE];
    struct weft_recipe old = weft_recipe_defaults();
    if (weft_recipe_parse(&old, (const char *)recipe.bytes, recipe.size, path, err) != 0)
        return -1;
    const char *key = weft_recipe_difference(&old, checkpoint->recipe, was, is);
    if (key)
        return weft_error_set(err, WEFT_ERROR_CONFLICT,
                              "%s: the checkpoint is of another run: %s was '%.100s' and is now '%.100s'", path, key,
                              was, is);
    if (!says(data, checkpoint->data))
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: the checkpoint is of a run on other images", path);
    if (!says(teacher, checkpoint->teacher))
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: the checkpoint is of a run with another teacher", path);
    return 0;
}

static int read_body(const struct weft_checkpoint *checkpoint, struct weft_cursor *cursor, const char *path,
                     struct weft_error *err)
{
    struct piece recipe, data, teacher, state = {0}, epochs = {0}, arrays[WEFT_CHECKPOINT_ARRAYS_MAX];
    struct weft_train_state found;
    bool whole = take(cursor, &recipe) && take(cursor, &data) && take(cursor, &teacher) && take(cursor, &state) &&
                 take(cursor, &epochs);
    for (size_t i = 0; i < WEFT_CHECKPOINT_ARRAYS_MAX; i++)
        whole = whole && take(cursor, &arrays[i]);
    if (!whole)
        return corrupt(path, "the checkpoint is cut off", err);
    if (check_run(checkpoint, recipe, data, teacher, path, err) != 0)
        return -1;
    bool fits = state.size == sizeof found && weft_cursor_left(cursor) == 0;
    for (size_t i = 0; i < WEFT_CHECKPOINT_ARRAYS_MAX; i++)
        fits = fits && arrays[i].size == checkpoint->arrays[i].count * sizeof(float);
    if (fits) {
        memcpy(&found, state.bytes, sizeof found);
        fits = found.epoch <= checkpoint->recipe->epochs && found.best_epoch <= found.epoch &&
               epochs.size == found.epoch * sizeof *checkpoint->epochs;
    }
    if (!fits)
        return corrupt(path, "the checkpoint is of another version of weft or of the network", err);
    *checkpoint->state = found;
    memcpy(checkpoint->epochs, epochs.bytes, epochs.size);
    for (size_t i = 0; i < WEFT_CHECKPOINT_ARRAYS_MAX; i++)
        if (arrays[i].size > 0)
            memcpy(checkpoint->arrays[i].values, arrays[i].bytes, arrays[i].size);
    return 0;
}

int weft_checkpoint_load(const struct weft_checkpoint *checkpoint, const char *path, struct weft_error *err)
{
    int rc = -1;
    struct stat about;
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &about) != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
        goto out;
    }
    const size_t size = (size_t)about.st_size;
    bytes = malloc(size + 1);
    if (!bytes) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %zu bytes", path, size);
        goto out;
    }
    struct weft_cursor cursor = weft_cursor_of(bytes, fread(bytes, 1, size, file));
    if (check_header(&cursor, path, err) == 0)
        rc = read_body(checkpoint, &cursor, path, err);
out:
    if (file)
        fclose(file);
    free(bytes);
    return rc;
}
