#include "pubsub-bridge/assignment.h"

#include "support/suite.h"

static struct weft_assignment *assignment_of(int first, int second)
{
    struct weft_assignment *assignment = weft_assignment_new("t");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_list_add(list, "t", first);
    rd_kafka_topic_partition_list_add(list, "t", second);
    ck_assert(weft_assignment_begin(assignment, list));
    rd_kafka_topic_partition_list_destroy(list);
    return assignment;
}

static void assert_to_commit(struct weft_assignment *assignment, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = weft_assignment_commit(assignment);
    ck_assert_int_eq(list->cnt, 1);
    ck_assert_str_eq(list->elems[0].topic, "t");
    ck_assert_int_eq(list->elems[0].partition, partition);
    ck_assert_int_eq(list->elems[0].offset, offset);
    rd_kafka_topic_partition_list_destroy(list);
}

static void assert_commits(struct weft_assignment *assignment, int32_t partition, int64_t offset, uint64_t records)
{
    assert_to_commit(assignment, partition, offset);
    ck_assert_uint_eq(weft_assignment_committed(assignment, partition, offset), records);
}

static void assert_commits_nothing(struct weft_assignment *assignment)
{
    rd_kafka_topic_partition_list_t *list = weft_assignment_commit(assignment);
    ck_assert_int_eq(list->cnt, 0);
    rd_kafka_topic_partition_list_destroy(list);
}

START_TEST(what_is_new_is_committed_once)
{
    struct weft_assignment *assignment = assignment_of(1, 3);
    const unsigned number = weft_assignment_number(assignment);
    assert_commits_nothing(assignment);
    for (int64_t offset = 10; offset < 13; offset++)
        ck_assert(weft_assignment_read(assignment, 3, offset, 0));
    weft_assignment_done(assignment, number, 3, 11);
    assert_commits(assignment, 3, 10, 0);
    weft_assignment_done(assignment, number, 3, 10);
    assert_commits(assignment, 3, 12, 2);
    assert_commits_nothing(assignment);
    weft_assignment_destroy(assignment);
}
END_TEST

START_TEST(what_is_not_known_to_be_committed_is_to_be_committed_again)
{
    struct weft_assignment *assignment = assignment_of(0, 1);
    const unsigned number = weft_assignment_number(assignment);
    for (int64_t offset = 5; offset < 8; offset++)
        ck_assert(weft_assignment_read(assignment, 1, offset, 0));
    weft_assignment_done(assignment, number, 1, 5);
    assert_to_commit(assignment, 1, 6);
    assert_to_commit(assignment, 1, 6);
    weft_assignment_done(assignment, number, 1, 6);
    assert_to_commit(assignment, 1, 7);
    ck_assert_uint_eq(weft_assignment_committed(assignment, 1, 6), 0);
    ck_assert_uint_eq(weft_assignment_committed(assignment, 0, 7), 0);
    ck_assert_uint_eq(weft_assignment_committed(assignment, 9, 7), 0);
    assert_commits(assignment, 1, 7, 2);
    ck_assert_uint_eq(weft_assignment_committed(assignment, 1, 7), 0);
    assert_commits_nothing(assignment);
    weft_assignment_destroy(assignment);
}
END_TEST

START_TEST(what_a_former_assignment_read_concerns_nobody)
{
    struct weft_assignment *assignment = assignment_of(0, 1);
    const unsigned former = weft_assignment_number(assignment);
    ck_assert(weft_assignment_read(assignment, 0, 5, 0));
    weft_assignment_end(assignment);
    assert_commits_nothing(assignment);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", 0);
    ck_assert(weft_assignment_begin(assignment, list));
    rd_kafka_topic_partition_list_destroy(list);
    ck_assert_uint_ne(weft_assignment_number(assignment), former);
    ck_assert(weft_assignment_read(assignment, 0, 5, 0));
    weft_assignment_done(assignment, former, 0, 5);
    assert_commits(assignment, 0, 5, 0);
    weft_assignment_destroy(assignment);
}
END_TEST

START_TEST(partitions_of_others_are_not_read)
{
    struct weft_assignment *assignment = assignment_of(0, 2);
    ck_assert(!weft_assignment_read(assignment, 1, 5, 0));
    ck_assert(!weft_assignment_read(assignment, 3, 5, 0));
    assert_commits_nothing(assignment);
    weft_assignment_destroy(assignment);
}
END_TEST

START_TEST(the_oldest_is_of_all_partitions)
{
    struct weft_assignment *assignment = assignment_of(0, 2);
    ck_assert_int_eq(weft_assignment_oldest_ms(assignment), INT64_MAX);
    ck_assert(weft_assignment_read(assignment, 2, 7, 100));
    ck_assert(weft_assignment_read(assignment, 0, 7, 200));
    ck_assert_int_eq(weft_assignment_oldest_ms(assignment), 100);
    weft_assignment_done(assignment, weft_assignment_number(assignment), 2, 7);
    ck_assert_int_eq(weft_assignment_oldest_ms(assignment), 200);
    weft_assignment_destroy(assignment);
}
END_TEST

SUITE("assignment", TEST(what_is_new_is_committed_once),
      TEST(what_is_not_known_to_be_committed_is_to_be_committed_again),
      TEST(what_a_former_assignment_read_concerns_nobody), TEST(partitions_of_others_are_not_read),
      TEST(the_oldest_is_of_all_partitions))
