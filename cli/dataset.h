/* The labelled images that a command is about: what its options --data and --part say. */
#ifndef WEFT_CLI_DATASET_H
#define WEFT_CLI_DATASET_H

#include "cli/cli.h"
#include "model/data/dataset.h"
#include "model/network.h"

#define CLI_OPTION_PART                                                                                                \
    {                                                                                                                  \
        0, "part", "PART", "test (default) or train, of a folder that holds both"                                      \
    }

/* Fits the images to the model and numbers their classes as the model does. WEFT_ERROR_USAGE where there is no --data
 * or --part is neither. The caller destroys it. */
struct weft_dataset *cli_dataset(const struct cli *cli, const struct weft_network_info *model, struct weft_error *err);

#endif
