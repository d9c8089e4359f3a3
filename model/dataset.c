#include "model/dataset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cursor.h"

/* IDX, as yann.lecun.com/exdb/mnist describes it: a magic number (type 8: unsigned bytes; number of dimensions), one
 * big-endian 32-bit size for each dimension, then the data. */
enum { MAGIC_IMAGES = 0x00000803, MAGIC_LABELS = 0x00000801 };

/* Above these a header is taken for damaged. */
static const size_t side_max = 8192;
static const uint64_t bytes_max = (uint64_t)1 << 33;

enum { READ_FIRST = 1 << 20 };

static int read_fault(gzFile file, const char *path, struct weft_error *err)
{
    int code;
    const char *why = gzerror(file, &code);
    if (code == Z_ERRNO)
        why = strerror(errno);
    if (code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END)
        why = "the file ends too early; is the download complete?";
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: %s", path, why);
}

static int read_exactly(gzFile file, const char *path, uint8_t *into, size_t size, struct weft_error *err)
{
    for (size_t done = 0; done < size;) {
        size_t left = size - done;
        int n = gzread(file, into + done, left < READ_FIRST ? (unsigned)left : READ_FIRST);
        if (n <= 0)
            return read_fault(file, path, err);
        done += (size_t)n;
    }
    return 0;
}

/* Reads the size bytes that a header announces. Memory grows with what is really there, so that a header that lies
 * costs nothing. */
static uint8_t *read_data(gzFile file, const char *path, size_t size, struct weft_error *err)
{
    uint8_t *data = NULL;
    for (size_t done = 0, room = READ_FIRST; done < size; room *= 2) {
        size_t until = room < size ? room : size;
        uint8_t *larger = realloc(data, until);
        if (!larger) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %zu bytes", path, until);
            goto fail;
        }
        data = larger;
        if (read_exactly(file, path, data + done, until - done, err) != 0)
            goto fail;
        done = until;
    }
    /* Reading on to the end also makes zlib compare the checksum. */
    uint8_t more;
    int n = gzread(file, &more, 1);
    if (n > 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: holds more than the %zu bytes that its header announces", path,
                       size);
        goto fail;
    }
    /* A gzip file that was cut within its trailer shows only here. */
    int code = Z_OK;
    gzerror(file, &code);
    if (n < 0 || code != Z_OK) {
        read_fault(file, path, err);
        goto fail;
    }
    return data;

fail:
    free(data);
    return NULL;
}

/* Opens path, checks the magic number and reads the sizes of rank dimensions. */
static gzFile open_idx(const char *path, uint32_t magic, size_t rank, uint32_t *sizes, struct weft_error *err)
{
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be opened: %s", path, strerror(errno ? errno : ENOMEM));
        return NULL;
    }
    uint8_t header[4 * 4];
    size_t header_size = 4 * (1 + rank);
    if (read_exactly(file, path, header, header_size, err) != 0)
        goto fail;
    struct weft_cursor at = weft_cursor_of(header, header_size);
    uint32_t found = 0;
    weft_cursor_be32(&at, &found);
    if (found != magic) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: is no IDX file of %s: it begins with 0x%08x instead of 0x%08x",
                       path, magic == MAGIC_IMAGES ? "images" : "labels", found, magic);
        goto fail;
    }
    for (size_t i = 0; i < rank; i++)
        weft_cursor_be32(&at, &sizes[i]);
    return file;

fail:
    gzclose(file);
    return NULL;
}

static int read_images(struct weft_dataset *dataset, const char *path, struct weft_error *err)
{
    uint32_t sizes[3] = {0};
    gzFile file = open_idx(path, MAGIC_IMAGES, 3, sizes, err);
    if (!file)
        return -1;
    int rc = -1;
    /* Fits 64 bits: 2^32 * 2^13 * 2^13. */
    uint64_t bytes = (uint64_t)sizes[0] * sizes[1] * sizes[2];
    if (sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has no images (%u of %ux%u)", path, sizes[0], sizes[1], sizes[2]);
        goto out;
    }
    if (sizes[1] > side_max || sizes[2] > side_max || bytes > bytes_max) {
        weft_error_set(err, WEFT_ERROR_CORRUPT,
                       "%s: announces %u images of %ux%u; at most %zux%zu and %llu bytes in all are read", path,
                       sizes[0], sizes[1], sizes[2], side_max, side_max, (unsigned long long)bytes_max);
        goto out;
    }
    dataset->pixels = read_data(file, path, (size_t)bytes, err);
    if (!dataset->pixels)
        goto out;
    dataset->count = sizes[0];
    dataset->channels = 1;
    dataset->height = sizes[1];
    dataset->width = sizes[2];
    rc = 0;
out:
    gzclose(file);
    return rc;
}

static int read_labels(struct weft_dataset *dataset, const char *path, struct weft_error *err)
{
    uint32_t count = 0;
    uint8_t *bytes = NULL;
    int rc = -1;
    gzFile file = open_idx(path, MAGIC_LABELS, 1, &count, err);
    if (!file)
        return -1;
    if (count != dataset->count) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has %u labels, but %s has %zu images", path, count, dataset->name,
                       dataset->count);
        goto out;
    }
    bytes = read_data(file, path, count, err);
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
    gzclose(file);
    return rc;
}

/* The file at path, or the same with .gz added or taken away. The caller frees; NULL when neither is there. */
static char *find_gzipped_or_not(const char *path)
{
    size_t length = strlen(path);
    char *found = malloc(length + sizeof ".gz");
    if (!found)
        return NULL;
    memcpy(found, path, length + 1);
    if (access(found, F_OK) == 0)
        return found;
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
        found[length - 3] = '\0';
    else
        memcpy(found + length, ".gz", sizeof ".gz");
    if (access(found, F_OK) == 0)
        return found;
    free(found);
    return NULL;
}

/* x-images-idx3-ubyte.gz -> x-labels-idx1-ubyte.gz. False when the name is of no such form. */
static bool name_labels(const char *images, char *labels, size_t size)
{
    if ((size_t)snprintf(labels, size, "%s", images) >= size)
        return false;
    char *base = strrchr(labels, '/');
    base = base ? base + 1 : labels;
    char *images_word = strstr(base, "images");
    char *rank = strstr(base, "idx3");
    if (!images_word)
        return false;
    memcpy(images_word, "labels", 6);
    if (rank)
        rank[3] = '1';
    return true;
}

static char *find_images(const char *path, const char *part, struct weft_error *err)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISDIR(about.st_mode)) {
        char *copy = strdup(path);
        if (!copy)
            weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", path);
        return copy;
    }
    bool train = strcmp(part, "train") == 0;
    if (!train && strcmp(part, "test") != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: there is no part \"%s\" of a data set: train or test", path, part);
        return NULL;
    }
    char file[4096];
    if ((size_t)snprintf(file, sizeof file, "%s/%s-images-idx3-ubyte", path, train ? "train" : "t10k") >= sizeof file) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: the path is too long", path);
        return NULL;
    }
    char *found = find_gzipped_or_not(file);
    if (!found)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s[.gz]: no such file; the folder holds no %s images", file, part);
    return found;
}

struct weft_dataset *weft_dataset_load(const char *path, const char *part, struct weft_error *err)
{
    char labels_name[4096];
    char *labels = NULL;
    struct weft_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", path);
        return NULL;
    }
    dataset->name = find_images(path, part, err);
    if (!dataset->name || read_images(dataset, dataset->name, err) != 0)
        goto fail;
    if (name_labels(dataset->name, labels_name, sizeof labels_name))
        labels = find_gzipped_or_not(labels_name);
    if (labels && read_labels(dataset, labels, err) != 0)
        goto fail;
    free(labels);
    return dataset;

fail:
    free(labels);
    weft_dataset_destroy(dataset);
    return NULL;
}

void weft_dataset_destroy(struct weft_dataset *dataset)
{
    if (!dataset)
        return;
    free(dataset->name);
    free(dataset->pixels);
    free(dataset->labels);
    free(dataset);
}

int weft_dataset_require_labels(const struct weft_dataset *dataset, struct weft_error *err)
{
    if (dataset->labels)
        return 0;
    char labels[4096];
    if (!name_labels(dataset->name, labels, sizeof labels))
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "%s: has no labels: they are found beside a file that has \"images\" in its name",
                              dataset->name);
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: no such file; it must hold the labels of %s", labels,
                          dataset->name);
}

const uint8_t *weft_dataset_image(const struct weft_dataset *dataset, size_t i)
{
    return dataset->pixels + i * dataset->channels * dataset->height * dataset->width;
}
