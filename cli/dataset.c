#include "cli/dataset.h"

#include <string.h>

#include "model/data/dataset_load.h"

struct weft_dataset *cli_dataset(const struct cli *cli, const struct weft_network_info *model, struct weft_error *err)
{
    const char *data = cli_option(cli, "data"), *part = cli_option(cli, "part");
    if (!data) {
        weft_error_set(err, WEFT_ERROR_USAGE, "--data is missing: name a folder or a file of labelled images");
        return NULL;
    }
    if (part && strcmp(part, "test") != 0 && strcmp(part, "train") != 0) {
        weft_error_set(err, WEFT_ERROR_USAGE, "--part is '%s': it must be test or train", part);
        return NULL;
    }
    const struct weft_image_shape shape = {model->channels, model->height, model->width};
    struct weft_dataset *dataset = weft_dataset_load_as(data, part ? part : "test", shape, err);
    if (dataset && weft_dataset_number_classes(dataset, model->labels, model->class_count, err) != 0) {
        weft_dataset_destroy(dataset);
        return NULL;
    }
    return dataset;
}
