/* A confusion matrix as a table for people and as JSON. */
#ifndef WEFT_CLI_CONFUSION_H
#define WEFT_CLI_CONFUSION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* counts is (class_count, class_count): row is the truth, column the answer. Classes that never occur are left out; of
 * more than a screen holds, only the most frequent confusions are printed. */
void cli_print_confusion(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names);

/* The same for other pairs of classes; rows and columns say what they are, and became what a row did to a column. */
void cli_print_pairs(FILE *out, const uint64_t *counts, size_t class_count, const char *const *names, const char *rows,
                     const char *columns, const char *became);

/* The rows as an array of arrays. */
json_t *cli_confusion_json(const uint64_t *counts, size_t class_count);

/* The names as an array of strings. */
json_t *cli_labels_json(const char *const *names, size_t class_count);

#endif
