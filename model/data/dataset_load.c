#include "model/data/dataset_load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "model/data/dataset_place.h"
#include "model/data/dataset_reader.h"

/* Both formats begin with what the other cannot: an IDX file with a zero byte, a line of a CSV file with text. */
static int read_file(struct weft_dataset *dataset, struct weft_image_shape wanted, struct weft_error *err)
{
    const uint8_t *bytes;
    size_t size;
    int rc = -1;
    struct weft_dataset_file *file = weft_dataset_file_open(dataset->name, err);
    if (!file || weft_dataset_file_peek(file, &bytes, &size, err) != 0)
        goto out;
    bool text = size > 0;
    for (size_t i = 0; i < size && i < 64; i++)
        text = text && (bytes[i] >= ' ' || isspace(bytes[i]));
    rc = text ? weft_dataset_read_csv(dataset, file, wanted, err) : weft_dataset_read_idx(dataset, file, err);
out:
    weft_dataset_file_close(file);
    return rc;
}

/* What a reader left as it was. */
static int fit_images(struct weft_dataset *dataset, struct weft_image_shape wanted, struct weft_error *err)
{
    struct weft_image_shape is = {dataset->channels, dataset->height, dataset->width}, to = wanted;
    if (!to.channels)
        to.channels = is.channels;
    if (!to.height) {
        to.height = is.height;
        to.width = is.width;
    }
    if (memcmp(&is, &to, sizeof is) == 0)
        return 0;
    uint8_t *pixels = dataset->pixels;
    dataset->channels = to.channels;
    dataset->height = to.height;
    dataset->width = to.width;
    if (weft_dataset_check_size(dataset, dataset->name, dataset->count, err) != 0)
        return -1;
    dataset->pixels = malloc(dataset->count * weft_image_shape_size(to));
    int rc = dataset->pixels ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to fit it", dataset->name);
    for (size_t i = 0; rc == 0 && i < dataset->count; i++)
        rc = weft_image_fit(pixels + i * weft_image_shape_size(is), is, dataset->pixels + i * weft_image_shape_size(to),
                            to, err);
    free(pixels);
    return rc;
}

struct weft_dataset *weft_dataset_load_as(const char *path, const char *part, struct weft_image_shape wanted,
                                          struct weft_error *err)
{
    struct weft_dataset_place place;
    struct weft_dataset *dataset = NULL;
    int rc = -1;
    if ((wanted.channels != 0 && wanted.channels != 1 && wanted.channels != 3) ||
        (wanted.height == 0) != (wanted.width == 0) || wanted.height > WEFT_IMAGE_SIDE_MAX ||
        wanted.width > WEFT_IMAGE_SIDE_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be fitted to %zu channels of %zux%zu", path, wanted.channels,
                       wanted.height, wanted.width);
        return NULL;
    }
    if (weft_dataset_place_find(&place, path, part, err) != 0)
        return NULL;
    dataset = calloc(1, sizeof *dataset);
    if (!dataset || !(dataset->name = strdup(place.path)))
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", path);
    else if (place.in_folders)
        rc = weft_dataset_read_folder(dataset, place.path, place.classes, wanted, err);
    else
        rc = read_file(dataset, wanted, err);
    if (rc == 0 && fit_images(dataset, wanted, err) == 0)
        return dataset;
    weft_dataset_destroy(dataset);
    return NULL;
}

struct weft_dataset *weft_dataset_load(const char *path, const char *part, struct weft_error *err)
{
    return weft_dataset_load_as(path, part, (struct weft_image_shape){0}, err);
}
