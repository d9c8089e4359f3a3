#include "clients/picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clients/printable.h"
#include "model/data/image.h"

enum { SIDE_MAX = 40, BAR_WIDTH = 20, CLASSES_SHOWN = 3, TEXT_SIZE = 96 };

static const char green[] = "\x1b[32m", red[] = "\x1b[31m", plain[] = "\x1b[0m";

/* The side n of an n x n image of size bytes, or 0. */
static size_t square_side(size_t size)
{
    size_t side = (size_t)lround(sqrt((double)size));
    return side * side == size ? side : 0;
}

/* Averages squares of step x step pixels, so that a large image fits a terminal. */
static void shrink(const uint8_t *plane, size_t side, size_t step, uint8_t *out)
{
    size_t small = side / step;
    for (size_t y = 0; y < small; y++) {
        for (size_t x = 0; x < small; x++) {
            size_t sum = 0;
            for (size_t i = 0; i < step * step; i++)
                sum += plane[(y * step + i / step) * side + x * step + i % step];
            out[y * small + x] = (uint8_t)(sum / (step * step));
        }
    }
}

/* The image as text of lines; the caller frees. *width is how many columns it takes. */
static char *draw(const struct weft_request *request, size_t *width, struct weft_error *err)
{
    char *text = NULL;
    size_t text_size = 0, channels = 1, side = square_side(request->image_size);
    if (side == 0 && request->image_size % 3 == 0) {
        channels = 3;
        side = square_side(request->image_size / 3);
    }
    if (side == 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "an image of %zu bytes is not square and cannot be drawn",
                       request->image_size);
        return NULL;
    }
    size_t step = (side + SIDE_MAX - 1) / SIDE_MAX, small = side / step;
    uint8_t *pixels = malloc(channels * small * small);
    FILE *out = pixels ? open_memstream(&text, &text_size) : NULL;
    if (!out) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to draw an image");
        goto out;
    }
    for (size_t c = 0; c < channels; c++)
        shrink(request->image + c * side * side, side, step, pixels + c * small * small);
    weft_image_draw(out, pixels, channels, small, small);
    fclose(out);
    *width = small;
out:
    free(pixels);
    return text;
}

/* Index of the most probable class that is less probable than those before it in order. */
static size_t next_class(const struct weft_result *result, const size_t *before, size_t count)
{
    size_t best = result->class_count;
    for (size_t i = 0; i < result->class_count; i++) {
        bool taken = false;
        for (size_t k = 0; k < count; k++)
            taken |= before[k] == i;
        if (!taken && (best == result->class_count || result->probabilities[i] > result->probabilities[best]))
            best = i;
    }
    return best;
}

static void print_bar(FILE *out, const char *name, float probability)
{
    double share = probability >= 0 && probability <= 1 ? (double)probability : 0;
    int filled = (int)lround(share * (double)BAR_WIDTH);
    char cut[15];
    fprintf(out, "%-14s ", weft_printable(cut, sizeof cut, name, strlen(name)));
    for (int i = 0; i < BAR_WIDTH; i++)
        fputs(i < filled ? "\u2588" : "\u2591", out);
    fprintf(out, " %5.1f %%", share * 100);
}

static void print_truth(FILE *out, const struct weft_result *result, const char *const *names, size_t name_count)
{
    if (result->expected == result->label)
        fprintf(out, "%sright%s", green, plain);
    else if (result->expected >= 0 && (size_t)result->expected < name_count)
        fprintf(out, "%swrong%s: it is %s", red, plain, names[result->expected]);
    else
        fprintf(out, "%swrong%s: it is class %" PRId32, red, plain, result->expected);
}

/* What stands beside line number `line` of the image. */
static void print_side(FILE *out, size_t line, const struct weft_result *result, const size_t *best, size_t best_count,
                       const char *const *names, size_t name_count)
{
    enum { LINE_ID = 2, LINE_BARS = 4, LINE_TRUTH = LINE_BARS + CLASSES_SHOWN + 1 };
    char text[TEXT_SIZE];
    if (line == LINE_ID) {
        fputs(weft_printable(text, sizeof text, result->id.at, result->id.size), out);
    } else if (line >= LINE_BARS && line - LINE_BARS < best_count) {
        size_t class = best[line - LINE_BARS];
        print_bar(out, class < name_count ? names[class] : "?", result->probabilities[class]);
    } else if (line == LINE_TRUTH && result->has_expected) {
        print_truth(out, result, names, name_count);
    }
}

int weft_picture_print(FILE *out, const struct weft_request *request, const struct weft_result *result,
                       const char *const *names, size_t name_count, struct weft_error *err)
{
    enum { LINES_MIN = 9 }; /* what the side needs */
    size_t width = 0, best[CLASSES_SHOWN], best_count = 0;
    char *drawing = draw(request, &width, err);
    if (!drawing)
        return -1;
    for (; best_count < CLASSES_SHOWN && best_count < result->class_count; best_count++)
        best[best_count] = next_class(result, best, best_count);
    const char *at = drawing;
    for (size_t line = 0; *at || line < LINES_MIN; line++) {
        size_t length = strcspn(at, "\n");
        if (*at)
            fprintf(out, "%.*s   ", (int)length, at);
        else
            fprintf(out, "%*s   ", (int)width, "");
        at += length + (at[length] == '\n');
        print_side(out, line, result, best, best_count, names, name_count);
        fputc('\n', out);
    }
    free(drawing);
    fputc('\n', out);
    return 0;
}
