#include "streams/serving.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/self_test.h"
#include "support/model_file.h"
#include "support/suite.h"

#define TRIVIAL WEFT_SOURCE_DIR "/tests/data/models/trivial.onnx"
#define OTHER_IMAGES WEFT_SOURCE_DIR "/tests/data/models/perceptron.onnx"
#define FIRST                                                                                                          \
    "weft.version\x12\x01"                                                                                             \
    "1"
#define SECOND                                                                                                         \
    "weft.version\x12\x01"                                                                                             \
    "2"

static char folder[] = "serving.XXXXXX";
static char path[64];

static struct weft_serving *set_up(const char *canary, const char *shadow)
{
    struct weft_error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    model_file_edit(TRIVIAL, path, FIRST, FIRST);
    const char *const paths[WEFT_SERVING_ROLES] = {path, canary, shadow};
    struct weft_serving *serving = weft_serving_new(paths, NULL, &err);
    ck_assert_msg(serving != NULL, "%s", err.message);
    return serving;
}

static void tear_down(struct weft_serving *serving)
{
    weft_serving_destroy(serving);
    unlink(path);
    rmdir(folder);
}

static void reload(struct weft_serving *serving)
{
    weft_serving_reload(serving);
    weft_serving_watch(serving);
}

static const char *version(const struct weft_serving_lease *lease)
{
    return weft_network_info(lease->networks[WEFT_SERVING_MAIN])->version;
}

START_TEST(a_lease_keeps_its_network_after_another_is_served)
{
    struct weft_serving *serving = set_up(NULL, NULL);
    struct weft_serving_lease old = weft_serving_take(serving);
    ck_assert(!weft_serving_changed(serving, &old));
    model_file_edit(TRIVIAL, path, FIRST, SECOND);
    reload(serving);
    ck_assert(weft_serving_changed(serving, &old));
    struct weft_serving_lease new = weft_serving_take(serving);
    ck_assert_str_eq(version(&old), "1");
    ck_assert_str_eq(version(&new), "2");
    weft_serving_return(&old);
    weft_serving_return(&new);
    tear_down(serving);
}
END_TEST

static void expect_refused(struct weft_serving *serving)
{
    struct weft_serving_lease lease = weft_serving_take(serving);
    reload(serving);
    ck_assert(!weft_serving_changed(serving, &lease));
    ck_assert_str_eq(version(&lease), "1");
    weft_serving_return(&lease);
}

START_TEST(what_cannot_serve_leaves_the_old_one_at_work)
{
    struct weft_serving *serving = set_up(NULL, NULL);
    model_file_copy(OTHER_IMAGES, path, "note", "");
    expect_refused(serving);
    model_file_edit(TRIVIAL, path, "T-shirt/top", "T-skirt/top");
    expect_refused(serving);
    model_file_copy(TRIVIAL, path, "weft.self_test", "[1,2]");
    expect_refused(serving);
    ck_assert_int_eq(truncate(path, 100), 0);
    expect_refused(serving);
    ck_assert_int_eq(unlink(path), 0);
    expect_refused(serving);
    tear_down(serving);
}
END_TEST

START_TEST(the_same_file_again_is_no_change)
{
    struct weft_serving *serving = set_up(NULL, NULL);
    expect_refused(serving);
    tear_down(serving);
}
END_TEST

START_TEST(a_canary_must_have_the_same_classes_and_all_the_same_images)
{
    struct weft_error err = {0};
    char relabelled[64];
    tear_down(set_up(TRIVIAL, TRIVIAL));
    strcpy(folder, "serving.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(relabelled, sizeof relabelled, "%s/relabelled.onnx", folder);
    model_file_edit(TRIVIAL, relabelled, "T-shirt/top", "T-skirt/top");
    ck_assert_ptr_null(weft_serving_new((const char *const[]){TRIVIAL, relabelled, NULL}, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "its class 0 is called T-skirt/top, and T-shirt/top is served"));
    ck_assert_ptr_null(weft_serving_new((const char *const[]){TRIVIAL, NULL, OTHER_IMAGES}, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "it takes images of 1x8x8, and 1x28x28 are served"));
    struct weft_serving *serving = weft_serving_new((const char *const[]){TRIVIAL, NULL, relabelled}, NULL, &err);
    ck_assert_msg(serving != NULL, "%s", err.message);
    weft_serving_destroy(serving);
    unlink(relabelled);
    rmdir(folder);
}
END_TEST

START_TEST(a_network_that_answers_otherwise_than_its_file_says_is_found_out)
{
    struct weft_error err = {0};
    char text[256] = "1", file[] = "self_test.onnx";
    for (int i = 1; i < WEFT_SELF_TEST_IMAGES * 10; i++)
        strcat(text, ",1");
    model_file_copy(TRIVIAL, file, "weft.self_test", text);
    struct weft_network *network = weft_network_load(file, &err);
    ck_assert_msg(network != NULL, "%s", err.message);
    ck_assert_int_eq(weft_self_test(network, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "self-test: image 0 gets"));
    weft_network_destroy(network);
    unlink(file);
}
END_TEST

SUITE("serving", TEST(a_lease_keeps_its_network_after_another_is_served),
      TEST(what_cannot_serve_leaves_the_old_one_at_work), TEST(the_same_file_again_is_no_change),
      TEST(a_canary_must_have_the_same_classes_and_all_the_same_images),
      TEST(a_network_that_answers_otherwise_than_its_file_says_is_found_out))
