#include "streams/outlet.h"

#include <stdint.h>
#include <string.h>

#include "support/suite.h"

struct fixture {
    rd_kafka_t *handle;
    struct weft_outlet outlet;
    struct weft_error err;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.handle = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, NULL, 0)};
    ck_assert_ptr_nonnull(f->handle);
    weft_outlet_init(&f->outlet, rd_kafka_topic_new(f->handle, "results", NULL));
}

static void tear_down(struct fixture *f)
{
    weft_outlet_clear(&f->outlet);
    rd_kafka_destroy(f->handle);
}

START_TEST(the_size_of_a_record_is_that_of_key_value_and_headers)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "name", -1, "value", -1);
    rd_kafka_header_add(headers, "empty", -1, NULL, 0);
    ck_assert_uint_eq(weft_outlet_record_size(3, 100, NULL), 103);
    ck_assert_uint_eq(weft_outlet_record_size(3, 100, headers), 103 + 4 + 5 + 5);
    rd_kafka_headers_destroy(headers);
}
END_TEST

START_TEST(without_a_refusal_nothing_is_learned_and_nothing_limited)
{
    struct fixture f;
    set_up(&f);
    ck_assert(!weft_outlet_learn(&f.outlet, &f.err));
    f.outlet.queued = SIZE_MAX / 2;
    ck_assert(!weft_outlet_is_full(&f.outlet, 1000));
    ck_assert_uint_eq(f.outlet.record_max, SIZE_MAX);
    tear_down(&f);
}
END_TEST

START_TEST(a_record_refused_alone_bounds_the_size_of_records)
{
    struct fixture f;
    set_up(&f);
    weft_outlet_refused(&f.outlet, 1000);
    ck_assert(weft_outlet_learn(&f.outlet, &f.err));
    ck_assert_uint_eq(f.outlet.record_max, 999);
    ck_assert_uint_eq(f.outlet.batch_max, SIZE_MAX);
    ck_assert_ptr_nonnull(strstr(f.err.message, "results refused a record of 1000 bytes"));
    ck_assert(!weft_outlet_learn(&f.outlet, &f.err));
    tear_down(&f);
}
END_TEST

START_TEST(records_refused_together_go_in_smaller_batches_until_each_goes_alone)
{
    struct fixture f;
    set_up(&f);
    for (size_t limit = 1000; limit >= 125; limit /= 2) {
        weft_outlet_refused(&f.outlet, 1000);
        weft_outlet_refused(&f.outlet, 1000);
        ck_assert(weft_outlet_learn(&f.outlet, &f.err));
        ck_assert_uint_eq(f.outlet.batch_max, limit);
    }
    ck_assert_uint_eq(f.outlet.record_max, SIZE_MAX);
    ck_assert(!weft_outlet_is_full(&f.outlet, 1000));
    f.outlet.queued = 1;
    ck_assert(weft_outlet_is_full(&f.outlet, 1000));
    ck_assert(weft_outlet_is_full(&f.outlet, 125));
    ck_assert(!weft_outlet_is_full(&f.outlet, 124));
    tear_down(&f);
}
END_TEST

SUITE("outlet", TEST(the_size_of_a_record_is_that_of_key_value_and_headers),
      TEST(without_a_refusal_nothing_is_learned_and_nothing_limited),
      TEST(a_record_refused_alone_bounds_the_size_of_records),
      TEST(records_refused_together_go_in_smaller_batches_until_each_goes_alone))
