/* The dead letters of a topic: who wants them, and which of them have been redriven already.
 *
 *     struct weft_letters *letters = weft_letters_open(&config, &err);
 *     weft_letters_each(letters, &filter, see, arg, &err); */
#ifndef WEFT_STREAMS_LETTERS_H
#define WEFT_STREAMS_LETTERS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/settings.h"
#include "streams/bound.h"
#include "streams/deadletter.h"

struct weft_letters;

struct weft_letter_place {
    int32_t partition;
    int64_t offset;
};

/* Which letters are meant; what is NULL lets all pass. */
struct weft_letters_filter {
    const char *error_class, *processor;
    const struct weft_bound *from, *to; /* places in the topic of dead letters */
    const struct weft_letter_place *at; /* single ones, at_count of them */
    size_t at_count;
};

struct weft_letters_config {
    const struct weft_settings *settings; /* borrowed, as all is */
    struct weft_log *log;
    const char *topic;
    const struct weft_letters_filter *filter;
    bool settled; /* wait until no transaction is open, so that no receipt is overlooked */
    bool (*stopped)(void *arg);
    void *arg;
};

/* One of them. */
struct weft_letter {
    const rd_kafka_message_t *message;
    const rd_kafka_headers_t *headers; /* NULL where it has none */
    struct weft_deadletter says;
    bool redriven;
};

/* Reads the topic's receipts. The topic's end is what it is now. */
struct weft_letters *weft_letters_open(const struct weft_letters_config *config, struct weft_error *err);
void weft_letters_close(struct weft_letters *letters); /* accepts NULL */

/* Passes the letters that the filter lets through to see, in the order of each partition; -1 of it ends that. */
typedef int weft_letters_fn(const struct weft_letter *letter, void *arg, struct weft_error *err);
int weft_letters_each(struct weft_letters *letters, weft_letters_fn *see, void *arg, struct weft_error *err);

/* Whether a letter is one that the filter means; places apart. */
bool weft_letters_match(const struct weft_letters_filter *filter, const struct weft_deadletter *says);

#endif
