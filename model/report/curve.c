#include "model/report/curve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"

enum { COLUMNS_MAX = 32 };

static const struct {
    const char *name;
    size_t offset;
} known[] = {
    {"epoch", offsetof(struct weft_curve_point, epoch)},
    {"learning_rate", offsetof(struct weft_curve_point, learning_rate)},
    {"loss", offsetof(struct weft_curve_point, loss)},
    {"train_accuracy", offsetof(struct weft_curve_point, train_accuracy)},
    {"validation_loss", offsetof(struct weft_curve_point, validation_loss)},
    {"validation_accuracy", offsetof(struct weft_curve_point, validation_accuracy)},
};

enum { KNOWN = sizeof known / sizeof *known };

static double *field(struct weft_curve_point *point, size_t which)
{
    return (double *)((char *)point + known[which].offset);
}

/* Which of the known fields a column holds; KNOWN for none. */
static size_t field_of(const char *name)
{
    size_t which = 0;
    while (which < KNOWN && strcmp(known[which].name, name) != 0)
        which++;
    return which;
}

/* Fields of a line, by its first line's fields; at most COLUMNS_MAX. */
static size_t read_header(char *line, size_t columns[COLUMNS_MAX])
{
    size_t count = 0;
    for (char *name; count < COLUMNS_MAX && (name = strsep(&line, ",")); count++)
        columns[count] = field_of(name);
    return line ? 0 : count;
}

static bool read_point(char *line, const size_t *columns, size_t count, struct weft_curve_point *point)
{
    for (size_t which = 0; which < KNOWN; which++)
        *field(point, which) = (double)NAN;
    for (size_t i = 0; i < count; i++) {
        char *end, *text = strsep(&line, ",");
        if (!text)
            return false;
        if (columns[i] == KNOWN || !*text)
            continue;
        *field(point, columns[i]) = strtod(text, &end);
        if (*end)
            return false;
    }
    return !line && isfinite(point->epoch);
}

struct weft_curve *weft_curve_read(const char *path, struct weft_error *err)
{
    size_t size, lines = 0, columns[COLUMNS_MAX], column_count = 0;
    struct weft_curve *curve = NULL;
    char *text = weft_text_file_read(path, &size, err), *rest = text;
    bool has_epoch = false;
    if (!text) {
        weft_error_prefix(err, "history");
        return NULL;
    }
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    curve = calloc(1, sizeof *curve);
    if (curve)
        curve->points = calloc(lines + 1, sizeof *curve->points);
    if (!curve || !curve->points) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for history %s", path);
        goto fail;
    }
    for (size_t number = 1; rest && *rest; number++) {
        char *line = strsep(&rest, "\n");
        line[strcspn(line, "\r")] = '\0';
        if (number == 1) {
            column_count = read_header(line, columns);
            for (size_t i = 0; i < column_count; i++)
                has_epoch = has_epoch || columns[i] == 0;
            if (!has_epoch) {
                weft_error_set(err, WEFT_ERROR_CORRUPT,
                               "history %s: its first line must name the columns, epoch among them", path);
                goto fail;
            }
        } else if (*line && !read_point(line, columns, column_count, &curve->points[curve->count++])) {
            weft_error_set(err, WEFT_ERROR_CORRUPT, "history %s:%zu: not %zu numbers as its first line says", path,
                           number, column_count);
            goto fail;
        }
    }
    if (curve->count == 0) {
        weft_error_set(err, WEFT_ERROR_CORRUPT, "history %s: it has no epochs", path);
        goto fail;
    }
    free(text);
    return curve;
fail:
    free(text);
    weft_curve_destroy(curve);
    return NULL;
}

void weft_curve_destroy(struct weft_curve *curve)
{
    if (!curve)
        return;
    free(curve->points);
    free(curve);
}
