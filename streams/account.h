/* The account of a range of requests: which were there, and how often each was answered. Knows no Kafka.
 *
 * Requests are entered first, answers after them, so that two bits an offset are enough: ten million offsets take
 * 2.5 MB. */
#ifndef WEFT_STREAMS_ACCOUNT_H
#define WEFT_STREAMS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum weft_answer_kind { WEFT_ANSWER_RESULT, WEFT_ANSWER_DEAD_LETTER };

/* A record that says which request it answers. */
struct weft_answer_place {
    enum weft_answer_kind kind;
    int32_t partition; /* of the sink, or of the dead letters */
    int64_t offset;
};

enum weft_account_fault {
    WEFT_ACCOUNT_MISSING,    /* a request without an answer */
    WEFT_ACCOUNT_DUPLICATED, /* an answer to a request that has one already */
    WEFT_ACCOUNT_UNEXPECTED, /* an answer to an offset where there is no request */
    WEFT_ACCOUNT_FAULTS,
};

enum { WEFT_ACCOUNT_OFFENDERS_MAX = 10 }; /* kept of each fault */

struct weft_account_offender {
    int32_t partition; /* of the request */
    int64_t offset;
    struct weft_answer_place answer; /* the answer that is too many; of no meaning for what is missing */
};

struct weft_account_counts {
    uint64_t requests, results, dead_letters; /* in the range */
    uint64_t missing, duplicated, unexpected;
    /* Offsets of the range that hold no request and need none. */
    uint64_t aborted;   /* a record of an aborted transaction */
    uint64_t unseen;    /* nothing that a client can see: a transaction's marker, or a record that compaction took */
    uint64_t expired;   /* answers to requests that retention has taken since */
    uint64_t compacted; /* the same of compaction */
    uint64_t unread;    /* offsets that retention took before the group had read them */
};

struct weft_account_partition {
    int64_t start;    /* the source's first offset */
    int64_t from, to; /* what is accounted for: [from, to) */
    int64_t end;      /* behind the source's last record */
    struct weft_account_counts counts;
};

struct weft_account;

struct weft_account *weft_account_new(int32_t partitions, struct weft_error *err);
void weft_account_destroy(struct weft_account *account); /* accepts NULL */

/* Sets start, from, to and end of a partition, start <= from <= to <= end, before anything is entered. */
int weft_account_open(struct weft_account *account, int32_t partition, const struct weft_account_partition *range,
                      struct weft_error *err);

/* A request that a committed reader sees. */
void weft_account_request(struct weft_account *account, int32_t partition, int64_t offset);
/* After the requests: a record that only an uncommitted reader sees; requests themselves may be named, too. */
void weft_account_aborted(struct weft_account *account, int32_t partition, int64_t offset);
/* After the requests, before what was aborted: retention has moved the source's beginning meanwhile. */
void weft_account_expire(struct weft_account *account, int32_t partition, int64_t start);
/* Before the answers: compaction takes records out of the source, so that one may have stood where nothing is now.
 * Whether it did, or a transaction's marker, nobody can tell any more. */
void weft_account_compacted(struct weft_account *account);
/* Before the answers: where the source ends now. Whoever answers more than there was then is not believed. */
void weft_account_extend(struct weft_account *account, int32_t partition, int64_t end);

/* The first and the last offset of the partition's range that hold no request; false when there is none. */
bool weft_account_gaps(const struct weft_account *account, int32_t partition, int64_t *first, int64_t *last);

/* An answer to the request at partition and offset. late: written after weft_account_extend was called, so that it may
 * answer what has come since. */
void weft_account_answer(struct weft_account *account, int32_t partition, int64_t offset,
                         const struct weft_answer_place *answer, bool late);

/* Requests not answered yet; cheap. */
uint64_t weft_account_missing(const struct weft_account *account);

/* Settles the counts, and finds the first that are missing. */
void weft_account_close(struct weft_account *account);

/* After the close. */
int32_t weft_account_partitions(const struct weft_account *account);
const struct weft_account_partition *weft_account_partition(const struct weft_account *account, int32_t partition);
const struct weft_account_counts *weft_account_total(const struct weft_account *account);
/* The first offenders of a fault; *count of them. */
const struct weft_account_offender *weft_account_offenders(const struct weft_account *account,
                                                           enum weft_account_fault fault, size_t *count);

/* Whether nothing is missing, duplicated or unexpected. */
bool weft_account_balances(const struct weft_account *account);

#endif
