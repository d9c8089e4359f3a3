#include "streams/scorer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "schemas/result.h"

enum {
    CHUNK = 32,        /* images in one run of the network: more gains nothing and leaves the cache */
    RESULT_SIZE = 256, /* what a result usually needs at most */
};

/* A request at work. The output may move while it grows, so until the end of a call only places in it are kept. */
struct item {
    struct weft_request request;
    size_t output_at;
};

struct weft_scorer {
    struct weft_scorer_config config;
    const struct weft_network_info *info;
    struct weft_workspace *workspace;
    float *probabilities; /* (CHUNK, class_count) */
    struct item *items;
    size_t item_capacity;
    uint8_t *output; /* results and reasons of one call, one behind the other */
    size_t output_size, output_capacity;
};

struct weft_scorer *weft_scorer_new(const struct weft_scorer_config *config, struct weft_error *err)
{
    struct weft_scorer *scorer = calloc(1, sizeof *scorer);
    if (!scorer)
        goto memory;
    scorer->config = *config;
    scorer->info = weft_network_info(config->network);
    scorer->workspace = weft_workspace_new(config->network, CHUNK, err);
    if (!scorer->workspace)
        goto fail;
    scorer->probabilities = calloc(CHUNK * scorer->info->class_count, sizeof(float));
    if (!scorer->probabilities)
        goto memory;
    return scorer;
memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
fail:
    weft_scorer_destroy(scorer);
    return NULL;
}

void weft_scorer_destroy(struct weft_scorer *scorer)
{
    if (!scorer)
        return;
    weft_workspace_destroy(scorer->workspace);
    free(scorer->probabilities);
    free(scorer->items);
    free(scorer->output);
    free(scorer);
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
    *answer = (struct weft_scorer_answer){.error_class = weft_error_class_name(why->class)};
    return 0;
}

static int encode(struct weft_scorer *scorer, const struct weft_result *result, struct item *item,
                  struct weft_scorer_answer *answer, struct weft_error *err)
{
    size_t size = RESULT_SIZE;
    for (;;) {
        if (reserve(scorer, size, err) != 0)
            return -1;
        size_t room = scorer->output_capacity - scorer->output_size;
        size = weft_result_write(result, scorer->config.result_schema_id, scorer->output + scorer->output_size, room);
        if (size <= room)
            break;
    }
    item->output_at = scorer->output_size;
    scorer->output_size += size;
    *answer = (struct weft_scorer_answer){.size = size};
    return 0;
}

static struct weft_text text(const char *terminated)
{
    return (struct weft_text){.at = terminated, .size = strlen(terminated)};
}

/* Runs the network on the requests whose indices are given (at most CHUNK) and encodes their results. */
static int answer_chunk(struct weft_scorer *scorer, const struct weft_scorer_request *requests, const size_t *indices,
                        size_t count, struct weft_scorer_answer *answers, struct weft_error *err)
{
    const struct weft_network_info *info = scorer->info;
    const uint8_t *images[CHUNK];
    for (size_t i = 0; i < count; i++)
        images[i] = scorer->items[indices[i]].request.image;
    weft_network_run(scorer->config.network, scorer->workspace, images, count, scorer->probabilities);
    int64_t now_ms = weft_clock_wall_ms();
    for (size_t i = 0; i < count; i++) {
        const struct weft_scorer_request *request = &requests[indices[i]];
        struct item *item = &scorer->items[indices[i]];
        const float *p = scorer->probabilities + i * info->class_count;
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
        if (encode(scorer, &result, item, &answers[indices[i]], err) != 0)
            return -1;
    }
    if (scorer->config.tick)
        scorer->config.tick(scorer->config.arg);
    return 0;
}

/* Decodes a request; what cannot be scored becomes a reason. Gives 1 when there is an image to score, 0 when there is
 * a reason, -1 when the whole batch must wait. */
static int decode(struct weft_scorer *scorer, const struct weft_scorer_request *request, struct item *item,
                  struct weft_scorer_answer *answer, struct weft_error *err)
{
    const struct weft_network_info *info = scorer->info;
    struct weft_error why = {0};
    struct weft_frame frame;
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
    size_t chunk[CHUNK], waiting = 0;
    for (size_t i = 0; i < n; i++) {
        int usable = decode(scorer, &requests[i], &scorer->items[i], &answers[i], err);
        if (usable < 0)
            return -1;
        if (usable)
            chunk[waiting++] = i;
        else if (scorer->config.tick)
            scorer->config.tick(scorer->config.arg); /* the registry may have been asked for this one */
        if (waiting == CHUNK || (waiting > 0 && i + 1 == n)) {
            if (answer_chunk(scorer, requests, chunk, waiting, answers, err) != 0)
                return -1;
            waiting = 0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *output = scorer->output + scorer->items[i].output_at;
        if (answers[i].error_class)
            answers[i].reason = (const char *)output;
        else
            answers[i].bytes = output;
    }
    return 0;
}
