#include "streams/bound.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A number without sign or blanks; *end is behind it. */
static bool read_number(const char *text, int64_t max, int64_t *number, const char **end)
{
    char *stop;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &stop, 10);
    *end = stop;
    return errno == 0 && *number <= max;
}

/* PARTITION:OFFSET of a list; *rest is behind it and its comma. */
static bool read_entry(const char *text, int64_t *partition, int64_t *offset, const char **rest)
{
    if (!read_number(text, INT32_MAX, partition, &text) || *text != ':' ||
        !read_number(text + 1, INT64_MAX, offset, &text) || (*text != ',' && *text != '\0') ||
        (*text == ',' && text[1] == '\0'))
        return false;
    *rest = *text ? text + 1 : text;
    return true;
}

static bool is_list(const char *text)
{
    int64_t partition, offset;
    while (*text)
        if (!read_entry(text, &partition, &offset, &text))
            return false;
    return true;
}

/* Behind the seconds: .5, .25, .125 */
static bool read_fraction(const char **text, int64_t *ms)
{
    *ms = 0;
    if (**text != '.')
        return true;
    int digits = 0;
    for (++*text; **text >= '0' && **text <= '9' && digits < 3; ++*text, digits++)
        *ms = 10 * *ms + (**text - '0');
    const bool any = digits > 0;
    for (; digits < 3; digits++)
        *ms *= 10;
    return any;
}

/* Z, +01:00 or nothing, up to the end. */
static bool read_zone(const char *text, int64_t *ahead_ms)
{
    int hours, minutes, used = 0;
    *ahead_ms = 0;
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    if ((*text != '+' && *text != '-') || strlen(text) != 6 ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5 || hours < 0 || hours > 14 ||
        minutes < 0 || minutes > 59)
        return false;
    *ahead_ms = (hours * 60 + minutes) * 60000 * (*text == '-' ? -1 : 1);
    return true;
}

/* Part of ISO 8601: a date, and perhaps a time of day with minutes, seconds and milliseconds, and a zone. */
static bool read_time(const char *text, int64_t *time_ms)
{
    struct tm tm = {0};
    int64_t fraction_ms = 0, ahead_ms = 0;
    const char *rest = strptime(text, "%Y-%m-%d", &tm);
    if (!rest || rest - text != 10)
        return false;
    if (*rest) {
        const char *minutes = rest + 1;
        if (*rest != 'T' && *rest != ' ')
            return false;
        rest = strptime(minutes, "%H:%M", &tm);
        if (!rest || rest - minutes != 5)
            return false;
        if (*rest == ':') {
            const char *seconds = rest + 1;
            rest = strptime(seconds, "%S", &tm);
            if (!rest || rest - seconds != 2 || !read_fraction(&rest, &fraction_ms))
                return false;
        }
        if (!read_zone(rest, &ahead_ms))
            return false;
    }
    const int day = tm.tm_mday;
    *time_ms = (int64_t)timegm(&tm) * 1000 + fraction_ms - ahead_ms;
    return tm.tm_mday == day; /* not 31 February */
}

int weft_bound_parse(const char *text, const char *option, struct weft_bound *bound, struct weft_error *err)
{
    const char *end;
    *bound = (struct weft_bound){0};
    if (snprintf(bound->text, sizeof bound->text, "%s", text) >= (int)sizeof bound->text)
        return weft_error_set(err, WEFT_ERROR_USAGE, "--%s is longer than %d bytes", option, WEFT_BOUND_SIZE - 1);
    if (strcmp(text, "beginning") == 0)
        bound->kind = WEFT_BOUND_BEGINNING;
    else if (strcmp(text, "end") == 0)
        bound->kind = WEFT_BOUND_END;
    else if (read_number(text, INT64_MAX, &bound->value, &end) && *end == '\0')
        bound->kind = WEFT_BOUND_OFFSET;
    else if (*text && is_list(text))
        bound->kind = WEFT_BOUND_LIST;
    else if (read_time(text, &bound->value))
        bound->kind = WEFT_BOUND_TIME;
    else
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "--%s is '%s': it must be beginning, end, an offset, PARTITION:OFFSET,... or a time such "
                              "as 2026-03-01T12:00:00Z",
                              option, text);
    return 0;
}

bool weft_bound_offset(const struct weft_bound *bound, int32_t partition, int64_t *offset)
{
    int64_t named;
    *offset = bound->value;
    if (bound->kind != WEFT_BOUND_LIST)
        return true;
    for (const char *rest = bound->text; read_entry(rest, &named, offset, &rest);)
        if (named == partition)
            return true;
    return false;
}

/* Where the bound lies in the partition, perhaps outside of what is there. */
static bool place(const struct weft_bound *bound, int32_t partition, const struct weft_bound_partition *live,
                  int64_t at, int64_t *offset)
{
    if (!weft_bound_offset(bound, partition, offset))
        return false;
    switch (bound->kind) {
    case WEFT_BOUND_BEGINNING: *offset = 0; break;
    case WEFT_BOUND_END: *offset = live->end; break;
    case WEFT_BOUND_TIME: *offset = at; break;
    case WEFT_BOUND_OFFSET:
    case WEFT_BOUND_LIST: break;
    }
    /* Those before the first record were older, or not: who deleted them would have to know. */
    if (bound->kind == WEFT_BOUND_TIME && *offset <= live->first)
        *offset = 0;
    return true;
}

bool weft_bound_range(const struct weft_bound *begin, const struct weft_bound *end, int32_t partition,
                      const struct weft_bound_partition *live, int64_t *from, int64_t *to, int64_t *deleted)
{
    if (!place(begin, partition, live, live->at_from, from) || !place(end, partition, live, live->at_to, to))
        return false;
    if (*to > live->end)
        *to = live->end;
    if (*from > *to)
        *from = *to;
    const int64_t there = *from < live->first ? live->first : *from;
    *deleted = (there < *to ? there : *to) - *from;
    *from = there;
    if (*to < there)
        *to = there;
    return true;
}
