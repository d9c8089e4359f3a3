#include "model/train/teacher.h"

#include <string.h>

#include "model/network.h"
#include "support/suite.h"

enum { IMAGES = 3, SIZE = 28 * 28, CLASSES = 10 };

static const struct weft_shape shape = {1, 28, 28};

static void make_images(uint8_t pixels[IMAGES][SIZE], const uint8_t *images[IMAGES])
{
    for (size_t i = 0; i < IMAGES; i++) {
        images[i] = pixels[i];
        for (size_t p = 0; p < SIZE; p++)
            pixels[i][p] = (uint8_t)(p * (3 + i) % 251);
    }
}

static void answer_of(const char *path, const uint8_t *const images[], float *probabilities)
{
    struct weft_error err = {0};
    struct weft_network *network = weft_network_load(path, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    struct weft_workspace *workspace = weft_workspace_new(network, IMAGES, &err);
    ck_assert_msg(workspace != NULL, "%s", err.message);
    weft_network_run(network, workspace, images, IMAGES, probabilities);
    weft_workspace_destroy(workspace);
    weft_network_destroy(network);
}

START_TEST(the_answer_of_several_networks_is_the_mean_of_theirs)
{
    struct weft_error err = {0};
    uint8_t pixels[IMAGES][SIZE];
    const uint8_t *images[IMAGES];
    float first[IMAGES * CLASSES], second[IMAGES * CLASSES];
    make_images(pixels, images);
    answer_of("builtin:lenet", images, first);
    answer_of("builtin:fast", images, second);

    struct weft_teacher *teacher = weft_teacher_new("builtin:lenet,builtin:fast", shape, CLASSES, &err);
    ck_assert_msg(teacher != NULL, "%s", err.message);
    struct weft_teacher_workspace *workspace = weft_teacher_workspace_new(teacher, IMAGES, &err);
    ck_assert_msg(workspace != NULL, "%s", err.message);
    for (int again = 0; again < 2; again++) {
        const float *answer = weft_teacher_answer(workspace, images, IMAGES);
        for (size_t i = 0; i < IMAGES * CLASSES; i++)
            ck_assert_float_eq_tol(answer[i], (first[i] + second[i]) / 2, 1e-6f);
    }
    weft_teacher_workspace_destroy(workspace);
    weft_teacher_destroy(teacher);
}
END_TEST

START_TEST(teachers_are_told_apart_by_all_their_files)
{
    static const char *const lists[] = {"builtin:lenet", "builtin:fast", "builtin:lenet,builtin:fast",
                                        "builtin:fast,builtin:lenet"};
    enum { COUNT = sizeof lists / sizeof *lists };
    struct weft_error err = {0};
    struct weft_teacher *teachers[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        teachers[i] = weft_teacher_new(lists[i], shape, CLASSES, &err);
        ck_assert_msg(teachers[i] != NULL, "%s", err.message);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(weft_teacher_digest(teachers[i]), weft_teacher_digest(teachers[k]));
    }
    for (size_t i = 0; i < COUNT; i++)
        weft_teacher_destroy(teachers[i]);
}
END_TEST

START_TEST(one_unfit_file_among_several_is_named)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_teacher_new("builtin:lenet,none.onnx", shape, CLASSES, &err));
    ck_assert_msg(strstr(err.message, "the teacher: model none.onnx") != NULL, "%s", err.message);
    ck_assert_ptr_null(weft_teacher_new("builtin:lenet,builtin:fast", shape, CLASSES + 1, &err));
    ck_assert_msg(strstr(err.message, "builtin:lenet: this teacher puts images of 1x28x28 into 10 classes") != NULL,
                  "%s", err.message);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_null(weft_teacher_new(",", shape, CLASSES, &err));
    ck_assert_msg(strstr(err.message, "it names no file") != NULL, "%s", err.message);
}
END_TEST

SUITE("teacher", TEST(the_answer_of_several_networks_is_the_mean_of_theirs),
      TEST(teachers_are_told_apart_by_all_their_files), TEST(one_unfit_file_among_several_is_named))
