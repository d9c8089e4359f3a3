/* weft's own settings of a processor, and the names that follow from them. */
#ifndef WEFT_STREAMS_PROCESSOR_SETTINGS_H
#define WEFT_STREAMS_PROCESSOR_SETTINGS_H

#include "base/settings.h"

extern const struct weft_setting weft_processor_settings[];

enum { WEFT_NAME_SIZE = 256 };

/* The topics and the group of a processor. */
struct weft_processor_names {
    char source[WEFT_NAME_SIZE], sink[WEFT_NAME_SIZE], dead_letters[WEFT_NAME_SIZE], group[WEFT_NAME_SIZE];
    char shadow[WEFT_NAME_SIZE]; /* topic of the shadow's results; "" where there is no shadow.model */
};

/* Reads them from the settings; the dead letters' topic is <source>.dead, the shadow's <sink>.shadow and the group
 * weft-<processor> where nobody says otherwise. WEFT_ERROR_CONFIG when one is missing or two topics are the same. */
int weft_processor_names(const struct weft_settings *settings, const char *processor,
                         struct weft_processor_names *names, struct weft_error *err);

/* The name of this instance: the setting, or else the host's name. */
int weft_processor_instance(const struct weft_settings *settings, char instance[WEFT_NAME_SIZE],
                            struct weft_error *err);

#endif
