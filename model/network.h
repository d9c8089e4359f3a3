/* A network loaded from an ONNX file and ready to run: folded, planned, packed; read-only and shared by threads.
 *
 *     struct weft_network *network = weft_network_load("model/zoo/fast.onnx", &err);
 *     struct weft_workspace *workspace = weft_workspace_new(network, 32, &err);     one for each thread
 *     weft_network_run(network, workspace, images, n, probabilities);
 */
#ifndef WEFT_MODEL_NETWORK_H
#define WEFT_MODEL_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_network;
struct weft_variant;
struct weft_workspace;

struct weft_network_info {
    const char *name;               /* metadata weft.name, or the file's name without its ending */
    const char *version;            /* metadata weft.version, or "" */
    const char *dataset;            /* metadata weft.dataset, or "" */
    double accuracy;                /* metadata weft.accuracy as a fraction, or -1 where it is not said */
    char sha256[65];                /* of the file, lower-case hexadecimal */
    size_t channels, height, width; /* of a vector: a square if it can be one */
    size_t image_size;              /* channels * height * width, in bytes of a request's image */
    size_t class_count;
    const float *mean;      /* of the training images' pixel/255, one for each channel; 0 where the file does not say */
    const float *self_test; /* metadata weft.self_test, or NULL: see model/self_test.h */
    const char *const *labels; /* class_count names: metadata weft.labels, or "0", "1", ... */
    size_t parameter_count;
    uint64_t multiply_adds; /* for one image */
    size_t workspace_bytes; /* for one image of batch */
};

/* path is a file or builtin:NAME. Reads and checks it (WEFT_ERROR_CONFIG with path, node and reason when it cannot be
 * used), folds, plans. */
struct weft_network *weft_network_load(const char *path, struct weft_error *err);
/* The same with the kernels of that variant, for tests and benchmarks. */
struct weft_network *weft_network_load_for(const char *path, const struct weft_variant *variant,
                                           struct weft_error *err);
void weft_network_destroy(struct weft_network *network); /* accepts NULL; after all workspaces */

/* Valid as long as the network. */
const struct weft_network_info *weft_network_info(const struct weft_network *network);

/* Everything that a run writes to, for up to max_batch images at a time; runs allocate nothing. */
struct weft_workspace *weft_workspace_new(const struct weft_network *network, size_t max_batch, struct weft_error *err);
void weft_workspace_destroy(struct weft_workspace *workspace); /* accepts NULL */

/* Scores n images, in pieces that fit the workspace and the cache. images[i] has image_size bytes (C,H,W), 0..255, also
 * where the graph takes channels last; normalisation is the network's.
 * probabilities is (n, class_count), softmax applied (also when the graph ends in logits). Single-threaded. */
void weft_network_run(const struct weft_network *network, struct weft_workspace *workspace,
                      const uint8_t *const images[], size_t n, float *probabilities);

/* The same for floats as the graph's input has them, already normalised: input is (n, C, H, W), or as the graph has it,
 * and output (n, class_count) is what the graph gives, with no softmax added. For comparison with other runtimes. */
void weft_network_run_raw(const struct weft_network *network, struct weft_workspace *workspace, const float *input,
                          size_t n, float *output);

#endif
