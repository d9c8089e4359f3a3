#include "streams/replay/comparison.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

enum { CLASSES = 3, NO_TRUTH = -1 };

static struct weft_text text(const char *terminated)
{
    return (struct weft_text){.at = terminated, .size = strlen(terminated)};
}

static struct weft_comparison *new_comparison(size_t top)
{
    struct weft_error err = {0};
    struct weft_comparison *comparison = weft_comparison_new(top, &err);
    ck_assert_msg(comparison != NULL, "%s", err.message);
    return comparison;
}

/* A result for the request at offset of partition 0; p are the probabilities, the largest is the answer. */
static void enter(struct weft_comparison *comparison, enum weft_side side, int64_t offset, int32_t truth, float p0,
                  float p1, float p2)
{
    static const char *const names[CLASSES] = {"cat", "dog", "owl"};
    const float p[CLASSES] = {p0, p1, p2};
    struct weft_error err = {0};
    char id[24];
    int32_t label = p[1] > p[0] ? 1 : 0;
    label = p[2] > p[label] ? 2 : label;
    snprintf(id, sizeof id, "r%lld", (long long)offset);
    const struct weft_result result = {.id = text(id),
                                       .label = label,
                                       .class_name = text(names[label]),
                                       .probabilities = p,
                                       .class_count = CLASSES,
                                       .has_expected = truth != NO_TRUTH,
                                       .expected = truth,
                                       .source_topic = text("requests"),
                                       .source_offset = offset};
    ck_assert_msg(weft_comparison_enter(comparison, side, &result, &err) == 0, "%s", err.message);
}

static struct weft_comparison_report report_of(struct weft_comparison *comparison)
{
    struct weft_error err = {0};
    struct weft_comparison_report report;
    ck_assert_msg(weft_comparison_report(comparison, &report, &err) == 0, "%s", err.message);
    return report;
}

START_TEST(answers_are_paired_by_their_request_in_whatever_order_they_come)
{
    struct weft_comparison *c = new_comparison(5);
    enter(c, WEFT_FIRST, 9, NO_TRUTH, 0.9F, 0.1F, 0);
    enter(c, WEFT_FIRST, 4, NO_TRUTH, 0.1F, 0.9F, 0);
    enter(c, WEFT_FIRST, 7, NO_TRUTH, 0.9F, 0.1F, 0);
    enter(c, WEFT_SECOND, 4, NO_TRUTH, 0.2F, 0.8F, 0);
    enter(c, WEFT_SECOND, 9, NO_TRUTH, 0.2F, 0.1F, 0.7F);
    enter(c, WEFT_SECOND, 5, NO_TRUTH, 0.9F, 0.1F, 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.compared, 2);
    ck_assert_uint_eq(r.agreed, 1);
    ck_assert_uint_eq(r.only[WEFT_FIRST], 1);
    ck_assert_uint_eq(r.only[WEFT_SECOND], 1);
    ck_assert_uint_eq(r.class_count, 3);
    ck_assert_uint_eq(r.labels[1 * 3 + 1], 1);
    ck_assert_uint_eq(r.labels[0 * 3 + 2], 1);
    ck_assert_str_eq(r.classes[2], "owl");
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(rightness_is_counted_where_the_truth_is_known)
{
    struct weft_comparison *c = new_comparison(5);
    static const int32_t truths[] = {0, 0, 0, 1, NO_TRUTH};
    for (int64_t i = 0; i < 5; i++)
        enter(c, WEFT_FIRST, i, truths[i], 0.9F, 0.1F, 0);
    for (int64_t i = 0; i < 5; i++) /* answers 0, 1, 1, 1, 1 */
        enter(c, WEFT_SECOND, i, truths[i], i ? 0.1F : 0.9F, i ? 0.9F : 0.1F, 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.labelled, 4);
    ck_assert_uint_eq(r.right[WEFT_FIRST], 3);
    ck_assert_uint_eq(r.right[WEFT_SECOND], 2);
    ck_assert_uint_eq(r.only_right[WEFT_FIRST], 2);
    ck_assert_uint_eq(r.only_right[WEFT_SECOND], 1);
    ck_assert_double_eq_tol(r.mcnemar.p, 1, 1e-12);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(the_largest_changes_are_kept_the_largest_first)
{
    struct weft_comparison *c = new_comparison(2);
    static const float after[] = {0.85F, 0.2F, 0.9F, 0.6F};
    for (int64_t i = 0; i < 4; i++)
        enter(c, WEFT_FIRST, i, 1, 0.9F, 0.1F, 0);
    for (int64_t i = 0; i < 4; i++)
        enter(c, WEFT_SECOND, i, 1, after[i], 1 - after[i], 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.change_count, 2);
    ck_assert_int_eq(r.changes[0].offset, 1);
    ck_assert_float_eq(r.changes[0].before, 0.9F);
    ck_assert_float_eq(r.changes[0].after, 0.2F);
    ck_assert_float_eq(r.changes[0].answer, 0.8F);
    ck_assert_int_eq(r.changes[0].label[WEFT_SECOND], 1);
    ck_assert_int_eq(r.changes[0].expected, 1);
    ck_assert_int_eq(r.changes[1].offset, 3);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(the_same_answers_have_no_changes)
{
    struct weft_comparison *c = new_comparison(2);
    enter(c, WEFT_FIRST, 1, 1, 0.9F, 0.1F, 0);
    enter(c, WEFT_SECOND, 1, 1, 0.9F, 0.1F, 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.agreed, 1);
    ck_assert_uint_eq(r.change_count, 0);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(a_second_answer_to_a_request_is_counted_and_left_out)
{
    struct weft_comparison *c = new_comparison(2);
    enter(c, WEFT_FIRST, 1, 1, 0.9F, 0.1F, 0);
    enter(c, WEFT_FIRST, 2, 1, 0.9F, 0.1F, 0);
    enter(c, WEFT_FIRST, 1, 1, 0.9F, 0.1F, 0);
    enter(c, WEFT_SECOND, 1, 1, 0.9F, 0.1F, 0);
    enter(c, WEFT_SECOND, 1, 1, 0.1F, 0.9F, 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.compared, 1);
    ck_assert_uint_eq(r.duplicated[WEFT_FIRST], 1);
    ck_assert_uint_eq(r.duplicated[WEFT_SECOND], 1);
    ck_assert_uint_eq(r.only[WEFT_FIRST], 1);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(another_request_at_the_same_place_is_not_compared)
{
    struct weft_error err = {0};
    struct weft_comparison *c = new_comparison(2);
    const float p[] = {1};
    const struct weft_result other = {.id = text("of another topic of that name"),
                                      .class_name = text("cat"),
                                      .probabilities = p,
                                      .class_count = 1,
                                      .source_topic = text("requests"),
                                      .source_offset = 1};
    enter(c, WEFT_FIRST, 1, 1, 0.9F, 0.1F, 0);
    ck_assert_int_eq(weft_comparison_enter(c, WEFT_SECOND, &other, &err), 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.strangers, 1);
    ck_assert_uint_eq(r.compared, 0);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(a_model_with_fewer_classes_gives_the_others_no_probability)
{
    struct weft_error err = {0};
    struct weft_comparison *c = new_comparison(2);
    const float p[] = {1};
    const struct weft_result fewer = {.id = text("r1"),
                                      .class_name = text("cat"),
                                      .probabilities = p,
                                      .class_count = 1,
                                      .source_topic = text("requests"),
                                      .source_offset = 1};
    enter(c, WEFT_FIRST, 1, 1, 0.1F, 0.1F, 0.8F);
    ck_assert_int_eq(weft_comparison_enter(c, WEFT_SECOND, &fewer, &err), 0);
    struct weft_comparison_report r = report_of(c);
    ck_assert_uint_eq(r.change_count, 1);
    ck_assert_float_eq(r.changes[0].after, 0);
    weft_comparison_destroy(c);
}
END_TEST

START_TEST(a_result_that_cannot_be_is_refused)
{
    struct weft_comparison *c = new_comparison(2);
    const float p[] = {1, 0};
    const struct weft_result sound = {.probabilities = p, .class_count = 2, .source_topic = text("requests")};
    struct weft_result wrong[] = {sound, sound, sound, sound, sound};
    wrong[0].label = 2;
    wrong[1].label = -1;
    wrong[2].source_partition = INT32_MAX;
    wrong[3].source_offset = INT64_MAX;
    wrong[4].class_count = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_error err = {0};
        ck_assert_int_eq(weft_comparison_enter(c, WEFT_FIRST, &wrong[i], &err), -1);
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    }
    weft_comparison_destroy(c);
}
END_TEST

SUITE("comparison", TEST(answers_are_paired_by_their_request_in_whatever_order_they_come),
      TEST(rightness_is_counted_where_the_truth_is_known), TEST(the_largest_changes_are_kept_the_largest_first),
      TEST(the_same_answers_have_no_changes), TEST(a_second_answer_to_a_request_is_counted_and_left_out),
      TEST(another_request_at_the_same_place_is_not_compared),
      TEST(a_model_with_fewer_classes_gives_the_others_no_probability), TEST(a_result_that_cannot_be_is_refused))
