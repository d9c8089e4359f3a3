#include "streams/replay/ledger.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

static const struct weft_replay_ledger_terms terms = {
    .sink = "requests.replay.march",
    .dead_letters = "requests.replay.march.dead",
    .model = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .from = "2026-03-01",
    .to = "end",
};
static const struct weft_replay_ledger_partition partition = {
    .partition = 3, .from = 100, .to = 9000000000, .position = 250};

static int read_note(const char *note, struct weft_error *err)
{
    struct weft_replay_ledger_terms got = {0};
    struct weft_replay_ledger_partition at = {0};
    int count;
    return weft_replay_ledger_read_note(note, strlen(note), &got, &at, &count, err);
}

START_TEST(a_note_says_all_that_it_was_written_from)
{
    struct weft_error err = {0};
    char note[WEFT_REPLAY_LEDGER_NOTE_SIZE];
    struct weft_replay_ledger_terms got = {0};
    struct weft_replay_ledger_partition at = {0};
    int count = 0;
    ck_assert_msg(weft_replay_ledger_write_note(&terms, &partition, 12, note, &err) == 0, "%s", err.message);
    ck_assert_msg(weft_replay_ledger_read_note(note, strlen(note), &got, &at, &count, &err) == 0, "%s", err.message);
    ck_assert_int_eq(memcmp(&got, &terms, sizeof got), 0);
    ck_assert_int_eq(at.from, 100);
    ck_assert_int_eq(at.to, 9000000000);
    ck_assert_int_eq(count, 12);
}
END_TEST

START_TEST(the_longest_names_fit_what_a_broker_takes)
{
    struct weft_error err = {0};
    char note[WEFT_REPLAY_LEDGER_NOTE_SIZE];
    struct weft_replay_ledger_terms longest = terms;
    const struct weft_replay_ledger_partition last = {.from = INT64_MAX, .to = INT64_MAX};
    memset(longest.sink, 'x', sizeof longest.sink - 1);
    memset(longest.dead_letters, 'x', sizeof longest.dead_letters - 1);
    memset(longest.from, '1', sizeof longest.from - 1);
    memset(longest.to, '1', sizeof longest.to - 1);
    ck_assert_msg(weft_replay_ledger_write_note(&longest, &last, INT32_MAX, note, &err) == 0, "%s", err.message);
}
END_TEST

START_TEST(offsets_that_are_not_a_replays_are_refused)
{
    static const char *const wrong[] = {"", "null", "checkpoint 7", "{}", "{\"weft.replay\":1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error err = {0};
        ck_assert_int_eq(read_note(wrong[i], &err), -1);
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFLICT);
    }
}
END_TEST

START_TEST(a_note_that_contradicts_itself_is_refused)
{
    static const char form[] = "{\"weft.replay\":%d,\"partitions\":%d,\"begin\":%d,\"end\":%d,\"sink\":\"a\","
                               "\"dead.letters\":\"b\",\"model\":\"%s\",\"from\":\"0\",\"to\":\"end\"}";
    char note[1024], long_model[80];
    struct weft_error err = {0};
    snprintf(note, sizeof note, form, 1, 2, 5, 9, "c");
    ck_assert_msg(read_note(note, &err) == 0, "%s", err.message);
    snprintf(note, sizeof note, form, 1, 2, 9, 5, "c");
    ck_assert_int_eq(read_note(note, &err), -1);
    snprintf(note, sizeof note, form, 1, 0, 5, 9, "c");
    ck_assert_int_eq(read_note(note, &err), -1);
    memset(long_model, 'f', sizeof long_model - 1);
    long_model[sizeof long_model - 1] = '\0';
    snprintf(note, sizeof note, form, 1, 2, 5, 9, long_model);
    ck_assert_int_eq(read_note(note, &err), -1);
    snprintf(note, sizeof note, form, 2, 2, 5, 9, "c");
    ck_assert_int_eq(read_note(note, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "newer weft"));
}
END_TEST

START_TEST(only_positions_that_have_moved_are_committed_unless_all_are_wanted)
{
    struct weft_error err = {0};
    struct weft_replay_ledger_partition partitions[] = {{.partition = 0, .from = 0, .to = 9, .position = 4},
                                                        {.partition = 5, .from = 0, .to = 9, .position = 9}};
    const struct weft_replay_ledger ledger = {.terms = terms, .partitions = partitions, .count = 2};
    const int64_t next[] = {6, 9};
    rd_kafka_topic_partition_list_t *moved = weft_replay_ledger_offsets(&ledger, "requests", next, false, &err);
    ck_assert_int_eq(moved->cnt, 1);
    ck_assert_int_eq(moved->elems[0].partition, 0);
    ck_assert_int_eq(moved->elems[0].offset, 6);
    ck_assert_int_eq(read_note(moved->elems[0].metadata, &err), 0);
    rd_kafka_topic_partition_list_destroy(moved);
    rd_kafka_topic_partition_list_t *all = weft_replay_ledger_offsets(&ledger, "requests", next, true, &err);
    ck_assert_int_eq(all->cnt, 2);
    rd_kafka_topic_partition_list_destroy(all);
}
END_TEST

SUITE("replay_ledger", TEST(a_note_says_all_that_it_was_written_from), TEST(the_longest_names_fit_what_a_broker_takes),
      TEST(offsets_that_are_not_a_replays_are_refused), TEST(a_note_that_contradicts_itself_is_refused),
      TEST(only_positions_that_have_moved_are_committed_unless_all_are_wanted))
