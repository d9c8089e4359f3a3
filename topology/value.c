#include "topology/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool weft_value_whole(const char *text, int64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)text[text[0] == '-']))
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return !*end && !errno;
}

static bool parse_duration(const char *text, int64_t *ms)
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
        if (!parse_duration(text, &number))
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
