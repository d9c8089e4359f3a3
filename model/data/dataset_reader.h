/* What the readers of data sets share: each fills a data set that has only its name, and leaves to its owner to destroy
 * what is there after a failure. Only for dataset_load.c. */
#ifndef WEFT_MODEL_DATA_DATASET_READER_H
#define WEFT_MODEL_DATA_DATASET_READER_H

#include "model/data/dataset.h"
#include "model/data/dataset_file.h"

/* file is at its beginning and stays the caller's. */
int weft_dataset_read_idx(struct weft_dataset *dataset, struct weft_dataset_file *file, struct weft_error *err);
int weft_dataset_read_csv(struct weft_dataset *dataset, struct weft_dataset_file *file, struct weft_image_shape wanted,
                          struct weft_error *err);

/* The classes of the data set are the sub-folders of classes, which is folder itself or another part's. */
int weft_dataset_read_folder(struct weft_dataset *dataset, const char *folder, const char *classes,
                             struct weft_image_shape wanted, struct weft_error *err);

#endif
