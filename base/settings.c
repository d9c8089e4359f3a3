#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/properties.h"
#include "base/text_file.h"

enum { NAME_MAX_SIZE = 128 };

static const char hidden[] = "(hidden)";

struct entry {
    char *name;
    char *value;
    char *where;
    int64_t number; /* parsed value of weft's own settings */
    enum weft_settings_rank rank;
    bool own;
};

struct weft_settings {
    const struct weft_setting *const *tables;
    const struct weft_settings_dialect *dialect;
    struct entry *entries; /* sorted by name */
    size_t count;
};

struct weft_settings *weft_settings_new(const struct weft_setting *const *tables,
                                        const struct weft_settings_dialect *dialect, struct weft_error *err)
{
    struct weft_settings *settings = calloc(1, sizeof *settings);
    if (!settings) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    settings->tables = tables;
    settings->dialect = dialect;
    return settings;
}

static void entry_clear(struct entry *entry)
{
    free(entry->name);
    free(entry->value);
    free(entry->where);
}

void weft_settings_destroy(struct weft_settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->count; i++)
        entry_clear(&settings->entries[i]);
    free(settings->entries);
    free(settings);
}

struct weft_settings *weft_settings_copy(const struct weft_settings *settings, struct weft_error *err)
{
    struct weft_settings *copy = weft_settings_new(settings->tables, settings->dialect, err);
    if (!copy)
        return NULL;
    copy->entries = calloc(settings->count + 1, sizeof *copy->entries);
    for (size_t i = 0; copy->entries && i < settings->count; i++) {
        struct entry *to = &copy->entries[copy->count++];
        *to = settings->entries[i];
        to->name = strdup(to->name);
        to->value = strdup(to->value);
        to->where = strdup(to->where);
        if (!to->name || !to->value || !to->where)
            break;
    }
    const struct entry *last = copy->count ? &copy->entries[copy->count - 1] : NULL;
    if (copy->count == settings->count && (!last || (last->name && last->value && last->where)))
        return copy;
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    weft_settings_destroy(copy);
    return NULL;
}

static const struct weft_setting *find_own(const struct weft_settings *settings, const char *name)
{
    for (size_t t = 0; settings->tables[t]; t++)
        for (const struct weft_setting *s = settings->tables[t]; s->name; s++)
            if (strcmp(s->name, name) == 0)
                return s;
    return NULL;
}

/* The name without the dialect's prefix, or NULL when the dialect does not know it. */
static const char *find_foreign(const struct weft_settings_dialect *dialect, const char *name)
{
    if (!dialect)
        return NULL;
    for (size_t p = 0; dialect->prefixes[p]; p++) {
        size_t length = strlen(dialect->prefixes[p]);
        if (strncmp(name, dialect->prefixes[p], length) == 0) {
            name += length;
            break;
        }
    }
    for (size_t i = 0; i < dialect->count; i++)
        if (strcmp(dialect->names[i], name) == 0)
            return name;
    return NULL;
}

/* Index of the entry, or where it would stand. */
static size_t find_entry(const struct weft_settings *settings, const char *name, bool *found)
{
    size_t low = 0, high = settings->count;
    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(settings->entries[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Levenshtein distance, for short names. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_SIZE + 1], n = strlen(b);
    if (n > NAME_MAX_SIZE)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = substituted < shorter ? substituted : shorter;
        }
    }
    return row[n];
}

static void consider(const char *known, const char *name, const char **best, size_t *best_distance)
{
    size_t d = distance(name, known);
    if (d < *best_distance) {
        *best_distance = d;
        *best = known;
    }
}

static int unknown_name(const struct weft_settings *settings, const char *where, const char *name,
                        struct weft_error *err)
{
    const char *best = NULL;
    /* A suggestion further away than a third of the name is no help. */
    size_t best_distance = strlen(name) / 3 + 2;
    for (size_t t = 0; settings->tables[t]; t++)
        for (const struct weft_setting *s = settings->tables[t]; s->name; s++)
            consider(s->name, name, &best, &best_distance);
    for (size_t i = 0; settings->dialect && i < settings->dialect->count; i++)
        consider(settings->dialect->names[i], name, &best, &best_distance);
    if (best)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: unknown setting %s: did you mean %s?", where, name, best);
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: unknown setting %s: see `weft help settings`%s%s", where, name,
                          settings->dialect ? " and " : "", settings->dialect ? settings->dialect->hint : "");
}

/* A whole number, with a unit of time when units is set. */
static bool parse_number(const char *text, bool units, int64_t *number)
{
    static const struct {
        const char *name;
        int64_t ms;
    } unit[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno)
        return false;
    for (size_t i = 0; i < (units ? sizeof unit / sizeof *unit : 1); i++)
        if (strcmp(end, unit[i].name) == 0)
            return !__builtin_mul_overflow((int64_t)value, unit[i].ms, number);
    return false;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = choices; length > 0 && p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (strncmp(p, value, length) == 0 && (p[length] == '|' || p[length] == '\0'))
            return true;
    return false;
}

static int parse_own(const struct weft_setting *setting, const char *where, const char *value, int64_t *number,
                     struct weft_error *err)
{
    const char *shown = setting->secret ? hidden : value;
    *number = 0;
    switch (setting->type) {
    case WEFT_SETTING_TEXT:
        if (value[0])
            return 0;
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is empty: give it a value or leave it out", where,
                              setting->name);
    case WEFT_SETTING_BOOL:
        *number = strcmp(value, "true") == 0;
        if (*number || strcmp(value, "false") == 0)
            return 0;
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is '%s': it must be true or false", where, setting->name,
                              shown);
    case WEFT_SETTING_CHOICE:
        if (is_choice(setting->choices, value))
            return 0;
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is '%s': it must be one of %s", where, setting->name,
                              shown, setting->choices);
    case WEFT_SETTING_INTEGER:
    case WEFT_SETTING_DURATION: break;
    }
    bool is_duration = setting->type == WEFT_SETTING_DURATION;
    if (!parse_number(value, is_duration, number))
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is '%s': it must be %s", where, setting->name, shown,
                              is_duration ? "a duration such as 100ms, 10s or 5m" : "a whole number");
    if (*number < setting->min || *number > setting->max)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is %s: it must be from %" PRId64 " to %" PRId64 "%s",
                              where, setting->name, shown, setting->min, setting->max, is_duration ? " ms" : "");
    return 0;
}

static int check_value(const struct weft_settings *settings, const char *where, const char *name, const char *value,
                       bool *own, int64_t *number, struct weft_error *err)
{
    const struct weft_setting *setting = find_own(settings, name);
    *own = setting != NULL;
    if (setting)
        return parse_own(setting, where, value, number, err);
    const char *foreign = find_foreign(settings->dialect, name);
    if (!foreign)
        return unknown_name(settings, where, name, err);
    char reason[512];
    if (settings->dialect->check(foreign, value, reason, sizeof reason) != 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s: %s", where, name, reason);
    return 0;
}

static bool is_secret(const struct weft_settings *settings, const char *name)
{
    const struct weft_setting *setting = find_own(settings, name);
    const char *foreign = setting ? NULL : find_foreign(settings->dialect, name);
    return setting ? setting->secret : foreign && settings->dialect->is_secret(foreign);
}

/* The value that a secret stands for; the caller frees it. */
static char *read_secret(const char *where, const char *name, const char *value, struct weft_error *err)
{
    char *secret;
    if (value[0] != '@' || value[1] == '@') {
        secret = strdup(value[0] == '@' ? value + 1 : value);
        if (!secret)
            weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return secret;
    }
    size_t size;
    secret = weft_text_file_read(value + 1, &size, err);
    if (!secret) {
        weft_error_prefix(err, "%s: %s", where, name);
        return NULL;
    }
    while (size > 0 && (secret[size - 1] == '\n' || secret[size - 1] == '\r'))
        secret[--size] = '\0';
    if (size > 0 && strlen(secret) == size)
        return secret;
    weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s: %s %s", where, name, value + 1,
                   size > 0 ? "holds a zero byte" : "is empty");
    free(secret);
    return NULL;
}

static int set_value(struct weft_settings *settings, enum weft_settings_rank rank, const char *where, const char *name,
                     const char *value, struct weft_error *err)
{
    struct entry entry = {.rank = rank};
    if (check_value(settings, where, name, value, &entry.own, &entry.number, err) != 0)
        return -1;
    bool found;
    size_t at = find_entry(settings, name, &found);
    if (found && settings->entries[at].rank > rank)
        return 0;
    entry.name = strdup(name);
    entry.value = strdup(value);
    entry.where = strdup(where);
    struct entry *grown = NULL;
    if (!found)
        grown = realloc(settings->entries, (settings->count + 1) * sizeof *grown);
    if (grown)
        settings->entries = grown;
    if (!entry.name || !entry.value || !entry.where || (!found && !grown)) {
        entry_clear(&entry);
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
    if (found) {
        entry_clear(&settings->entries[at]);
    } else {
        memmove(&settings->entries[at + 1], &settings->entries[at], (settings->count - at) * sizeof entry);
        settings->count++;
    }
    settings->entries[at] = entry;
    return 0;
}

int weft_settings_set(struct weft_settings *settings, enum weft_settings_rank rank, const char *where, const char *name,
                      const char *value, struct weft_error *err)
{
    if (strlen(name) > NAME_MAX_SIZE)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: the name of a setting is too long", where);
    if (!is_secret(settings, name))
        return set_value(settings, rank, where, name, value, err);
    char *secret = read_secret(where, name, value, err);
    int rc = secret ? set_value(settings, rank, where, name, secret, err) : -1;
    free(secret);
    return rc;
}

int weft_settings_set_option(struct weft_settings *settings, const char *assignment, struct weft_error *err)
{
    const char *equals = strchr(assignment, '=');
    size_t length = equals ? (size_t)(equals - assignment) : 0;
    char name[NAME_MAX_SIZE + 1];
    if (length == 0 || length >= sizeof name)
        return weft_error_set(err, WEFT_ERROR_USAGE, "-X takes name=value, as in -X bootstrap.servers=localhost:9092");
    memcpy(name, assignment, length);
    name[length] = '\0';
    return weft_settings_set(settings, WEFT_RANK_OPTION, "-X", name, equals + 1, err);
}

/* Kubernetes puts WEFT_SERVICE_HOST, WEFT_PORT, WEFT_PORT_80_TCP_ADDR and the like into every pod beside a service
 * named weft (or weft-something): not ours, and no reason to refuse the start. */
static bool is_service_link(const char *name)
{
    const char *p = strstr(name, "_SERVICE_HOST");
    if (!p)
        p = strstr(name, "_SERVICE_PORT");
    if (!p && (p = strstr(name, "_PORT")))
        return p[5] == '\0' || (p[5] == '_' && isdigit((unsigned char)p[6]));
    return p != NULL;
}

int weft_settings_set_environment(struct weft_settings *settings, char *const *entries, struct weft_error *err)
{
    static const char prefix[] = "WEFT_";
    for (; *entries; entries++) {
        const char *equals = strchr(*entries, '=');
        if (!equals || strncmp(*entries, prefix, sizeof prefix - 1) != 0)
            continue;
        char variable[NAME_MAX_SIZE + 8], name[NAME_MAX_SIZE + 8];
        size_t length = (size_t)(equals - *entries);
        if (length >= sizeof variable)
            continue;
        memcpy(variable, *entries, length);
        variable[length] = '\0';
        if (is_service_link(variable))
            continue;
        size_t n = 0;
        for (const char *p = variable + sizeof prefix - 1; *p; p++) {
            if (p[0] == '_' && p[1] == '_')
                name[n++] = *p++;
            else
                name[n++] = *p == '_' ? '.' : (char)tolower((unsigned char)*p);
        }
        name[n] = '\0';
        if (weft_settings_set(settings, WEFT_RANK_ENVIRONMENT, variable, name, equals + 1, err) != 0)
            return -1;
    }
    return 0;
}

struct file_reading {
    struct weft_settings *settings;
    const char *path;
};

static int set_property(const char *name, const char *value, int line, void *arg, struct weft_error *err)
{
    struct file_reading *reading = arg;
    char where[512];
    snprintf(where, sizeof where, "%s:%d", reading->path, line);
    bool found;
    size_t at = find_entry(reading->settings, name, &found);
    if (found && reading->settings->entries[at].rank == WEFT_RANK_FILE)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s is set twice, before at %s", where, name,
                              reading->settings->entries[at].where);
    return weft_settings_set(reading->settings, WEFT_RANK_FILE, where, name, value, err);
}

int weft_settings_set_file(struct weft_settings *settings, const char *path, struct weft_error *err)
{
    struct file_reading reading = {.settings = settings, .path = path};
    return weft_properties_read(path, set_property, &reading, err);
}

static const struct entry *find_set(const struct weft_settings *settings, const char *name)
{
    bool found;
    size_t at = find_entry(settings, name, &found);
    return found ? &settings->entries[at] : NULL;
}

const char *weft_settings_text(const struct weft_settings *settings, const char *name)
{
    const struct entry *entry = find_set(settings, name);
    if (entry)
        return entry->value;
    const struct weft_setting *setting = find_own(settings, name);
    return setting ? setting->value : NULL;
}

int64_t weft_settings_integer(const struct weft_settings *settings, const char *name)
{
    const struct entry *entry = find_set(settings, name);
    if (entry)
        return entry->number;
    const struct weft_setting *setting = find_own(settings, name);
    int64_t number = 0;
    if (setting && setting->value)
        parse_own(setting, "default", setting->value, &number, NULL);
    return number;
}

bool weft_settings_bool(const struct weft_settings *settings, const char *name)
{
    return weft_settings_integer(settings, name) != 0;
}

const char *weft_settings_where(const struct weft_settings *settings, const char *name)
{
    const struct entry *entry = find_set(settings, name);
    return entry ? entry->where : NULL;
}

int weft_settings_each(const struct weft_settings *settings, weft_settings_fn *each, void *arg, struct weft_error *err)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct entry *entry = &settings->entries[i];
        if (!entry->own && each(entry->name, entry->value, entry->where, arg, err) != 0)
            return -1;
    }
    return 0;
}

/* What may be seen of a value. An address may hold credentials: http://user:password@host. */
static const char *shown(const char *value, bool secret)
{
    const char *address = value ? strstr(value, "://") : NULL;
    return value && (secret || (address && strchr(address, '@'))) ? hidden : value;
}

int weft_settings_show(const struct weft_settings *settings, weft_settings_fn *show, void *arg, struct weft_error *err)
{
    for (size_t t = 0; settings->tables[t]; t++) {
        for (const struct weft_setting *s = settings->tables[t]; s->name; s++) {
            const char *value = weft_settings_text(settings, s->name);
            if (show(s->name, shown(value, s->secret), weft_settings_where(settings, s->name), arg, err) != 0)
                return -1;
        }
    }
    for (size_t i = 0; i < settings->count; i++) {
        const struct entry *e = &settings->entries[i];
        if (!e->own && show(e->name, shown(e->value, is_secret(settings, e->name)), e->where, arg, err) != 0)
            return -1;
    }
    return 0;
}
