#include "pubsub-bridge/lanes.h"

#include <string.h>

#include "support/suite.h"

static const struct weft_lanes_limits ordered = {.batch_items = 3, .batch_bytes = 100, .lane_batches = 1, .batches = 4};

static struct weft_lane_item *add(struct weft_lanes *lanes, const char *key, size_t size)
{
    struct weft_lane_item *item = calloc(1, sizeof *item);
    item->size = size;
    ck_assert(weft_lanes_add(lanes, key, strlen(key), item));
    return item;
}

/* Done with, and its items freed. */
static void finish(struct weft_lanes *lanes, struct weft_lane_batch *batch)
{
    struct weft_lane_item *items[16];
    size_t count = batch->count;
    memcpy(items, batch->items, count * sizeof *items);
    weft_lanes_done(lanes, batch);
    for (size_t i = 0; i < count; i++)
        free(items[i]);
}

START_TEST(a_lane_in_order_has_one_batch_out)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    struct weft_lane_item *items[5];
    for (size_t i = 0; i < 5; i++)
        items[i] = add(lanes, "a", 10);
    struct weft_lane_batch *first = weft_lanes_take(lanes, 0);
    ck_assert_uint_eq(first->count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_eq(first->items[i], items[i]);
    ck_assert_ptr_null(weft_lanes_take(lanes, 0));
    finish(lanes, first);
    struct weft_lane_batch *second = weft_lanes_take(lanes, 0);
    ck_assert_uint_eq(second->count, 2);
    ck_assert_ptr_eq(second->items[0], items[3]);
    finish(lanes, second);
    ck_assert_uint_eq(weft_lanes_items(lanes), 0);
    ck_assert_uint_eq(weft_lanes_bytes(lanes), 0);
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(lanes_go_beside_one_another_up_to_the_limit)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    const char *const keys[] = {"a", "b", "c", "", "e", "f"};
    for (size_t i = 0; i < 6; i++)
        add(lanes, keys[i], 10);
    struct weft_lane_batch *out[4];
    for (size_t i = 0; i < 4; i++) {
        out[i] = weft_lanes_take(lanes, 0);
        ck_assert_ptr_nonnull(out[i]);
    }
    ck_assert_ptr_null(weft_lanes_take(lanes, 0));
    ck_assert_uint_eq(weft_lanes_out(lanes), 4);
    for (size_t i = 0; i < 4; i++)
        finish(lanes, out[i]);
    for (size_t i = 0; i < 2; i++)
        finish(lanes, weft_lanes_take(lanes, 0));
    ck_assert_ptr_null(weft_lanes_take(lanes, 0));
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(a_lane_without_order_has_several_batches_out)
{
    const struct weft_lanes_limits limits = {.batch_items = 1, .batch_bytes = 100, .lane_batches = 3, .batches = 8};
    struct weft_lanes *lanes = weft_lanes_new(&limits);
    for (size_t i = 0; i < 4; i++)
        add(lanes, "", 10);
    struct weft_lane_batch *out[3];
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(out[i] = weft_lanes_take(lanes, 0));
    ck_assert_ptr_null(weft_lanes_take(lanes, 0));
    finish(lanes, out[1]);
    finish(lanes, weft_lanes_take(lanes, 0));
    finish(lanes, out[0]);
    finish(lanes, out[2]);
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(a_batch_holds_as_many_bytes_as_allowed_but_one_item_always)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    add(lanes, "a", 60);
    add(lanes, "a", 40);
    add(lanes, "a", 1);
    add(lanes, "a", 500);
    const size_t counts[] = {2, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        struct weft_lane_batch *batch = weft_lanes_take(lanes, 0);
        ck_assert_uint_eq(batch->count, counts[i]);
        finish(lanes, batch);
    }
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(a_batch_put_back_comes_again_when_due_and_before_what_follows)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    for (size_t i = 0; i < 4; i++)
        add(lanes, "a", 10);
    struct weft_lane_batch *batch = weft_lanes_take(lanes, 0);
    ck_assert_int_eq(batch->attempts, 1);
    ck_assert_int_eq(weft_lanes_due_ms(lanes), INT64_MAX);
    weft_lanes_put_back(lanes, batch, 50);
    ck_assert_int_eq(weft_lanes_due_ms(lanes), 50);
    ck_assert_ptr_null(weft_lanes_take(lanes, 49));
    add(lanes, "b", 10); /* is not held up by it */
    finish(lanes, weft_lanes_take(lanes, 49));
    ck_assert_ptr_eq(weft_lanes_take(lanes, 50), batch);
    ck_assert_int_eq(batch->attempts, 2);
    ck_assert_uint_eq(batch->count, 3);
    ck_assert_ptr_null(weft_lanes_take(lanes, 60));
    finish(lanes, batch);
    finish(lanes, weft_lanes_take(lanes, 60));
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(batches_put_back_come_in_the_order_of_their_times)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    struct weft_lane_batch *batches[3];
    const int64_t due[] = {30, 10, 20};
    for (size_t i = 0; i < 3; i++) {
        add(lanes, (const char *[]){"a", "b", "c"}[i], 10);
        batches[i] = weft_lanes_take(lanes, 0);
        weft_lanes_put_back(lanes, batches[i], due[i]);
    }
    const size_t order[] = {1, 2, 0};
    for (size_t i = 0; i < 3; i++) {
        struct weft_lane_batch *batch = weft_lanes_take(lanes, 100);
        ck_assert_ptr_eq(batch, batches[order[i]]);
        finish(lanes, batch);
    }
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

START_TEST(a_split_batch_comes_item_by_item_in_order_before_what_follows)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    struct weft_lane_item *items[4];
    for (size_t i = 0; i < 4; i++)
        items[i] = add(lanes, "a", 10);
    ck_assert(weft_lanes_split(lanes, weft_lanes_take(lanes, 0)));
    for (size_t i = 0; i < 4; i++) {
        struct weft_lane_batch *batch = weft_lanes_take(lanes, 0);
        ck_assert_uint_eq(batch->count, 1);
        ck_assert_ptr_eq(batch->items[0], items[i]);
        ck_assert_ptr_null(weft_lanes_take(lanes, 0));
        finish(lanes, batch);
    }
    ck_assert_uint_eq(weft_lanes_out(lanes), 0);
    weft_lanes_destroy(lanes, NULL);
}
END_TEST

static void drop(struct weft_lane_item *item)
{
    free(item);
}

START_TEST(what_is_left_is_dropped_at_the_end)
{
    struct weft_lanes *lanes = weft_lanes_new(&ordered);
    for (size_t i = 0; i < 9; i++)
        add(lanes, i % 2 ? "a" : "b", 10);
    weft_lanes_put_back(lanes, weft_lanes_take(lanes, 0), 50);
    ck_assert(weft_lanes_split(lanes, weft_lanes_take(lanes, 0)));
    weft_lanes_destroy(lanes, drop); /* the sanitizer build counts them */
}
END_TEST

SUITE("lanes", TEST(a_lane_in_order_has_one_batch_out), TEST(lanes_go_beside_one_another_up_to_the_limit),
      TEST(a_lane_without_order_has_several_batches_out),
      TEST(a_batch_holds_as_many_bytes_as_allowed_but_one_item_always),
      TEST(a_batch_put_back_comes_again_when_due_and_before_what_follows),
      TEST(batches_put_back_come_in_the_order_of_their_times),
      TEST(a_split_batch_comes_item_by_item_in_order_before_what_follows), TEST(what_is_left_is_dropped_at_the_end))
