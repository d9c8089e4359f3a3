#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "model/builtin.h"
#include "model/data/image.h"
#include "model/data/inversion.h"
#include "model/network.h"

enum { FILE_BYTES_MAX = 64 << 20 };

enum invert { INVERT_AUTO, INVERT_YES, INVERT_NO };

struct prediction {
    const struct cli *cli;
    const struct weft_network *network;
    const struct weft_network_info *about;
    struct weft_workspace *workspace;
    float *probabilities;
    size_t *order;
    size_t top;
    enum invert invert;
};

/* Indices of the classes, the most probable first, in order; count of them at most. */
static size_t rank_classes(const float *probabilities, size_t class_count, size_t count, size_t *order)
{
    size_t found = 0;
    for (size_t c = 0; c < class_count; c++) {
        size_t at = found < count ? found++ : count;
        for (; at > 0 && probabilities[c] > probabilities[order[at - 1]]; at--)
            if (at < count)
                order[at] = order[at - 1];
        if (at < count)
            order[at] = c;
    }
    return found;
}

static void print_json(const struct prediction *p, const char *what, size_t count, bool inverted, int32_t truth)
{
    json_t *top = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(top, json_pack("{s:I,s:s,s:f}", "label", (json_int_t)p->order[i], "class",
                                             p->about->labels[p->order[i]], "probability",
                                             (double)p->probabilities[p->order[i]]));
    weft_json_print(stdout, json_pack("{s:s,s:I,s:s,s:o,s:b,s:o}", "image", what, "label", (json_int_t)p->order[0],
                                      "class", p->about->labels[p->order[0]], "top", top, "inverted", inverted,
                                      "expected", truth >= 0 ? json_integer(truth) : json_null()));
}

static void print_text(const struct prediction *p, const char *what, size_t count, int32_t truth)
{
    printf("%s\n", what);
    for (size_t i = 0; i < count; i++)
        printf("  %5.1f %%  %s%s\n", 100 * (double)p->probabilities[p->order[i]], p->about->labels[p->order[i]],
               (int32_t)p->order[i] == truth ? "  <- the truth" : "");
}

/* truth: the label, or -1. */
static void predict_one(const struct prediction *p, const char *what, const uint8_t *pixels, bool inverted,
                        int32_t truth)
{
    const uint8_t *const images[] = {pixels};
    weft_network_run(p->network, p->workspace, images, 1, p->probabilities);
    size_t count = rank_classes(p->probabilities, p->about->class_count, p->top, p->order);
    if (cli_json(p->cli))
        print_json(p, what, count, inverted, truth);
    else
        print_text(p, what, count, truth);
}

/* The image may be of a kind that the network was not trained on. */
static void predict_foreign(const struct prediction *p, const char *what, uint8_t *pixels)
{
    const bool recognised = p->invert == INVERT_AUTO && weft_image_is_inverted(p->about, pixels);
    const bool inverted = recognised || p->invert == INVERT_YES;
    if (inverted)
        weft_image_invert(pixels, p->about->image_size);
    if (recognised && !cli_json(p->cli)) {
        const bool dark = (double)p->about->mean[0] < 0.5;
        fflush(stdout); /* keeps the two streams in order on a terminal */
        fprintf(stderr, "%s: inverted: the ground is %s, that of the training images is %s\n", what,
                dark ? "light" : "dark", dark ? "dark" : "light");
    }
    predict_one(p, what, pixels, inverted, -1);
}

static int predict_item(const struct prediction *p, struct weft_error *err)
{
    int rc = -1;
    int64_t index;
    char what[64];
    if (cli_integer(p->cli, "index", 0, INT32_MAX, 0, &index, err) != 0)
        return -1;
    struct weft_dataset *dataset = cli_dataset(p->cli, p->about, err);
    if (!dataset)
        return -1;
    if ((size_t)index >= dataset->count) {
        weft_error_set(err, WEFT_ERROR_USAGE, "--index is %" PRId64 ", but %s has %zu images", index, dataset->name,
                       dataset->count);
    } else {
        const char *part = cli_option(p->cli, "part");
        snprintf(what, sizeof what, "%s image %" PRId64, part ? part : "test", index);
        predict_one(p, what, weft_dataset_image(dataset, (size_t)index), false,
                    dataset->labels ? dataset->labels[index] : -1);
        rc = 0;
    }
    weft_dataset_destroy(dataset);
    return rc;
}

/* An image file whose first bytes have been read from standard input already. */
static int predict_piped_file(const struct prediction *p, const uint8_t *begin, size_t begun, struct weft_error *err)
{
    struct weft_image_shape shape = {p->about->channels, p->about->height, p->about->width};
    uint8_t *bytes = malloc(FILE_BYTES_MAX + 1), *pixels = NULL;
    if (!bytes)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the image on standard input");
    if (begun > FILE_BYTES_MAX)
        begun = FILE_BYTES_MAX + 1; /* too large as it is */
    memcpy(bytes, begin, begun);
    size_t size = begun + fread(bytes + begun, 1, FILE_BYTES_MAX + 1 - begun, stdin);
    if (size > FILE_BYTES_MAX)
        weft_error_set(err, WEFT_ERROR_CORRUPT, "standard input: not an image file of at most 64 MiB");
    else
        pixels = weft_image_decode(bytes, size, "on standard input", &shape, err);
    if (pixels)
        predict_foreign(p, "-", pixels);
    free(bytes);
    free(pixels);
    return pixels ? 0 : -1;
}

/* Standard input is an image file, or images one after another as a request holds them. */
static int predict_stdin(const struct prediction *p, struct weft_error *err)
{
    const size_t image_size = p->about->image_size;
    int rc = -1;
    size_t size, number = 0;
    uint8_t *pixels = malloc(image_size);
    if (!pixels)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for an image");
    for (;; number++) {
        char what[32];
        size = fread(pixels, 1, image_size, stdin);
        if (number == 0 && weft_image_is_file(pixels, size)) {
            rc = predict_piped_file(p, pixels, size, err);
            goto out;
        }
        if (size < image_size)
            break;
        snprintf(what, sizeof what, "- image %zu", number);
        predict_foreign(p, what, pixels);
    }
    if (ferror(stdin))
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "standard input cannot be read");
    else if (size > 0 || number == 0)
        weft_error_set(err, WEFT_ERROR_CORRUPT,
                       "standard input ends %zu bytes into image %zu: it must be an image file, or %zu bytes for each "
                       "image (%zu x %zu x %zu)",
                       size, number, image_size, p->about->channels, p->about->height, p->about->width);
    else
        rc = 0;
out:
    free(pixels);
    return rc;
}

static int predict_files(const struct prediction *p, int first, struct weft_error *err)
{
    const char *path;
    for (int i = first; (path = cli_argument(p->cli, i)); i++) {
        if (strcmp(path, "-") == 0) {
            if (predict_stdin(p, err) != 0)
                return -1;
            continue;
        }
        uint8_t *pixels = weft_image_read(path, p->about->channels, p->about->height, p->about->width, err);
        if (!pixels)
            return -1;
        predict_foreign(p, path, pixels);
        free(pixels);
    }
    return 0;
}

static int read_invert(const struct cli *cli, enum invert *invert, struct weft_error *err)
{
    static const char *const words[] = {[INVERT_AUTO] = "auto", [INVERT_YES] = "yes", [INVERT_NO] = "no"};
    const char *text = cli_option(cli, "invert");
    for (*invert = INVERT_AUTO; text && *invert <= INVERT_NO; ++*invert)
        if (strcmp(text, words[*invert]) == 0)
            return 0;
    return text ? weft_error_set(err, WEFT_ERROR_USAGE, "--invert is '%s': it must be auto, yes or no", text) : 0;
}

/* Whether an argument names a model and not an image. */
static bool names_model(const char *argument)
{
    const char *dot = argument ? strrchr(argument, '.') : NULL;
    return argument && (weft_builtin_is(argument) || (dot && strcmp(dot, ".onnx") == 0));
}

static int predict(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    int64_t top;
    const char *model = cli_argument(cli, 0);
    const int first = names_model(model) ? 1 : 0;
    struct prediction p = {.cli = cli};
    if (cli_integer(cli, "top", 1, 1000, 3, &top, err) != 0 || read_invert(cli, &p.invert, err) != 0)
        return -1;
    if (!cli_option(cli, "data") == (cli_argument_count(cli) == first))
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "give image files, or - for standard input, or --data PATH "
                              "and --index I");
    struct weft_network *network = weft_network_load(first ? model : WEFT_BUILTIN_DEFAULT, err);
    if (!network)
        return -1;
    p.network = network;
    p.about = weft_network_info(network);
    p.top = (size_t)top;
    p.workspace = weft_workspace_new(network, 1, err);
    p.probabilities = calloc(p.about->class_count, sizeof(float));
    p.order = calloc(p.top, sizeof *p.order);
    if (!p.workspace)
        goto out;
    if (!p.probabilities || !p.order) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if ((cli_option(cli, "data") ? predict_item(&p, err) : predict_files(&p, first, err)) == 0)
        status = CLI_DONE;
out:
    free(p.order);
    free(p.probabilities);
    weft_workspace_destroy(p.workspace);
    weft_network_destroy(network);
    return status;
}

static const struct cli_option options[] = {
    {'k', "top", "K", "how many classes to show, the most probable first (3)"},
    {0, "invert", "WHETHER", "auto (default): images that are the negative of the training's kind; yes; no"},
    {'d', "data", "PATH", "take the image from a data set instead of from files"},
    CLI_OPTION_PART,
    {'i', "index", "I", "which of its images, counted from 0"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_model_predict = {
    .name = "model predict",
    .summary = "classify images",
    .arguments = "[MODEL] [IMAGE]...",
    .arguments_min = 0,
    .arguments_max = -1,
    .description =
        "Classifies image files (PNG, JPEG, GIF, BMP, WebP), fitted to the model's input, or an image of a\n"
        "data set, and shows the most probable classes. The first argument is the model when it ends in\n"
        ".onnx or begins with builtin: (see `weft model list`); otherwise it is the first image and the\n"
        "model is " WEFT_BUILTIN_DEFAULT ".\n\n"
        "- reads standard input: an image file, or the pixels of one image after another, a byte each, channel\n"
        "by channel, rows from the top.\n\n"
        "Many training sets show light things on black ground, photographs are rather the other way round. An\n"
        "image whose ground is light where the training images are mostly dark is inverted before it is\n"
        "classified, and it is said so; --invert decides otherwise. Images of a data set stay as they are.",
    .example = "weft model predict boot.png shirt.jpg\n"
               "weft model predict my.onnx --top 5 - < pixels\n"
               "weft model predict builtin:fast --data data/fashion-mnist --index 7",
    .options = options,
    .run = predict,
};
