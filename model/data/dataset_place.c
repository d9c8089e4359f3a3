#include "model/data/dataset_place.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const idx_prefixes[][2] = {{"train", NULL}, {"t10k", "test"}};
static const char *const part_folders[][3] = {{"train", NULL}, {"test", "val", NULL}};
static const char *const csv_words[][2] = {{"train", NULL}, {"test", "t10k"}};

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool join(char path[WEFT_DATASET_PATH_SIZE], const char *folder, const char *format, const char *word)
{
    char name[WEFT_DATASET_PATH_SIZE];
    snprintf(name, sizeof name, format, word);
    return (size_t)snprintf(path, WEFT_DATASET_PATH_SIZE, "%s/%s", folder, name) < WEFT_DATASET_PATH_SIZE;
}

char *weft_dataset_find_gzipped(const char *path)
{
    size_t length = strlen(path);
    char *found = malloc(length + sizeof ".gz");
    if (!found)
        return NULL;
    memcpy(found, path, length + 1);
    if (access(found, F_OK) == 0)
        return found;
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
        found[length - 3] = '\0';
    else
        memcpy(found + length, ".gz", sizeof ".gz");
    if (access(found, F_OK) == 0)
        return found;
    free(found);
    return NULL;
}

bool weft_dataset_name_labels(const char *images, char *labels, size_t size)
{
    if ((size_t)snprintf(labels, size, "%s", images) >= size)
        return false;
    char *base = strrchr(labels, '/');
    base = base ? base + 1 : labels;
    char *images_word = strstr(base, "images");
    char *rank = strstr(base, "idx3");
    if (!images_word)
        return false;
    memcpy(images_word, "labels", 6);
    if (rank)
        rank[3] = '1';
    return true;
}

/* Hidden ones do not count. */
static bool has_folders(const char *folder)
{
    char path[WEFT_DATASET_PATH_SIZE];
    bool found = false;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && !found && (entry = readdir(entries));)
        found = entry->d_name[0] != '.' && join(path, folder, "%s", entry->d_name) && is_folder(path);
    if (entries)
        closedir(entries);
    return found;
}

static bool find_idx(const char *folder, size_t part, struct weft_dataset_place *place)
{
    static const char *const formats[] = {"%s-images-idx3-ubyte", "%s-images.idx3-ubyte"};
    for (size_t i = 0; i < 4; i++) {
        const char *prefix = idx_prefixes[part][i / 2];
        char *found =
            prefix && join(place->path, folder, formats[i % 2], prefix) ? weft_dataset_find_gzipped(place->path) : NULL;
        if (!found)
            continue;
        snprintf(place->path, sizeof place->path, "%s", found);
        free(found);
        place->in_folders = false;
        return true;
    }
    return false;
}

static bool find_part_folder(const char *folder, size_t part, struct weft_dataset_place *place)
{
    for (size_t i = 0; part_folders[part][i]; i++)
        if (join(place->path, folder, "%s", part_folders[part][i]) && has_folders(place->path)) {
            /* The training images name the classes of both parts: some may lack in the other. */
            bool train = join(place->classes, folder, "%s", part_folders[0][0]) && has_folders(place->classes);
            if (!train)
                memcpy(place->classes, place->path, sizeof place->classes);
            place->in_folders = true;
            return true;
        }
    return false;
}

/* train.csv, fashion-mnist_train.csv.gz, but not retrain.csv. */
static bool is_csv_of_part(const char *name, size_t part)
{
    size_t size = strlen(name);
    if (size > 3 && strcasecmp(name + size - 3, ".gz") == 0)
        size -= 3;
    if (size < 4 || strncasecmp(name + size - 4, ".csv", 4) != 0)
        return false;
    size -= 4;
    for (size_t i = 0; i < 2 && csv_words[part][i]; i++) {
        size_t length = strlen(csv_words[part][i]);
        if (size >= length && strncasecmp(name + size - length, csv_words[part][i], length) == 0 &&
            (size == length || !isalnum((unsigned char)name[size - length - 1])))
            return name[0] != '.';
    }
    return false;
}

/* The first by name, should there be several. */
static bool find_csv(const char *folder, size_t part, struct weft_dataset_place *place)
{
    char best[sizeof((struct dirent *)NULL)->d_name] = "";
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (is_csv_of_part(entry->d_name, part) && (!*best || strcmp(entry->d_name, best) < 0))
            snprintf(best, sizeof best, "%s", entry->d_name);
    if (entries)
        closedir(entries);
    if (!*best || !join(place->path, folder, "%s", best))
        return false;
    place->in_folders = false;
    return true;
}

/* Part 0 is train, 1 is test. */
static bool find_part(const char *folder, size_t part, struct weft_dataset_place *place)
{
    return find_idx(folder, part, place) || find_part_folder(folder, part, place) || find_csv(folder, part, place);
}

static int part_number(const char *part)
{
    return strcmp(part, "train") == 0 ? 0 : strcmp(part, "test") == 0 ? 1 : -1;
}

bool weft_dataset_has_part(const char *path, const char *part)
{
    struct weft_dataset_place place;
    int number = part_number(part);
    return number >= 0 && is_folder(path) && find_part(path, (size_t)number, &place);
}

int weft_dataset_place_find(struct weft_dataset_place *place, const char *path, const char *part,
                            struct weft_error *err)
{
    struct stat about;
    struct weft_dataset_place other;
    int number = part_number(part);
    if (stat(path, &about) != 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", path, strerror(errno));
    if (number < 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: there is no part \"%s\" of a data set: train or test", path,
                              part);
    if ((size_t)snprintf(place->path, sizeof place->path, "%s", path) >= sizeof place->path)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: the path is too long", path);
    if (!S_ISDIR(about.st_mode)) {
        place->in_folders = false;
        return 0;
    }
    for (size_t end = strlen(place->path); end > 1 && place->path[end - 1] == '/'; end--)
        place->path[end - 1] = '\0';
    char folder[WEFT_DATASET_PATH_SIZE];
    memcpy(folder, place->path, sizeof folder);
    if (find_part(folder, (size_t)number, place))
        return 0;
    if (!find_part(folder, (size_t)!number, &other) && has_folders(folder)) {
        place->in_folders = true;
        memcpy(place->path, folder, sizeof folder);
        memcpy(place->classes, folder, sizeof folder);
        return 0;
    }
    return weft_error_set(
        err, WEFT_ERROR_CONFIG,
        "%s: holds no %s images: neither %s-images-idx3-ubyte[.gz] nor %s.csv[.gz], *_%s.csv[.gz], nor "
        "a folder %s with a sub-folder for each class",
        folder, part, idx_prefixes[number][0], part, part, part);
}
