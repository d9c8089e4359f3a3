#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/data/dataset_reader.h"

enum { IMAGES_FIRST = 256, SHOWN_MAX = 40 };

struct csv {
    struct weft_dataset *dataset;
    struct weft_dataset_file *file;
    size_t line;       /* counted from 1 */
    size_t room;       /* of images and labels in the data set */
    size_t image_size; /* pixels of a line */
    bool labelled;     /* the first cell of a line is the label */
    bool named;        /* labels are names */
};

struct cell {
    const char *text; /* not terminated */
    size_t size;
};

static int fault(const struct csv *csv, struct weft_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fault(const struct csv *csv, struct weft_error *err, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: line %zu: %s", csv->dataset->name, csv->line, what);
}

/* Takes the next cell of a line, whose rest begins at *at, NULL after the last one. A quoted cell is unquoted in place.
 * False for quotes that do not end, or not with the cell. */
static bool take_cell(char **at, struct cell *cell)
{
    char *p = *at + strspn(*at, " \t"), *end;
    cell->text = p;
    if (*p == '"') {
        char *to = p++;
        for (; *p && (*p != '"' || p[1] == '"'); p++) {
            p += *p == '"';
            *to++ = *p;
        }
        if (!*p)
            return false;
        end = to;
        p++;
        p += strspn(p, " \t");
        if (*p && *p != ',')
            return false;
    } else {
        while (*p && *p != ',')
            p++;
        end = p;
        while (end > cell->text && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
    }
    cell->size = (size_t)(end - cell->text);
    *at = *p ? p + 1 : NULL;
    return true;
}

/* Whether the cell looks like a number, be it one that is wanted or not. */
static bool is_numeric(struct cell cell)
{
    bool digits = false;
    for (size_t i = 0; i < cell.size; i++) {
        digits = digits || isdigit((unsigned char)cell.text[i]);
        if (!isdigit((unsigned char)cell.text[i]) && !memchr("+-.eE", cell.text[i], 5))
            return false;
    }
    return digits;
}

static bool whole_number(struct cell cell, unsigned max, unsigned *number)
{
    *number = 0;
    for (size_t i = 0; i < cell.size; i++) {
        unsigned digit = (unsigned)cell.text[i] - '0';
        if (digit > 9 || (*number = 10 * *number + digit) > max)
            return false;
    }
    return cell.size > 0;
}

static size_t square_root(size_t n)
{
    size_t root = 0;
    while (root < WEFT_IMAGE_SIDE_MAX && (root + 1) * (root + 1) <= n)
        root++;
    return root;
}

/* An image of the wanted height and width, else a square, of one or three channels. */
static int decide_shape(struct csv *csv, struct weft_image_shape wanted, struct weft_error *err)
{
    struct weft_dataset *dataset = csv->dataset;
    for (size_t channels = 1; channels <= 3 && !dataset->channels; channels += 2)
        if (wanted.height > 0 && csv->image_size == channels * wanted.height * wanted.width) {
            dataset->channels = channels;
            dataset->height = wanted.height;
            dataset->width = wanted.width;
        }
    for (size_t channels = 1; channels <= 3 && !dataset->channels; channels += 2) {
        size_t side = square_root(csv->image_size / channels);
        if (side > 0 && csv->image_size == channels * side * side) {
            dataset->channels = channels;
            dataset->height = dataset->width = side;
        }
    }
    if (!dataset->channels)
        return fault(csv, err, "%zu pixels%s are no square image of 1 or 3 channels: the height and width must be said",
                     csv->image_size, csv->labelled ? " after the label" : "");
    return 0;
}

static bool begins_with(struct cell cell, const char *word)
{
    return cell.size >= strlen(word) && strncasecmp(cell.text, word, strlen(word)) == 0;
}

/* Looks at a copy of the first line: how many cells it has, and whether they are names of columns: no pixel is a
 * number, or the first cell says so and the others may be counted from 0. */
static int read_form(struct csv *csv, const char *line, bool *header, struct weft_error *err)
{
    int rc = -1;
    size_t cells = 0, numbers = 0;
    bool says_label = false, says_pixel = false;
    struct cell cell;
    char *copy = strdup(line), *at = copy;
    if (!copy)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", csv->dataset->name);
    for (; at; cells++) {
        if (!take_cell(&at, &cell)) {
            fault(csv, err, "cell %zu: its quotes do not end", cells + 1);
            goto out;
        }
        if (cells == 0) {
            says_label = (cell.size == 5 && (begins_with(cell, "label") || begins_with(cell, "class")));
            says_pixel = begins_with(cell, "pixel");
        } else {
            numbers += is_numeric(cell);
        }
    }
    *header = cells > 1 && (numbers == 0 || says_label);
    csv->labelled = !*header || !says_pixel;
    csv->image_size = cells - csv->labelled;
    if (csv->image_size == 0)
        fault(csv, err, "has one cell only: a line must be a label and its image's pixels, with commas between");
    else
        rc = 0;
out:
    free(copy);
    return rc;
}

static int find_name(struct csv *csv, const char *name, struct weft_error *err)
{
    struct weft_dataset *dataset = csv->dataset;
    char where[64];
    for (size_t i = 0; i < dataset->class_count; i++)
        if (strcmp(dataset->class_names[i], name) == 0)
            return (int)i;
    if (dataset->class_count == WEFT_DATASET_CLASSES_MAX)
        return fault(csv, err, "has the label '%.*s', but there are %d others already", SHOWN_MAX, name,
                     WEFT_DATASET_CLASSES_MAX);
    snprintf(where, sizeof where, "line %zu", csv->line);
    if (weft_dataset_check_class_name(name, where, err) != 0)
        return weft_error_prefix(err, "%s", dataset->name);
    if (!dataset->class_names)
        dataset->class_names = calloc(WEFT_DATASET_CLASSES_MAX, sizeof *dataset->class_names);
    if (!dataset->class_names || !(dataset->class_names[dataset->class_count] = strdup(name)))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory", dataset->name);
    return (int)dataset->class_count++;
}

static int read_label(struct csv *csv, struct cell cell, int32_t *label, struct weft_error *err)
{
    unsigned number;
    if (csv->dataset->count == 0)
        csv->named = !is_numeric(cell);
    if (csv->named) {
        char name[256];
        if ((size_t)snprintf(name, sizeof name, "%.*s", (int)cell.size, cell.text) >= sizeof name)
            return fault(csv, err, "its label has %zu bytes; at most %zu are read", cell.size, sizeof name - 1);
        *label = find_name(csv, name, err);
        return *label < 0 ? -1 : 0;
    }
    if (!whole_number(cell, WEFT_DATASET_CLASSES_MAX - 1, &number))
        return fault(csv, err, "the label is '%.*s': it must be a whole number from 0 to %d",
                     cell.size < SHOWN_MAX ? (int)cell.size : SHOWN_MAX, cell.text, WEFT_DATASET_CLASSES_MAX - 1);
    *label = (int32_t)number;
    if (number >= csv->dataset->class_count)
        csv->dataset->class_count = number + 1;
    return 0;
}

/* Room for one more image. */
static int make_room(struct csv *csv, struct weft_error *err)
{
    struct weft_dataset *dataset = csv->dataset;
    if (dataset->count < csv->room)
        return 0;
    size_t room = csv->room ? 2 * csv->room : IMAGES_FIRST;
    /* The last doubling stops at the limit. */
    if (room > WEFT_DATASET_BYTES_MAX / csv->image_size)
        room = (size_t)(WEFT_DATASET_BYTES_MAX / csv->image_size);
    if (room <= csv->room)
        return weft_dataset_check_size(dataset, dataset->name, (uint64_t)dataset->count + 1, err);
    uint8_t *pixels = realloc(dataset->pixels, room * csv->image_size);
    if (pixels)
        dataset->pixels = pixels;
    int32_t *labels = realloc(dataset->labels, room * sizeof *labels);
    if (labels)
        dataset->labels = labels;
    if (!pixels || !labels)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory for %zu images", dataset->name, room);
    csv->room = room;
    return 0;
}

static int read_image(struct csv *csv, char *at, struct weft_error *err)
{
    struct weft_dataset *dataset = csv->dataset;
    struct cell cell;
    size_t cells = 0;
    if (make_room(csv, err) != 0)
        return -1;
    if (csv->labelled) {
        if (!take_cell(&at, &cell))
            return fault(csv, err, "cell 1: its quotes do not end");
        if (read_label(csv, cell, &dataset->labels[dataset->count], err) != 0)
            return -1;
    }
    uint8_t *pixels = dataset->pixels + dataset->count * csv->image_size;
    for (; at && cells < csv->image_size; cells++) {
        unsigned pixel;
        size_t number = cells + csv->labelled + 1;
        if (!take_cell(&at, &cell))
            return fault(csv, err, "cell %zu: its quotes do not end", number);
        if (!whole_number(cell, 255, &pixel))
            return fault(csv, err, "cell %zu is '%.*s': a pixel is a whole number from 0 to 255", number,
                         cell.size < SHOWN_MAX ? (int)cell.size : SHOWN_MAX, cell.text);
        pixels[cells] = (uint8_t)pixel;
    }
    if (cells < csv->image_size)
        return fault(csv, err, "has %zu pixels, but the lines before it have %zu; is the file complete?", cells,
                     csv->image_size);
    if (at)
        return fault(csv, err, "has more than the %zu pixels of the lines before it", csv->image_size);
    dataset->count++;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names were numbered as they came; now in the order of their bytes, so that the order of lines does not matter. */
static int sort_names(struct weft_dataset *dataset, struct weft_error *err)
{
    char *came[WEFT_DATASET_CLASSES_MAX];
    memcpy(came, dataset->class_names, dataset->class_count * sizeof *came);
    qsort(dataset->class_names, dataset->class_count, sizeof *came, compare_names);
    int32_t number[WEFT_DATASET_CLASSES_MAX];
    for (size_t i = 0; i < dataset->class_count; i++) {
        char **now = bsearch(&came[i], dataset->class_names, dataset->class_count, sizeof *came, compare_names);
        if (!now)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: lost a name", dataset->name);
        number[i] = (int32_t)(now - dataset->class_names);
    }
    for (size_t i = 0; i < dataset->count; i++)
        dataset->labels[i] = number[dataset->labels[i]];
    return 0;
}

int weft_dataset_read_csv(struct weft_dataset *dataset, struct weft_dataset_file *file, struct weft_image_shape wanted,
                          struct weft_error *err)
{
    struct csv csv = {.dataset = dataset, .file = file};
    char *line;
    size_t size;
    int more;
    while ((more = weft_dataset_file_line(file, &line, &size, err)) > 0) {
        bool header = false;
        csv.line++;
        if (strlen(line) != size)
            return fault(&csv, err, "holds a zero byte");
        if (csv.line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) /* UTF-8's byte order mark */
            line += 3;
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (csv.image_size == 0 && (read_form(&csv, line, &header, err) != 0 || decide_shape(&csv, wanted, err) != 0 ||
                                    weft_dataset_check_size(dataset, dataset->name, 1, err) != 0))
            return -1;
        if (!header && read_image(&csv, line, err) != 0)
            return -1;
    }
    if (more < 0)
        return -1;
    if (dataset->count == 0)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%s: has no images", dataset->name);
    if (!csv.labelled) {
        free(dataset->labels);
        dataset->labels = NULL;
    }
    uint8_t *fitting = realloc(dataset->pixels, dataset->count * csv.image_size);
    if (fitting)
        dataset->pixels = fitting;
    return dataset->class_names ? sort_names(dataset, err) : 0;
}
