/* Where a part of a data set lies, as the names of files and folders say; what is in them, nobody has looked at yet. */
#ifndef WEFT_MODEL_DATA_DATASET_PLACE_H
#define WEFT_MODEL_DATA_DATASET_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { WEFT_DATASET_PATH_SIZE = 4096 };

struct weft_dataset_place {
    bool in_folders;                      /* path is a folder with a sub-folder for each class, else a file */
    char path[WEFT_DATASET_PATH_SIZE];    /* is there, but was not looked into */
    char classes[WEFT_DATASET_PATH_SIZE]; /* where in_folders: the folder whose sub-folders name the classes */
};

/* path and part as for weft_dataset_load (dataset_load.h). WEFT_ERROR_CONFIG where there is no such part. */
int weft_dataset_place_find(struct weft_dataset_place *place, const char *path, const char *part,
                            struct weft_error *err);

/* Whether the path is a folder that holds this part apart from the other. */
bool weft_dataset_has_part(const char *path, const char *part);

/* The file at path, or the same with .gz added or taken away. The caller frees; NULL when neither is there. */
char *weft_dataset_find_gzipped(const char *path);

/* Where the labels of an IDX file of images lie: x-images-idx3-ubyte.gz -> x-labels-idx1-ubyte.gz. False when the name
 * is of no such form. */
bool weft_dataset_name_labels(const char *images, char *labels, size_t size);

#endif
