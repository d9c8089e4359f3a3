#include "streams/scorer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/result.h"
#include "streams/canary.h"

enum {
    CHUNK = 32,        /* images in one run of the network: more gains nothing and leaves the cache */
    RESULT_SIZE = 256, /* what a result usually needs at most */
};

/* A request at work. The output may move while it grows, so until the end of a call only places in it are kept. */
struct item {
    struct weft_request request;
    size_t output_at, shadow_at;
};

enum { MAIN, CANARY, SHADOW, LANES };

/* A network, and the requests that wait for its next run. */
struct lane {
    const struct weft_network *network; /* NULL: the lane is closed */
    struct weft_workspace *workspace;
    float *probabilities; /* (CHUNK, class_count) */
    size_t chunk[CHUNK];  /* indices of requests */
    size_t waiting;
};

struct weft_scorer {
    struct weft_scorer_config config;
    struct lane lanes[LANES];
    struct item *items;
    size_t item_capacity;
    uint8_t *output; /* results and reasons of one call, one behind the other */
    size_t output_size, output_capacity;
    int64_t network_ns; /* of one call */
};

static void close_lane(struct lane *lane)
{
    weft_workspace_destroy(lane->workspace);
    free(lane->probabilities);
    *lane = (struct lane){0};
}

static int open_lane(struct lane *lane, const struct weft_network *network, struct weft_error *err)
{
    *lane = (struct lane){.network = network};
    if (!network)
        return 0;
    lane->workspace = weft_workspace_new(network, CHUNK, err);
    lane->probabilities = calloc(CHUNK * weft_network_info(network)->class_count, sizeof(float));
    if (lane->workspace && lane->probabilities)
        return 0;
    close_lane(lane);
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

struct weft_scorer *weft_scorer_new(const struct weft_scorer_config *config, struct weft_error *err)
{
    struct weft_scorer *scorer = calloc(1, sizeof *scorer);
    if (!scorer) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    scorer->config = *config;
    if (weft_scorer_replace(scorer, config->network, config->canary, config->shadow, err) != 0) {
        weft_scorer_destroy(scorer);
        return NULL;
    }
    return scorer;
}

void weft_scorer_destroy(struct weft_scorer *scorer)
{
    if (!scorer)
        return;
    for (int i = 0; i < LANES; i++)
        close_lane(&scorer->lanes[i]);
    free(scorer->items);
    free(scorer->output);
    free(scorer);
}

int weft_scorer_replace(struct weft_scorer *scorer, const struct weft_network *network,
                        const struct weft_network *canary, const struct weft_network *shadow, struct weft_error *err)
{
    const struct weft_network *networks[LANES] = {[MAIN] = network, [CANARY] = canary, [SHADOW] = shadow};
    struct lane lanes[LANES] = {0};
    for (int i = 0; i < LANES; i++) {
        if (open_lane(&lanes[i], networks[i], err) == 0)
            continue;
        while (i-- > 0)
            close_lane(&lanes[i]);
        return -1;
    }
    for (int i = 0; i < LANES; i++) {
        close_lane(&scorer->lanes[i]);
        scorer->lanes[i] = lanes[i];
    }
    return 0;
}

/* Makes room for size more bytes of output. */
static int reserve(struct weft_scorer *scorer, size_t size, struct weft_error *err)
{
    size_t needed = scorer->output_size + size;
    if (needed <= scorer->output_capacity)
        return 0;
    size_t capacity = needed + needed / 2 + 4096;
    uint8_t *grown = realloc(scorer->output, capacity);
    if (!grown)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    scorer->output = grown;
    scorer->output_capacity = capacity;
    return 0;
}

/* Keeps the reason, with its terminator. */
static int refuse(struct weft_scorer *scorer, const struct weft_error *why, struct item *item,
                  struct weft_scorer_answer *answer, struct weft_error *err)
{
    size_t size = strlen(why->message) + 1;
    if (reserve(scorer, size, err) != 0)
        return -1;
    memcpy(scorer->output + scorer->output_size, why->message, size);
    item->output_at = scorer->output_size;
    scorer->output_size += size;
    answer->error_class = weft_error_class_name(why->class);
    return 0;
}

/* Writes the framed result behind the output there is. */
static int encode(struct weft_scorer *scorer, const struct weft_result *result, uint32_t schema_id, size_t *at,
                  size_t *written, struct weft_error *err)
{
    size_t size = RESULT_SIZE;
    for (;;) {
        if (reserve(scorer, size, err) != 0)
            return -1;
        size_t room = scorer->output_capacity - scorer->output_size;
        size = weft_result_write(result, schema_id, scorer->output + scorer->output_size, room);
        if (size <= room)
            break;
    }
    *at = scorer->output_size;
    *written = size;
    scorer->output_size += size;
    return 0;
}

static struct weft_text text(const char *terminated)
{
    return (struct weft_text){.at = terminated, .size = strlen(terminated)};
}

/* Runs the lane's network on the requests that wait for it and encodes their results. */
static int run_lane(struct weft_scorer *scorer, struct lane *lane, const struct weft_scorer_request *requests,
                    struct weft_scorer_answer *answers, struct weft_error *err)
{
    const struct weft_network_info *info = weft_network_info(lane->network);
    const bool shadow = lane == &scorer->lanes[SHADOW];
    const uint8_t *images[CHUNK];
    for (size_t i = 0; i < lane->waiting; i++)
        images[i] = scorer->items[lane->chunk[i]].request.image;
    const int64_t begun_ns = weft_clock_ns();
    weft_network_run(lane->network, lane->workspace, images, lane->waiting, lane->probabilities);
    int64_t now_ms = weft_clock_wall_ms();
    for (size_t i = 0; i < lane->waiting; i++) {
        const struct weft_scorer_request *request = &requests[lane->chunk[i]];
        struct weft_scorer_answer *answer = &answers[lane->chunk[i]];
        struct item *item = &scorer->items[lane->chunk[i]];
        const float *p = lane->probabilities + i * info->class_count;
        size_t best = 0;
        for (size_t c = 1; c < info->class_count; c++)
            if (p[c] > p[best])
                best = c;
        const struct weft_result result = {
            .id = {.at = item->request.id, .size = item->request.id_size},
            .label = (int32_t)best,
            .class_name = text(info->labels[best]),
            .probabilities = p,
            .class_count = info->class_count,
            .has_expected = item->request.has_label,
            .expected = item->request.label,
            .model_name = text(info->name),
            .model_version = text(info->version),
            .model_sha256 = text(info->sha256),
            .source_topic = text(request->topic),
            .source_partition = request->partition,
            .source_offset = request->offset,
            .source_timestamp_ms = request->timestamp_ms,
            .scored_at_ms = now_ms,
        };
        const uint32_t schema_id = shadow ? scorer->config.shadow_schema_id : scorer->config.result_schema_id;
        if (encode(scorer, &result, schema_id, shadow ? &item->shadow_at : &item->output_at,
                   shadow ? &answer->shadow_size : &answer->size, err) != 0)
            return -1;
    }
    lane->waiting = 0;
    scorer->network_ns += weft_clock_ns() - begun_ns;
    if (scorer->config.tick)
        scorer->config.tick(scorer->config.arg);
    return 0;
}

/* Decodes a request; what cannot be scored becomes a reason. Gives 1 when there is an image to score, 0 when there is
 * a reason, -1 when the whole batch must wait. */
static int decode(struct weft_scorer *scorer, const struct weft_scorer_request *request, struct item *item,
                  struct weft_scorer_answer *answer, struct weft_error *err)
{
    const struct weft_network_info *info = weft_network_info(scorer->lanes[MAIN].network);
    struct weft_error why = {0};
    struct weft_frame frame;
    *answer = (struct weft_scorer_answer){0};
    if (weft_frame_read_header(request->frame, request->frame_size, request->value, request->size, &frame, &why) != 0 ||
        weft_request_read_frame(scorer->config.reader, &frame, &item->request, &why) != 0) {
        if (why.class == WEFT_ERROR_CORRUPT)
            return refuse(scorer, &why, item, answer, err);
        return weft_error_set(err, why.class, "%s", why.message);
    }
    size_t image_size = item->request.image_size;
    if (image_size == info->image_size)
        return 1;
    weft_error_set(&why, WEFT_ERROR_CORRUPT, "the image has %zu bytes, the model %s takes %zu (%zux%zux%zu)",
                   image_size, info->name, info->image_size, info->channels, info->height, info->width);
    return refuse(scorer, &why, item, answer, err);
}

/* The lane that answers. Without a key the id decides, so that a request that is read again has the same answer. */
static struct lane *choose_lane(struct weft_scorer *scorer, const struct weft_scorer_request *request,
                                const struct item *item)
{
    const void *key = request->key ? request->key : item->request.id;
    const size_t size = request->key ? request->key_size : item->request.id_size;
    const bool canary = scorer->lanes[CANARY].network && weft_canary_takes(key, size, scorer->config.canary_percent);
    return &scorer->lanes[canary ? CANARY : MAIN];
}

/* Lets a request wait in a lane until there are enough for a run. */
static int enter(struct weft_scorer *scorer, struct lane *lane, size_t index,
                 const struct weft_scorer_request *requests, struct weft_scorer_answer *answers, struct weft_error *err)
{
    lane->chunk[lane->waiting++] = index;
    return lane->waiting < CHUNK ? 0 : run_lane(scorer, lane, requests, answers, err);
}

static int score(struct weft_scorer *scorer, const struct weft_scorer_request *requests, size_t n,
                 struct weft_scorer_answer *answers, struct weft_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int usable = decode(scorer, &requests[i], &scorer->items[i], &answers[i], err);
        if (usable < 0)
            return -1;
        if (!usable) {
            if (scorer->config.tick)
                scorer->config.tick(scorer->config.arg); /* the registry may have been asked for this one */
            continue;
        }
        struct lane *lane = choose_lane(scorer, &requests[i], &scorer->items[i]);
        if (enter(scorer, lane, i, requests, answers, err) != 0)
            return -1;
        if (scorer->lanes[SHADOW].network && enter(scorer, &scorer->lanes[SHADOW], i, requests, answers, err) != 0)
            return -1;
    }
    for (int i = 0; i < LANES; i++)
        if (scorer->lanes[i].waiting > 0 && run_lane(scorer, &scorer->lanes[i], requests, answers, err) != 0)
            return -1;
    return 0;
}

int weft_scorer_score(struct weft_scorer *scorer, const struct weft_scorer_request *requests, size_t n,
                      struct weft_scorer_answer *answers, struct weft_error *err)
{
    if (n > scorer->item_capacity) {
        struct item *grown = realloc(scorer->items, n * sizeof *grown);
        if (!grown)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        scorer->items = grown;
        scorer->item_capacity = n;
    }
    scorer->output_size = 0;
    scorer->network_ns = 0;
    for (int i = 0; i < LANES; i++)
        scorer->lanes[i].waiting = 0; /* a call that failed may have left some */
    if (score(scorer, requests, n, answers, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct item *item = &scorer->items[i];
        if (answers[i].error_class)
            answers[i].reason = (const char *)scorer->output + item->output_at;
        else
            answers[i].bytes = scorer->output + item->output_at;
        if (answers[i].shadow_size)
            answers[i].shadow = scorer->output + item->shadow_at;
    }
    return 0;
}

int64_t weft_scorer_network_ns(const struct weft_scorer *scorer)
{
    return scorer->network_ns;
}
