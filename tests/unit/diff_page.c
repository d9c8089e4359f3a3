#include "streams/replay/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text_file.h"
#include "support/suite.h"

/* Two classes, the second of which has a name that would be a tag. */
static const char *const classes[] = {"cat", "<script>alert(1)</script>"};
static const uint64_t labels[] = {5, 2, 0, 3};
static const struct weft_change change = {.topic = "requests",
                                          .partition = 2,
                                          .offset = 77,
                                          .label = {0, 1},
                                          .expected = 1,
                                          .before = 0.9F,
                                          .after = 0.25F,
                                          .answer = 0.75F};

static char *write_page(const struct weft_diff *diff)
{
    struct weft_error err = {0};
    char folder[] = "/tmp/weft-page-XXXXXX", path[64];
    size_t size;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/diff.html", folder);
    ck_assert_msg(weft_diff_page_write(path, diff, &err) == 0, "%s", err.message);
    char *text = weft_text_file_read(path, &size, &err);
    ck_assert_msg(text != NULL, "%s", err.message);
    unlink(path);
    rmdir(folder);
    return text;
}

static struct weft_diff sample(void)
{
    return (struct weft_diff){
        .sides = {{.topic = "a", .models = {{.name = "old"}}, .model_count = 1},
                  {.topic = "b", .models = {{.name = "new"}}, .model_count = 1}},
        .report = {.results = {10, 10},
                   .compared = 10,
                   .agreed = 8,
                   .class_count = 2,
                   .labels = labels,
                   .classes = classes,
                   .labelled = 10,
                   .right = {7, 9},
                   .only_right = {0, 2},
                   .mcnemar = {.exact = true, .p = 0.5},
                   .changes = &change,
                   .change_count = 1},
    };
}

START_TEST(a_page_shows_agreement_accuracy_test_and_changes)
{
    const struct weft_diff diff = sample();
    char *page = write_page(&diff);
    static const char *const shown[] = {"old against new", "80.00 %",         "70.00 %",        "90.00 %",
                                        "<b>0.5</b>",      "requests 2 @ 77", "0.9000 → 0.2500"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        ck_assert_msg(strstr(page, shown[i]) != NULL, "'%s' is missing", shown[i]);
    free(page);
}
END_TEST

START_TEST(nothing_from_outside_is_markup_and_nothing_is_loaded)
{
    const struct weft_diff diff = sample();
    char *page = write_page(&diff);
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;script&gt;"));
    ck_assert_ptr_null(strstr(page, "http://"));
    ck_assert_ptr_null(strstr(page, "https://"));
    free(page);
}
END_TEST

START_TEST(of_many_classes_the_most_frequent_changes_are_listed)
{
    enum { MANY = 40 };
    uint64_t counts[MANY * MANY] = {0};
    const char *names[MANY];
    char room[MANY][8];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(room[i], sizeof room[i], "c%zu", i);
        names[i] = room[i];
        counts[i * MANY + i] = 1000;
    }
    counts[3 * MANY + 17] = 9;
    counts[8 * MANY + 1] = 12;
    struct weft_diff diff = sample();
    diff.report.class_count = MANY;
    diff.report.labels = counts;
    diff.report.classes = names;
    char *page = write_page(&diff);
    const char *more = strstr(page, "<td>c8</td><td>c1</td><td>12</td>");
    ck_assert_ptr_nonnull(more);
    ck_assert_ptr_nonnull(strstr(more, "<td>c3</td><td>c17</td><td>9</td>"));
    ck_assert_ptr_null(strstr(page, "1000"));
    free(page);
}
END_TEST

SUITE("diff_page", TEST(a_page_shows_agreement_accuracy_test_and_changes),
      TEST(nothing_from_outside_is_markup_and_nothing_is_loaded),
      TEST(of_many_classes_the_most_frequent_changes_are_listed))
