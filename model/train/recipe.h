/* Everything that makes a training run repeatable: what a recipe file says, key by key, and the command line over it.
 *
 *     struct weft_recipe recipe = weft_recipe_defaults();
 *     weft_recipe_read(&recipe, "model/recipes/fast.yaml", &err);
 *     weft_recipe_set(&recipe, "schedule.learning_rate", "0.2", &err);
 *
 * A recipe file is YAML. The key "augmentation.erase.area" stands in it as
 *
 *     augmentation:
 *       erase:
 *         area: [0.02, 0.4]
 */
#ifndef WEFT_MODEL_TRAIN_RECIPE_H
#define WEFT_MODEL_TRAIN_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { WEFT_RECIPE_TEXT_SIZE = 512 };

/* Of a CHOICE: the position of the word among those that stand in the list below. */
enum { WEFT_ERASE_RANDOM, WEFT_ERASE_MEAN };
enum { WEFT_OPTIMIZER_SGD, WEFT_OPTIMIZER_ADAMW };
enum { WEFT_SCHEDULE_COSINE, WEFT_SCHEDULE_ONE_CYCLE };

struct weft_interval {
    double low, high;
};

/* KEY(type, member, key in the file, letter and name of the option, what stands for its value, default, lowest,
 * highest, help). The struct, the file's keys, the options of the command line and their help are made from it. */
/* clang-format off */
#define WEFT_RECIPE_KEYS(KEY)                                                                                          \
    KEY(TEXT, name, "name", 0, "name", "NAME", "", 0, 0, "of the model, as results carry it; without it the network's") \
    KEY(TEXT, version, "version", 0, "model-version", "TEXT", "1", 0, 0, "of the model, as results carry it")           \
    KEY(TEXT, architecture, "architecture", 'a', "arch", "NAME", "lenet", 0, 0, "the network")                          \
    KEY(TEXT, start, "start", 0, "start", "FILE", "", 0, 0, "a model of the same network to go on from, not from random weights") \
    KEY(TEXT, data, "data", 'd', "data", "PATH", "", 0, 0, "a folder with training images, or one file of them")        \
    KEY(TEXT, size, "size", 0, "size", "[Cx]HxW", "", 0, 0, "what images are fitted to: channels, height, width")        \
    KEY(COUNT, epochs, "epochs", 'e', "epochs", "N", "60", 1, 100000, "passes over the training images")                \
    KEY(COUNT, batch, "batch", 'b', "batch", "N", "128", 1, 65536, "images in a step")                                  \
    KEY(COUNT, share, "share", 0, "share", "N", "32", 1, 65536, "images of a batch that are normalised together")       \
    KEY(COUNT, seed, "seed", 's', "seed", "N", "1", 0, 9007199254740992, "the same seed gives the same model")          \
    KEY(REAL, validation, "validation", 0, "validation", "SHARE", "0.0833333333", 1e-6, 0.9,                            \
        "of the training images held out to choose the best epoch")                                                     \
    KEY(REAL, label_smoothing, "label_smoothing", 0, "label-smoothing", "SHARE", "0", 0, 0.99,                          \
        "of certainty taken from the truth")                                                                            \
    KEY(REAL, average, "average", 0, "average", "DECAY", "0", 0, 0.999999,                                              \
        "of the moving average of the weights; 0: none")                                                                \
    KEY(COUNT, shift, "augmentation.shift", 0, "shift", "PIXELS", "1", 0, 64, "how far images are moved at random")     \
    KEY(SWITCH, flip, "augmentation.flip", 0, "flip", "true|false", "true", 0, 1,                                       \
        "mirror images at random; not for digits and letters")                                                          \
    KEY(REAL, erase_probability, "augmentation.erase.probability", 0, "erase", "SHARE", "0", 0, 1,                      \
        "of images of which a rectangle is erased")                                                                     \
    KEY(INTERVAL, erase_area, "augmentation.erase.area", 0, "erase-area", "LOW,HIGH", "0.02,0.4", 0, 1,                 \
        "share of the image that is erased")                                                                            \
    KEY(INTERVAL, erase_aspect, "augmentation.erase.aspect", 0, "erase-aspect", "LOW,HIGH", "0.3,3.3", 0.05, 20,        \
        "height to width of what is erased")                                                                            \
    KEY(CHOICE, erase_fill, "augmentation.erase.fill", 0, "erase-fill", "random|mean", "random", 0, 0,                  \
        "what comes in its place")                                                                                      \
    KEY(REAL, mix_probability, "augmentation.mix.probability", 0, "mix", "SHARE", "0", 0, 1,                            \
        "of images that another one of the batch is mixed into, with its label")                                        \
    KEY(INTERVAL, mix_share, "augmentation.mix.share", 0, "mix-share", "LOW,HIGH", "0,0.5", 0, 0.5,                     \
        "of the other image in the mixed one")                                                                          \
    KEY(CHOICE, optimizer, "optimizer.name", 0, "optimizer", "sgd|adamw", "sgd", 0, 0, "how weights are moved")         \
    KEY(REAL, momentum, "optimizer.momentum", 0, "momentum", "SHARE", "0.9", 0, 0.9999, "Nesterov's, of sgd")           \
    KEY(INTERVAL, betas, "optimizer.betas", 0, "betas", "B1,B2", "0.9,0.999", 0, 0.999999, "of adamw")                  \
    KEY(REAL, weight_decay, "optimizer.weight_decay", 0, "weight-decay", "RATE", "0.0005", 0, 1,                        \
        "pulls weights towards zero")                                                                                   \
    KEY(CHOICE, schedule, "schedule.name", 0, "schedule", "cosine|one-cycle", "cosine", 0, 0,                           \
        "course of the learning rate")                                                                                  \
    KEY(REAL, learning_rate, "schedule.learning_rate", 'l', "learning-rate", "RATE", "0.05", 1e-9, 1e3,                 \
        "at its highest")                                                                                               \
    KEY(REAL, warmup, "schedule.warmup", 0, "warmup", "EPOCHS", "2", 0, 1e5, "until the learning rate is at its highest") \
    KEY(REAL, final, "schedule.final", 0, "final", "SHARE", "0", 0, 1, "of the highest learning rate at the end")       \
    KEY(TEXTS, teachers, "teacher.model", 0, "teacher", "FILE[,...]", "", 0, 0,                                          \
        "ONNX models whose answers are learnt too, the mean where there are several")                                   \
    KEY(REAL, temperature, "teacher.temperature", 0, "temperature", "T", "4", 0.1, 100, "softens the teacher's answers") \
    KEY(REAL, teacher_weight, "teacher.weight", 0, "teacher-weight", "SHARE", "0.9", 0, 1,                              \
        "of the teacher's answers against the labels")
/* clang-format on */

#define WEFT_RECIPE_TYPE_TEXT(member) char member[WEFT_RECIPE_TEXT_SIZE];
#define WEFT_RECIPE_TYPE_TEXTS(member) char member[WEFT_RECIPE_TEXT_SIZE]; /* commas between them */
#define WEFT_RECIPE_TYPE_CHOICE(member) int member;
#define WEFT_RECIPE_TYPE_COUNT(member) size_t member;
#define WEFT_RECIPE_TYPE_REAL(member) double member;
#define WEFT_RECIPE_TYPE_INTERVAL(member) struct weft_interval member;
#define WEFT_RECIPE_TYPE_SWITCH(member) bool member;

struct weft_recipe {
#define MEMBER(type, member, ...) WEFT_RECIPE_TYPE_##type(member)
    WEFT_RECIPE_KEYS(MEMBER)
#undef MEMBER
};

struct weft_recipe weft_recipe_defaults(void);

/* The i-th key and the name of its option; NULL past the last. */
const char *weft_recipe_key(size_t i);
const char *weft_recipe_option(size_t i);
/* Whether its value is a list in a file, "a,b" elsewhere. */
bool weft_recipe_is_list(size_t i);

/* WEFT_ERROR_USAGE, which names the key, when there is no such key or the value is not right for it. */
int weft_recipe_set(struct weft_recipe *recipe, const char *key, const char *value, struct weft_error *err);

/* Checks every value, also such as were not set by weft_recipe_set, and that they suit each other. */
int weft_recipe_check(const struct weft_recipe *recipe, struct weft_error *err);

/* Sets what the file says; what it is silent about stays. WEFT_ERROR_CONFIG with file, line and key. */
int weft_recipe_read(struct weft_recipe *recipe, const char *path, struct weft_error *err);

/* The same for the bytes of a file; name is for errors. */
int weft_recipe_parse(struct weft_recipe *recipe, const char *text, size_t size, const char *name,
                      struct weft_error *err);

/* The recipe with all its keys as a file that gives it again; the caller frees. NULL when memory is short. */
char *weft_recipe_text(const struct weft_recipe *recipe);

/* The first key in which two recipes differ, but for where the data lies; values (each of WEFT_RECIPE_TEXT_SIZE) get
 * what the two say. NULL where they are the same. */
const char *weft_recipe_difference(const struct weft_recipe *a, const struct weft_recipe *b, char *value_a,
                                   char *value_b);

#endif
