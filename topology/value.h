/* Values of a topology file: from the text that people write to what Kafka takes. */
#ifndef WEFT_TOPOLOGY_VALUE_H
#define WEFT_TOPOLOGY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* See topology/topic_settings.h. */
enum weft_value_kind {
    WEFT_VALUE_TEXT,
    WEFT_VALUE_BOOL,
    WEFT_VALUE_NUMBER,
    WEFT_VALUE_RATIO,
    WEFT_VALUE_DURATION,
};

enum { WEFT_KAFKA_NAME_MAX = 249 };

/* Digits with or without a minus sign, and nothing else. */
bool weft_value_whole(const char *text, int64_t *number);

/* Milliseconds, or a whole number with ms, s, m, h or d. */
bool weft_value_duration(const char *text, int64_t *ms);

/* Seconds in the largest unit that leaves a whole number: "90s", "7d". */
enum { WEFT_DURATION_SIZE = 24 };
void weft_value_show_duration(int64_t seconds, char text[WEFT_DURATION_SIZE]);

/* A value of a topic setting in the form that Kafka takes, for the caller to free; NULL when it is none, with *wanted
 * saying what it must be, or without memory. */
char *weft_value_for_kafka(enum weft_value_kind kind, const char *text, const char **wanted);

/* Kafka's rule for names of topics. Writes to why, to be put behind what is named so, and gives false when it is not
 * kept. */
bool weft_value_is_name(const char *name, char *why, size_t size);

/* The same for Pub/Sub's projects/PROJECT/KIND/NAME, where kind is "topics" or "subscriptions". */
bool weft_value_is_resource(const char *name, const char *kind, char *why, size_t size);

#endif
