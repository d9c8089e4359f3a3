#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "model/data/dataset_reader.h"

static const char *const endings[] = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"};

/* The image files of all classes. */
struct files {
    char **paths;
    int32_t *labels;
    size_t count, room;
};

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale: labels must not depend on it. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The paths of all visible entries, folder/name, sorted. Gives their number or -1; free_paths frees them. */
static int list(const char *folder, char ***paths, struct weft_error *err)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_visible, compare_entries);
    if (found < 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be read: %s", folder, strerror(errno));
    *paths = calloc((size_t)found + 1, sizeof **paths);
    bool short_of_memory = !*paths;
    for (int i = 0; i < found; i++) {
        if (!short_of_memory && asprintf(&(*paths)[i], "%s/%s", folder, entries[i]->d_name) < 0) {
            (*paths)[i] = NULL;
            short_of_memory = true;
        }
        free(entries[i]);
    }
    free(entries);
    if (!short_of_memory)
        return found;
    for (int i = 0; *paths && i < found; i++)
        free((*paths)[i]);
    free(*paths);
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to list it", folder);
}

static void free_paths(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* Names the classes after the sub-folders; where all of these are whole numbers, they are the labels. */
static int read_classes(struct weft_dataset *dataset, const char *folder, struct weft_error *err)
{
    char **paths;
    size_t count = 0, numbered = 0;
    int32_t label, highest = 0;
    int rc = -1, found = list(folder, &paths, err);
    if (found < 0)
        return -1;
    dataset->class_names = calloc(WEFT_DATASET_CLASSES_MAX, sizeof *dataset->class_names);
    if (!dataset->class_names) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", folder);
        goto out;
    }
    for (int i = 0; i < found; i++) {
        if (!is_folder(paths[i]))
            continue;
        if (count == WEFT_DATASET_CLASSES_MAX) {
            weft_error_set(err, WEFT_ERROR_CONFIG, "%s: has more than %d sub-folders: one is read for each class",
                           folder, WEFT_DATASET_CLASSES_MAX);
            goto out;
        }
        if (weft_dataset_check_class_name(name_of(paths[i]), folder, err) != 0)
            goto out;
        if (weft_dataset_is_label(name_of(paths[i]), &label)) {
            numbered++;
            highest = label > highest ? label : highest;
        }
        if (!(dataset->class_names[count++] = strdup(name_of(paths[i])))) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", folder);
            goto out;
        }
        dataset->class_count = count;
    }
    if (numbered > 0 && numbered == count) {
        free_paths(dataset->class_names, count);
        dataset->class_names = NULL;
        dataset->class_count = (size_t)highest + 1;
    }
    rc = 0;
out:
    free_paths(paths, (size_t)found);
    return rc;
}

/* The label of images in the folder; -1 when its class is not known. */
static int32_t label_of(const struct weft_dataset *dataset, const char *folder)
{
    int32_t label;
    if (!dataset->class_names)
        return weft_dataset_is_label(name_of(folder), &label) && (size_t)label < dataset->class_count ? label : -1;
    for (size_t i = 0; i < dataset->class_count; i++)
        if (strcmp(dataset->class_names[i], name_of(folder)) == 0)
            return (int32_t)i;
    return -1;
}

static bool has_image_ending(const char *path)
{
    const char *dot = strrchr(name_of(path), '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Takes over path, also when it fails. */
static int add_file(struct files *files, char *path, int32_t label, struct weft_error *err)
{
    if (files->count == files->room) {
        size_t room = files->room ? 2 * files->room : 1024;
        char **paths = realloc(files->paths, room * sizeof *paths);
        if (paths)
            files->paths = paths;
        int32_t *labels = realloc(files->labels, room * sizeof *labels);
        if (labels)
            files->labels = labels;
        if (!paths || !labels) {
            free(path);
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to list %zu image files", room);
        }
        files->room = room;
    }
    files->paths[files->count] = path;
    files->labels[files->count++] = label;
    return 0;
}

static int list_class(struct files *files, const char *folder, int32_t label, struct weft_error *err)
{
    char **paths;
    size_t before = files->count;
    int rc = 0, found = list(folder, &paths, err);
    if (found < 0)
        return -1;
    for (int i = 0; i < found && rc == 0; i++) {
        if (is_folder(paths[i])) {
            rc = weft_error_set(err, WEFT_ERROR_CONFIG,
                                "%s: is a folder within that of a class, which may hold image files only", paths[i]);
        } else if (has_image_ending(paths[i])) {
            rc = add_file(files, paths[i], label, err);
            paths[i] = NULL;
        }
    }
    if (rc == 0 && files->count == before)
        rc =
            weft_error_set(err, WEFT_ERROR_CONFIG,
                           "%s: has no images, that is files ending in .png, .jpg, .jpeg, .bmp, .gif or .webp", folder);
    free_paths(paths, (size_t)found);
    return rc;
}

static int list_files(const struct weft_dataset *dataset, const char *folder, struct files *files,
                      struct weft_error *err)
{
    char **paths;
    int rc = 0, found = list(folder, &paths, err);
    if (found < 0)
        return -1;
    for (int i = 0; i < found && rc == 0; i++) {
        if (!is_folder(paths[i]))
            continue;
        int32_t label = label_of(dataset, paths[i]);
        if (label < 0)
            rc = weft_error_set(err, WEFT_ERROR_CONFIG, "%s: no training images have this class", paths[i]);
        else
            rc = list_class(files, paths[i], label, err);
    }
    if (rc == 0 && files->count == 0)
        rc = weft_error_set(err, WEFT_ERROR_CONFIG, "%s: has no sub-folders with images, one for each class", folder);
    free_paths(paths, (size_t)found);
    return rc;
}

static bool is_grey(const uint8_t *pixels, size_t plane)
{
    return memcmp(pixels, pixels + plane, plane) == 0 && memcmp(pixels, pixels + 2 * plane, plane) == 0;
}

/* Reads all files at the size of the first, unless another is wanted. Sets *coloured when one of three channels is not
 * grey. */
static int read_files(struct weft_dataset *dataset, const struct files *files, struct weft_image_shape wanted,
                      bool *coloured, struct weft_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct weft_image_shape shape = wanted;
        uint8_t *pixels = weft_image_read_sized(files->paths[i], &shape, err);
        if (!pixels)
            return -1;
        if (i == 0) {
            dataset->channels = shape.channels;
            dataset->height = shape.height;
            dataset->width = shape.width;
            size = weft_image_shape_size(shape);
            if (weft_dataset_check_size(dataset, files->paths[0], files->count, err) != 0) {
                free(pixels);
                return -1;
            }
            dataset->pixels = malloc(files->count * size);
        }
        bool fits = shape.height == dataset->height && shape.width == dataset->width;
        if (dataset->pixels && fits) {
            memcpy(dataset->pixels + i * size, pixels, size);
            *coloured = *coloured || (shape.channels == 3 && !is_grey(pixels, shape.height * shape.width));
        }
        free(pixels);
        if (!dataset->pixels)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %zu images", dataset->name,
                                  files->count);
        if (!fits)
            return weft_error_set(err, WEFT_ERROR_CONFIG,
                                  "%s: is %zu high and %zu wide, but %s is %zu and %zu: the height and width that all "
                                  "are to be fitted to must be said",
                                  files->paths[i], shape.height, shape.width, files->paths[0], dataset->height,
                                  dataset->width);
    }
    return 0;
}

/* Keeps the first of three equal planes. */
static void drop_colours(struct weft_dataset *dataset)
{
    size_t plane = dataset->height * dataset->width;
    for (size_t i = 1; i < dataset->count; i++)
        memmove(dataset->pixels + i * plane, dataset->pixels + i * 3 * plane, plane);
    uint8_t *smaller = realloc(dataset->pixels, dataset->count * plane);
    if (smaller)
        dataset->pixels = smaller;
    dataset->channels = 1;
}

int weft_dataset_read_folder(struct weft_dataset *dataset, const char *folder, const char *classes,
                             struct weft_image_shape wanted, struct weft_error *err)
{
    int rc = -1;
    bool coloured = false, any_channels = wanted.channels == 0;
    struct files files = {0};
    if (any_channels)
        wanted.channels = 3;
    if (read_classes(dataset, classes, err) != 0 || list_files(dataset, folder, &files, err) != 0 ||
        read_files(dataset, &files, wanted, &coloured, err) != 0)
        goto out;
    dataset->count = files.count;
    dataset->labels = files.labels;
    files.labels = NULL;
    if (any_channels && !coloured)
        drop_colours(dataset);
    rc = 0;
out:
    free_paths(files.paths, files.count);
    free(files.labels);
    return rc;
}
