/* What the commands on dead letters share: whose letters are meant, and which of them. */
#ifndef WEFT_CLI_DEADLETTERS_H
#define WEFT_CLI_DEADLETTERS_H

#include <stddef.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/declared.h"
#include "streams/letters.h"
#include "streams/processor_settings.h"
#include "topology/bridge_names.h"

/* The option that names a bridge instead of a processor. */
#define CLI_OPTION_BRIDGE                                                                                              \
    {                                                                                                                  \
        0, "bridge", "NAME", "those of this bridge of the topology file, instead of a processor's"                     \
    }

/* The options that pick letters. */
#define CLI_OPTIONS_LETTERS                                                                                            \
    {0, "class", "NAME", "only those with this class of error, such as corrupt"},                                      \
        {0, "processor", "NAME", "only those of this processor"},                                                      \
        {0, "from", "WHERE", "begin with this letter: an offset, PARTITION:OFFSET,... or a time"},                     \
        {0, "to", "WHERE", "end before this one"},                                                                     \
    {                                                                                                                  \
        0, "at", "PARTITION:OFFSET", "only this one; may be repeated"                                                  \
    }

enum { CLI_LETTERS_AT_MAX = 256 };

struct cli_letters {
    struct cli_declared *declared; /* the processor; NULL: a bridge is meant */
    struct weft_processor_names names;
    const struct weft_settings *settings;
    char topic[WEFT_BRIDGE_NAME_SIZE];
    struct weft_letters_filter filter; /* points into this struct */
    struct weft_bound from, to;
    struct weft_letter_place at[CLI_LETTERS_AT_MAX];
};

/* Reads topology, settings and options. To be cleared also after a failure. */
int cli_letters_read(struct cli *cli, struct cli_letters *letters, struct weft_error *err);
void cli_letters_clear(struct cli_letters *letters);

/* Passes the letters that are there now to see. */
int cli_letters_each(struct cli *cli, const struct cli_letters *letters, weft_letters_fn *see, void *arg,
                     struct weft_error *err);

/* "2026-11-21T15:30:00.123Z" into out; "-" for a time that is not known. Gives out. */
enum { CLI_TIME_SIZE = 40 };
const char *cli_time(char *out, int64_t time_ms);

/* Text of others as JSON; null where there is none. */
json_t *cli_text_json(struct weft_text text);

/* What a letter says of itself, as JSON. */
json_t *cli_letter_json(const struct weft_letter *letter);

#endif
