#include "model/trainer.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/crew.h"
#include "base/progress.h"
#include "model/catalog.h"
#include "model/dataset.h"
#include "model/train/architecture.h"
#include "model/train/augmentation.h"
#include "model/train/loss.h"
#include "model/train/optimizer.h"
#include "model/train/recipe.h"
#include "model/train/schedule.h"
#include "model/train/split.h"
#include "model/train/tape.h"

/* Streams of the seed. */
enum { STREAM_SPLIT, STREAM_WEIGHTS, STREAM_ORDER, STREAM_IMAGES };

enum { SCORE_BATCH = 64 };

/* What one thread of the crew owns. */
struct share {
    struct weft_tape *tape;
    float *gradients;
    int32_t *labels; /* of the images on the tape */
    struct weft_loss loss;
};

/* Images that the crew works on now: order[0..count-1] of data. */
struct work {
    const struct weft_dataset *data;
    const size_t *order; /* NULL: as they stand in data */
    size_t count;
    size_t epoch;
};

struct run {
    const struct weft_train_options *options;
    const struct weft_train_hooks *hooks;
    struct weft_dataset *train, *test; /* test may be NULL */
    struct weft_shape shape;
    size_t class_count;
    struct weft_normalisation normalisation;
    struct weft_split *split;
    struct weft_model *model;
    struct weft_optimizer *optimizer;
    struct weft_schedule schedule;
    struct weft_crew *crew;
    struct share *shares; /* one a thread */
    float *best;          /* weights of the best epoch */
    struct work work;
};

struct weft_train_options weft_train_defaults(void)
{
    return (struct weft_train_options){
        .architecture = "lenet",
        .version = "1",
        .epochs = 60,
        .batch = 128,
        .learning_rate = 0.05,
        .warmup = 2,
        .momentum = 0.9,
        .weight_decay = 5e-4,
        .label_smoothing = 0,
        .shift = 1,
        .flip = true,
        .validation = 1.0 / 12,
        .seed = 1,
        .threads = 2,
    };
}

static int check_range(const char *name, double value, double low, double high, struct weft_error *err)
{
    if (value >= low && value <= high)
        return 0;
    return weft_error_set(err, WEFT_ERROR_USAGE, "%s is %g; it must lie between %g and %g", name, value, low, high);
}

static int check_options(const struct weft_train_options *o, struct weft_error *err)
{
    if (check_range("epochs", (double)o->epochs, 1, 100000, err) != 0 ||
        check_range("batch", (double)o->batch, 1, 65536, err) != 0 ||
        check_range("learning rate", o->learning_rate, 1e-9, 1e3, err) != 0 ||
        check_range("warm-up", o->warmup, 0, (double)o->epochs, err) != 0 ||
        check_range("momentum", o->momentum, 0, 0.9999, err) != 0 ||
        check_range("weight decay", o->weight_decay, 0, 1, err) != 0 ||
        check_range("label smoothing", o->label_smoothing, 0, 0.99, err) != 0 ||
        check_range("shift", (double)o->shift, 0, 64, err) != 0 ||
        check_range("validation share", o->validation, 1e-6, 0.9, err) != 0 ||
        check_range("threads", (double)o->threads, 1, 256, err) != 0)
        return -1;
    return 0;
}

static int check_labels(struct run *run, struct weft_error *err)
{
    if (weft_dataset_require_labels(run->train, err) != 0 ||
        (run->test && weft_dataset_require_labels(run->test, err) != 0))
        return -1;
    size_t same = 1;
    while (same < run->train->count && run->train->labels[same] == run->train->labels[0])
        same++;
    if (same == run->train->count)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: all images have the same label", run->train->name);
    run->class_count = run->train->class_count;
    if (run->options->labels && run->options->label_count < run->class_count)
        return weft_error_set(err, WEFT_ERROR_USAGE, "%zu labels are given, but %s has %zu classes",
                              run->options->label_count, run->train->name, run->class_count);
    if (run->options->labels)
        run->class_count = run->options->label_count;
    if (run->test && run->test->class_count > run->class_count)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has label %zu, which no training image has",
                              run->test->name, run->test->class_count - 1);
    return 0;
}

static int load_data(struct run *run, struct weft_error *err)
{
    const char *data = run->options->data;
    struct stat about;
    if (!data || !*data)
        return weft_error_set(err, WEFT_ERROR_USAGE, "no data to train on is given");
    run->train = weft_dataset_load(data, "train", err);
    if (!run->train)
        return -1;
    if (stat(data, &about) == 0 && S_ISDIR(about.st_mode)) {
        run->test = weft_dataset_load(data, "test", err);
        if (!run->test)
            return -1;
    }
    const struct weft_dataset *a = run->train, *b = run->test;
    if (b && (a->channels != b->channels || a->height != b->height || a->width != b->width))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: images of %zux%zux%zu, but those of %s are %zux%zux%zu",
                              b->name, b->channels, b->height, b->width, a->name, a->channels, a->height, a->width);
    if (a->channels > WEFT_CHANNELS_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: has %zu channels; at most %d can be trained on", a->name,
                              a->channels, WEFT_CHANNELS_MAX);
    run->shape = (struct weft_shape){a->channels, a->height, a->width};
    if (check_labels(run, err) != 0)
        return -1;
    run->normalisation = weft_normalisation_of(run->train);
    return 0;
}

static int prepare(struct run *run, struct weft_error *err)
{
    const struct weft_train_options *o = run->options;
    const struct weft_architecture *architecture = weft_architecture_find(o->architecture, err);
    if (!architecture || load_data(run, err) != 0)
        return -1;

    struct weft_random random = weft_random_of(o->seed, STREAM_SPLIT);
    run->split = weft_split_new(run->train, o->validation, &random, err);
    if (!run->split)
        return -1;
    if (run->split->train_count == 0 || run->split->validation_count == 0)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "%s: a validation share of %g leaves %zu images to train on and %zu to validate with",
                              run->train->name, o->validation, run->split->train_count, run->split->validation_count);

    random = weft_random_of(o->seed, STREAM_WEIGHTS);
    run->model = weft_model_new(run->shape, run->class_count, err);
    if (!run->model)
        return -1;
    architecture->build(run->model);
    if (weft_model_finish(run->model, &random, err) != 0)
        return weft_error_prefix(err, "%s on images of %zux%zu", architecture->name, run->shape.height,
                                 run->shape.width);

    const size_t steps = (run->split->train_count + o->batch - 1) / o->batch;
    run->schedule = (struct weft_schedule){.peak = o->learning_rate,
                                           .warmup_steps = (size_t)lround(o->warmup * (double)steps),
                                           .steps = o->epochs * steps};
    run->optimizer = weft_optimizer_new(
        run->model, (struct weft_optimizer_options){.momentum = o->momentum, .weight_decay = o->weight_decay}, err);
    run->crew = weft_crew_new(o->threads, err);
    if (!run->optimizer || !run->crew)
        return -1;
    run->best = calloc(run->model->weight_count, sizeof *run->best);
    run->shares = calloc(o->threads, sizeof *run->shares);
    if (!run->best || !run->shares)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");
    const size_t largest = (o->batch + o->threads - 1) / o->threads;
    const size_t capacity = largest > SCORE_BATCH ? largest : SCORE_BATCH;
    for (size_t i = 0; i < o->threads; i++) {
        struct share *share = &run->shares[i];
        share->tape = weft_tape_new(run->model, capacity, err);
        share->labels = calloc(capacity, sizeof *share->labels);
        share->gradients = calloc(run->model->weight_count, sizeof *share->gradients);
        if (!share->tape)
            return -1;
        if (!share->gradients || !share->labels)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");
    }
    return 0;
}

static void release(struct run *run)
{
    weft_crew_destroy(run->crew);
    for (size_t i = 0; run->shares && i < run->options->threads; i++) {
        weft_tape_destroy(run->shares[i].tape);
        free(run->shares[i].gradients);
        free(run->shares[i].labels);
    }
    free(run->shares);
    free(run->best);
    weft_optimizer_destroy(run->optimizer);
    weft_model_destroy(run->model);
    weft_split_destroy(run->split);
    weft_dataset_destroy(run->train);
    weft_dataset_destroy(run->test);
}

/* Share index of count images begins here and ends where the next begins. */
static size_t share_begin(const struct run *run, size_t index)
{
    return run->work.count * index / run->options->threads;
}

/* Fills the share's tape and labels with images first..first+n-1 of the work. */
static void load_images(const struct run *run, struct share *share, size_t first, size_t n, bool augmented)
{
    const struct weft_augmentation augmentation = {.shift = run->options->shift, .flip = run->options->flip};
    const struct work *work = &run->work;
    for (size_t i = 0; i < n; i++) {
        size_t index = work->order ? work->order[first + i] : first + i;
        float *image = weft_tape_images(share->tape) + i * weft_shape_size(run->shape);
        /* A stream for each image of each epoch: its changes do not depend on the number of threads. */
        struct weft_random random =
            weft_random_of(run->options->seed, STREAM_IMAGES + work->epoch * work->data->count + index);
        weft_augment(augmentation, augmented ? &random : NULL, &run->normalisation, run->shape,
                     weft_dataset_image(work->data, index), image);
        share->labels[i] = work->data->labels[index];
    }
}

/* One thread's part of a training step. */
static void train_share(void *context, size_t index)
{
    const struct run *run = context;
    struct share *share = &run->shares[index];
    const size_t first = share_begin(run, index), n = share_begin(run, index + 1) - first;
    share->loss = (struct weft_loss){0};
    memset(share->gradients, 0, run->model->weight_count * sizeof *share->gradients);
    if (n == 0)
        return;
    load_images(run, share, first, n, true);
    weft_tape_forward(share->tape, run->model->weights, n);
    share->loss = weft_cross_entropy(weft_tape_logits(share->tape), share->labels, n, run->class_count,
                                     (float)run->options->label_smoothing, 1 / (float)run->work.count,
                                     weft_tape_logit_gradients(share->tape));
    weft_tape_backward(share->tape, run->model->weights, n, share->gradients);
}

/* One thread's part of a look at images without learning from them. */
static void score_share(void *context, size_t index)
{
    const struct run *run = context;
    struct share *share = &run->shares[index];
    const size_t end = share_begin(run, index + 1);
    share->loss = (struct weft_loss){0};
    for (size_t first = share_begin(run, index); first < end; first += SCORE_BATCH) {
        size_t n = end - first < SCORE_BATCH ? end - first : SCORE_BATCH;
        load_images(run, share, first, n, false);
        weft_tape_forward(share->tape, run->model->weights, n);
        struct weft_loss loss =
            weft_cross_entropy(weft_tape_logits(share->tape), share->labels, n, run->class_count, 0, 0, NULL);
        share->loss.sum += loss.sum;
        share->loss.correct += loss.correct;
    }
}

/* Always in the order of the shares, so that rounding is the same in each run. */
static struct weft_loss sum_losses(const struct run *run)
{
    struct weft_loss total = {0};
    for (size_t i = 0; i < run->options->threads; i++) {
        total.sum += run->shares[i].loss.sum;
        total.correct += run->shares[i].loss.correct;
    }
    return total;
}

static const float *sum_gradients(const struct run *run)
{
    float *total = run->shares[0].gradients;
    for (size_t i = 1; i < run->options->threads; i++)
        for (size_t w = 0; w < run->model->weight_count; w++)
            total[w] += run->shares[i].gradients[w];
    return total;
}

static struct weft_loss score(struct run *run, const struct weft_dataset *data, const size_t *order, size_t count)
{
    run->work = (struct work){.data = data, .order = order, .count = count};
    weft_crew_run(run->crew, score_share, run);
    return sum_losses(run);
}

static bool stop_wanted(const struct run *run)
{
    return run->hooks && run->hooks->stop && *run->hooks->stop;
}

/* Trains one epoch (counted from 0); false when stopped on the way. */
static bool train_epoch(struct run *run, size_t epoch, struct weft_train_epoch *report)
{
    const size_t count = run->split->train_count, batch = run->options->batch, steps = (count + batch - 1) / batch;
    struct weft_loss total = {0};
    struct weft_random random = weft_random_of(run->options->seed, STREAM_ORDER + (((uint64_t)epoch + 1) << 40));
    weft_random_shuffle(&random, run->split->train, count);

    char what[32];
    snprintf(what, sizeof what, "epoch %zu/%zu", epoch + 1, run->options->epochs);
    struct weft_progress *progress = weft_progress_new(what, "images", count);
    const int64_t begun = weft_clock_ns();
    bool complete = true;
    for (size_t step = 0, done = 0; step < steps && complete; step++) {
        size_t n = count - done < batch ? count - done : batch;
        run->work = (struct work){.data = run->train, .order = run->split->train + done, .count = n, .epoch = epoch};
        weft_crew_run(run->crew, train_share, run);
        report->learning_rate = weft_schedule_rate(&run->schedule, epoch * steps + step);
        weft_optimizer_step(run->optimizer, run->model->weights, sum_gradients(run), report->learning_rate);
        struct weft_loss loss = sum_losses(run);
        total.sum += loss.sum;
        total.correct += loss.correct;
        done += n;
        weft_progress_note(progress, "loss %.3f", total.sum / (double)done);
        weft_progress_update(progress, done);
        complete = done == count || !stop_wanted(run);
    }
    weft_progress_destroy(progress);
    report->images_per_second = (double)count * 1e9 / (double)(weft_clock_ns() - begun);
    report->loss = total.sum / (double)count;
    report->train_accuracy = (double)total.correct / (double)count;
    return complete;
}

static int train(struct run *run, struct weft_train_result *result, struct weft_error *err)
{
    const struct weft_split *split = run->split;
    double best_loss = INFINITY;
    for (size_t epoch = 0; epoch < run->options->epochs; epoch++) {
        struct weft_train_epoch report = {.epoch = epoch + 1, .epochs = run->options->epochs};
        if (stop_wanted(run) || !train_epoch(run, epoch, &report)) {
            result->stopped = true;
            break;
        }
        if (!isfinite(report.loss))
            return weft_error_set(
                err, WEFT_ERROR_CONFIG,
                "the loss grew beyond all numbers in epoch %zu; a lower learning rate than %g may help", report.epoch,
                run->options->learning_rate);
        struct weft_loss held_out = score(run, run->train, split->validation, split->validation_count);
        report.validation_loss = held_out.sum / (double)split->validation_count;
        report.validation_accuracy = (double)held_out.correct / (double)split->validation_count;
        report.best = result->best_epoch == 0 || report.validation_accuracy > result->validation_accuracy ||
                      (report.validation_accuracy >= result->validation_accuracy && report.validation_loss < best_loss);
        if (report.best) {
            result->best_epoch = report.epoch;
            result->validation_accuracy = report.validation_accuracy;
            best_loss = report.validation_loss;
            memcpy(run->best, run->model->weights, run->model->weight_count * sizeof *run->best);
        }
        result->epochs = report.epoch;
        if (run->hooks && run->hooks->epoch)
            run->hooks->epoch(run->hooks->context, &report);
    }
    return 0;
}

static int finish(struct run *run, const char *path, struct weft_train_result *result, struct weft_error *err)
{
    memcpy(run->model->weights, run->best, run->model->weight_count * sizeof *run->best);
    if (run->test)
        result->test_accuracy =
            (double)score(run, run->test, NULL, run->test->count).correct / (double)run->test->count;
    const struct weft_catalog_entry *known = weft_catalog_find(run->train);
    const struct weft_recipe recipe = {.options = run->options,
                                       .result = result,
                                       .model = run->model,
                                       .normalisation = &run->normalisation,
                                       .dataset = known ? known->name : run->options->data,
                                       .labels = known && !run->options->labels ? known->labels : run->options->labels};
    if (weft_recipe_save(&recipe, path, err) != 0)
        return -1;
    result->written = true;
    return 0;
}

int weft_train(const struct weft_train_options *options, const struct weft_train_hooks *hooks, const char *path,
               struct weft_train_result *result, struct weft_error *err)
{
    struct run run = {.options = options, .hooks = hooks};
    struct weft_train_result sink;
    if (!result)
        result = &sink;
    *result = (struct weft_train_result){.test_accuracy = -1};
    if (check_options(options, err) != 0 || weft_atomic_file_check(path, err) != 0)
        return -1;

    /* The crew divides the images; threads of OpenBLAS's own would only contend with it. */
    const int blas_threads = openblas_get_num_threads();
    const int64_t begun = weft_clock_ns();
    int rc = -1;
    openblas_set_num_threads(1);
    if (prepare(&run, err) != 0)
        goto out;
    result->parameters = run.model->weight_count;
    result->train_images = run.split->train_count;
    result->validation_images = run.split->validation_count;
    result->test_images = run.test ? run.test->count : 0;
    if (train(&run, result, err) != 0)
        goto out;
    if (result->best_epoch > 0 && finish(&run, path, result, err) != 0)
        goto out;
    rc = 0;
out:
    result->seconds = (double)(weft_clock_ns() - begun) / 1e9;
    openblas_set_num_threads(blas_threads);
    release(&run);
    return rc;
}
