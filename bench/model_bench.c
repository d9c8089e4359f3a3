/* How fast a model scores: one JSON object on stdout. bench/model.py runs it in turn with its peer.
 *
 *     model_bench FILE.onnx [BATCH [THREADS [MILLISECONDS [VARIANT]]]]
 *
 * bytes: images in, probabilities out, as weft run does it; floats: what other runtimes are given and give back.
 * gemm: OpenBLAS on the shape of a convolution, on one thread, for what the machine can do at that moment. Each thread
 * has a workspace and its share of the batch; no more take part than there are images. VARIANT limits the kernels to
 * those of avx512, avx2 or plain. */
#include <cblas.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/kernels/variant.h"
#include "model/network.h"

enum { ROUNDS_MAX = 100000, THREADS_MAX = 64 };

struct work {
    const struct weft_network *network;
    size_t batch, threads;
    const uint8_t **images;
    uint8_t *bytes;
    float *floats, *outputs;
    float *a, *b, *c;
    void (*share)(const struct work *, size_t thread); /* what helpers run between the barriers; NULL ends them */
    pthread_barrier_t begin, end;
    struct weft_workspace *workspaces[THREADS_MAX];
};

enum { GEMM_M = 64, GEMM_N = 784, GEMM_K = 288 };

static size_t share_from(const struct work *work, size_t thread)
{
    return work->batch * thread / work->threads;
}

static void run_bytes(const struct work *work, size_t thread)
{
    size_t from = share_from(work, thread), n = share_from(work, thread + 1) - from;
    weft_network_run(work->network, work->workspaces[thread], work->images + from, n,
                     work->outputs + from * weft_network_info(work->network)->class_count);
}

static void run_floats(const struct work *work, size_t thread)
{
    const struct weft_network_info *info = weft_network_info(work->network);
    size_t from = share_from(work, thread), n = share_from(work, thread + 1) - from;
    weft_network_run_raw(work->network, work->workspaces[thread], work->floats + from * info->image_size, n,
                         work->outputs + from * info->class_count);
}

static void run_gemm(const struct work *work, size_t thread)
{
    if (thread == 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM_M, GEMM_N, GEMM_K, 1, work->a, GEMM_K, work->b,
                    GEMM_N, 0, work->c, GEMM_N);
}

struct helper {
    struct work *work;
    size_t thread;
    pthread_t id;
};

static void *help(void *argument)
{
    const struct helper *helper = argument;
    struct work *work = helper->work;
    for (;;) {
        pthread_barrier_wait(&work->begin);
        if (!work->share)
            return NULL;
        work->share(work, helper->thread);
        pthread_barrier_wait(&work->end);
    }
}

static void run(struct work *work)
{
    if (work->threads > 1)
        pthread_barrier_wait(&work->begin);
    work->share(work, 0);
    if (work->threads > 1)
        pthread_barrier_wait(&work->end);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Runs again and again for so long; seconds of a run, the median and the least. */
static json_t *measure(struct work *work, void (*share)(const struct work *, size_t), int64_t milliseconds)
{
    static int64_t rounds[ROUNDS_MAX];
    size_t count = 0;
    work->share = share;
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

static float *floats_new(size_t count)
{
    float *floats = malloc(count * sizeof *floats);
    for (size_t i = 0; floats && i < count; i++)
        floats[i] = (float)(i % 251) / 251;
    return floats;
}

static int prepare(struct work *work)
{
    const struct weft_network_info *info = weft_network_info(work->network);
    size_t size = work->batch * info->image_size;
    work->bytes = malloc(size);
    work->images = malloc(work->batch * sizeof *work->images);
    work->floats = floats_new(size);
    work->outputs = floats_new(work->batch * info->class_count);
    work->a = floats_new(GEMM_M * GEMM_K);
    work->b = floats_new(GEMM_K * GEMM_N);
    work->c = floats_new(GEMM_M * GEMM_N);
    if (!work->bytes || !work->images || !work->floats || !work->outputs || !work->a || !work->b || !work->c)
        return -1;
    for (size_t i = 0; i < size; i++)
        work->bytes[i] = (uint8_t)((i * 2654435761u) >> 24);
    for (size_t i = 0; i < work->batch; i++)
        work->images[i] = work->bytes + i * info->image_size;
    for (size_t t = 0; t < work->threads; t++)
        if (!(work->workspaces[t] = weft_workspace_new(work->network, work->batch, NULL)))
            return -1;
    return 0;
}

static void clear(struct work *work)
{
    for (size_t t = 0; t < work->threads; t++)
        weft_workspace_destroy(work->workspaces[t]);
    free(work->bytes);
    free(work->images);
    free(work->floats);
    free(work->outputs);
    free(work->a);
    free(work->b);
    free(work->c);
}

static void print_times(struct work *work, const char *variant, int64_t milliseconds)
{
    const struct weft_network_info *info = weft_network_info(work->network);
    json_t *bytes = measure(work, run_bytes, milliseconds), *floats = measure(work, run_floats, milliseconds);
    json_t *gemm = measure(work, run_gemm, milliseconds / 4 + 1);
    weft_json_print(stdout, json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:f}", "model", info->name, "variant", variant,
                                      "batch", (json_int_t)work->batch, "threads", (json_int_t)work->threads,
                                      "multiply_adds", (json_int_t)info->multiply_adds, "bytes", bytes, "floats",
                                      floats, "gemm", gemm, "gemm_flop", 2.0 * GEMM_M * GEMM_N * GEMM_K));
}

static const struct weft_variant *variant_named(const char *name)
{
    const struct weft_variant *variant;
    for (size_t i = 0; (variant = weft_variant_at(i)); i++)
        if (strcmp(variant->name, name) == 0)
            return variant;
    return NULL;
}

int main(int argc, char **argv)
{
    struct weft_error err = {0};
    struct work work = {.batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 32,
                        .threads = argc > 3 ? strtoul(argv[3], NULL, 10) : 1};
    int64_t milliseconds = argc > 4 ? strtol(argv[4], NULL, 10) : 500;
    const struct weft_variant *variant = argc > 5 ? variant_named(argv[5]) : weft_variant_best();
    if (argc < 2 || !variant || work.batch == 0 || work.threads == 0 || work.threads > THREADS_MAX) {
        fprintf(stderr, "usage: model_bench FILE.onnx [BATCH [THREADS [MILLISECONDS [VARIANT]]]]\n"
                        "BATCH and THREADS are at least 1, VARIANT is one that this processor can run\n");
        return 2;
    }
    struct weft_network *network = weft_network_load_for(argv[1], variant, &err);
    if (!network) {
        fprintf(stderr, "model_bench: %s\n", err.message);
        return EXIT_FAILURE;
    }
    work.network = network;
    if (work.threads > work.batch)
        work.threads = work.batch; /* waking one for nothing would only cost time */
    int result = prepare(&work);
    if (result != 0) {
        fprintf(stderr, "model_bench: no memory\n");
        goto out;
    }
    struct helper helpers[THREADS_MAX];
    pthread_barrier_init(&work.begin, NULL, (unsigned)work.threads);
    pthread_barrier_init(&work.end, NULL, (unsigned)work.threads);
    for (size_t t = 1; t < work.threads; t++) {
        helpers[t] = (struct helper){.work = &work, .thread = t};
        if (pthread_create(&helpers[t].id, NULL, help, &helpers[t]) != 0) {
            fprintf(stderr, "model_bench: cannot start a thread\n");
            exit(EXIT_FAILURE);
        }
    }
    print_times(&work, variant->name, milliseconds);
    work.share = NULL;
    if (work.threads > 1)
        pthread_barrier_wait(&work.begin);
    for (size_t t = 1; t < work.threads; t++)
        pthread_join(helpers[t].id, NULL);
    pthread_barrier_destroy(&work.begin);
    pthread_barrier_destroy(&work.end);
out:
    clear(&work);
    weft_network_destroy(network);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
