/* How fast a model scores on one thread: one JSON object on stdout. bench/model.py runs it in turn with its peer.
 *
 *     model_bench FILE.onnx [BATCH] [MILLISECONDS]
 *
 * bytes: images in, probabilities out, as weft run does it; floats: what other runtimes are given and give back.
 * gemm: OpenBLAS on the shape of a convolution, for what the machine can do at that moment. */
#include <cblas.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/network.h"

enum { ROUNDS_MAX = 100000 };

struct work {
    const struct weft_network *network;
    struct weft_workspace *workspace;
    size_t batch;
    const uint8_t **images;
    float *floats, *outputs;
    float *a, *b, *c;
};

enum { GEMM_M = 64, GEMM_N = 784, GEMM_K = 288 };

static void run_bytes(const struct work *work)
{
    weft_network_run(work->network, work->workspace, work->images, work->batch, work->outputs);
}

static void run_floats(const struct work *work)
{
    weft_network_run_raw(work->network, work->workspace, work->floats, work->batch, work->outputs);
}

static void run_gemm(const struct work *work)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM_M, GEMM_N, GEMM_K, 1, work->a, GEMM_K, work->b, GEMM_N,
                0, work->c, GEMM_N);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Runs again and again for so long; seconds of a run, the median and the least. */
static json_t *measure(void (*run)(const struct work *), const struct work *work, int64_t milliseconds)
{
    static int64_t rounds[ROUNDS_MAX];
    size_t count = 0;
    run(work);
    int64_t end = weft_clock_ns() + milliseconds * 1000000;
    while (count < ROUNDS_MAX) {
        int64_t start = weft_clock_ns();
        if (start >= end && count > 0)
            break;
        run(work);
        rounds[count++] = weft_clock_ns() - start;
    }
    qsort(rounds, count, sizeof *rounds, by_value);
    return json_pack("{s:f,s:f,s:I}", "median", (double)rounds[count / 2] * 1e-9, "least", (double)rounds[0] * 1e-9,
                     "runs", (json_int_t)count);
}

int main(int argc, char **argv)
{
    struct weft_error err = {0};
    struct work work = {0};
    int result = EXIT_FAILURE;
    if (argc < 2) {
        fprintf(stderr, "usage: model_bench FILE.onnx [BATCH] [MILLISECONDS]\n");
        return 2;
    }
    work.batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 32;
    int64_t milliseconds = argc > 3 ? strtol(argv[3], NULL, 10) : 500;
    struct weft_network *network = weft_network_load(argv[1], &err);
    if (!network || work.batch == 0) {
        fprintf(stderr, "model_bench: %s\n", network ? "BATCH must be at least 1" : err.message);
        goto out;
    }
    const struct weft_network_info *info = weft_network_info(network);
    size_t size = work.batch * info->image_size;
    uint8_t *bytes = malloc(size);
    work.network = network;
    work.workspace = weft_workspace_new(network, work.batch, &err);
    work.images = malloc(work.batch * sizeof *work.images);
    work.floats = malloc(size * sizeof(float));
    work.outputs = malloc(work.batch * info->class_count * sizeof(float));
    work.a = calloc(GEMM_M * GEMM_K, sizeof(float));
    work.b = calloc(GEMM_K * GEMM_N, sizeof(float));
    work.c = calloc(GEMM_M * GEMM_N, sizeof(float));
    if (!bytes || !work.workspace || !work.images || !work.floats || !work.outputs || !work.a || !work.b || !work.c) {
        fprintf(stderr, "model_bench: no memory\n");
        goto out_memory;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)((i * 2654435761u) >> 24);
        work.floats[i] = (float)bytes[i] / 255;
    }
    for (size_t i = 0; i < work.batch; i++)
        work.images[i] = bytes + i * info->image_size;
    json_t *times =
        json_pack("{s:s,s:I,s:I,s:o,s:o,s:o,s:f}", "model", info->name, "batch", (json_int_t)work.batch,
                  "multiply_adds", (json_int_t)info->multiply_adds, "bytes", measure(run_bytes, &work, milliseconds),
                  "floats", measure(run_floats, &work, milliseconds), "gemm",
                  measure(run_gemm, &work, milliseconds / 4 + 1), "gemm_flop", 2.0 * GEMM_M * GEMM_N * GEMM_K);
    weft_json_print(stdout, times);
    result = EXIT_SUCCESS;
out_memory:
    free(bytes);
    free(work.images);
    free(work.floats);
    free(work.outputs);
    free(work.a);
    free(work.b);
    free(work.c);
    weft_workspace_destroy(work.workspace);
out:
    weft_network_destroy(network);
    return result;
}
