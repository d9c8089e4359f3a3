#include "clients/picture.h"
#include "clients/printable.h"

#include <string.h>

#include "support/suite.h"

static void check_printable(const char *text, const char *shown)
{
    char out[64];
    ck_assert_str_eq(weft_printable(out, sizeof out, text, strlen(text)), shown);
}

START_TEST(text_of_any_language_stays_as_it_is)
{
    check_printable("", "");
    check_printable("Ankle boot", "Ankle boot");
    check_printable("\u00e9\u20ac\U0001f45f", "\u00e9\u20ac\U0001f45f");
}
END_TEST

START_TEST(control_characters_become_question_marks)
{
    check_printable("\x1b[2J", "?[2J");
    check_printable("a\nb\x7f", "a?b?");
    check_printable("\xc2\x9b"
                    "1m",
                    "?1m");
}
END_TEST

START_TEST(bytes_that_are_no_text_become_question_marks)
{
    check_printable("\xff\xfe", "??");
    check_printable("\xc0\xafx", "??x");
    check_printable("x\xe2\x82", "x??");
    check_printable("\xed\xa0\x80", "???");
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
    char out[4];
    ck_assert_str_eq(weft_printable(out, sizeof out, "abcd", 4), "abc");
    ck_assert_str_eq(weft_printable(out, sizeof out, "ab\u20ac", 5), "ab");
    ck_assert_str_eq(weft_printable(out, 1, "a", 1), "");
}
END_TEST

/* The picture of an image of size bytes, all of one shade; NULL with *err when there is none. The caller frees. */
static char *picture(size_t size, const struct weft_result *result, struct weft_error *err)
{
    static const char *const names[] = {"boot", "shirt", "bag", "hat"};
    char *text = NULL;
    size_t length;
    uint8_t *pixels = malloc(size);
    FILE *out = open_memstream(&text, &length);
    ck_assert(pixels && out);
    memset(pixels, 200, size);
    const struct weft_request request = {.image = pixels, .image_size = size};
    int rc = weft_picture_print(out, &request, result, names, 4, err);
    fclose(out);
    free(pixels);
    if (rc == 0)
        return text;
    free(text);
    return NULL;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

static const float probabilities[] = {0.05F, 0.15F, 0.7F, 0.1F};

static const struct weft_result wrong = {
    .id = {"t10k-7", 6},
    .label = 2,
    .probabilities = probabilities,
    .class_count = 4,
    .has_expected = true,
    .expected = 3,
};

START_TEST(the_most_probable_classes_stand_beside_the_image_in_their_order)
{
    char *text = picture(28 * 28, &wrong, NULL);
    ck_assert_ptr_nonnull(text);
    char *id = strstr(text, "t10k-7"), *first = strstr(text, "bag "), *second = strstr(text, "shirt "),
         *third = strstr(text, "hat ");
    ck_assert(id && first && second && third);
    ck_assert(id < first && first < second && second < third);
    ck_assert_ptr_nonnull(strstr(first, " 70.0 %"));
    ck_assert_ptr_null(strstr(text, "boot"));
    ck_assert_ptr_nonnull(strstr(third, ": it is hat"));
    ck_assert_uint_eq(count_lines(text), 28 / 2 + 1);
    free(text);
}
END_TEST

START_TEST(a_small_image_leaves_room_for_all_that_stands_beside_it)
{
    char *text = picture(4, &wrong, NULL);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "it is hat"));
    free(text);
}
END_TEST

START_TEST(a_large_image_is_shrunk_and_colour_is_recognised)
{
    char *text = picture(3 * 224 * 224, &wrong, NULL);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_le(count_lines(text), 21);
    ck_assert_ptr_nonnull(strstr(text, "38;2;200;200;200m"));
    free(text);
}
END_TEST

START_TEST(an_image_that_is_not_square_is_refused)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(picture(785, &wrong, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "785 bytes"));
}
END_TEST

START_TEST(a_result_without_classes_is_drawn_without_bars)
{
    const struct weft_result bare = {.id = {"x", 1}, .probabilities = probabilities};
    char *text = picture(16, &bare, NULL);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(strstr(text, "%"));
    free(text);
}
END_TEST

SUITE("clients_printing", TEST(text_of_any_language_stays_as_it_is), TEST(control_characters_become_question_marks),
      TEST(bytes_that_are_no_text_become_question_marks), TEST(text_is_cut_between_characters),
      TEST(the_most_probable_classes_stand_beside_the_image_in_their_order),
      TEST(a_small_image_leaves_room_for_all_that_stands_beside_it),
      TEST(a_large_image_is_shrunk_and_colour_is_recognised), TEST(an_image_that_is_not_square_is_refused),
      TEST(a_result_without_classes_is_drawn_without_bars))
