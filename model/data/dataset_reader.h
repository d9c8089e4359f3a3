/* What the readers of data sets share: each fills a data set that has only its name, and leaves to its owner to destroy
 * what is there after a failure. Only for model/dataset*.c. */
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

/* Whether there is a sub-folder in the folder; hidden ones do not count. */
bool weft_dataset_has_folders(const char *folder);

/* Where the labels of an IDX file of images lie: x-images-idx3-ubyte.gz -> x-labels-idx1-ubyte.gz. False when the name
 * is of no such form. */
bool weft_dataset_name_labels(const char *images, char *labels, size_t size);

/* The file at path, or the same with .gz added or taken away. The caller frees; NULL when neither is there. */
char *weft_dataset_find_gzipped(const char *path);

/* Whether count images of the data set's shape are within the limits; name is for the message. */
int weft_dataset_check_size(const struct weft_dataset *dataset, const char *name, uint64_t count,
                            struct weft_error *err);

/* Whether text may be the name of a class; where says of which file or line it is. */
int weft_dataset_check_class_name(const char *text, const char *where, struct weft_error *err);

/* Whether text is a label, a whole number without leading zeros, below WEFT_DATASET_CLASSES_MAX. */
bool weft_dataset_is_label(const char *text, int32_t *label);

#endif
