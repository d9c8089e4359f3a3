/* Any bytes as a model file: refused with a word, or loaded and run on one image. */
#include "fuzz/fuzz.h"
#include "model/network.h"

static void run(const struct weft_network *network)
{
    const struct weft_network_info *info = weft_network_info(network);
    if (info->multiply_adds > 1000000 || info->workspace_bytes > 16 << 20)
        return;
    struct weft_workspace *workspace = weft_workspace_new(network, 1, NULL);
    uint8_t *image = calloc(1, info->image_size);
    float *probabilities = malloc(info->class_count * sizeof *probabilities);
    if (workspace && image && probabilities)
        weft_network_run(network, workspace, (const uint8_t *[]){image}, 1, probabilities);
    free(image);
    free(probabilities);
    weft_workspace_destroy(workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[FUZZ_PATH_SIZE];
    struct weft_error err = {0};
    int fd = fuzz_file(bytes, size, path);
    struct weft_network *network = weft_network_load(path, &err);
    if (network)
        run(network);
    else
        fuzz_expect_reason(&err);
    weft_network_destroy(network);
    close(fd);
    return 0;
}
