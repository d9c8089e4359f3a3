#include "cli/confusion.h"

#include <inttypes.h>
#include <stdbool.h>

enum { TABLE_CLASSES_MAX = 20, CONFUSIONS_SHOWN = 10, NAME_WIDTH = 16 };

static bool occurs(const uint64_t *counts, size_t class_count, size_t class)
{
    for (size_t i = 0; i < class_count; i++)
        if (counts[class * class_count + i] || counts[i * class_count + class])
            return true;
    return false;
}

static void print_table(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names,
                        const char *rows, const char *columns)
{
    int width = 4;
    for (size_t i = 0; i < class_count * class_count; i++) {
        int digits = snprintf(NULL, 0, "%" PRIu64, counts[i]);
        width = digits > width ? digits : width;
    }
    fprintf(out, "%*s  %s\n%-*s", NAME_WIDTH + 4, "", columns, NAME_WIDTH + 4, rows);
    for (size_t i = 0; i < class_count; i++)
        if (occurs(counts, class_count, i))
            fprintf(out, " %*zu", width, i);
    fputc('\n', out);
    for (size_t row = 0; row < class_count; row++) {
        if (!occurs(counts, class_count, row))
            continue;
        fprintf(out, "%3zu %-*.*s", row, NAME_WIDTH, NAME_WIDTH, names[row]);
        for (size_t i = 0; i < class_count; i++) {
            if (!occurs(counts, class_count, i))
                continue;
            uint64_t count = counts[row * class_count + i];
            if (count)
                fprintf(out, " %*" PRIu64, width, count);
            else
                fprintf(out, " %*s", width, ".");
        }
        fputc('\n', out);
    }
}

static void print_most_frequent(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names,
                                const char *became)
{
    size_t cells = class_count * class_count;
    size_t shown[CONFUSIONS_SHOWN], shown_count = 0;
    for (; shown_count < CONFUSIONS_SHOWN; shown_count++) {
        size_t best = cells;
        for (size_t i = 0; i < cells; i++) {
            bool skipped = counts[i] == 0 || i / class_count == i % class_count;
            for (size_t k = 0; k < shown_count && !skipped; k++)
                skipped = shown[k] == i;
            if (!skipped && (best == cells || counts[i] > counts[best]))
                best = i;
        }
        if (best == cells)
            break;
        shown[shown_count] = best;
        fprintf(out, "%6" PRIu64 " times %s %s %s\n", counts[best], names[best / class_count], became,
                names[best % class_count]);
    }
}

void cli_print_pairs(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names, const char *rows,
                     const char *columns, const char *became)
{
    size_t occurring = 0;
    for (size_t i = 0; i < class_count; i++)
        occurring += occurs(counts, class_count, i);
    if (occurring <= TABLE_CLASSES_MAX)
        print_table(out, counts, class_count, names, rows, columns);
    else
        print_most_frequent(out, counts, class_count, names, became);
}

void cli_print_confusion(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names)
{
    cli_print_pairs(out, counts, class_count, names, "truth", "answered", "was taken for");
}

json_t *cli_confusion_json(const uint64_t *counts, size_t class_count)
{
    json_t *rows = json_array();
    for (size_t row = 0; row < class_count; row++) {
        json_t *cells = json_array();
        for (size_t i = 0; i < class_count; i++)
            json_array_append_new(cells, json_integer((json_int_t)counts[row * class_count + i]));
        json_array_append_new(rows, cells);
    }
    return rows;
}

json_t *cli_labels_json(const char *const *names, size_t class_count)
{
    json_t *labels = json_array();
    for (size_t i = 0; i < class_count; i++)
        json_array_append_new(labels, json_string(names[i]));
    return labels;
}
