/* Settings: named values from several places, checked strictly when they are set.
 *
 * In order of strength: -X name=value, environment (WEFT_BATCH_MAX is batch.max; a double underscore is one), -F FILE,
 * topology file, default. weft's own settings are typed and listed in tables; names that belong to another program (the
 * Kafka client) are checked by a dialect. An unknown name, a wrong type or a name set twice in one file is an error
 * that says where it stands and which known name is nearest.
 *
 * A secret need not stand where others look: @FILE stands for what is in the file, without line ends after it (@@ for
 * an @ that begins the secret itself). */
#ifndef WEFT_BASE_SETTINGS_H
#define WEFT_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum weft_setting_type {
    WEFT_SETTING_TEXT,
    WEFT_SETTING_BOOL,     /* true or false */
    WEFT_SETTING_INTEGER,  /* min..max */
    WEFT_SETTING_DURATION, /* milliseconds, or a number with ms, s, m, h or d; min..max in milliseconds */
    WEFT_SETTING_CHOICE,   /* one of choices, separated by | */
};

struct weft_setting {
    const char *name; /* NULL ends a table */
    enum weft_setting_type type;
    const char *value; /* the default; NULL: none */
    int64_t min, max;
    const char *choices;
    bool secret;
    const char *help;
};

/* Settings that another program defines. names has count entries; check gives 0, or -1 with a reason. */
struct weft_settings_dialect {
    const char *const *names;
    size_t count;
    const char *const *prefixes; /* may stand before a name ("consumer."), NULL-terminated */
    int (*check)(const char *name, const char *value, char *reason, size_t size);
    bool (*is_secret)(const char *name);
    const char *hint; /* where the names are described, for errors */
};

/* Strongest last. */
enum weft_settings_rank { WEFT_RANK_TOPOLOGY, WEFT_RANK_FILE, WEFT_RANK_ENVIRONMENT, WEFT_RANK_OPTION };

struct weft_settings;

/* tables is a NULL-terminated list; tables and dialect (may be NULL) are borrowed and must outlive the settings. */
struct weft_settings *weft_settings_new(const struct weft_setting *const *tables,
                                        const struct weft_settings_dialect *dialect, struct weft_error *err);
void weft_settings_destroy(struct weft_settings *settings); /* accepts NULL */

/* A copy, which can be set further on its own. */
struct weft_settings *weft_settings_copy(const struct weft_settings *settings, struct weft_error *err);

/* Sets name, unless a stronger place has set it. where is for errors ("predict.yaml:3"), copied. */
int weft_settings_set(struct weft_settings *settings, enum weft_settings_rank rank, const char *where, const char *name,
                      const char *value, struct weft_error *err);

/* "name=value" from -X. */
int weft_settings_set_option(struct weft_settings *settings, const char *assignment, struct weft_error *err);

/* All WEFT_* variables of environ-like entries, but those that Kubernetes makes of a service named weft. */
int weft_settings_set_environment(struct weft_settings *settings, char *const *entries, struct weft_error *err);

int weft_settings_set_file(struct weft_settings *settings, const char *path, struct weft_error *err);

/* Values of weft's own settings; the name must be in a table. Text is NULL where there is neither value nor default,
 * and is valid until the setting is set again. */
const char *weft_settings_text(const struct weft_settings *settings, const char *name);
int64_t weft_settings_integer(const struct weft_settings *settings, const char *name); /* durations in milliseconds */
bool weft_settings_bool(const struct weft_settings *settings, const char *name);

/* Where the value comes from ("-X", "WEFT_WORKERS", "weft.properties:3"), or NULL for the default. */
const char *weft_settings_where(const struct weft_settings *settings, const char *name);

/* Visits the dialect's settings that are set, in the order of their names. Stops at -1 and returns it. */
typedef int weft_settings_fn(const char *name, const char *value, const char *where, void *arg, struct weft_error *err);
int weft_settings_each(const struct weft_settings *settings, weft_settings_fn *each, void *arg, struct weft_error *err);

/* Visits all that hold, for people to look at: weft's own in the order of the tables, also those at their default
 * (where is NULL; value too, where there is none), then the dialect's that are set. Secrets are "(hidden)", as are
 * addresses that hold one. */
int weft_settings_show(const struct weft_settings *settings, weft_settings_fn *show, void *arg, struct weft_error *err);

#endif
