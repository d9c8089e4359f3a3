/* Any bytes as a model file: refused with a word, or loaded and run on one image; libFuzzer drives it.
 *
 *     CC=clang cmake -B build/fuzz -DWEFT_FUZZ=ON -DWEFT_SANITIZE=address,undefined && cmake --build build/fuzz -t
 * fuzz_onnx mkdir corpus && build/fuzz/tests/fuzz/fuzz_onnx corpus tests/data/models tests/data/models/exported
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

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
    char path[64];
    struct weft_error err = {0};
    int fd = memfd_create("model", 0);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct weft_network *network = weft_network_load(path, &err);
    close(fd);
    if (!network && !err.message[0])
        abort();
    if (network)
        run(network);
    weft_network_destroy(network);
    return 0;
}
