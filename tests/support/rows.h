/* Small images that are easy to learn, and not without learning, for tests of training. */
#ifndef WEFT_TESTS_SUPPORT_ROWS_H
#define WEFT_TESTS_SUPPORT_ROWS_H

#include "model/train/random.h"
#include "model/trainer.h"
#include "support/idx.h"

enum { ROWS_SIDE = 12, ROWS_TRAIN = 300, ROWS_TEST = 90, ROWS_CLASSES = 3 };

/* The class is the third of the rows that is bright, under noise. */
static inline void rows_write(const struct idx_folder *folder, const char *images, const char *labels, size_t count,
                              struct weft_random *random)
{
    static uint8_t pixels[ROWS_TRAIN * ROWS_SIDE * ROWS_SIDE], truth[ROWS_TRAIN];
    for (size_t i = 0; i < count; i++) {
        truth[i] = (uint8_t)(i % ROWS_CLASSES);
        for (size_t y = 0; y < ROWS_SIDE; y++)
            for (size_t x = 0; x < ROWS_SIDE; x++)
                pixels[(i * ROWS_SIDE + y) * ROWS_SIDE + x] =
                    (uint8_t)(weft_random_below(random, 120) + (y / (ROWS_SIDE / ROWS_CLASSES) == truth[i] ? 80 : 0));
    }
    idx_write_images(folder, images, count, ROWS_SIDE, ROWS_SIDE, pixels);
    idx_write_labels(folder, labels, count, truth);
}

static inline struct idx_folder rows_folder(void)
{
    struct weft_random random = weft_random_of(3, 0);
    struct idx_folder folder = idx_folder_new();
    rows_write(&folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", ROWS_TRAIN, &random);
    rows_write(&folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", ROWS_TEST, &random);
    return folder;
}

/* Four epochs of fifteen steps on the folder's images. */
static inline struct weft_train_options rows_options(const struct idx_folder *folder)
{
    struct weft_train_options options = weft_train_defaults();
    snprintf(options.recipe.data, sizeof options.recipe.data, "%s", folder->path);
    options.recipe.epochs = 4;
    options.recipe.warmup = 1;
    options.recipe.batch = 16;
    options.recipe.share = 8;
    options.recipe.learning_rate = 0.02; /* steps are few and small batches noisy */
    options.recipe.shift = 0;
    options.recipe.validation = 0.2;
    return options;
}

/* The bytes of a file; NULL when it is not there. The caller frees. */
static inline char *rows_read(const char *path, size_t *size)
{
    enum { SIZE_MAX_READ = 1 << 23 };
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = malloc(SIZE_MAX_READ);
    *size = fread(bytes, 1, SIZE_MAX_READ, file);
    fclose(file);
    return bytes;
}

static inline void rows_assert_same_file(const char *a, const char *b)
{
    size_t size_a = 0, size_b = 1;
    char *bytes_a = rows_read(a, &size_a), *bytes_b = rows_read(b, &size_b);
    ck_assert(bytes_a && bytes_b);
    ck_assert_uint_eq(size_a, size_b);
    ck_assert(memcmp(bytes_a, bytes_b, size_a) == 0);
    free(bytes_a);
    free(bytes_b);
}

static inline void rows_train(const struct weft_train_options *options, const char *path,
                              struct weft_train_result *result)
{
    struct weft_error err = {0};
    ck_assert_msg(weft_train(options, NULL, path, result, &err) == 0, "%s", err.message);
}

#endif
