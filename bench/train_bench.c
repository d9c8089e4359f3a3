/* How fast networks learn, beside what OpenBLAS's matrix product reaches on the same threads; taking turns.
 *
 *     train_bench [--json] [--threads N] [--share IMAGES] [--rounds N] [ARCHITECTURE...]
 *
 * A step is a forward and a backward pass of each thread over its share of a batch of 28x28 images, without
 * augmentation and optimizer. It counts as three forward passes: 6 operations for each multiplication with addition. */
#include <cblas.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/json.h"
#include "model/train/architecture.h"
#include "model/train/tape.h"

enum { ROUNDS_MAX = 1000, THREADS_MAX = 64, CLASSES = 10, SIDE = 28, GEMM_SIZE = 512, GEMM_REPEATS = 8 };

/* What a thread owns. */
struct worker {
    struct weft_tape *tape;
    float *gradients;
    float *a, *b, *c; /* (GEMM_SIZE, GEMM_SIZE) */
};

struct bench {
    const struct weft_model *model;
    struct weft_crew *crew;
    size_t threads, share, rounds;
    struct worker workers[THREADS_MAX];
};

static void learn(void *context, size_t index)
{
    const struct bench *bench = context;
    const struct worker *worker = &bench->workers[index];
    const struct weft_tape_mode mode = {.training = true, .portion = 1 / (float)bench->threads, .seed = index};
    weft_tape_forward(worker->tape, bench->model->weights, bench->share, &mode);
    float *gradients = weft_tape_logit_gradients(worker->tape);
    for (size_t i = 0; i < bench->share * CLASSES; i++)
        gradients[i] = ((float)(i % 7) - 3) * 0.01f;
    weft_tape_backward(worker->tape, bench->model->weights, bench->share, worker->gradients);
}

static void multiply(void *context, size_t index)
{
    const struct worker *worker = &((const struct bench *)context)->workers[index];
    for (int i = 0; i < GEMM_REPEATS; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1, worker->a, GEMM_SIZE,
                    worker->b, GEMM_SIZE, 0, worker->c, GEMM_SIZE);
}

static double seconds_of(struct bench *bench, void (*work)(void *context, size_t index))
{
    const int64_t begin = weft_clock_ns();
    weft_crew_run(bench->crew, work, bench);
    return (double)(weft_clock_ns() - begin) * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static float *random_floats(size_t count, struct weft_random *random)
{
    float *floats = malloc(count * sizeof *floats);
    for (size_t i = 0; floats && i < count; i++)
        floats[i] = weft_random_between(random, -1, 1);
    return floats;
}

static int prepare(struct bench *bench, struct worker *worker, struct weft_error *err)
{
    struct weft_random random = weft_random_of(1, 2);
    const size_t pixels = bench->share * weft_shape_size(bench->model->input);
    worker->tape = weft_tape_new(bench->model, bench->share, err);
    if (!worker->tape)
        return -1;
    for (size_t i = 0; i < pixels; i++)
        weft_tape_images(worker->tape)[i] = weft_random_between(&random, -1, 1);
    worker->gradients = calloc(bench->model->weight_count, sizeof *worker->gradients);
    worker->a = random_floats((size_t)GEMM_SIZE * GEMM_SIZE, &random);
    worker->b = random_floats((size_t)GEMM_SIZE * GEMM_SIZE, &random);
    worker->c = random_floats((size_t)GEMM_SIZE * GEMM_SIZE, &random);
    if (!worker->gradients || !worker->a || !worker->b || !worker->c)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
    return 0;
}

static void release(struct worker *worker)
{
    weft_tape_destroy(worker->tape);
    free(worker->gradients);
    free(worker->a);
    free(worker->b);
    free(worker->c);
    *worker = (struct worker){0};
}

static void report(struct bench *bench, const char *name, bool json)
{
    static double steps[ROUNDS_MAX], products[ROUNDS_MAX], shares[ROUNDS_MAX];
    const double images = (double)(bench->threads * bench->share);
    const double step_flop = 6 * (double)weft_model_multiply_adds(bench->model) * images;
    const double product_flop = 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE * GEMM_REPEATS * (double)bench->threads;
    for (size_t round = 0; round <= bench->rounds; round++) {
        const double step = step_flop / seconds_of(bench, learn) * 1e-9;
        const double product = product_flop / seconds_of(bench, multiply) * 1e-9;
        if (round == 0) /* to warm up */
            continue;
        steps[round - 1] = step;
        products[round - 1] = product;
        shares[round - 1] = step / product;
    }
    const double step = median(steps, bench->rounds), product = median(products, bench->rounds);
    const double share = median(shares, bench->rounds), speed = step / step_flop * images * 1e9;
    if (json)
        weft_json_print(stdout,
                        json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:f}", "architecture", name, "threads",
                                  (json_int_t)bench->threads, "share", (json_int_t)bench->share, "multiply_adds",
                                  (json_int_t)weft_model_multiply_adds(bench->model), "images_per_second", speed,
                                  "gflops", step, "gemm_gflops", product, "ratio", share));
    else
        printf("%-10s %zu threads of %zu images: %8.0f images/s, %6.1f GFLOP/s; GEMM %6.1f GFLOP/s; ratio %.2f\n", name,
               bench->threads, bench->share, speed, step, product, share);
}

static int run(struct bench *bench, const char *name, bool json, struct weft_error *err)
{
    struct weft_random random = weft_random_of(1, 1);
    int rc = -1;
    const struct weft_architecture *architecture = weft_architecture_find(name, err);
    if (!architecture)
        return -1;
    struct weft_model *model = weft_model_new((struct weft_shape){1, SIDE, SIDE}, CLASSES, err);
    if (!model)
        return -1;
    architecture->build(model);
    bench->model = model;
    bench->crew = weft_crew_new(bench->threads, err);
    if (!bench->crew || weft_model_finish(model, &random, err) != 0)
        goto out;
    for (size_t i = 0; i < bench->threads; i++)
        if (prepare(bench, &bench->workers[i], err) != 0)
            goto out;
    report(bench, name, json);
    rc = 0;
out:
    for (size_t i = 0; i < bench->threads; i++)
        release(&bench->workers[i]);
    weft_crew_destroy(bench->crew);
    weft_model_destroy(model);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"share", required_argument, NULL, 's'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {0}};
    static const char *const all[] = {"resnet20", "resnet32", "fast", "lenet"};
    struct weft_error err = {0};
    struct bench bench = {.threads = 1, .share = 64, .rounds = 15};
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case 'j': json = true; break;
        case 't': bench.threads = strtoul(optarg, NULL, 10); break;
        case 's': bench.share = strtoul(optarg, NULL, 10); break;
        case 'r': bench.rounds = strtoul(optarg, NULL, 10); break;
        default: return 2;
        }
    if (bench.threads < 1 || bench.threads > THREADS_MAX || bench.share < 1 || bench.rounds < 1 ||
        bench.rounds > ROUNDS_MAX) {
        fprintf(stderr, "train_bench: 1 to %d threads, a share of at least 1, 1 to %d rounds\n", THREADS_MAX,
                ROUNDS_MAX);
        return 2;
    }
    openblas_set_num_threads(1); /* each of ours has its own product */
    const char *const *names = optind < argc ? (const char *const *)argv + optind : all;
    const size_t count = optind < argc ? (size_t)(argc - optind) : sizeof all / sizeof *all;
    for (size_t i = 0; i < count; i++)
        if (run(&bench, names[i], json, &err) != 0) {
            fprintf(stderr, "train_bench: %s\n", err.message);
            return EXIT_FAILURE;
        }
    return EXIT_SUCCESS;
}
