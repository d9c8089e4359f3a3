/* Data sets read from IDX files, CSV files (both gzipped or not) or folders of image files.
 *
 * A path is one of:
 * - an IDX file of images; its labels file is found beside it (images-idx3 -> labels-idx1; without one the data set has
 *   no labels);
 * - a CSV file with a line for each image, "label,pixel,pixel,...": labels are numbers from 0, or names; a first line
 *   of column names is recognised (when it begins with a pixel's, there are no labels). Pixels are 0 to 255, a colour
 *   image is three planes. Without a word on their size images are square;
 * - a folder with one sub-folder for each class, whose name is the class's (or, when all are whole numbers, its label),
 *   with image files in it;
 * - a folder with two parts, "train" and "test", in one of these forms: train-images-idx3-ubyte and t10k-images-...,
 *   train.csv and test.csv (or *_train.csv, *_test.csv), train/ and test/ (or val/) with a sub-folder for each class.
 *
 * What a file is, its content says; its name does not matter. At most WEFT_DATASET_BYTES_MAX bytes of pixels are read.
 */
#ifndef WEFT_MODEL_DATA_DATASET_LOAD_H
#define WEFT_MODEL_DATA_DATASET_LOAD_H

#include "model/data/dataset.h"

/* part ("train" or "test") picks one of a folder's; where the path holds only one set, that is given.
 * WEFT_ERROR_CORRUPT or _CONFIG names the file (and line) at fault. */
struct weft_dataset *weft_dataset_load(const char *path, const char *part, struct weft_error *err);

/* The same, with all images fitted to wanted, of which channels may be 0, or height and width: as the data have them.
 * Needed where the image files of a folder differ in size, and for a CSV file whose images are not square. */
struct weft_dataset *weft_dataset_load_as(const char *path, const char *part, struct weft_image_shape wanted,
                                          struct weft_error *err);

#endif
