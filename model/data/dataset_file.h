/* A file of a data set as a stream of bytes or lines, gzipped or not: its content decides, not its name. */
#ifndef WEFT_MODEL_DATA_DATASET_FILE_H
#define WEFT_MODEL_DATA_DATASET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_dataset_file;

/* WEFT_ERROR_CONFIG when it cannot be opened. Reading gives WEFT_ERROR_CORRUPT. All messages name the path. */
struct weft_dataset_file *weft_dataset_file_open(const char *path, struct weft_error *err);
void weft_dataset_file_close(struct weft_dataset_file *file); /* accepts NULL */
const char *weft_dataset_file_path(const struct weft_dataset_file *file);

/* Looks at what comes next, without taking it; *size is small only near the end. */
int weft_dataset_file_peek(struct weft_dataset_file *file, const uint8_t **bytes, size_t *size, struct weft_error *err);

/* Exactly size bytes. */
int weft_dataset_file_read(struct weft_dataset_file *file, uint8_t *into, size_t size, struct weft_error *err);

/* Gives 1 and the next line, terminated and without its end, which is valid until the next call; 0 after the last. */
int weft_dataset_file_line(struct weft_dataset_file *file, char **line, size_t *size, struct weft_error *err);

#endif
