/* Where the requests of a sender come from: the images of a data set or of single files, as often as asked for.
 *
 * Everything is read and checked at the start, so that a file that is no image is found before anything is sent. */
#ifndef WEFT_CLIENTS_IMAGE_SOURCE_H
#define WEFT_CLIENTS_IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/data/image.h"
#include "schemas/request.h"

enum { WEFT_IMAGE_ID_SIZE = 192 };

struct weft_image_source;

/* path, part and wanted as for weft_dataset_load_as. */
struct weft_image_source *weft_image_source_dataset(const char *path, const char *part, struct weft_image_shape wanted,
                                                    struct weft_error *err);

/* Image files, each fitted to channels x height x width; they have no labels. */
struct weft_image_source *weft_image_source_files(const char *const paths[], size_t count, size_t channels,
                                                  size_t height, size_t width, struct weft_error *err);
void weft_image_source_destroy(struct weft_image_source *source); /* accepts NULL */

size_t weft_image_source_count(const struct weft_image_source *source);

/* The request for image number index, which goes on through further rounds: of 100 images, 205 is the fifth's third
 * request. Its id is the file's name up to "-images" or its ending, the image's number, and from the second round on
 * the round: "t10k-00017", "t10k-00017.1", ...; no two indices have the same. request points into id and source. */
void weft_image_source_request(const struct weft_image_source *source, uint64_t index, char id[WEFT_IMAGE_ID_SIZE],
                               struct weft_request *request);

#endif
