/* Where a part of a data set lies. */
#ifndef WEFT_MODEL_DATA_DATASET_PLACE_H
#define WEFT_MODEL_DATA_DATASET_PLACE_H

#include <stdbool.h>

#include "base/error.h"

enum { WEFT_DATASET_PATH_SIZE = 4096 };

struct weft_dataset_place {
    bool in_folders;                      /* path is a folder with a sub-folder for each class, else a file */
    char path[WEFT_DATASET_PATH_SIZE];    /* is there, but was not looked into */
    char classes[WEFT_DATASET_PATH_SIZE]; /* where in_folders: the folder whose sub-folders name the classes */
};

/* path and part as for weft_dataset_load. WEFT_ERROR_CONFIG where there is no such part. */
int weft_dataset_place_find(struct weft_dataset_place *place, const char *path, const char *part,
                            struct weft_error *err);

#endif
