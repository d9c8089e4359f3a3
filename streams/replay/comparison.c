#include "streams/replay/comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOPICS_MAX = 64,
    PARTITIONS_MAX = 1 << 17,
    CLASSES = WEFT_RESULT_CLASSES_MAX,
    MATCHED = 1 << 14, /* bit of a label */
    OUTSIDE = CLASSES, /* a truth that is no class */
    OFFSET_BITS = 48,
};

/* What is kept of the first side's answers. */
struct answer {
    uint64_t place;    /* offset, and below it 16 bits of the id's hash */
    float probability; /* of the label */
    uint16_t label;    /* and MATCHED */
    int16_t expected;  /* -1: not known */
};

/* The answers to the requests of one partition, in the order of their offsets once they are sealed. */
struct lane {
    struct answer *answers;
    size_t count, capacity;
};

struct source {
    char topic[WEFT_COMPARISON_TOPIC_SIZE];
    struct lane *lanes; /* by partition */
    size_t lane_count;
};

struct weft_comparison {
    struct source sources[TOPICS_MAX];
    size_t source_count;
    bool sealed;
    uint64_t results[2], duplicated[2], only_second, strangers, compared, agreed;
    uint64_t labelled, right[2], only_right[2];
    uint64_t *labels; /* (CLASSES, CLASSES); only the pages in use take memory */
    uint64_t *report_labels;
    size_t class_count;
    char *names[CLASSES];
    struct weft_change *changes; /* the largest first; room for one more than top */
    size_t change_count, top;
};

struct weft_comparison *weft_comparison_new(size_t top, struct weft_error *err)
{
    struct weft_comparison *c = calloc(1, sizeof *c);
    if (c) {
        c->top = top;
        c->labels = calloc((size_t)CLASSES * CLASSES, sizeof *c->labels);
        c->changes = calloc(top + 1, sizeof *c->changes);
    }
    if (c && c->labels && c->changes)
        return c;
    weft_comparison_destroy(c);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return NULL;
}

void weft_comparison_destroy(struct weft_comparison *c)
{
    if (!c)
        return;
    for (size_t s = 0; s < c->source_count; s++) {
        for (size_t p = 0; p < c->sources[s].lane_count; p++)
            free(c->sources[s].lanes[p].answers);
        free(c->sources[s].lanes);
    }
    for (size_t i = 0; i < CLASSES; i++)
        free(c->names[i]);
    free(c->labels);
    free(c->report_labels);
    free(c->changes);
    free(c);
}

static uint64_t place_of(const struct weft_result *result)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < result->id.size; i++)
        hash = (hash ^ (uint8_t)result->id.at[i]) * 16777619u;
    return (uint64_t)result->source_offset << 16 | ((hash ^ hash >> 16) & 0xffff);
}

static int check(const struct weft_result *result, struct weft_error *err)
{
    if (result->label < 0 || (size_t)result->label >= result->class_count || result->class_count > CLASSES)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the result's label is %d, and it has %zu probabilities",
                              (int)result->label, result->class_count);
    if (result->source_partition < 0 || result->source_partition >= PARTITIONS_MAX || result->source_offset < 0 ||
        result->source_offset >> OFFSET_BITS || result->source_topic.size >= WEFT_COMPARISON_TOPIC_SIZE)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the result names a source that cannot be");
    return 0;
}

static struct source *find_source(struct weft_comparison *c, const struct weft_text *topic)
{
    for (size_t s = 0; s < c->source_count; s++)
        if (strlen(c->sources[s].topic) == topic->size && memcmp(c->sources[s].topic, topic->at, topic->size) == 0)
            return &c->sources[s];
    return NULL;
}

/* The lane of the result's partition, made when it is missing. */
static struct lane *make_lane(struct weft_comparison *c, const struct weft_result *result, struct weft_error *err)
{
    const size_t needed = (size_t)result->source_partition + 1;
    struct source *source = find_source(c, &result->source_topic);
    if (!source && c->source_count == TOPICS_MAX) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "the results are of more than %d source topics", TOPICS_MAX);
        return NULL;
    }
    if (!source) {
        source = &c->sources[c->source_count++];
        memcpy(source->topic, result->source_topic.at, result->source_topic.size);
    }
    if (needed > source->lane_count) {
        struct lane *grown = realloc(source->lanes, needed * sizeof *grown);
        if (!grown) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
            return NULL;
        }
        memset(grown + source->lane_count, 0, (needed - source->lane_count) * sizeof *grown);
        source->lanes = grown;
        source->lane_count = needed;
    }
    return &source->lanes[result->source_partition];
}

static int16_t expected_of(const struct weft_result *result)
{
    if (!result->has_expected)
        return -1;
    return result->expected >= 0 && result->expected < CLASSES ? (int16_t)result->expected : OUTSIDE;
}

static int enter_first(struct weft_comparison *c, const struct weft_result *result, struct weft_error *err)
{
    struct lane *lane = make_lane(c, result, err);
    if (!lane)
        return -1;
    if (lane->count == lane->capacity) {
        const size_t capacity = lane->capacity ? lane->capacity + lane->capacity / 2 : 1024;
        struct answer *grown = realloc(lane->answers, capacity * sizeof *grown);
        if (!grown)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory for %zu results", capacity);
        lane->answers = grown;
        lane->capacity = capacity;
    }
    lane->answers[lane->count++] = (struct answer){
        .place = place_of(result),
        .probability = result->probabilities[result->label],
        .label = (uint16_t)result->label,
        .expected = expected_of(result),
    };
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct answer *left = a, *right = b;
    return (left->place > right->place) - (left->place < right->place);
}

/* Puts a lane in order, and keeps one answer to each request. Most lanes are in order already. */
static void seal_lane(struct weft_comparison *c, struct lane *lane)
{
    bool ordered = true;
    size_t kept = 0;
    for (size_t i = 1; i < lane->count && ordered; i++)
        ordered = lane->answers[i - 1].place < lane->answers[i].place;
    if (!ordered)
        qsort(lane->answers, lane->count, sizeof *lane->answers, by_place);
    for (size_t i = 0; i < lane->count; i++) {
        if (kept > 0 && lane->answers[kept - 1].place >> 16 == lane->answers[i].place >> 16)
            c->duplicated[WEFT_FIRST]++;
        else
            lane->answers[kept++] = lane->answers[i];
    }
    lane->count = kept;
}

static void seal(struct weft_comparison *c)
{
    for (size_t s = 0; s < c->source_count && !c->sealed; s++)
        for (size_t p = 0; p < c->sources[s].lane_count; p++)
            seal_lane(c, &c->sources[s].lanes[p]);
    c->sealed = true;
}

static struct answer *find_answer(struct weft_comparison *c, const struct weft_result *result, uint64_t place)
{
    const struct source *source = find_source(c, &result->source_topic);
    if (!source || (size_t)result->source_partition >= source->lane_count)
        return NULL;
    const struct lane *lane = &source->lanes[result->source_partition];
    size_t from = 0, to = lane->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (lane->answers[middle].place >> 16 < place >> 16)
            from = middle + 1;
        else
            to = middle;
    }
    return from < lane->count && lane->answers[from].place >> 16 == place >> 16 ? &lane->answers[from] : NULL;
}

/* The larger change first; among equals the earlier request. */
static bool precedes(const struct weft_change *a, const struct weft_change *b)
{
    const float left = fabsf(a->after - a->before), right = fabsf(b->after - b->before);
    if (left > right || left < right)
        return left > right;
    const int topics = strcmp(a->topic, b->topic);
    if (topics != 0)
        return topics < 0;
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

static void note_change(struct weft_comparison *c, const struct weft_change *change)
{
    size_t at = c->change_count;
    if (at == c->top && (at == 0 || !precedes(change, &c->changes[at - 1])))
        return;
    for (; at > 0 && precedes(change, &c->changes[at - 1]); at--)
        c->changes[at] = c->changes[at - 1];
    c->changes[at] = *change;
    if (c->change_count < c->top)
        c->change_count++;
}

static void judge(struct weft_comparison *c, int32_t first, int32_t second, int32_t expected)
{
    const bool right[2] = {first == expected, second == expected};
    c->labelled++;
    for (int side = 0; side < 2; side++) {
        c->right[side] += right[side];
        c->only_right[side] += right[side] && !right[!side];
    }
}

static void enter_second(struct weft_comparison *c, const struct weft_result *result)
{
    const uint64_t place = place_of(result);
    seal(c);
    struct answer *answer = find_answer(c, result, place);
    if (!answer) {
        c->only_second++;
        return;
    }
    if (answer->label & MATCHED) {
        c->duplicated[WEFT_SECOND]++;
        return;
    }
    const int32_t first = answer->label, second = result->label;
    const int32_t expected = answer->expected >= 0 ? answer->expected : expected_of(result);
    answer->label |= MATCHED;
    if (answer->place != place) {
        c->strangers++;
        return;
    }
    c->compared++;
    c->agreed += first == second;
    c->labels[(size_t)first * CLASSES + (size_t)second]++;
    if (expected >= 0)
        judge(c, first, second, expected);
    if (first == second && answer->probability == result->probabilities[second])
        return;
    struct weft_change change = {
        .partition = result->source_partition,
        .offset = result->source_offset,
        .label = {first, second},
        .expected = expected,
        .before = answer->probability,
        .after = (size_t)first < result->class_count ? result->probabilities[first] : 0,
        .answer = result->probabilities[second],
    };
    memcpy(change.topic, result->source_topic.at, result->source_topic.size);
    note_change(c, &change);
}

static int note_class(struct weft_comparison *c, const struct weft_result *result, struct weft_error *err)
{
    char **name = &c->names[result->label];
    if ((size_t)result->label >= c->class_count)
        c->class_count = (size_t)result->label + 1;
    if (*name)
        return 0;
    const size_t size = result->class_name.size;
    *name = strndup(result->class_name.at ? result->class_name.at : "",
                    size < WEFT_COMPARISON_CLASS_SIZE ? size : WEFT_COMPARISON_CLASS_SIZE - 1);
    return *name ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

int weft_comparison_enter(struct weft_comparison *c, enum weft_side side, const struct weft_result *result,
                          struct weft_error *err)
{
    if (check(result, err) != 0 || note_class(c, result, err) != 0)
        return -1;
    if (side == WEFT_FIRST && enter_first(c, result, err) != 0)
        return -1;
    if (side == WEFT_SECOND)
        enter_second(c, result);
    c->results[side]++;
    return 0;
}

static uint64_t count_unmatched(const struct weft_comparison *c)
{
    uint64_t count = 0;
    for (size_t s = 0; s < c->source_count; s++)
        for (size_t p = 0; p < c->sources[s].lane_count; p++)
            for (size_t i = 0; i < c->sources[s].lanes[p].count; i++)
                count += !(c->sources[s].lanes[p].answers[i].label & MATCHED);
    return count;
}

/* A class that nobody has answered with has no name. */
static int name_classes(struct weft_comparison *c)
{
    for (size_t i = 0; i < c->class_count; i++) {
        char name[16];
        if (c->names[i] && c->names[i][0])
            continue;
        snprintf(name, sizeof name, "%zu", i);
        free(c->names[i]);
        c->names[i] = strdup(name);
        if (!c->names[i])
            return -1;
    }
    return 0;
}

int weft_comparison_report(struct weft_comparison *c, struct weft_comparison_report *report, struct weft_error *err)
{
    const size_t n = c->class_count;
    seal(c);
    free(c->report_labels);
    c->report_labels = calloc(n * n + 1, sizeof *c->report_labels);
    if (!c->report_labels || name_classes(c) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n; i++)
        memcpy(c->report_labels + i * n, c->labels + i * CLASSES, n * sizeof *c->report_labels);
    *report = (struct weft_comparison_report){
        .results = {c->results[WEFT_FIRST], c->results[WEFT_SECOND]},
        .duplicated = {c->duplicated[WEFT_FIRST], c->duplicated[WEFT_SECOND]},
        .only = {count_unmatched(c), c->only_second},
        .strangers = c->strangers,
        .compared = c->compared,
        .agreed = c->agreed,
        .class_count = n,
        .labels = c->report_labels,
        .classes = (const char *const *)c->names,
        .labelled = c->labelled,
        .right = {c->right[WEFT_FIRST], c->right[WEFT_SECOND]},
        .only_right = {c->only_right[WEFT_FIRST], c->only_right[WEFT_SECOND]},
        .mcnemar = weft_mcnemar(c->only_right[WEFT_FIRST], c->only_right[WEFT_SECOND]),
        .changes = c->changes,
        .change_count = c->change_count,
    };
    return 0;
}
