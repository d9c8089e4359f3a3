#include "model/train/split.h"

#include "support/suite.h"

START_TEST(a_split_takes_the_same_share_of_each_class)
{
    enum { COUNT = 1000 };
    static int32_t labels[COUNT];
    static const size_t of[3] = {700, 200, 100};
    struct weft_error err = {0};
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = i < 700 ? 0 : i < 900 ? 1 : 2;
    const struct weft_dataset dataset = {.count = COUNT, .labels = labels, .class_count = 3};
    struct weft_random random = weft_random_of(1, 0), other = weft_random_of(2, 0);
    struct weft_split *split = weft_split_new(&dataset, 0.1, &random, &err);
    struct weft_split *second = weft_split_new(&dataset, 0.1, &other, &err);
    ck_assert(split && second);
    size_t held_out[3] = {0};
    bool seen[COUNT] = {false};
    for (size_t i = 0; i < split->validation_count; i++) {
        held_out[labels[split->validation[i]]]++;
        seen[split->validation[i]] = true;
    }
    for (size_t c = 0; c < 3; c++)
        ck_assert_uint_eq(held_out[c], of[c] / 10);
    for (size_t i = 0; i < split->train_count; i++) {
        ck_assert(!seen[split->train[i]]);
        seen[split->train[i]] = true;
    }
    for (size_t i = 0; i < COUNT; i++)
        ck_assert(seen[i]);
    ck_assert_mem_ne(split->validation, second->validation, split->validation_count * sizeof *split->validation);
    weft_split_destroy(split);
    weft_split_destroy(second);
}
END_TEST

SUITE("split", TEST(a_split_takes_the_same_share_of_each_class))
