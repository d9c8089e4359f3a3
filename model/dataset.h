/* Labelled images in memory, read from IDX files (gzipped or not). */
#ifndef WEFT_MODEL_DATASET_H
#define WEFT_MODEL_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_dataset {
    char *name; /* what it was read from, for people */
    size_t count;
    size_t channels, height, width;
    uint8_t *pixels;    /* (count, channels, height, width) */
    int32_t *labels;    /* count of them; NULL where there are none */
    size_t class_count; /* highest label + 1; 0 where there are no labels */
};

/* path is an images file (its labels file is found beside it: images-idx3 -> labels-idx1; where there is none, the
 * data set has no labels), or a folder with t10k-*, train-* files, of which part ("train" or "test") picks one.
 * WEFT_ERROR_CORRUPT or _CONFIG names the file. */
struct weft_dataset *weft_dataset_load(const char *path, const char *part, struct weft_error *err);
void weft_dataset_destroy(struct weft_dataset *dataset); /* accepts NULL */

/* 0, or WEFT_ERROR_CONFIG that names the labels file that should be there. */
int weft_dataset_require_labels(const struct weft_dataset *dataset, struct weft_error *err);

/* (channels * height * width) bytes of image i. */
const uint8_t *weft_dataset_image(const struct weft_dataset *dataset, size_t i);

#endif
