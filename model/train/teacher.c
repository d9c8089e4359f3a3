#include "model/train/teacher.h"

struct weft_network *weft_teacher_load(const char *path, struct weft_shape shape, size_t class_count,
                                       struct weft_error *err)
{
    struct weft_network *network = weft_network_load(path, err);
    if (!network) {
        weft_error_prefix(err, "the teacher");
        return NULL;
    }
    const struct weft_network_info *info = weft_network_info(network);
    if (info->channels == shape.channels && info->height == shape.height && info->width == shape.width &&
        info->class_count == class_count)
        return network;
    weft_error_set(err, WEFT_ERROR_CONFIG,
                   "%s: this teacher puts images of %zux%zux%zu into %zu classes; the data have %zux%zux%zu and %zu",
                   path, info->channels, info->height, info->width, info->class_count, shape.channels, shape.height,
                   shape.width, class_count);
    weft_network_destroy(network);
    return NULL;
}
