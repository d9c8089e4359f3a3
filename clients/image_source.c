#include "clients/image_source.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/printable.h"
#include "model/data/dataset_load.h"

/* Leaves room in an id for two numbers of 20 digits and what separates them. */
enum { STEM_SIZE = WEFT_IMAGE_ID_SIZE - 48 };

struct weft_image_source {
    struct weft_dataset *dataset;
    uint8_t **files;          /* pixels of each, where there is no data set */
    char (*stems)[STEM_SIZE]; /* of each file; of a data set one */
    size_t count;
    size_t image_size;
};

static struct weft_image_source *source_new(size_t stem_count, struct weft_error *err)
{
    struct weft_image_source *source = calloc(1, sizeof *source);
    if (source)
        source->stems = calloc(stem_count, sizeof *source->stems);
    if (!source || !source->stems) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        weft_image_source_destroy(source);
        return NULL;
    }
    return source;
}

/* folder/t10k-images-idx3-ubyte.gz -> t10k, folder/boot.png -> boot */
static void name_stem(char stem[STEM_SIZE], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *end = strstr(base, "-images");
    if (!end || end == base)
        end = strchr(base, '.');
    size_t size = end && end > base ? (size_t)(end - base) : strlen(base);
    weft_printable(stem, STEM_SIZE, base, size);
}

struct weft_image_source *weft_image_source_dataset(const char *path, const char *part, struct weft_image_shape wanted,
                                                    struct weft_error *err)
{
    struct weft_image_source *source = source_new(1, err);
    if (!source)
        return NULL;
    source->dataset = weft_dataset_load_as(path, part, wanted, err);
    if (!source->dataset)
        goto fail;
    source->count = source->dataset->count;
    source->image_size = source->dataset->channels * source->dataset->height * source->dataset->width;
    name_stem(source->stems[0], source->dataset->name);
    return source;
fail:
    weft_image_source_destroy(source);
    return NULL;
}

struct weft_image_source *weft_image_source_files(const char *const paths[], size_t count, size_t channels,
                                                  size_t height, size_t width, struct weft_error *err)
{
    struct weft_image_source *source = source_new(count, err);
    if (!source)
        return NULL;
    source->image_size = channels * height * width;
    source->files = calloc(count, sizeof *source->files);
    if (!source->files) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    for (; source->count < count; source->count++) {
        size_t i = source->count;
        source->files[i] = weft_image_read(paths[i], channels, height, width, err);
        if (!source->files[i])
            goto fail;
        name_stem(source->stems[i], paths[i]);
    }
    return source;
fail:
    weft_image_source_destroy(source);
    return NULL;
}

void weft_image_source_destroy(struct weft_image_source *source)
{
    if (!source)
        return;
    for (size_t i = 0; source->files && i < source->count; i++)
        free(source->files[i]);
    free(source->files);
    free(source->stems);
    weft_dataset_destroy(source->dataset);
    free(source);
}

size_t weft_image_source_count(const struct weft_image_source *source)
{
    return source->count;
}

void weft_image_source_request(const struct weft_image_source *source, uint64_t index, char id[WEFT_IMAGE_ID_SIZE],
                               struct weft_request *request)
{
    const struct weft_dataset *dataset = source->dataset;
    size_t image = (size_t)(index % source->count);
    uint64_t round = index / source->count;
    int length = snprintf(id, WEFT_IMAGE_ID_SIZE, "%s-%05zu", source->stems[dataset ? 0 : image], image);
    if (round > 0)
        length += snprintf(id + length, WEFT_IMAGE_ID_SIZE - (size_t)length, ".%" PRIu64, round);
    *request = (struct weft_request){
        .id = id,
        .id_size = (size_t)length,
        .image = dataset ? weft_dataset_image(dataset, image) : source->files[image],
        .image_size = source->image_size,
        .has_label = dataset && dataset->labels,
    };
    if (request->has_label)
        request->label = dataset->labels[image];
}
