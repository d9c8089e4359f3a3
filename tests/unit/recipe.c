#include "model/train/recipe.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

START_TEST(a_recipe_file_sets_what_it_says_and_nothing_else)
{
    static const char text[] = "# a comment\n"
                               "name: \"a 'name'\"\n"
                               "architecture: accurate\n"
                               "epochs: 7\n"
                               "augmentation:\n"
                               "  flip: false\n"
                               "  erase:\n"
                               "    area: [0.1, 0.25]\n"
                               "optimizer: {name: adamw, weight_decay: 1e-2}\n";
    struct weft_error err = {0};
    struct weft_recipe recipe = weft_recipe_defaults();
    ck_assert_msg(weft_recipe_parse(&recipe, text, sizeof text - 1, "a.yaml", &err) == 0, "%s", err.message);
    ck_assert_str_eq(recipe.name, "a 'name'");
    ck_assert_str_eq(recipe.architecture, "accurate");
    ck_assert_uint_eq(recipe.epochs, 7);
    ck_assert(!recipe.flip);
    ck_assert_double_eq(recipe.erase_area.low, 0.1);
    ck_assert_double_eq(recipe.erase_area.high, 0.25);
    ck_assert_int_eq(recipe.optimizer, WEFT_OPTIMIZER_ADAMW);
    ck_assert_double_eq(recipe.weight_decay, 0.01);
    ck_assert_double_eq(recipe.erase_aspect.high, 3.3);
    ck_assert_uint_eq(recipe.batch, 128);
}
END_TEST

START_TEST(faults_of_a_file_are_told_with_line_and_key)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "r.yaml says nothing"},
        {"- a\n", "r.yaml:1: the recipe must be a mapping"},
        {"epochs: 5\n\toptimizer: sgd\n", "r.yaml:2:"},
        {"epochs: 5\nepochs: 6\n", "r.yaml:2: epochs stands there twice"},
        {"epochs: 5\nspeed: 9\n", "r.yaml:2: unknown key 'speed': known here are name, version, architecture"},
        {"schedule:\n  rate: 1\n", "r.yaml:2: unknown key 'schedule.rate': known here are name, learning_rate, "},
        {"augmentation:\n  erase:\n    aria: 1\n", "'augmentation.erase.aria': known here are probability, area"},
        {"augmentation:\n  x: 1\n", "known here are shift, flip, erase, mix"},
        {"schedule: cosine\n", "r.yaml:1: schedule must be a mapping"},
        {"epochs:\n  - 1\n  - 2\n", "epochs must be a single value"},
        {"name: [a, b]\n", "r.yaml:1: name must be a single value"},
        {"teacher:\n  model: [a, {b: 1}]\n", "r.yaml:2: teacher.model must be a list in brackets, [a, b]"},
        {"epochs: {a: 1}\n", "r.yaml:1: epochs must be a single value"},
        {"epochs: many\n", "epochs is many"},
        {"epochs: -1\n", "epochs is -1"},
        {"epochs: 18446744073709551617\n", "epochs is 18446744073709551617"},
        {"validation: nan\n", "validation is nan: it must be a number from 1e-06 to 0.9"},
        {"validation: 0.1x\n", "validation is 0.1x"},
        {"validation:\n", "validation is "},
        {"augmentation:\n  erase:\n    area: 0.2\n",
         "r.yaml:3: augmentation.erase.area is 0.2: it must be two numbers"},
        {"augmentation:\n  erase:\n    area: [0.1, 0.2, 0.3]\n", "area is 0.1,0.2,0.3"},
        {"augmentation:\n  flip: maybe\n", "augmentation.flip is 'maybe': it must be one of true|false"},
        {"optimizer:\n  name: adam\n", "optimizer.name is 'adam': it must be one of sgd|adamw"},
        {"name: \"two\\nlines\"\n", "name must be a text"},
        {"&a {augmentation: {erase: *a}}\n", "unknown key 'augmentation.erase.augmentation'"},
        {"? [a]\n: 1\n", "a key must be a word"},
        {"\"\": 1\n", "unknown key ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weft_error err = {0};
        struct weft_recipe recipe = weft_recipe_defaults();
        ck_assert_msg(weft_recipe_parse(&recipe, cases[i].text, strlen(cases[i].text), "r.yaml", &err) == -1,
                      "accepted: %s", cases[i].text);
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
        ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "says not \"%s\": %s", cases[i].says, err.message);
        ck_assert_ptr_null(strchr(err.message, '\n'));
    }
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
    char text[2 * WEFT_RECIPE_TEXT_SIZE];
    struct weft_error err = {0};
    struct weft_recipe recipe = weft_recipe_defaults();
    const int size = snprintf(text, sizeof text, "name: %0*d\n", WEFT_RECIPE_TEXT_SIZE, 7);
    ck_assert_int_eq(weft_recipe_parse(&recipe, text, (size_t)size, "r.yaml", &err), -1);
    ck_assert_int_eq(weft_recipe_set(&recipe, "name", text + 6, &err), -1);
    ck_assert_str_eq(recipe.name, "");
}
END_TEST

START_TEST(the_text_of_a_recipe_gives_the_recipe_again)
{
    struct weft_error err = {0};
    struct weft_recipe recipe = weft_recipe_defaults(), again = weft_recipe_defaults();
    char was[WEFT_RECIPE_TEXT_SIZE], is[WEFT_RECIPE_TEXT_SIZE];
    strcpy(recipe.name, "quoted \"and\" \\ : # [x]");
    strcpy(recipe.version, "007");
    recipe.learning_rate = 1.0 / 3;
    recipe.erase_area = (struct weft_interval){0.1, 2.0 / 3};
    recipe.flip = false;
    recipe.schedule = WEFT_SCHEDULE_ONE_CYCLE;
    recipe.seed = 9007199254740991;
    char *text = weft_recipe_text(&recipe);
    ck_assert_msg(weft_recipe_parse(&again, text, strlen(text), "text", &err) == 0, "%s\n%s", err.message, text);
    const char *key = weft_recipe_difference(&recipe, &again, was, is);
    ck_assert_msg(!key, "%s: %s, %s", key, was, is);
    ck_assert(again.learning_rate == recipe.learning_rate && again.erase_area.high == recipe.erase_area.high);
    free(text);
}
END_TEST

START_TEST(a_recipe_lists_its_teachers)
{
    static const struct {
        const char *text, *teachers;
    } cases[] = {
        {"teacher:\n  model: a.onnx\n", "a.onnx"},
        {"teacher:\n  model: [a.onnx, \"b c.onnx\"]\n", "a.onnx,b c.onnx"},
        {"teacher:\n  model:\n    - a.onnx\n    - builtin:fast\n", "a.onnx,builtin:fast"},
        {"teacher:\n  model: []\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weft_error err = {0};
        struct weft_recipe recipe = weft_recipe_defaults(), again = weft_recipe_defaults();
        ck_assert_msg(weft_recipe_parse(&recipe, cases[i].text, strlen(cases[i].text), "r.yaml", &err) == 0, "%s",
                      err.message);
        ck_assert_str_eq(recipe.teachers, cases[i].teachers);
        char *text = weft_recipe_text(&recipe);
        ck_assert_msg(weft_recipe_parse(&again, text, strlen(text), "text", &err) == 0, "%s\n%s", err.message, text);
        ck_assert_str_eq(again.teachers, cases[i].teachers);
        free(text);
    }
}
END_TEST

START_TEST(every_key_has_a_name_and_an_option_of_its_own)
{
    for (size_t i = 0; weft_recipe_key(i); i++)
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(weft_recipe_key(i), weft_recipe_key(k));
            ck_assert_str_ne(weft_recipe_option(i), weft_recipe_option(k));
        }
    ck_assert_ptr_null(weft_recipe_option(1000));
}
END_TEST

START_TEST(defaults_are_in_their_range)
{
    struct weft_error err = {0};
    const struct weft_recipe recipe = weft_recipe_defaults();
    ck_assert_msg(weft_recipe_check(&recipe, &err) == 0, "%s", err.message);
}
END_TEST

START_TEST(a_difference_is_named_with_both_values)
{
    char was[WEFT_RECIPE_TEXT_SIZE], is[WEFT_RECIPE_TEXT_SIZE];
    struct weft_recipe a = weft_recipe_defaults(), b = a;
    strcpy(b.data, "elsewhere");
    ck_assert_ptr_null(weft_recipe_difference(&a, &b, was, is));
    b.erase_area.high = 0.5;
    ck_assert_str_eq(weft_recipe_difference(&a, &b, was, is), "augmentation.erase.area");
    ck_assert_str_eq(was, "0.02,0.4");
    ck_assert_str_eq(is, "0.02,0.5");
}
END_TEST

START_TEST(an_unknown_key_cannot_be_set)
{
    struct weft_error err = {0};
    struct weft_recipe recipe = weft_recipe_defaults();
    ck_assert_int_eq(weft_recipe_set(&recipe, "augmentation", "1", &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
}
END_TEST

START_TEST(the_recipes_of_the_project_are_good)
{
    static const char *const names[] = {"lenet", "fast", "accurate-first", "accurate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        struct weft_error err = {0};
        struct weft_recipe recipe = weft_recipe_defaults();
        snprintf(path, sizeof path, WEFT_SOURCE_DIR "/model/recipes/%s.yaml", names[i]);
        ck_assert_msg(weft_recipe_read(&recipe, path, &err) == 0, "%s", err.message);
        ck_assert_msg(weft_recipe_check(&recipe, &err) == 0, "%s", err.message);
        ck_assert_str_eq(recipe.name, names[i]);
    }
}
END_TEST

SUITE("recipe", TEST(a_recipe_file_sets_what_it_says_and_nothing_else),
      TEST(faults_of_a_file_are_told_with_line_and_key), TEST(a_text_that_is_too_long_is_refused),
      TEST(the_text_of_a_recipe_gives_the_recipe_again), TEST(a_recipe_lists_its_teachers),
      TEST(every_key_has_a_name_and_an_option_of_its_own), TEST(defaults_are_in_their_range),
      TEST(a_difference_is_named_with_both_values), TEST(an_unknown_key_cannot_be_set),
      TEST(the_recipes_of_the_project_are_good))
