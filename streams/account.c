#include "streams/account.h"

#include <stdlib.h>

/* What is known of one offset, in two bits. */
enum state { GAP, UNANSWERED, ANSWERED, ABORTED };

enum { STATES_PER_BYTE = 4, STATE_BITS = 2, STATE_MASK = 3 };

struct partition {
    struct weft_account_partition shown;
    uint8_t *states;   /* of each offset, from `opened` on */
    int64_t opened;    /* shown.from as it was at first */
    uint64_t answered; /* requests that have an answer */
};

struct offenders {
    struct weft_account_offender list[WEFT_ACCOUNT_OFFENDERS_MAX];
    size_t count;
};

struct weft_account {
    struct partition *partitions;
    int32_t count;
    bool compacted;
    uint64_t nowhere; /* answers to partitions that the source does not have */
    struct weft_account_counts total;
    struct offenders offenders[WEFT_ACCOUNT_FAULTS];
};

struct weft_account *weft_account_new(int32_t partitions, struct weft_error *err)
{
    struct weft_account *account = calloc(1, sizeof *account);
    if (account)
        account->partitions = calloc((size_t)partitions, sizeof *account->partitions);
    if (!account || !account->partitions) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        weft_account_destroy(account);
        return NULL;
    }
    account->count = partitions;
    return account;
}

void weft_account_destroy(struct weft_account *account)
{
    if (!account)
        return;
    for (int32_t p = 0; p < account->count; p++)
        free(account->partitions[p].states);
    free(account->partitions);
    free(account);
}

int weft_account_open(struct weft_account *account, int32_t partition, const struct weft_account_partition *range,
                      struct weft_error *err)
{
    struct partition *p = &account->partitions[partition];
    p->shown = *range;
    p->opened = range->from;
    p->states = calloc((size_t)(range->to - range->from) / STATES_PER_BYTE + 1, 1);
    if (p->states)
        return 0;
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory for %lld offsets of partition %d",
                          (long long)(range->to - range->from), (int)partition);
}

static bool in_range(const struct partition *p, int64_t offset)
{
    return offset >= p->shown.from && offset < p->shown.to;
}

static unsigned shift_of(const struct partition *p, int64_t offset)
{
    return (unsigned)((offset - p->opened) % STATES_PER_BYTE * STATE_BITS);
}

static uint8_t *byte_of(const struct partition *p, int64_t offset)
{
    return &p->states[(offset - p->opened) / STATES_PER_BYTE];
}

static enum state get_state(const struct partition *p, int64_t offset)
{
    return *byte_of(p, offset) >> shift_of(p, offset) & STATE_MASK;
}

static void set_state(struct partition *p, int64_t offset, enum state state)
{
    uint8_t *byte = byte_of(p, offset);
    unsigned shift = shift_of(p, offset);
    *byte = (uint8_t)((*byte & ~((unsigned)STATE_MASK << shift)) | (unsigned)state << shift);
}

void weft_account_request(struct weft_account *account, int32_t partition, int64_t offset)
{
    struct partition *p = &account->partitions[partition];
    if (!in_range(p, offset) || get_state(p, offset) != GAP)
        return;
    set_state(p, offset, UNANSWERED);
    p->shown.counts.requests++;
}

void weft_account_aborted(struct weft_account *account, int32_t partition, int64_t offset)
{
    struct partition *p = &account->partitions[partition];
    if (!in_range(p, offset) || get_state(p, offset) != GAP)
        return;
    set_state(p, offset, ABORTED);
    p->shown.counts.aborted++;
}

void weft_account_expire(struct weft_account *account, int32_t partition, int64_t start)
{
    struct partition *p = &account->partitions[partition];
    if (start > p->shown.start)
        p->shown.start = start;
    for (; p->shown.from < start && p->shown.from < p->shown.to; p->shown.from++)
        if (get_state(p, p->shown.from) != GAP)
            p->shown.counts.requests--;
}

void weft_account_extend(struct weft_account *account, int32_t partition, int64_t end)
{
    account->partitions[partition].shown.end = end;
}

void weft_account_compacted(struct weft_account *account)
{
    account->compacted = true;
}

bool weft_account_gaps(const struct weft_account *account, int32_t partition, int64_t *first, int64_t *last)
{
    const struct partition *p = &account->partitions[partition];
    if (p->shown.counts.requests == (uint64_t)(p->shown.to - p->shown.from))
        return false;
    for (*first = p->shown.from; get_state(p, *first) != GAP;)
        ++*first;
    for (*last = p->shown.to - 1; get_state(p, *last) != GAP;)
        --*last;
    return true;
}

static void add_offender(struct weft_account *account, enum weft_account_fault fault, int32_t partition, int64_t offset,
                         const struct weft_answer_place *answer)
{
    struct offenders *offenders = &account->offenders[fault];
    if (offenders->count < WEFT_ACCOUNT_OFFENDERS_MAX)
        offenders->list[offenders->count++] =
            (struct weft_account_offender){.partition = partition, .offset = offset, .answer = *answer};
}

static void answer_in_range(struct weft_account *account, int32_t partition, int64_t offset,
                            const struct weft_answer_place *answer)
{
    struct partition *p = &account->partitions[partition];
    const enum state state = get_state(p, offset);
    if (state == GAP && account->compacted) {
        set_state(p, offset, ANSWERED);
        p->shown.counts.compacted++;
        return;
    }
    if (state == GAP || state == ABORTED) {
        p->shown.counts.unexpected++;
        add_offender(account, WEFT_ACCOUNT_UNEXPECTED, partition, offset, answer);
        return;
    }
    if (state == ANSWERED) {
        p->shown.counts.duplicated++;
        add_offender(account, WEFT_ACCOUNT_DUPLICATED, partition, offset, answer);
    } else {
        set_state(p, offset, ANSWERED);
        p->answered++;
    }
    if (answer->kind == WEFT_ANSWER_RESULT)
        p->shown.counts.results++;
    else
        p->shown.counts.dead_letters++;
}

void weft_account_answer(struct weft_account *account, int32_t partition, int64_t offset,
                         const struct weft_answer_place *answer, bool late)
{
    if (partition < 0 || partition >= account->count) {
        account->nowhere++;
        add_offender(account, WEFT_ACCOUNT_UNEXPECTED, partition, offset, answer);
        return;
    }
    struct partition *p = &account->partitions[partition];
    if (in_range(p, offset)) {
        answer_in_range(account, partition, offset, answer);
    } else if (offset < 0 || (offset >= p->shown.end && !late)) {
        p->shown.counts.unexpected++;
        add_offender(account, WEFT_ACCOUNT_UNEXPECTED, partition, offset, answer);
    } else if (offset < p->shown.start) {
        p->shown.counts.expired++;
    }
}

uint64_t weft_account_missing(const struct weft_account *account)
{
    uint64_t missing = 0;
    for (int32_t i = 0; i < account->count; i++)
        missing += account->partitions[i].shown.counts.requests - account->partitions[i].answered;
    return missing;
}

static void find_missing(struct weft_account *account, int32_t partition)
{
    static const struct weft_answer_place none = {0};
    const struct partition *p = &account->partitions[partition];
    uint64_t left = p->shown.counts.missing;
    for (int64_t offset = p->shown.from; left > 0 && offset < p->shown.to; offset++) {
        if (get_state(p, offset) != UNANSWERED)
            continue;
        add_offender(account, WEFT_ACCOUNT_MISSING, partition, offset, &none);
        left--;
    }
}

static void add_counts(struct weft_account_counts *total, const struct weft_account_counts *counts)
{
    total->requests += counts->requests;
    total->results += counts->results;
    total->dead_letters += counts->dead_letters;
    total->missing += counts->missing;
    total->duplicated += counts->duplicated;
    total->unexpected += counts->unexpected;
    total->aborted += counts->aborted;
    total->unseen += counts->unseen;
    total->expired += counts->expired;
    total->compacted += counts->compacted;
    total->unread += counts->unread;
}

void weft_account_close(struct weft_account *account)
{
    account->total = (struct weft_account_counts){.unexpected = account->nowhere};
    for (int32_t i = 0; i < account->count; i++) {
        struct partition *p = &account->partitions[i];
        struct weft_account_counts *counts = &p->shown.counts;
        counts->missing = counts->requests - p->answered;
        counts->unseen = (uint64_t)(p->shown.to - p->shown.from) - counts->requests - counts->aborted;
        find_missing(account, i);
        add_counts(&account->total, counts);
    }
}

int32_t weft_account_partitions(const struct weft_account *account)
{
    return account->count;
}

const struct weft_account_partition *weft_account_partition(const struct weft_account *account, int32_t partition)
{
    return &account->partitions[partition].shown;
}

const struct weft_account_counts *weft_account_total(const struct weft_account *account)
{
    return &account->total;
}

const struct weft_account_offender *weft_account_offenders(const struct weft_account *account,
                                                           enum weft_account_fault fault, size_t *count)
{
    *count = account->offenders[fault].count;
    return account->offenders[fault].list;
}

bool weft_account_balances(const struct weft_account *account)
{
    const struct weft_account_counts *total = &account->total;
    return total->missing == 0 && total->duplicated == 0 && total->unexpected == 0;
}
