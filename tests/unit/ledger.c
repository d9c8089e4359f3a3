#include "pubsub-bridge/ledger.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

/* Writes one entry with the ids first, ..., first + count - 1. */
static void write_ids(struct weft_ledger *ledger, unsigned first, size_t count, struct weft_ledger_entry *entry)
{
    static char text[WEFT_LEDGER_BATCH_MAX][24];
    static const char *ids[WEFT_LEDGER_BATCH_MAX];
    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], sizeof text[i], "%u", first + (unsigned)i);
        ids[i] = text[i];
    }
    ck_assert(weft_ledger_entry(ledger, ids, count, entry));
    weft_ledger_written(ledger, entry);
}

static void write_and_free(struct weft_ledger *ledger, unsigned first, size_t count)
{
    struct weft_ledger_entry entry;
    write_ids(ledger, first, count, &entry);
    free(entry.value);
}

static bool holds(const struct weft_ledger *ledger, unsigned id)
{
    char text[24];
    snprintf(text, sizeof text, "%u", id);
    return weft_ledger_holds(ledger, text);
}

START_TEST(what_was_written_is_recognised_and_nothing_else)
{
    struct weft_ledger *ledger = weft_ledger_new();
    ck_assert(!holds(ledger, 1));
    write_and_free(ledger, 1, 3);
    for (unsigned id = 1; id <= 3; id++)
        ck_assert(holds(ledger, id));
    ck_assert(!holds(ledger, 4));
    ck_assert(!weft_ledger_holds(ledger, ""));
    weft_ledger_destroy(ledger);
}
END_TEST

START_TEST(an_entry_not_written_is_not_remembered)
{
    struct weft_ledger *ledger = weft_ledger_new();
    struct weft_ledger_entry entry;
    const char *const ids[] = {"1"};
    ck_assert(weft_ledger_entry(ledger, ids, 1, &entry));
    ck_assert(!holds(ledger, 1));
    free(entry.value);
    weft_ledger_destroy(ledger);
}
END_TEST

START_TEST(a_successor_reads_what_was_written)
{
    struct weft_ledger *ledger = weft_ledger_new(), *successor = weft_ledger_new();
    struct weft_ledger_entry entries[3];
    for (unsigned i = 0; i < 3; i++) {
        write_ids(ledger, 100 * i, 50, &entries[i]);
        ck_assert_int_eq(weft_ledger_read(successor, entries[i].value, entries[i].size, NULL), 0);
    }
    ck_assert(holds(successor, 249));
    ck_assert(!holds(successor, 250));
    struct weft_ledger_entry next, same; /* and goes on where it ended */
    write_ids(ledger, 1000, 1, &next);
    write_ids(successor, 1000, 1, &same);
    ck_assert_mem_eq(next.key, same.key, sizeof next.key);
    ck_assert_mem_ne(next.key, entries[2].key, sizeof next.key);
    ck_assert_mem_eq(next.value, same.value, next.size);
    for (unsigned i = 0; i < 3; i++)
        free(entries[i].value);
    free(next.value);
    free(same.value);
    weft_ledger_destroy(ledger);
    weft_ledger_destroy(successor);
}
END_TEST

START_TEST(keys_come_round_after_the_stated_number_of_entries)
{
    struct weft_ledger *ledger = weft_ledger_new();
    struct weft_ledger_entry first, entry;
    write_ids(ledger, 0, 1, &first);
    for (unsigned i = 1; i < WEFT_LEDGER_ENTRIES; i++) {
        write_ids(ledger, i, 1, &entry);
        ck_assert_mem_ne(entry.key, first.key, sizeof entry.key);
        free(entry.value);
    }
    write_ids(ledger, WEFT_LEDGER_ENTRIES, 1, &entry);
    ck_assert_mem_eq(entry.key, first.key, sizeof entry.key);
    free(entry.value);
    free(first.value);
    weft_ledger_destroy(ledger);
}
END_TEST

START_TEST(the_oldest_are_forgotten_and_the_stated_number_is_kept)
{
    enum { BATCH = 5000, WRITTEN = WEFT_LEDGER_MESSAGES + 5 * BATCH };
    struct weft_ledger *ledger = weft_ledger_new();
    for (unsigned first = 0; first < WRITTEN; first += BATCH)
        write_and_free(ledger, first, BATCH);
    for (unsigned id = 0; id < WRITTEN; id += 7)
        ck_assert_int_eq(holds(ledger, id), id >= WRITTEN - WEFT_LEDGER_MESSAGES);
    weft_ledger_destroy(ledger);
}
END_TEST

START_TEST(what_is_no_entry_is_corrupt)
{
    struct weft_ledger *ledger = weft_ledger_new();
    const uint8_t bytes[26] = {1};
    for (size_t size = 0; size < sizeof bytes; size++) {
        struct weft_error err = {0};
        bool whole = size == 9 || size == 25;
        ck_assert_int_eq(weft_ledger_read(ledger, bytes, size, &err), whole ? 0 : -1);
        ck_assert_int_eq(err.class, whole ? WEFT_ERROR_NONE : WEFT_ERROR_CORRUPT);
    }
    const uint8_t newer[9] = {2};
    ck_assert_int_eq(weft_ledger_read(ledger, newer, sizeof newer, NULL), -1);
    weft_ledger_destroy(ledger);
}
END_TEST

SUITE("ledger", TEST(what_was_written_is_recognised_and_nothing_else), TEST(an_entry_not_written_is_not_remembered),
      TEST(a_successor_reads_what_was_written), TEST(keys_come_round_after_the_stated_number_of_entries),
      TEST(the_oldest_are_forgotten_and_the_stated_number_is_kept), TEST(what_is_no_entry_is_corrupt))
