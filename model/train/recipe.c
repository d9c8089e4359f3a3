#include "model/train/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, TEXTS, CHOICE, COUNT, REAL, INTERVAL, SWITCH };

static const struct key {
    int type;
    size_t offset;
    const char *name, *option;
    const char *choices; /* of a CHOICE or a SWITCH: words with | between */
    const char *value;   /* the default */
    double low, high;
} keys[] = {
#define ENTRY(type, member, name, letter, option, arg, value, low, high, help)                                         \
    {type, offsetof(struct weft_recipe, member), name, option, arg, value, low, high},
    WEFT_RECIPE_KEYS(ENTRY)
#undef ENTRY
};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

const char *weft_recipe_key(size_t i)
{
    return i < KEY_COUNT ? keys[i].name : NULL;
}

const char *weft_recipe_option(size_t i)
{
    return i < KEY_COUNT ? keys[i].option : NULL;
}

bool weft_recipe_is_list(size_t i)
{
    return i < KEY_COUNT && (keys[i].type == TEXTS || keys[i].type == INTERVAL);
}

static int out_of_range(const struct key *key, const char *value, struct weft_error *err)
{
    return weft_error_set(err, WEFT_ERROR_USAGE, "%s is %s: it must be %s from %g to %g", key->name, value,
                          key->type == COUNT      ? "a whole number"
                          : key->type == INTERVAL ? "two numbers"
                                                  : "a number",
                          key->low, key->high);
}

/* The number at text, which ends at end; false when it is none or not in the key's range. */
static bool read_real(const struct key *key, const char *text, char end, double *value)
{
    char *rest;
    if (isspace((unsigned char)*text))
        return false;
    *value = strtod(text, &rest);
    return rest != text && *rest == end && *value >= key->low && *value <= key->high;
}

static bool read_count(const struct key *key, const char *text, size_t *value)
{
    char *rest;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &rest, 10);
    *value = (size_t)number;
    return errno == 0 && *rest == '\0' && (double)number >= key->low && (double)number <= key->high;
}

/* Position of the word of this length among the choices, or -1. */
static int find_choice(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    for (int i = 0; *choices; i++) {
        size_t n = strcspn(choices, "|");
        if (n == length && memcmp(choices, word, n) == 0)
            return i;
        choices += n + (choices[n] == '|');
    }
    return -1;
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return false;
    return true;
}

static int set_value(struct weft_recipe *recipe, const struct key *key, const char *text, struct weft_error *err)
{
    void *member = (char *)recipe + key->offset;
    struct weft_interval interval;
    const char *comma;
    double real;
    size_t count;
    int choice;
    switch (key->type) {
    case TEXT:
    case TEXTS:
        if (strlen(text) >= WEFT_RECIPE_TEXT_SIZE || !printable(text))
            return weft_error_set(err, WEFT_ERROR_USAGE, "%s must be a text of fewer than %d bytes on one line",
                                  key->name, WEFT_RECIPE_TEXT_SIZE);
        strcpy(member, text);
        return 0;
    case COUNT:
        if (!read_count(key, text, &count))
            return out_of_range(key, text, err);
        memcpy(member, &count, sizeof count);
        return 0;
    case REAL:
        if (!read_real(key, text, '\0', &real))
            return out_of_range(key, text, err);
        memcpy(member, &real, sizeof real);
        return 0;
    case INTERVAL:
        comma = strchr(text, ',');
        if (!comma || !read_real(key, text, ',', &interval.low) || !read_real(key, comma + 1, '\0', &interval.high))
            return out_of_range(key, text, err);
        memcpy(member, &interval, sizeof interval);
        return 0;
    default:
        choice = find_choice(key->choices, text);
        if (choice < 0)
            return weft_error_set(err, WEFT_ERROR_USAGE, "%s is '%s': it must be one of %s", key->name, text,
                                  key->choices);
        if (key->type == SWITCH)
            *(bool *)member = choice == 0;
        else
            *(int *)member = choice;
        return 0;
    }
}

static int real_text(char *out, size_t size, double value)
{
    int length = snprintf(out, size, "%.9g", value);
    return strtod(out, NULL) == value ? length : snprintf(out, size, "%.17g", value);
}

/* The value as weft_recipe_set takes it; out has WEFT_RECIPE_TEXT_SIZE. */
static void value_text(const struct weft_recipe *recipe, const struct key *key, char *out)
{
    const size_t size = WEFT_RECIPE_TEXT_SIZE;
    const void *member = (const char *)recipe + key->offset;
    const char *word = key->choices;
    const struct weft_interval *interval = member;
    int length;
    switch (key->type) {
    case TEXT:
    case TEXTS: snprintf(out, size, "%s", (const char *)member); break;
    case COUNT: snprintf(out, size, "%zu", *(const size_t *)member); break;
    case REAL: real_text(out, size, *(const double *)member); break;
    case INTERVAL:
        length = real_text(out, size, interval->low);
        out[length] = ',';
        real_text(out + length + 1, size - (size_t)length - 1, interval->high);
        break;
    default:
        for (int i = key->type == SWITCH ? !*(const bool *)member : *(const int *)member; i > 0; i--) {
            word += strcspn(word, "|");
            word += *word == '|';
        }
        snprintf(out, size, "%.*s", (int)strcspn(word, "|"), word);
    }
}

struct weft_recipe weft_recipe_defaults(void)
{
    struct weft_recipe recipe = {0};
    for (size_t i = 0; i < KEY_COUNT; i++)
        set_value(&recipe, &keys[i], keys[i].value, NULL);
    return recipe;
}

int weft_recipe_set(struct weft_recipe *recipe, const char *name, const char *value, struct weft_error *err)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            return set_value(recipe, &keys[i], value, err);
    return weft_error_set(err, WEFT_ERROR_USAGE, "unknown key '%s'", name);
}

int weft_recipe_check(const struct weft_recipe *recipe, struct weft_error *err)
{
    char text[WEFT_RECIPE_TEXT_SIZE];
    struct weft_recipe copy;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        value_text(recipe, &keys[i], text);
        if (set_value(&copy, &keys[i], text, err) != 0)
            return -1;
    }
    if (recipe->warmup > (double)recipe->epochs)
        return weft_error_set(err, WEFT_ERROR_USAGE, "schedule.warmup is %g: there are only %zu epochs", recipe->warmup,
                              recipe->epochs);
    if (recipe->erase_area.low > recipe->erase_area.high || recipe->erase_aspect.low > recipe->erase_aspect.high)
        return weft_error_set(err, WEFT_ERROR_USAGE, "augmentation.erase: of area and aspect the lower comes first");
    if (!*recipe->architecture)
        return weft_error_set(err, WEFT_ERROR_USAGE, "architecture is missing");
    return 0;
}

static void print_quoted(FILE *out, const char *text, size_t size)
{
    putc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            putc('\\', out);
        putc(text[i], out);
    }
    putc('"', out);
}

/* As YAML has it: texts in quotes, lists in brackets. */
static void print_value(FILE *out, int type, const char *value)
{
    switch (type) {
    case TEXT: print_quoted(out, value, strlen(value)); break;
    case TEXTS:
        putc('[', out);
        for (size_t size; size = strcspn(value, ","), *value; value += size + (value[size] == ',')) {
            print_quoted(out, value, size);
            fputs(value[size] ? ", " : "", out);
        }
        putc(']', out);
        break;
    case INTERVAL: fprintf(out, "[%s]", value); break;
    default: fputs(value, out);
    }
    putc('\n', out);
}

char *weft_recipe_text(const struct weft_recipe *recipe)
{
    char *text = NULL, value[WEFT_RECIPE_TEXT_SIZE];
    size_t size;
    const char *last = "";
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        /* Groups that the key before stood in too are open already. */
        const char *part = keys[i].name;
        size_t depth = 0;
        bool open = true;
        for (const char *dot; (dot = strchr(part, '.')); part = dot + 1, depth++) {
            size_t path = (size_t)(dot + 1 - keys[i].name);
            open = open && strncmp(last, keys[i].name, path) == 0;
            if (!open)
                fprintf(out, "%*s%.*s:\n", (int)(2 * depth), "", (int)(dot - part), part);
        }
        value_text(recipe, &keys[i], value);
        fprintf(out, "%*s%s: ", (int)(2 * depth), "", part);
        print_value(out, keys[i].type, value);
        last = keys[i].name;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

const char *weft_recipe_difference(const struct weft_recipe *a, const struct weft_recipe *b, char *value_a,
                                   char *value_b)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].name, "data") == 0)
            continue;
        value_text(a, &keys[i], value_a);
        value_text(b, &keys[i], value_b);
        if (strcmp(value_a, value_b) != 0)
            return keys[i].name;
    }
    return NULL;
}
