#include "model/trainer.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/progress.h"
#include "model/train/architecture.h"
#include "model/train/checkpoint.h"
#include "model/train/export.h"
#include "model/train/history.h"
#include "model/train/material.h"
#include "model/train/optimizer.h"
#include "model/train/schedule.h"
#include "model/train/shares.h"
#include "model/train/start.h"
#include "model/train/streams.h"
#include "model/train/teacher.h"

struct run {
    const struct weft_train_options *options;
    const struct weft_recipe *recipe;
    const struct weft_train_hooks *hooks;
    struct weft_material *material;
    struct weft_model *model;
    struct weft_optimizer *optimizer;
    struct weft_teacher *teacher; /* NULL: none */
    struct weft_shares *shares;
    struct weft_schedule schedule;
    size_t steps;  /* of an epoch */
    size_t *order; /* of the training images, in this epoch */
    float *best;   /* weights of the best epoch */
    struct weft_train_state state;
    struct weft_train_epoch *epochs;
    struct weft_checkpoint checkpoint;
    int64_t begun_ns;    /* of this part of the run */
    size_t begun_step;   /* the first of this part */
    double seconds_then; /* that earlier parts took */
};

struct weft_train_options weft_train_defaults(void)
{
    cpu_set_t usable;
    const bool known = sched_getaffinity(0, sizeof usable, &usable) == 0;
    return (struct weft_train_options){.recipe = weft_recipe_defaults(),
                                       .threads = known ? (size_t)CPU_COUNT(&usable) : 1};
}

static double seconds_since(int64_t begun_ns)
{
    return (double)(weft_clock_ns() - begun_ns) / 1e9;
}

static int check_options(const struct weft_train_options *options, const char *path, struct weft_error *err)
{
    if (weft_recipe_check(&options->recipe, err) != 0)
        return -1;
    if (options->threads < 1 || options->threads > 256)
        return weft_error_set(err, WEFT_ERROR_USAGE, "threads is %zu: it must be a whole number from 1 to 256",
                              options->threads);
    if (weft_atomic_file_check(path, err) != 0 ||
        (options->checkpoint && weft_atomic_file_check(options->checkpoint, err) != 0) ||
        (options->history && weft_atomic_file_check(options->history, err) != 0))
        return -1;
    if (options->checkpoint && !options->resume && access(options->checkpoint, F_OK) == 0)
        return weft_error_set(err, WEFT_ERROR_CONFLICT,
                              "%s: a run that was not finished left this checkpoint: resume it, or remove the file",
                              options->checkpoint);
    return 0;
}

/* Steps of an epoch. A rest of the images that does not fill a share is left out, a larger one is a smaller batch: the
 * statistics of a few images would mislead batch normalisation. */
static size_t steps_of(const struct weft_recipe *recipe, size_t images)
{
    const size_t share = recipe->share < recipe->batch ? recipe->share : recipe->batch;
    const size_t steps = (images + recipe->batch - share) / recipe->batch;
    return steps > 0 ? steps : 1;
}

static int prepare_model(struct run *run, struct weft_error *err)
{
    const struct weft_material *material = run->material;
    const struct weft_architecture *architecture = weft_architecture_find(run->recipe->architecture, err);
    if (!architecture)
        return -1;
    run->model = weft_model_new(material->shape, material->class_count, err);
    if (!run->model)
        return -1;
    architecture->build(run->model);
    struct weft_random random = weft_stream(run->recipe->seed, WEFT_STREAM_WEIGHTS, 0);
    if (weft_model_finish(run->model, &random, err) != 0)
        return weft_error_prefix(err, "%s on images of %zux%zu", architecture->name, material->shape.height,
                                 material->shape.width);
    if (*run->recipe->start && weft_start_load(run->model, run->recipe->start, err) != 0)
        return -1;
    if (*run->recipe->teachers)
        run->teacher = weft_teacher_new(run->recipe->teachers, material->shape, material->class_count, err);
    return *run->recipe->teachers && !run->teacher ? -1 : 0;
}

static int prepare(struct run *run, struct weft_error *err)
{
    const struct weft_recipe *recipe = run->recipe;
    struct weft_random random = weft_stream(recipe->seed, WEFT_STREAM_SPLIT, 0);
    if (!weft_architecture_find(recipe->architecture, err))
        return -1;
    run->material = weft_material_new(run->options, &random, err);
    if (!run->material || prepare_model(run, err) != 0)
        return -1;

    run->steps = steps_of(recipe, run->material->split->train_count);
    run->schedule = (struct weft_schedule){.shape = recipe->schedule,
                                           .peak = recipe->learning_rate,
                                           .final = recipe->final,
                                           .warmup_steps = (size_t)lround(recipe->warmup * (double)run->steps),
                                           .steps = recipe->epochs * run->steps};
    run->optimizer = weft_optimizer_new(run->model, recipe, err);
    if (!run->optimizer)
        return -1;
    run->shares =
        weft_shares_new(recipe, run->options->threads, run->material, run->model, run->optimizer, run->teacher, err);
    if (!run->shares)
        return -1;
    run->order = calloc(run->material->split->train_count, sizeof *run->order);
    run->best = calloc(run->model->weight_count, sizeof *run->best);
    run->epochs = calloc(recipe->epochs, sizeof *run->epochs);
    if (!run->order || !run->best || !run->epochs)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train");

    size_t count;
    float *state = weft_optimizer_state(run->optimizer, &count);
    run->checkpoint = (struct weft_checkpoint){.recipe = recipe,
                                               .data = run->material->digest,
                                               .teacher = run->teacher ? weft_teacher_digest(run->teacher) : "",
                                               .state = &run->state,
                                               .epochs = run->epochs,
                                               .arrays = {{run->model->weights, run->model->weight_count},
                                                          {run->best, run->model->weight_count},
                                                          {state, count}}};
    return 0;
}

static void release(struct run *run)
{
    weft_shares_destroy(run->shares);
    weft_optimizer_destroy(run->optimizer);
    weft_teacher_destroy(run->teacher);
    weft_model_destroy(run->model);
    weft_material_destroy(run->material);
    free(run->order);
    free(run->best);
    free(run->epochs);
}

static int resume(struct run *run, struct weft_error *err)
{
    const char *path = run->options->checkpoint;
    if (!path || !run->options->resume || (access(path, F_OK) != 0 && errno == ENOENT))
        return 0;
    if (weft_checkpoint_load(&run->checkpoint, path, err) != 0)
        return -1;
    if (run->state.step >= run->steps)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: stands at step %zu of %zu", path, run->state.step,
                              run->steps);
    return 0;
}

static int save(struct run *run, struct weft_error *err)
{
    run->state.seconds = run->seconds_then + seconds_since(run->begun_ns);
    if (run->options->checkpoint && weft_checkpoint_save(&run->checkpoint, run->options->checkpoint, err) != 0)
        return -1;
    if (run->options->history && weft_history_write(run->epochs, run->state.epoch, run->options->history, err) != 0)
        return -1;
    return 0;
}

static bool stop_wanted(const struct run *run)
{
    return run->hooks && run->hooks->stop && run->hooks->stop(run->hooks->context);
}

/* As long as this part of the run went at. */
static double seconds_left(const struct run *run)
{
    const size_t now = run->state.epoch * run->steps + run->state.step, all = run->recipe->epochs * run->steps;
    const size_t done = now - run->begun_step;
    return done > 0 ? seconds_since(run->begun_ns) * (double)(all - now) / (double)done : 0;
}

/* Images that the first so many steps of an epoch show. */
static size_t images_of(const struct run *run, size_t steps)
{
    const size_t count = run->material->split->train_count, images = steps * run->recipe->batch;
    return images < count ? images : count;
}

/* already: images of the epoch that an earlier part of the run has seen. */
static void show_progress(const struct run *run, size_t already, struct weft_progress *progress)
{
    const struct weft_train_state *state = &run->state;
    const double done = (double)images_of(run, state->step), left = seconds_left(run);
    weft_progress_note(progress, "loss %.3f, %.2f %% right, all done in %d:%02d h", state->running.sum / done,
                       100 * (double)state->running.correct / done, (int)(left / 3600), (int)(left / 60) % 60);
    weft_progress_update(progress, images_of(run, state->step) - already);
}

/* Goes on with the epoch; *complete is false when stopped on the way. */
static int train_epoch(struct run *run, bool *complete, struct weft_error *err)
{
    struct weft_train_state *state = &run->state;
    const struct weft_split *split = run->material->split;
    struct weft_random random = weft_stream(run->recipe->seed, WEFT_STREAM_ORDER, state->epoch);
    memcpy(run->order, split->train, split->train_count * sizeof *run->order);
    weft_random_shuffle(&random, run->order, split->train_count);

    int rc = 0;
    char what[32];
    snprintf(what, sizeof what, "epoch %zu/%zu", state->epoch + 1, run->recipe->epochs);
    const size_t already = images_of(run, state->step);
    struct weft_progress *progress = weft_progress_new(what, "images", images_of(run, run->steps) - already);
    const int64_t begun = weft_clock_ns();
    while (state->step < run->steps && rc == 0 && !stop_wanted(run)) {
        const size_t first = images_of(run, state->step), step = state->epoch * run->steps + state->step;
        const struct weft_loss loss =
            weft_shares_learn(run->shares, &(struct weft_step){.images = run->order + first,
                                                               .count = images_of(run, state->step + 1) - first,
                                                               .epoch = state->epoch,
                                                               .step = step,
                                                               .rate = weft_schedule_rate(&run->schedule, step)});
        if (!isfinite(loss.sum))
            rc = weft_error_set(err, WEFT_ERROR_CONFIG,
                                "the loss grew beyond all numbers in epoch %zu; a lower learning rate than %g may help",
                                state->epoch + 1, run->recipe->learning_rate);
        state->running.sum += loss.sum;
        state->running.correct += loss.correct;
        state->step++;
        show_progress(run, already, progress);
    }
    weft_progress_destroy(progress);
    state->epoch_seconds += seconds_since(begun);
    *complete = state->step == run->steps;
    return rc;
}

/* Closes the epoch: validates, keeps the best weights, and begins the next. */
static void finish_epoch(struct run *run)
{
    struct weft_train_state *state = &run->state;
    const struct weft_split *split = run->material->split;
    const float *weights = weft_optimizer_average(run->optimizer);
    const double count = (double)images_of(run, run->steps), held_out = (double)split->validation_count;
    const struct weft_loss loss = weft_shares_score(run->shares, weights, run->material->train, split->validation,
                                                    split->validation_count, false);
    struct weft_train_epoch *epoch = &run->epochs[state->epoch];
    *epoch = (struct weft_train_epoch){
        .epoch = state->epoch + 1,
        .epochs = run->recipe->epochs,
        .learning_rate = weft_schedule_rate(&run->schedule, (state->epoch + 1) * run->steps - 1),
        .loss = state->running.sum / count,
        .train_accuracy = (double)state->running.correct / count,
        .validation_loss = loss.sum / held_out,
        .validation_accuracy = (double)loss.correct / held_out,
        .seconds = state->epoch_seconds,
        .images_per_second = state->epoch_seconds > 0 ? count / state->epoch_seconds : 0};
    epoch->best = state->best_epoch == 0 || epoch->validation_accuracy > state->best_accuracy ||
                  (epoch->validation_accuracy >= state->best_accuracy && epoch->validation_loss < state->best_loss);
    if (epoch->best) {
        state->best_epoch = epoch->epoch;
        state->best_accuracy = epoch->validation_accuracy;
        state->best_loss = epoch->validation_loss;
        memcpy(run->best, weights, run->model->weight_count * sizeof *run->best);
    }
    state->epoch++;
    state->step = 0;
    state->running = (struct weft_loss){0};
    state->epoch_seconds = 0;
    epoch->seconds_left = seconds_left(run);
}

static int train(struct run *run, struct weft_train_result *result, struct weft_error *err)
{
    struct weft_train_state *state = &run->state;
    run->begun_ns = weft_clock_ns();
    run->begun_step = state->epoch * run->steps + state->step;
    run->seconds_then = state->seconds;
    while (state->epoch < run->recipe->epochs && !result->stopped) {
        bool complete;
        if (train_epoch(run, &complete, err) != 0)
            return -1;
        if (complete)
            finish_epoch(run);
        result->stopped = !complete || (stop_wanted(run) && state->epoch < run->recipe->epochs);
        if (save(run, err) != 0)
            return -1;
        if (complete && run->hooks && run->hooks->epoch)
            run->hooks->epoch(run->hooks->context, &run->epochs[state->epoch - 1]);
    }
    return 0;
}

static double test(struct run *run, bool mirrored)
{
    const struct weft_dataset *data = run->material->test;
    const size_t correct = weft_shares_score(run->shares, run->best, data, NULL, data->count, mirrored).correct;
    return (double)correct / (double)data->count;
}

static int finish(struct run *run, const char *path, struct weft_train_result *result, struct weft_error *err)
{
    result->epochs = run->state.epoch;
    result->best_epoch = run->state.best_epoch;
    result->validation_accuracy = run->state.best_accuracy;
    if (run->material->test && !result->stopped) {
        result->test_accuracy = test(run, false);
        result->test_accuracy_mirrored = test(run, true);
    }
    if (result->best_epoch == 0)
        return 0;
    if (weft_export(run->options, result, run->material, run->model, run->best, path, err) != 0)
        return -1;
    result->written = true;
    if (run->options->checkpoint && !result->stopped)
        unlink(run->options->checkpoint);
    return 0;
}

int weft_train(const struct weft_train_options *options, const struct weft_train_hooks *hooks, const char *path,
               struct weft_train_result *result, struct weft_error *err)
{
    struct run run = {.options = options, .recipe = &options->recipe, .hooks = hooks};
    struct weft_train_result sink;
    if (!result)
        result = &sink;
    *result = (struct weft_train_result){.test_accuracy = -1, .test_accuracy_mirrored = -1};
    if (check_options(options, path, err) != 0)
        return -1;

    /* The crew divides the images; threads of OpenBLAS's own would only contend with it. */
    const int blas_threads = openblas_get_num_threads();
    int rc = -1;
    openblas_set_num_threads(1);
    if (prepare(&run, err) != 0 || resume(&run, err) != 0)
        goto out;
    result->parameters = weft_model_trained_count(run.model);
    result->train_images = run.material->split->train_count;
    result->validation_images = run.material->split->validation_count;
    result->test_images = run.material->test ? run.material->test->count : 0;
    result->resumed = run.state.epoch;
    if (train(&run, result, err) != 0 || finish(&run, path, result, err) != 0)
        goto out;
    result->seconds = run.seconds_then + seconds_since(run.begun_ns);
    rc = 0;
out:
    openblas_set_num_threads(blas_threads);
    release(&run);
    return rc;
}
