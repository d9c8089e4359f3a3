/* Public data sets that weft recognises, so that their classes have names without being told. */
#ifndef WEFT_MODEL_CATALOG_H
#define WEFT_MODEL_CATALOG_H

#include "model/dataset.h"

struct weft_catalog_entry {
    const char *name;
    const char *const *labels;
    size_t label_count;
};

/* By size and the checksum of the labels; NULL where the data set is not known. */
const struct weft_catalog_entry *weft_catalog_find(const struct weft_dataset *dataset);

#endif
