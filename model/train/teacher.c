#include "model/train/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "model/network.h"

struct weft_teacher {
    size_t count, class_count;
    char *digest;
    struct weft_network *networks[];
};

struct weft_teacher_workspace {
    const struct weft_teacher *teacher;
    float *mean, *one; /* (max_batch, classes): of all networks, and of one */
    struct weft_workspace *workspaces[];
};

static struct weft_network *load(const char *path, struct weft_shape shape, size_t class_count, struct weft_error *err)
{
    struct weft_network *network = weft_network_load(path, err);
    if (!network) {
        weft_error_prefix(err, "the teacher");
        return NULL;
    }
    const struct weft_network_info *info = weft_network_info(network);
    if (info->channels == shape.channels && info->height == shape.height && info->width == shape.width &&
        info->class_count == class_count)
        return network;
    weft_error_set(err, WEFT_ERROR_CONFIG,
                   "%s: this teacher puts images of %zux%zux%zu into %zu classes; the data have %zux%zux%zu and %zu",
                   path, info->channels, info->height, info->width, info->class_count, shape.channels, shape.height,
                   shape.width, class_count);
    weft_network_destroy(network);
    return NULL;
}

struct weft_teacher *weft_teacher_new(const char *paths, struct weft_shape shape, size_t class_count,
                                      struct weft_error *err)
{
    size_t most = 1;
    for (const char *p = paths; *p; p++)
        most += *p == ',';
    struct weft_teacher *teacher = calloc(1, sizeof *teacher + most * sizeof *teacher->networks);
    char *list = strdup(paths), *rest = NULL;
    if (teacher)
        teacher->digest = calloc(most, sizeof((struct weft_network_info *)NULL)->sha256);
    if (!teacher || !list || !teacher->digest) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the teacher");
        goto fail;
    }
    teacher->class_count = class_count;
    for (const char *path = strtok_r(list, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        struct weft_network *network = load(path, shape, class_count, err);
        if (!network)
            goto fail;
        if (teacher->count > 0)
            strcat(teacher->digest, ",");
        strcat(teacher->digest, weft_network_info(network)->sha256);
        teacher->networks[teacher->count++] = network;
    }
    if (teacher->count == 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "teacher.model is '%s': it names no file", paths);
        goto fail;
    }
    free(list);
    return teacher;
fail:
    free(list);
    weft_teacher_destroy(teacher);
    return NULL;
}

void weft_teacher_destroy(struct weft_teacher *teacher)
{
    if (!teacher)
        return;
    for (size_t i = 0; i < teacher->count; i++)
        weft_network_destroy(teacher->networks[i]);
    free(teacher->digest);
    free(teacher);
}

const char *weft_teacher_digest(const struct weft_teacher *teacher)
{
    return teacher->digest;
}

struct weft_teacher_workspace *weft_teacher_workspace_new(const struct weft_teacher *teacher, size_t max_batch,
                                                          struct weft_error *err)
{
    struct weft_teacher_workspace *workspace =
        calloc(1, sizeof *workspace + teacher->count * sizeof *workspace->workspaces);
    if (!workspace)
        goto no_memory;
    workspace->teacher = teacher;
    workspace->mean = calloc(max_batch * teacher->class_count, sizeof *workspace->mean);
    workspace->one = calloc(max_batch * teacher->class_count, sizeof *workspace->one);
    if (!workspace->mean || !workspace->one)
        goto no_memory;
    for (size_t i = 0; i < teacher->count; i++) {
        workspace->workspaces[i] = weft_workspace_new(teacher->networks[i], max_batch, err);
        if (!workspace->workspaces[i])
            goto fail;
    }
    return workspace;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the teacher's answers");
fail:
    weft_teacher_workspace_destroy(workspace);
    return NULL;
}

void weft_teacher_workspace_destroy(struct weft_teacher_workspace *workspace)
{
    if (!workspace)
        return;
    for (size_t i = 0; i < workspace->teacher->count; i++)
        weft_workspace_destroy(workspace->workspaces[i]);
    free(workspace->mean);
    free(workspace->one);
    free(workspace);
}

const float *weft_teacher_answer(struct weft_teacher_workspace *workspace, const uint8_t *const images[], size_t n)
{
    const struct weft_teacher *teacher = workspace->teacher;
    const size_t values = n * teacher->class_count;
    float *mean = workspace->mean, *one = workspace->one;
    memset(mean, 0, values * sizeof *mean);
    for (size_t k = 0; k < teacher->count; k++) {
        weft_network_run(teacher->networks[k], workspace->workspaces[k], images, n, one);
        for (size_t i = 0; i < values; i++)
            mean[i] += one[i] / (float)teacher->count;
    }
    return mean;
}
