/* The ledger: which messages of a subscription have been written to Kafka, so that one that is delivered again is
 * recognised. Pure: what is in the ledger's topic goes through weft_ledger_entry and weft_ledger_read.
 *
 * Each transaction writes one entry with the ids of its messages under one of a fixed number of keys, taken in turn: a
 * compacted topic keeps the last entry of each. So the ledger remembers the last WEFT_LEDGER_ENTRIES transactions, up
 * to WEFT_LEDGER_MESSAGES messages, however long ago that was; at a low rate a transaction is of one message. What a
 * bridge that died had written and not acknowledged is among them, as it holds no more messages than that under lease
 * (outstanding.messages). */
#ifndef WEFT_BRIDGE_LEDGER_H
#define WEFT_BRIDGE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { WEFT_LEDGER_ENTRIES = 20000, WEFT_LEDGER_MESSAGES = 1000000, WEFT_LEDGER_BATCH_MAX = 5000 };

struct weft_ledger;

struct weft_ledger *weft_ledger_new(void);            /* empty; NULL when memory is short */
void weft_ledger_destroy(struct weft_ledger *ledger); /* accepts NULL */

/* Whether the message of this identity (its id, and what tells it from others of that id) is among those remembered. */
bool weft_ledger_holds(const struct weft_ledger *ledger, const char *identity);

/* An entry of the ledger's topic. */
struct weft_ledger_entry {
    uint8_t key[4];
    uint8_t *value; /* malloc'ed; the caller frees it */
    size_t size;
};

/* The next entry, with these ids; up to WEFT_LEDGER_BATCH_MAX. To be told to the ledger only when it is written for
 * good: see weft_ledger_written. False when memory is short. */
bool weft_ledger_entry(const struct weft_ledger *ledger, const char *const *identities, size_t count,
                       struct weft_ledger_entry *entry);

/* The entry has been written: its ids are remembered, the oldest forgotten where there are too many, and the next goes
 * under another key. */
void weft_ledger_written(struct weft_ledger *ledger, const struct weft_ledger_entry *entry);

/* An entry read back from the topic, in the topic's order. WEFT_ERROR_CORRUPT when it is none. */
int weft_ledger_read(struct weft_ledger *ledger, const void *value, size_t size, struct weft_error *err);

#endif
