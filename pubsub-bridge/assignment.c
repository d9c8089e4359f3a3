#include "pubsub-bridge/assignment.h"

#include <stdlib.h>

#include "pubsub-bridge/offsets.h"

struct partition {
    struct weft_offsets *offsets; /* NULL: another's */
    struct mark {
        int64_t offset;
        uint64_t passed; /* records before it */
    } asked, committed;  /* what was last to be committed, and what is known to be */
};

struct weft_assignment {
    const char *topic;
    unsigned number;
    struct partition *partitions; /* by their numbers */
    int count;
};

struct weft_assignment *weft_assignment_new(const char *topic)
{
    struct weft_assignment *assignment = calloc(1, sizeof *assignment);
    if (assignment)
        assignment->topic = topic;
    return assignment;
}

void weft_assignment_destroy(struct weft_assignment *assignment)
{
    if (!assignment)
        return;
    weft_assignment_end(assignment);
    free(assignment);
}

void weft_assignment_end(struct weft_assignment *assignment)
{
    for (int i = 0; i < assignment->count; i++)
        weft_offsets_destroy(assignment->partitions[i].offsets);
    free(assignment->partitions);
    assignment->partitions = NULL;
    assignment->count = 0;
    assignment->number++;
}

bool weft_assignment_begin(struct weft_assignment *assignment, const rd_kafka_topic_partition_list_t *list)
{
    int count = 0;
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition >= count)
            count = list->elems[i].partition + 1;
    weft_assignment_end(assignment);
    assignment->partitions = calloc((size_t)count + 1, sizeof *assignment->partitions);
    if (!assignment->partitions)
        return false;
    assignment->count = count;
    for (int i = 0; i < list->cnt; i++) {
        struct partition *partition = &assignment->partitions[list->elems[i].partition];
        partition->asked.offset = partition->committed.offset = -1;
        partition->offsets = weft_offsets_new();
        if (!partition->offsets) {
            weft_assignment_end(assignment);
            return false;
        }
    }
    return true;
}

unsigned weft_assignment_number(const struct weft_assignment *assignment)
{
    return assignment->number;
}

static struct weft_offsets *offsets_of(const struct weft_assignment *assignment, int32_t partition)
{
    return partition >= 0 && partition < assignment->count ? assignment->partitions[partition].offsets : NULL;
}

bool weft_assignment_read(struct weft_assignment *assignment, int32_t partition, int64_t offset, int64_t now_ms)
{
    struct weft_offsets *offsets = offsets_of(assignment, partition);
    return offsets && weft_offsets_read(offsets, offset, now_ms);
}

void weft_assignment_done(struct weft_assignment *assignment, unsigned number, int32_t partition, int64_t offset)
{
    struct weft_offsets *offsets = offsets_of(assignment, partition);
    if (offsets && number == assignment->number)
        weft_offsets_done(offsets, offset);
}

rd_kafka_topic_partition_list_t *weft_assignment_commit(struct weft_assignment *assignment)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(assignment->count);
    for (int i = 0; i < assignment->count; i++) {
        struct partition *partition = &assignment->partitions[i];
        int64_t next = partition->offsets ? weft_offsets_next(partition->offsets) : -1;
        if (next < 0 || next == partition->committed.offset)
            continue;
        rd_kafka_topic_partition_list_add(list, assignment->topic, i)->offset = next;
        partition->asked = (struct mark){next, weft_offsets_passed(partition->offsets)};
    }
    return list;
}

uint64_t weft_assignment_committed(struct weft_assignment *assignment, int32_t partition, int64_t offset)
{
    if (!offsets_of(assignment, partition) || assignment->partitions[partition].asked.offset != offset)
        return 0; /* of a former assignment */
    struct partition *committed = &assignment->partitions[partition];
    uint64_t passed = committed->asked.passed - committed->committed.passed;
    committed->committed = committed->asked;
    return passed;
}

int64_t weft_assignment_oldest_ms(const struct weft_assignment *assignment)
{
    int64_t oldest_ms = INT64_MAX;
    for (int i = 0; i < assignment->count; i++) {
        const struct weft_offsets *offsets = assignment->partitions[i].offsets;
        int64_t read_ms = offsets ? weft_offsets_oldest_ms(offsets) : INT64_MAX;
        oldest_ms = read_ms < oldest_ms ? read_ms : oldest_ms;
    }
    return oldest_ms;
}
