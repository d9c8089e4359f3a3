#include "topology/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEFT_PUBSUB_NAME_MIN = 3, WEFT_PUBSUB_NAME_MAX = 255 };

bool weft_value_whole(const char *text, int64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)text[text[0] == '-']))
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return !*end && !errno;
}

bool weft_value_duration(const char *text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char digits[24];
    size_t length = strspn(text, "0123456789");
    if (weft_value_whole(text, ms))
        return true;
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + length, units[i].name) == 0)
            return weft_value_whole(digits, ms) && !__builtin_mul_overflow(*ms, units[i].ms, ms);
    return false;
}

void weft_value_show_duration(int64_t seconds, char text[WEFT_DURATION_SIZE])
{
    static const struct {
        char name;
        int64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    snprintf(text, WEFT_DURATION_SIZE, "%" PRId64 "%c", seconds / units[i].seconds, units[i].name);
}

char *weft_value_for_kafka(enum weft_value_kind kind, const char *text, const char **wanted)
{
    int64_t number = 0;
    char *end, *value = NULL;
    *wanted = "a value; leave it out for the default";
    switch (kind) {
    case WEFT_VALUE_TEXT: return text[0] ? strdup(text) : NULL;
    case WEFT_VALUE_BOOL:
        *wanted = "true or false";
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? strdup(text) : NULL;
    case WEFT_VALUE_RATIO:
        *wanted = "a number from 0 to 1";
        return isdigit((unsigned char)text[0]) && strtod(text, &end) <= 1 && !*end ? strdup(text) : NULL;
    case WEFT_VALUE_NUMBER:
        *wanted = "a whole number";
        if (!weft_value_whole(text, &number))
            return NULL;
        break;
    case WEFT_VALUE_DURATION:
        *wanted = "milliseconds, or a duration such as 12h or 7d";
        if (!weft_value_duration(text, &number))
            return NULL;
        break;
    }
    return asprintf(&value, "%" PRId64, number) < 0 ? NULL : value;
}

bool weft_value_is_name(const char *name, char *why, size_t size)
{
    size_t length = strlen(name);
    const char *p = name;
    while (isalnum((unsigned char)*p) || (*p && strchr("._-", *p)))
        p++;
    if (length == 0)
        snprintf(why, size, "is empty");
    else if (length > WEFT_KAFKA_NAME_MAX)
        snprintf(why, size, "has %zu characters: Kafka allows %d", length, WEFT_KAFKA_NAME_MAX);
    else if (*p)
        snprintf(why, size, "'%s': Kafka allows letters, digits, '.', '_' and '-' in names", name);
    else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        snprintf(why, size, "cannot be '%s'", name);
    else
        return true;
    return false;
}

/* https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
bool weft_value_is_resource(const char *name, const char *kind, char *why, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+%";
    const size_t prefix = strlen("projects/"), length = strlen(kind);
    const char *slash = strncmp(name, "projects/", prefix) == 0 ? strchr(name + prefix, '/') : NULL;
    if (!slash || slash == name + prefix || strncmp(slash + 1, kind, length) != 0 || slash[length + 1] != '/') {
        snprintf(why, size, "is '%s': Pub/Sub's name for it is projects/PROJECT/%s/NAME", name, kind);
        return false;
    }
    const char *last = slash + length + 2;
    const size_t size_of_last = strlen(last);
    if (size_of_last >= WEFT_PUBSUB_NAME_MIN && size_of_last <= WEFT_PUBSUB_NAME_MAX && strchr(letters, last[0]) &&
        strspn(last, rest) == size_of_last && strncmp(last, "goog", 4) != 0)
        return true;
    snprintf(why, size,
             "ends in '%s': Pub/Sub allows %d to %d letters, digits and -_.~+%% there, a letter first and not goog",
             last, WEFT_PUBSUB_NAME_MIN, WEFT_PUBSUB_NAME_MAX);
    return false;
}
