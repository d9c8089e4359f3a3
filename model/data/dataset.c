#include "model/data/dataset.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/data/dataset_place.h"

void weft_dataset_destroy(struct weft_dataset *dataset)
{
    if (!dataset)
        return;
    for (size_t i = 0; dataset->class_names && i < dataset->class_count; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    free(dataset->name);
    free(dataset->pixels);
    free(dataset->labels);
    free(dataset);
}

int weft_dataset_check_size(const struct weft_dataset *dataset, const char *name, uint64_t count,
                            struct weft_error *err)
{
    if (count == 0 || dataset->height == 0 || dataset->width == 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has no images (%llu of %zux%zu)", name,
                              (unsigned long long)count, dataset->height, dataset->width);
    /* The sides are compared first, so that their product fits. */
    if (dataset->height > WEFT_IMAGE_SIDE_MAX || dataset->width > WEFT_IMAGE_SIDE_MAX ||
        count > WEFT_DATASET_BYTES_MAX / (dataset->channels * dataset->height * dataset->width))
        return weft_error_set(err, WEFT_ERROR_CORRUPT,
                              "%s: %llu images of %zux%zu are too large; at most %dx%d and %llu bytes in all are read",
                              name, (unsigned long long)count, dataset->height, dataset->width, WEFT_IMAGE_SIDE_MAX,
                              WEFT_IMAGE_SIDE_MAX, (unsigned long long)WEFT_DATASET_BYTES_MAX);
    return 0;
}

int weft_dataset_check_class_name(const char *text, const char *where, struct weft_error *err)
{
    /* Names go into ONNX files and JSON, which are UTF-8; jansson takes nothing else. */
    json_t *valid = json_string(text);
    bool good = valid && *text && strlen(text) < 256;
    for (const char *p = text; *p; p++)
        good = good && !iscntrl((unsigned char)*p);
    json_decref(valid);
    return good ? 0
                : weft_error_set(err, WEFT_ERROR_CORRUPT,
                                 "%s: the name of a class must be 1 to 255 bytes of UTF-8 that can be printed", where);
}

bool weft_dataset_is_label(const char *text, int32_t *label)
{
    int32_t number = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) || number >= WEFT_DATASET_CLASSES_MAX)
            return false;
        number = 10 * number + (*text - '0');
    }
    *label = number;
    return number < WEFT_DATASET_CLASSES_MAX;
}

int weft_dataset_number_classes(struct weft_dataset *dataset, const char *const *names, size_t count,
                                struct weft_error *err)
{
    int32_t number[WEFT_DATASET_CLASSES_MAX];
    char **renamed = NULL;
    if (!dataset->class_names)
        return 0;
    for (size_t i = 0; i < dataset->class_count; i++) {
        size_t c = 0;
        while (c < count && strcmp(dataset->class_names[i], names[c]) != 0)
            c++;
        if (c == count)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: has the class '%s', which is not among the %zu known",
                                  dataset->name, dataset->class_names[i], count);
        number[i] = (int32_t)c;
    }
    renamed = calloc(count, sizeof *renamed);
    for (size_t c = 0; renamed && c < count; c++)
        if (!(renamed[c] = strdup(names[c]))) {
            while (c-- > 0)
                free(renamed[c]);
            free(renamed);
            renamed = NULL;
        }
    if (!renamed)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", dataset->name);
    for (size_t i = 0; i < dataset->count; i++)
        dataset->labels[i] = number[dataset->labels[i]];
    for (size_t i = 0; i < dataset->class_count; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    dataset->class_names = renamed;
    dataset->class_count = count;
    return 0;
}

int weft_dataset_require_labels(const struct weft_dataset *dataset, struct weft_error *err)
{
    if (dataset->labels)
        return 0;
    char labels[4096];
    if (weft_dataset_name_labels(dataset->name, labels, sizeof labels))
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: no such file; it must hold the labels of %s", labels,
                              dataset->name);
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "%s: has no labels: those of an IDX file are found beside it when it has \"images\" in its "
                          "name, those of a CSV file are its first column",
                          dataset->name);
}

const uint8_t *weft_dataset_image(const struct weft_dataset *dataset, size_t i)
{
    return dataset->pixels + i * dataset->channels * dataset->height * dataset->width;
}
