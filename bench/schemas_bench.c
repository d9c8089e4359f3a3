/* Nanoseconds for one message: weft's decode plan and encoder beside libavro, on the request and the result of the
 * demo.
 *
 *     schemas_bench [--json] [MESSAGES] */
#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "schemas/framing.h"
#include "schemas/plan.h"
#include "schemas/request.h"
#include "schemas/result.h"

enum { PIXELS = 28 * 28, MESSAGE_MAX = 2048, ROUNDS = 100, FIELDS = 3, CASES = 4 };

struct bench {
    uint8_t request[MESSAGE_MAX], result[MESSAGE_MAX];
    size_t request_size, result_size;
    struct weft_plan *plan;
    struct weft_result sample;
    avro_value_t value, resolved;
    uint64_t checksum; /* of what was read, so that none of it is left out */
};

static const struct weft_plan_field fields[FIELDS] = {
    {.path = "id", .kind = WEFT_PLAN_STRING},
    {.path = "image", .kind = WEFT_PLAN_BYTES},
    {.path = "label", .kind = WEFT_PLAN_INT, .optional = true},
};

static void decode(struct bench *bench)
{
    struct weft_frame frame;
    struct weft_plan_value values[FIELDS];
    if (weft_frame_read(bench->request, bench->request_size, &frame, NULL) == 0 &&
        weft_plan_run(bench->plan, frame.body, frame.body_size, values, NULL) == 0)
        bench->checksum += values[1].size + (uint64_t)values[2].number;
}

static void decode_into(struct bench *bench, avro_value_t *value)
{
    const char *body = (const char *)bench->request + WEFT_FRAME_SIZE;
    avro_reader_t reader = avro_reader_memory(body, (int64_t)(bench->request_size - WEFT_FRAME_SIZE));
    if (avro_value_read(reader, value) == 0)
        bench->checksum++;
    avro_reader_free(reader);
}

static void libavro_decode(struct bench *bench)
{
    decode_into(bench, &bench->value);
}

static void libavro_decode_resolved(struct bench *bench)
{
    decode_into(bench, &bench->resolved);
}

static void encode(struct bench *bench)
{
    bench->sample.source_offset++;
    bench->checksum += weft_result_write(&bench->sample, 1, bench->result, sizeof bench->result);
}

/* Nanoseconds for one message in one short round. */
static double measure(struct bench *bench, void (*one)(struct bench *), long messages)
{
    int64_t started = weft_clock_ns();
    for (long i = 0; i < messages; i++)
        one(bench);
    return (double)(weft_clock_ns() - started) / (double)messages;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static const float probabilities[10] = {0.9f, 0.1f};
    struct weft_error err = {0};
    uint8_t image[PIXELS];
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    long messages = argc > 1 + json ? strtol(argv[1 + json], NULL, 10) : 1000000;
    if (messages < ROUNDS) {
        fprintf(stderr, "usage: schemas_bench [--json] [MESSAGES, at least 100]\n");
        return 2;
    }

    for (size_t i = 0; i < PIXELS; i++)
        image[i] = (uint8_t)(i * 7);
    struct weft_request request = {.id = "6f1f0f8e-7f1c-4a80-9f3c-1f0c5a1b2c3d-00001234",
                                   .id_size = 45,
                                   .image = image,
                                   .image_size = PIXELS,
                                   .has_label = true,
                                   .label = 9};
    bench.request_size = weft_request_write(&request, 1, bench.request, sizeof bench.request);
    bench.sample = (struct weft_result){.id = {request.id, request.id_size},
                                        .label = 9,
                                        .class_name = {"Ankle boot", 10},
                                        .probabilities = probabilities,
                                        .class_count = 10,
                                        .model_name = {"lenet", 5},
                                        .model_version = {"1", 1},
                                        .source_topic = {"req_predict", 11},
                                        .source_timestamp_ms = 1700000000000,
                                        .scored_at_ms = 1700000000001};
    bench.result_size = weft_result_write(&bench.sample, 1, bench.result, sizeof bench.result);
    bench.plan = weft_plan_compile(weft_request_schema, weft_request_schema, fields, FIELDS, &err);
    avro_schema_t schema;
    if (!bench.plan || avro_schema_from_json_length(weft_request_schema, strlen(weft_request_schema), &schema) != 0) {
        fprintf(stderr, "the request's schema does not parse: %s\n", bench.plan ? avro_strerror() : err.message);
        return 1;
    }
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_iface_t *resolver = avro_resolved_writer_new(schema, schema);
    avro_generic_value_new(iface, &bench.value);
    avro_resolved_writer_new_value(resolver, &bench.resolved);
    avro_resolved_writer_set_dest(&bench.resolved, &bench.value);

    const struct {
        const char *name;
        void (*one)(struct bench *);
        size_t size;
    } cases[CASES] = {
        {"request decoded by its plan", decode, bench.request_size},
        {"request decoded by libavro", libavro_decode, bench.request_size},
        {"request decoded by libavro, resolved", libavro_decode_resolved, bench.request_size},
        {"result encoded", encode, bench.result_size},
    };
    /* Round by round, so that what disturbs one disturbs all; the best is the one that nothing disturbed. */
    double best[CASES];
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < CASES; i++) {
            double ns = measure(&bench, cases[i].one, messages / ROUNDS);
            best[i] = round == 0 || ns < best[i] ? ns : best[i];
        }
    for (size_t i = 0; i < CASES; i++) {
        if (json)
            weft_json_print(stdout, json_pack("{s:s,s:I,s:f}", "case", cases[i].name, "bytes",
                                              (json_int_t)cases[i].size, "ns", best[i]));
        else
            printf("%-38s %5zu bytes %8.1f ns\n", cases[i].name, cases[i].size, best[i]);
    }
    if (!json)
        printf("the plan is %.1f times as fast as libavro, and %.1f times as fast as libavro, resolved\n",
               best[1] / best[0], best[2] / best[0]);
    avro_value_decref(&bench.resolved);
    avro_value_decref(&bench.value);
    avro_value_iface_decref(resolver);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    weft_plan_destroy(bench.plan);
    return bench.checksum ? 0 : 1;
}
