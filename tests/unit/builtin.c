#include "model/builtin.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "model/network.h"
#include "support/suite.h"

START_TEST(a_builtin_model_is_the_very_file_of_the_zoo)
{
    struct weft_error err = {0};
    struct weft_network *builtin = weft_network_load("builtin:lenet", &err);
    struct weft_network *file = weft_network_load(WEFT_SOURCE_DIR "/model/zoo/lenet.onnx", &err);
    ck_assert_msg(builtin && file, "%s", err.message);
    ck_assert_str_eq(weft_network_info(builtin)->sha256, weft_network_info(file)->sha256);
    ck_assert_str_eq(weft_network_info(builtin)->name, "lenet");
    weft_network_destroy(builtin);
    weft_network_destroy(file);
}
END_TEST

START_TEST(every_model_of_the_zoo_is_in_the_program)
{
    size_t files = 0, models = 0;
    DIR *zoo = opendir(WEFT_SOURCE_DIR "/model/zoo");
    ck_assert_ptr_nonnull(zoo);
    for (struct dirent *entry; (entry = readdir(zoo));) {
        char path[300];
        struct weft_error err = {0};
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".onnx") != 0)
            continue;
        *dot = '\0';
        snprintf(path, sizeof path, "builtin:%s", entry->d_name);
        ck_assert_msg(weft_builtin_find(path, &err) != NULL, "%s", err.message);
        files++;
    }
    closedir(zoo);
    while (weft_builtin_at(models))
        models++;
    ck_assert_uint_gt(files, 0);
    ck_assert_uint_eq(models, files);
}
END_TEST

START_TEST(every_builtin_model_loads)
{
    const struct weft_builtin *model;
    for (size_t i = 0; (model = weft_builtin_at(i)); i++) {
        struct weft_error err = {0};
        char path[300];
        snprintf(path, sizeof path, "builtin:%s", model->name);
        struct weft_network *network = weft_network_load(path, &err);
        ck_assert_msg(network != NULL, "%s", err.message);
        weft_network_destroy(network);
    }
}
END_TEST

START_TEST(the_default_is_one_of_them)
{
    struct weft_error err = {0};
    ck_assert_msg(weft_builtin_find(WEFT_BUILTIN_DEFAULT, &err) != NULL, "%s", err.message);
}
END_TEST

START_TEST(an_unknown_name_is_refused_with_the_known_ones)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_network_load("builtin:lenett", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "model builtin:lenett"));
    ck_assert_ptr_nonnull(strstr(err.message, "builtin:lenet"));
}
END_TEST

START_TEST(only_the_prefix_makes_a_path_a_builtin_one)
{
    ck_assert(weft_builtin_is("builtin:lenet"));
    ck_assert(weft_builtin_is("builtin:"));
    ck_assert(!weft_builtin_is("lenet"));
    ck_assert(!weft_builtin_is("./builtin:lenet"));
}
END_TEST

SUITE("builtin", TEST(a_builtin_model_is_the_very_file_of_the_zoo), TEST(every_model_of_the_zoo_is_in_the_program),
      TEST(every_builtin_model_loads), TEST(the_default_is_one_of_them),
      TEST(an_unknown_name_is_refused_with_the_known_ones), TEST(only_the_prefix_makes_a_path_a_builtin_one))
