#include "model/evaluation.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crew.h"

enum { THREADS_MAX = 256, BATCH_MAX = 4096 };

struct weft_evaluation *weft_evaluation_of(const int32_t *truth, const int32_t *answers, size_t count,
                                           size_t class_count, struct weft_error *err)
{
    struct weft_evaluation *e = calloc(1, sizeof *e);
    if (!e)
        goto fail;
    e->count = count;
    e->class_count = class_count;
    e->confusion = calloc(class_count * class_count, sizeof *e->confusion);
    e->classes = calloc(class_count, sizeof *e->classes);
    if (!e->confusion || !e->classes)
        goto fail;

    for (size_t i = 0; i < count; i++) {
        e->confusion[(size_t)truth[i] * class_count + (size_t)answers[i]]++;
        e->correct += truth[i] == answers[i];
    }
    e->accuracy = count > 0 ? (double)e->correct / (double)count : 0;
    size_t present = 0;
    for (size_t c = 0; c < class_count; c++) {
        struct weft_class_score *score = &e->classes[c];
        uint64_t answered = 0;
        for (size_t k = 0; k < class_count; k++) {
            score->support += (size_t)e->confusion[c * class_count + k];
            answered += e->confusion[k * class_count + c];
        }
        const double hit = (double)e->confusion[c * class_count + c];
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
    return e;

fail:
    weft_evaluation_destroy(e);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the figures of %zu classes", class_count);
    return NULL;
}

void weft_evaluation_destroy(struct weft_evaluation *evaluation)
{
    if (!evaluation)
        return;
    free(evaluation->confusion);
    free(evaluation->classes);
    free(evaluation);
}

/* What the threads share while they score. */
struct job {
    const struct weft_network *network;
    const struct weft_dataset *dataset;
    struct weft_evaluation_options options;
    size_t class_count;
    struct weft_workspace **workspaces; /* one a thread */
    float **probabilities;              /* one a thread, (batch, class_count) */
    int32_t *answers;                   /* one an image */
};

static int32_t most_likely(const float *probabilities, size_t class_count)
{
    size_t best = 0;
    for (size_t c = 1; c < class_count; c++)
        if (probabilities[c] > probabilities[best])
            best = c;
    return (int32_t)best;
}

static void score_share(void *context, size_t index)
{
    const struct job *job = context;
    const size_t threads = job->options.threads, batch = job->options.batch;
    const size_t end = job->dataset->count * (index + 1) / threads;
    const uint8_t *images[BATCH_MAX];
    for (size_t first = job->dataset->count * index / threads; first < end; first += batch) {
        size_t n = end - first < batch ? end - first : batch;
        for (size_t i = 0; i < n; i++)
            images[i] = weft_dataset_image(job->dataset, first + i);
        weft_network_run(job->network, job->workspaces[index], images, n, job->probabilities[index]);
        for (size_t i = 0; i < n; i++)
            job->answers[first + i] = most_likely(job->probabilities[index] + i * job->class_count, job->class_count);
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
    job.workspaces = calloc(options.threads, sizeof *job.workspaces);
    job.probabilities = calloc(options.threads, sizeof *job.probabilities);
    job.answers = calloc(dataset->count, sizeof *job.answers);
    bool enough = job.workspaces && job.probabilities && job.answers;
    for (size_t i = 0; enough && i < options.threads; i++) {
        job.workspaces[i] = weft_workspace_new(network, options.batch, err);
        if (!job.workspaces[i])
            goto out;
        job.probabilities[i] = calloc(options.batch * info->class_count, sizeof **job.probabilities);
        enough = job.probabilities[i] != NULL;
    }
    if (!enough) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to score %zu images", dataset->count);
        goto out;
    }

    const int64_t begun = weft_clock_ns();
    weft_crew_run(crew, score_share, &job);
    const double seconds = (double)(weft_clock_ns() - begun) / 1e9;
    evaluation = weft_evaluation_of(dataset->labels, job.answers, dataset->count, info->class_count, err);
    if (evaluation) {
        evaluation->seconds = seconds;
        evaluation->images_per_second = seconds > 0 ? (double)dataset->count / seconds : 0;
    }
out:
    weft_crew_destroy(crew);
    for (size_t i = 0; i < options.threads; i++) {
        if (job.workspaces)
            weft_workspace_destroy(job.workspaces[i]);
        if (job.probabilities)
            free(job.probabilities[i]);
    }
    free(job.workspaces);
    free(job.probabilities);
    free(job.answers);
    return evaluation;
}
