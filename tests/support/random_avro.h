/* Random Avro schemas and values, to hold weft's decoding against libavro's encoding. Reproducible from the seed. */
#ifndef WEFT_TESTS_SUPPORT_RANDOM_AVRO_H
#define WEFT_TESTS_SUPPORT_RANDOM_AVRO_H

#include <avro.h>
#include <jansson.h>
#include <stdint.h>

struct random_avro {
    uint64_t state; /* set to the seed */
    int names;      /* given to types so far */
};

/* 0 to below - 1. */
uint32_t random_avro_below(struct random_avro *random, uint32_t below);

/* A schema of any type, nested up to depth, at times with a record that holds itself. The caller owns the reference. */
json_t *random_avro_schema(struct random_avro *random, int depth);

/* Fills a generic value of any schema. */
void random_avro_fill(struct random_avro *random, avro_value_t *value, int depth);

/* The value as libavro encodes it. The caller frees. */
uint8_t *random_avro_encode(avro_value_t *value, size_t *size);

#endif
