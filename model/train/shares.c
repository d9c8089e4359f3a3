#include "model/train/shares.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/crew.h"
#include "model/train/augmentation.h"
#include "model/train/streams.h"
#include "model/train/tape.h"

/* Images that are scored at a time; weights that a thread moves at a time. Fixed, so that rounding is too. */
enum { SCORE_IMAGES = 32, MOVED_WEIGHTS = 8192 };

/* What one thread owns. */
struct worker {
    struct weft_tape *tape;
    int32_t *labels;        /* of the images on the tape */
    int32_t *others;        /* and of what is mixed into them */
    float *mixed;           /* and its share */
    uint8_t *pixels;        /* (capacity, C, H, W): the images as they are shown */
    uint8_t *other;         /* (C, H, W): what is mixed into one */
    const uint8_t **images; /* capacity of them in pixels, for the teacher */
    float *probabilities;   /* (capacity, classes): those of mirrored images */
    struct weft_teacher_workspace *teacher;
};

struct weft_shares {
    const struct weft_recipe *recipe;
    const struct weft_material *material;
    struct weft_model *model;
    struct weft_optimizer *optimizer;
    const struct weft_teacher *teacher;
    size_t threads, capacity;
    struct weft_crew *crew;
    struct worker *workers;
    float *gradients;         /* (shares of a batch, weights) */
    struct weft_loss *losses; /* one a piece */

    /* The work at hand, and the next piece of it that nobody has taken. */
    const struct weft_step *step;
    const struct weft_dataset *data;
    const size_t *images;
    const float *weights;
    size_t count, pieces;
    bool mirrored;
    atomic_size_t next;
};

static size_t pieces_of(size_t count, size_t size)
{
    return (count + size - 1) / size;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int prepare_worker(struct weft_shares *shares, struct worker *worker, struct weft_error *err)
{
    const size_t capacity = shares->capacity, size = weft_shape_size(shares->material->shape);
    worker->tape = weft_tape_new(shares->model, capacity, err);
    if (!worker->tape)
        return -1;
    worker->labels = calloc(capacity, sizeof *worker->labels);
    worker->others = calloc(capacity, sizeof *worker->others);
    worker->mixed = calloc(capacity, sizeof *worker->mixed);
    worker->pixels = calloc(capacity, size);
    worker->other = calloc(1, size);
    worker->images = calloc(capacity, sizeof *worker->images);
    worker->probabilities = calloc(capacity * shares->material->class_count, sizeof *worker->probabilities);
    if (!worker->labels || !worker->others || !worker->mixed || !worker->pixels || !worker->other || !worker->images ||
        !worker->probabilities)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");
    for (size_t i = 0; i < capacity; i++)
        worker->images[i] = worker->pixels + i * size;
    if (shares->teacher)
        worker->teacher = weft_teacher_workspace_new(shares->teacher, capacity, err);
    return shares->teacher && !worker->teacher ? -1 : 0;
}

struct weft_shares *weft_shares_new(const struct weft_recipe *recipe, size_t threads,
                                    const struct weft_material *material, struct weft_model *model,
                                    struct weft_optimizer *optimizer, const struct weft_teacher *teacher,
                                    struct weft_error *err)
{
    const size_t largest = larger(material->train->count, material->test ? material->test->count : 0);
    const size_t of_batch = pieces_of(recipe->batch, recipe->share);
    struct weft_shares *shares = calloc(1, sizeof *shares);
    if (!shares)
        goto no_memory;
    *shares = (struct weft_shares){.recipe = recipe,
                                   .material = material,
                                   .model = model,
                                   .optimizer = optimizer,
                                   .teacher = teacher,
                                   .threads = threads,
                                   .capacity = larger(recipe->share, SCORE_IMAGES)};
    shares->workers = calloc(threads, sizeof *shares->workers);
    shares->gradients = calloc(of_batch * model->weight_count, sizeof *shares->gradients);
    shares->losses = calloc(larger(of_batch, pieces_of(largest, SCORE_IMAGES)), sizeof *shares->losses);
    if (!shares->workers || !shares->gradients || !shares->losses)
        goto no_memory;
    for (size_t i = 0; i < threads; i++)
        if (prepare_worker(shares, &shares->workers[i], err) != 0)
            goto fail;
    shares->crew = weft_crew_new(threads, err);
    if (shares->crew)
        return shares;
    goto fail;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");
fail:
    weft_shares_destroy(shares);
    return NULL;
}

void weft_shares_destroy(struct weft_shares *shares)
{
    if (!shares)
        return;
    weft_crew_destroy(shares->crew);
    for (size_t i = 0; shares->workers && i < shares->threads; i++) {
        struct worker *worker = &shares->workers[i];
        weft_tape_destroy(worker->tape);
        weft_teacher_workspace_destroy(worker->teacher);
        free(worker->labels);
        free(worker->others);
        free(worker->mixed);
        free(worker->pixels);
        free(worker->other);
        free(worker->images);
        free(worker->probabilities);
    }
    free(shares->workers);
    free(shares->gradients);
    free(shares->losses);
    free(shares);
}

/* false when all are taken. */
static bool take_piece(struct weft_shares *shares, size_t *piece)
{
    *piece = atomic_fetch_add_explicit(&shares->next, 1, memory_order_relaxed);
    return *piece < shares->pieces;
}

static void run(struct weft_shares *shares, size_t pieces, void (*work)(void *context, size_t thread))
{
    shares->pieces = pieces;
    atomic_store(&shares->next, 0);
    weft_crew_run(shares->crew, work, shares);
}

/* In the order of the pieces. */
static struct weft_loss sum_losses(const struct weft_shares *shares)
{
    struct weft_loss total = {0};
    for (size_t i = 0; i < shares->pieces; i++) {
        total.sum += shares->losses[i].sum;
        total.correct += shares->losses[i].correct;
    }
    return total;
}

/* Pixels of image i to the tape. */
static void show(const struct weft_shares *shares, struct worker *worker, size_t i, const uint8_t *pixels)
{
    const struct weft_material *material = shares->material;
    weft_normalise(&material->normalisation, material->shape, pixels,
                   weft_tape_images(worker->tape) + i * weft_shape_size(material->shape));
}

/* Image number i of the share, changed at random as the recipe says, to the worker's pixels and the tape. */
static void prepare_image(struct weft_shares *shares, struct worker *worker, size_t i, size_t image)
{
    const struct weft_step *step = shares->step;
    const struct weft_recipe *recipe = shares->recipe;
    const struct weft_material *material = shares->material;
    const uint8_t *mean = material->normalisation.mean_pixel;
    uint8_t *pixels = worker->pixels + i * weft_shape_size(material->shape);
    /* A stream for each image of each epoch: its changes depend on nothing else. */
    struct weft_random random =
        weft_stream(recipe->seed, WEFT_STREAM_IMAGES, step->epoch * material->train->count + image);
    weft_augment(recipe, &random, material->shape, mean, weft_dataset_image(material->train, image), pixels);
    worker->labels[i] = worker->others[i] = material->train->labels[image];
    worker->mixed[i] = weft_mix_draw(recipe, &random);
    if (worker->mixed[i] > 0) {
        const size_t other = step->images[weft_random_below(&random, step->count)];
        weft_augment(recipe, &random, material->shape, mean, weft_dataset_image(material->train, other), worker->other);
        weft_mix(material->shape, worker->other, worker->mixed[i], pixels);
        worker->others[i] = material->train->labels[other];
    }
    show(shares, worker, i, pixels);
}

static void learn_share(struct weft_shares *shares, struct worker *worker, size_t piece)
{
    const struct weft_step *step = shares->step;
    const struct weft_recipe *recipe = shares->recipe;
    const size_t first = step->count * piece / shares->pieces, n = step->count * (piece + 1) / shares->pieces - first;
    for (size_t i = 0; i < n; i++)
        prepare_image(shares, worker, i, step->images[first + i]);
    const float *taught = worker->teacher ? weft_teacher_answer(worker->teacher, worker->images, n) : NULL;

    struct weft_random random =
        weft_stream(recipe->seed, WEFT_STREAM_DROPOUT, step->step * pieces_of(recipe->batch, recipe->share) + piece);
    const struct weft_tape_mode mode = {
        .training = true, .portion = (float)n / (float)step->count, .seed = weft_random_next(&random)};
    const struct weft_target target = {.labels = worker->labels,
                                       .others = worker->others,
                                       .shares = worker->mixed,
                                       .smoothing = recipe->label_smoothing,
                                       .teacher = taught,
                                       .weight = recipe->teacher_weight,
                                       .temperature = recipe->temperature};
    float *gradients = shares->gradients + piece * shares->model->weight_count;
    memset(gradients, 0, shares->model->weight_count * sizeof *gradients);
    weft_tape_forward(worker->tape, shares->model->weights, n, &mode);
    shares->losses[piece] = weft_cross_entropy(weft_tape_logits(worker->tape), &target, n, shares->model->class_count,
                                               1 / (double)step->count, weft_tape_logit_gradients(worker->tape));
    weft_tape_backward(worker->tape, shares->model->weights, n, gradients);
}

static void learn(void *context, size_t thread)
{
    struct weft_shares *shares = context;
    for (size_t piece; take_piece(shares, &piece);)
        learn_share(shares, &shares->workers[thread], piece);
}

/* Adds up what the shares gave for some of the weights, and moves these. */
static void move(void *context, size_t thread)
{
    struct weft_shares *shares = context;
    const size_t weights = shares->model->weight_count, count = shares->count;
    (void)thread;
    for (size_t piece; take_piece(shares, &piece);) {
        const size_t begin = piece * MOVED_WEIGHTS;
        const size_t end = weights - begin < MOVED_WEIGHTS ? weights : begin + MOVED_WEIGHTS;
        float *restrict sum = shares->gradients;
        for (size_t s = 1; s < count; s++) {
            const float *restrict more = shares->gradients + s * weights;
            for (size_t i = begin; i < end; i++)
                sum[i] += more[i];
        }
        weft_optimizer_move(shares->optimizer, sum, begin, end, shares->step->rate, shares->step->step);
    }
}

struct weft_loss weft_shares_learn(struct weft_shares *shares, const struct weft_step *step)
{
    shares->step = step;
    shares->count = pieces_of(step->count, shares->recipe->share);
    run(shares, shares->count, learn);
    const struct weft_loss loss = sum_losses(shares);
    /* Weights that gradients without end would spoil are left as they are. */
    if (isfinite(loss.sum))
        run(shares, pieces_of(shares->model->weight_count, MOVED_WEIGHTS), move);
    return loss;
}

/* Puts n images on the tape, from the first of the work, as they are or mirrored, and gives their logits. */
static const float *answer(struct weft_shares *shares, struct worker *worker, size_t first, size_t n, bool mirrored)
{
    const struct weft_shape shape = shares->material->shape;
    for (size_t i = 0; i < n; i++) {
        const size_t image = shares->images ? shares->images[first + i] : first + i;
        const uint8_t *pixels = weft_dataset_image(shares->data, image);
        if (mirrored)
            weft_mirror(shape, pixels, worker->pixels);
        show(shares, worker, i, mirrored ? worker->pixels : pixels);
        worker->labels[i] = shares->data->labels[image];
    }
    weft_tape_forward(worker->tape, shares->weights, n, NULL);
    return weft_tape_logits(worker->tape);
}

static void score_piece(struct weft_shares *shares, struct worker *worker, size_t piece)
{
    const size_t classes = shares->model->class_count, first = piece * SCORE_IMAGES;
    const size_t n = shares->count - first < SCORE_IMAGES ? shares->count - first : SCORE_IMAGES;
    const struct weft_target target = {.labels = worker->labels};
    const float *logits = answer(shares, worker, first, n, false);
    if (shares->mirrored) {
        float *both = worker->probabilities, *second = weft_tape_logit_gradients(worker->tape);
        for (size_t i = 0; i < n; i++)
            weft_probabilities(logits + i * classes, classes, both + i * classes);
        logits = answer(shares, worker, first, n, true);
        for (size_t i = 0; i < n; i++)
            weft_probabilities(logits + i * classes, classes, second + i * classes);
        /* The logarithm of probabilities is their logits. */
        for (size_t i = 0; i < n * classes; i++)
            both[i] = logf(fmaxf((both[i] + second[i]) / 2, FLT_MIN));
        logits = both;
    }
    shares->losses[piece] = weft_cross_entropy(logits, &target, n, classes, 0, NULL);
}

static void score(void *context, size_t thread)
{
    struct weft_shares *shares = context;
    for (size_t piece; take_piece(shares, &piece);)
        score_piece(shares, &shares->workers[thread], piece);
}

struct weft_loss weft_shares_score(struct weft_shares *shares, const float *weights, const struct weft_dataset *data,
                                   const size_t *images, size_t count, bool mirrored)
{
    shares->weights = weights;
    shares->data = data;
    shares->images = images;
    shares->count = count;
    shares->mirrored = mirrored;
    run(shares, pieces_of(count, SCORE_IMAGES), score);
    return sum_losses(shares);
}
