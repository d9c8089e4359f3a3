#include "model/evaluation.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crew.h"

enum { THREADS_MAX = 256, BATCH_MAX = 4096 };

/* The score interval of Wilson (1927), which also holds where nearly all or nearly none are right. */
static void accuracy_interval(struct weft_evaluation *e)
{
    const double z = 1.959964, n = (double)e->count, p = e->accuracy;
    if (e->count == 0)
        return;
    const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    e->accuracy_low = fmax(0, middle - half);
    e->accuracy_high = fmin(1, middle + half);
}

static void score_classes(struct weft_evaluation *e)
{
    size_t present = 0;
    for (size_t c = 0; c < e->class_count; c++) {
        struct weft_class_score *score = &e->classes[c];
        uint64_t answered = 0;
        for (size_t k = 0; k < e->class_count; k++) {
            score->support += (size_t)e->confusion[c * e->class_count + k];
            answered += e->confusion[k * e->class_count + c];
        }
        const double hit = (double)e->confusion[c * e->class_count + c];
        score->precision = answered > 0 ? hit / (double)answered : 0;
        score->recall = score->support > 0 ? hit / (double)score->support : 0;
        const double sum = score->precision + score->recall;
        score->f1 = sum > 0 ? 2 * score->precision * score->recall / sum : 0;
        if (score->support > 0) {
            e->macro_f1 += score->f1;
            present++;
        }
    }
    if (present > 0)
        e->macro_f1 /= (double)present;
}

struct weft_evaluation *weft_evaluation_of(const struct weft_prediction *predictions, size_t count, size_t class_count,
                                           struct weft_error *err)
{
    struct weft_evaluation *e = calloc(1, sizeof *e);
    if (!e)
        goto fail;
    e->count = count;
    e->class_count = class_count;
    e->predictions = calloc(count > 0 ? count : 1, sizeof *e->predictions);
    e->confusion = calloc(class_count * class_count, sizeof *e->confusion);
    e->classes = calloc(class_count, sizeof *e->classes);
    if (!e->predictions || !e->confusion || !e->classes)
        goto fail;

    for (size_t i = 0; i < count; i++) {
        const struct weft_prediction *p = &predictions[i];
        e->predictions[i] = *p;
        e->confusion[(size_t)p->truth * class_count + (size_t)p->answer]++;
        e->correct += p->truth == p->answer;
        /* Bounded, so that a single 0 does not make the mean infinite. */
        e->log_loss -= log(fmax((double)p->truth_probability, (double)FLT_EPSILON)) / (double)count;
    }
    e->accuracy = count > 0 ? (double)e->correct / (double)count : 0;
    accuracy_interval(e);
    score_classes(e);
    weft_calibration_of(&e->calibration, e->predictions, count);
    return e;

fail:
    weft_evaluation_destroy(e);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the figures of %zu images and %zu classes", count,
                   class_count);
    return NULL;
}

void weft_evaluation_destroy(struct weft_evaluation *evaluation)
{
    if (!evaluation)
        return;
    free(evaluation->predictions);
    free(evaluation->confusion);
    free(evaluation->classes);
    free(evaluation);
}

/* What a thread needs for itself. */
struct place {
    struct weft_workspace *workspace;
    float *probabilities; /* (batch, class_count) */
    float *mirrored;      /* the same, of the mirror images; NULL without flip averaging */
    uint8_t *flipped;     /* the mirror images; NULL without flip averaging */
};

/* What the threads share while they score. */
struct job {
    const struct weft_network *network;
    const struct weft_dataset *dataset;
    struct weft_evaluation_options options;
    size_t class_count;
    struct place *places;                /* one a thread */
    struct weft_prediction *predictions; /* one an image */
};

static struct weft_prediction predict(const float *probabilities, size_t class_count, int32_t truth)
{
    size_t best = 0;
    for (size_t c = 1; c < class_count; c++)
        if (probabilities[c] > probabilities[best])
            best = c;
    return (struct weft_prediction){truth, (int32_t)best, probabilities[best], probabilities[truth]};
}

/* rows is all rows of all channels. */
static void mirror(uint8_t *to, const uint8_t *image, size_t rows, size_t width)
{
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < width; x++)
            to[y * width + x] = image[y * width + width - 1 - x];
}

static void average_with_mirrored(const struct job *job, const struct place *place, const uint8_t *const images[],
                                  size_t n)
{
    const size_t rows = job->dataset->channels * job->dataset->height, width = job->dataset->width;
    const uint8_t *flipped[BATCH_MAX];
    for (size_t i = 0; i < n; i++) {
        mirror(place->flipped + i * rows * width, images[i], rows, width);
        flipped[i] = place->flipped + i * rows * width;
    }
    weft_network_run(job->network, place->workspace, flipped, n, place->mirrored);
    for (size_t k = 0; k < n * job->class_count; k++)
        place->probabilities[k] = (place->probabilities[k] + place->mirrored[k]) / 2;
}

static void score_share(void *context, size_t index)
{
    const struct job *job = context;
    const struct place *place = &job->places[index];
    const size_t threads = job->options.threads, batch = job->options.batch;
    const size_t end = job->dataset->count * (index + 1) / threads;
    const uint8_t *images[BATCH_MAX];
    for (size_t first = job->dataset->count * index / threads; first < end; first += batch) {
        size_t n = end - first < batch ? end - first : batch;
        for (size_t i = 0; i < n; i++)
            images[i] = weft_dataset_image(job->dataset, first + i);
        weft_network_run(job->network, place->workspace, images, n, place->probabilities);
        if (job->options.flip_average)
            average_with_mirrored(job, place, images, n);
        for (size_t i = 0; i < n; i++)
            job->predictions[first + i] =
                predict(place->probabilities + i * job->class_count, job->class_count, job->dataset->labels[first + i]);
    }
}

static int check_fit(const struct weft_network_info *info, const struct weft_dataset *dataset,
                     struct weft_evaluation_options options, struct weft_error *err)
{
    if (options.threads < 1 || options.threads > THREADS_MAX || options.batch < 1 || options.batch > BATCH_MAX)
        return weft_error_set(err, WEFT_ERROR_USAGE, "threads must lie between 1 and %d, batch between 1 and %d",
                              THREADS_MAX, BATCH_MAX);
    if (weft_dataset_require_labels(dataset, err) != 0)
        return -1;
    if (info->channels != dataset->channels || info->height != dataset->height || info->width != dataset->width)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s has images of %zux%zux%zu; the model %s reads %zux%zux%zu",
                              dataset->name, dataset->channels, dataset->height, dataset->width, info->name,
                              info->channels, info->height, info->width);
    if (dataset->class_count > info->class_count)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s has label %zu; the model %s knows classes 0 to %zu",
                              dataset->name, dataset->class_count - 1, info->name, info->class_count - 1);
    return 0;
}

static int prepare(const struct job *job, struct place *place, struct weft_error *err)
{
    const size_t batch = job->options.batch, image_size = weft_network_info(job->network)->image_size;
    place->workspace = weft_workspace_new(job->network, batch, err);
    if (!place->workspace)
        return -1;
    place->probabilities = calloc(batch * job->class_count, sizeof(float));
    if (job->options.flip_average) {
        place->mirrored = calloc(batch * job->class_count, sizeof(float));
        place->flipped = calloc(batch, image_size);
    }
    if (!place->probabilities || (job->options.flip_average && !(place->mirrored && place->flipped)))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to score %zu images at a time", batch);
    return 0;
}

struct weft_evaluation *weft_evaluate(const struct weft_network *network, const struct weft_dataset *dataset,
                                      struct weft_evaluation_options options, struct weft_error *err)
{
    const struct weft_network_info *info = weft_network_info(network);
    struct weft_evaluation *evaluation = NULL;
    if (check_fit(info, dataset, options, err) != 0)
        return NULL;
    struct job job = {.network = network, .dataset = dataset, .options = options, .class_count = info->class_count};
    struct weft_crew *crew = weft_crew_new(options.threads, err);
    if (!crew)
        return NULL;
    job.places = calloc(options.threads, sizeof *job.places);
    job.predictions = calloc(dataset->count, sizeof *job.predictions);
    if (!job.places || !job.predictions) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to score %zu images", dataset->count);
        goto out;
    }
    for (size_t i = 0; i < options.threads; i++)
        if (prepare(&job, &job.places[i], err) != 0)
            goto out;

    const int64_t begun = weft_clock_ns();
    weft_crew_run(crew, score_share, &job);
    const double seconds = (double)(weft_clock_ns() - begun) / 1e9;
    evaluation = weft_evaluation_of(job.predictions, dataset->count, info->class_count, err);
    if (evaluation) {
        evaluation->seconds = seconds;
        evaluation->images_per_second = seconds > 0 ? (double)dataset->count / seconds : 0;
    }
out:
    weft_crew_destroy(crew);
    for (size_t i = 0; job.places && i < options.threads; i++) {
        weft_workspace_destroy(job.places[i].workspace);
        free(job.places[i].probabilities);
        free(job.places[i].mirrored);
        free(job.places[i].flipped);
    }
    free(job.places);
    free(job.predictions);
    return evaluation;
}
