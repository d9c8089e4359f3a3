/* Labelled images in memory. How they come there: dataset_load.h. */
#ifndef WEFT_MODEL_DATA_DATASET_H
#define WEFT_MODEL_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/data/image.h"

enum { WEFT_DATASET_CLASSES_MAX = 1024 };
#define WEFT_DATASET_BYTES_MAX ((uint64_t)1 << 33)

struct weft_dataset {
    char *name; /* what it was read from, for people */
    size_t count;
    size_t channels, height, width;
    uint8_t *pixels;    /* (count, channels, height, width) */
    int32_t *labels;    /* count of them; NULL where there are none */
    size_t class_count; /* highest label + 1, or the number of names; 0 where there are no labels */
    char **class_names; /* class_count of them; NULL where the data only number their classes */
};

void weft_dataset_destroy(struct weft_dataset *dataset); /* accepts NULL */

/* Where the data name their classes: renumbers the labels after names, those of a model or of the training images.
 * WEFT_ERROR_CONFIG for a class that is not among them. Otherwise does nothing. */
int weft_dataset_number_classes(struct weft_dataset *dataset, const char *const *names, size_t count,
                                struct weft_error *err);

/* 0, or WEFT_ERROR_CONFIG that says where the labels should be. */
int weft_dataset_require_labels(const struct weft_dataset *dataset, struct weft_error *err);

/* (channels * height * width) bytes of image i. */
const uint8_t *weft_dataset_image(const struct weft_dataset *dataset, size_t i);

/* For the readers of data sets. */

/* Whether count images of the data set's shape are within the limits; name is for the message. */
int weft_dataset_check_size(const struct weft_dataset *dataset, const char *name, uint64_t count,
                            struct weft_error *err);

/* Whether text may be the name of a class; where says of which file or line it is. */
int weft_dataset_check_class_name(const char *text, const char *where, struct weft_error *err);

/* Whether text is a label, a whole number without leading zeros, below WEFT_DATASET_CLASSES_MAX. */
bool weft_dataset_is_label(const char *text, int32_t *label);

#endif
