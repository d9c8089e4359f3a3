#include <stdlib.h>

#include "base/cursor.h"
#include "model/data/dataset_place.h"
#include "model/data/dataset_reader.h"

/* IDX, as yann.lecun.com/exdb/mnist describes it: a magic number (type 8: unsigned bytes; number of dimensions), one
 * big-endian 32-bit size for each dimension, then the data. */
enum { MAGIC_IMAGES = 0x00000803, MAGIC_LABELS = 0x00000801 };

enum { READ_FIRST = 1 << 20 };

/* Reads the size bytes that a header announces. Memory grows with what is really there, so that a header that lies
 * costs nothing. */
static uint8_t *read_data(struct weft_dataset_file *file, size_t size, struct weft_error *err)
{
    const char *path = weft_dataset_file_path(file);
    uint8_t *data = NULL;
    for (size_t done = 0, room = READ_FIRST; done < size; room *= 2) {
        size_t until = room < size ? room : size;
        uint8_t *larger = realloc(data, until);
        if (!larger) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %zu bytes", path, until);
            goto fail;
        }
        data = larger;
        if (weft_dataset_file_read(file, data + done, until - done, err) != 0)
            goto fail;
        done = until;
    }
    /* Reading on to the end also makes zlib compare the checksum. */
    const uint8_t *more;
    size_t left;
    if (weft_dataset_file_peek(file, &more, &left, err) != 0)
        goto fail;
    if (left > 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: holds more than the %zu bytes that its header announces", path,
                       size);
        goto fail;
    }
    return data;

fail:
    free(data);
    return NULL;
}

/* Checks the magic number and reads the sizes of rank dimensions. */
static int read_header(struct weft_dataset_file *file, uint32_t magic, size_t rank, uint32_t *sizes,
                       struct weft_error *err)
{
    uint8_t header[4 * 4];
    uint32_t found = 0;
    if (weft_dataset_file_read(file, header, 4, err) != 0)
        return -1;
    struct weft_cursor at = weft_cursor_of(header, 4 * (1 + rank));
    weft_cursor_be32(&at, &found);
    if (found != magic)
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "%s: is no IDX file of %s%s: it begins with 0x%08x instead of 0x%08x",
                              weft_dataset_file_path(file), magic == MAGIC_IMAGES ? "images" : "labels",
                              magic == MAGIC_IMAGES ? " and no CSV file" : "", found, magic);
    if (weft_dataset_file_read(file, header + 4, 4 * rank, err) != 0)
        return -1;
    for (size_t i = 0; i < rank; i++)
        weft_cursor_be32(&at, &sizes[i]);
    return 0;
}

static int read_images(struct weft_dataset *dataset, struct weft_dataset_file *file, struct weft_error *err)
{
    uint32_t sizes[3] = {0};
    if (read_header(file, MAGIC_IMAGES, 3, sizes, err) != 0)
        return -1;
    dataset->channels = 1;
    dataset->height = sizes[1];
    dataset->width = sizes[2];
    if (weft_dataset_check_size(dataset, dataset->name, sizes[0], err) != 0)
        return -1;
    dataset->count = sizes[0];
    dataset->pixels = read_data(file, dataset->count * dataset->height * dataset->width, err);
    return dataset->pixels ? 0 : -1;
}

static int read_labels(struct weft_dataset *dataset, const char *path, struct weft_error *err)
{
    uint32_t count = 0;
    uint8_t *bytes = NULL;
    int rc = -1;
    struct weft_dataset_file *file = weft_dataset_file_open(path, err);
    if (!file || read_header(file, MAGIC_LABELS, 1, &count, err) != 0)
        goto out;
    if (count != dataset->count) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has %u labels, but %s has %zu images", path, count, dataset->name,
                       dataset->count);
        goto out;
    }
    bytes = read_data(file, count, err);
    if (!bytes)
        goto out;
    dataset->labels = calloc(count, sizeof *dataset->labels);
    if (!dataset->labels) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %u labels", path, count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        dataset->labels[i] = bytes[i];
        if (bytes[i] >= dataset->class_count)
            dataset->class_count = (size_t)bytes[i] + 1;
    }
    rc = 0;
out:
    free(bytes);
    weft_dataset_file_close(file);
    return rc;
}

int weft_dataset_read_idx(struct weft_dataset *dataset, struct weft_dataset_file *file, struct weft_error *err)
{
    char name[4096];
    if (read_images(dataset, file, err) != 0)
        return -1;
    char *labels = weft_dataset_name_labels(dataset->name, name, sizeof name) ? weft_dataset_find_gzipped(name) : NULL;
    int rc = labels ? read_labels(dataset, labels, err) : 0;
    free(labels);
    return rc;
}
