/* Public data sets that weft knows: it recognises them, so that their classes have names without being told, and can
 * fetch them. */
#ifndef WEFT_MODEL_DATA_CATALOG_H
#define WEFT_MODEL_DATA_CATALOG_H

#include "model/data/dataset.h"

struct weft_catalog_file {
    const char *name;
    uint64_t size;
    const char *sha256; /* lower-case hexadecimal */
};

struct weft_catalog_entry {
    const char *key; /* as it is asked for */
    const char *name;
    const char *const *labels;
    size_t label_count;
    const char *url; /* of the folder with the files, without a slash at its end */
    const struct weft_catalog_file *files;
    size_t file_count;
};

/* By size and the checksum of the labels; NULL where the data set is not known. */
const struct weft_catalog_entry *weft_catalog_find(const struct weft_dataset *dataset);

/* By its key; WEFT_ERROR_USAGE says which there are. */
const struct weft_catalog_entry *weft_catalog_named(const char *key, struct weft_error *err);

#endif
