#include "base/program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

struct lines {
    char text[256];
    size_t most; /* then it is enough */
};

static int note(const char *text, void *arg, struct weft_error *err)
{
    struct lines *lines = arg;
    size_t length = strlen(lines->text);
    snprintf(lines->text + length, sizeof lines->text - length, "[%s]", text);
    return --lines->most ? 0 : weft_error_set(err, WEFT_ERROR_CORRUPT, "enough");
}

static int run_shell(const char *script, struct lines *lines, struct weft_error *err)
{
    char *const argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    char *const environment[] = {(char[]){"GREETING=hello"}, NULL};
    return weft_program_run(argv, environment, note, lines, err);
}

START_TEST(each_line_is_given_and_the_last_without_an_end_too)
{
    struct lines lines = {.most = 10};
    struct weft_error err = {0};
    ck_assert_int_eq(run_shell("echo \"$GREETING\"; echo; printf end", &lines, &err), 0);
    ck_assert_str_eq(lines.text, "[hello][][end]");
}
END_TEST

START_TEST(the_status_is_the_programs)
{
    struct lines lines = {.most = 10};
    struct weft_error err = {0};
    ck_assert_int_eq(run_shell("exit 4", &lines, &err), 4);
    ck_assert_int_eq(run_shell("kill -KILL $$", &lines, &err), 128 + SIGKILL);
    ck_assert_str_eq(lines.text, "");
}
END_TEST

START_TEST(its_input_is_empty)
{
    struct lines lines = {.most = 10};
    struct weft_error err = {0};
    ck_assert_int_eq(run_shell("cat; echo over", &lines, &err), 0);
    ck_assert_str_eq(lines.text, "[over]");
}
END_TEST

START_TEST(one_that_prints_for_ever_ends_when_it_is_enough)
{
    struct lines lines = {.most = 2};
    struct weft_error err = {0};
    ck_assert_int_eq(run_shell("while echo more; do :; done", &lines, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_str_eq(lines.text, "[more][more]");
}
END_TEST

START_TEST(what_cannot_be_run_is_an_error)
{
    char *const argv[] = {(char[]){"/nowhere/program"}, NULL};
    struct lines lines = {.most = 10};
    struct weft_error err = {0};
    ck_assert_int_eq(weft_program_run(argv, argv + 1, note, &lines, &err), -1);
    ck_assert_str_eq(err.message, "/nowhere/program: No such file or directory");
}
END_TEST

START_TEST(a_program_is_found_on_the_path)
{
    char path[64];
    ck_assert_int_eq(setenv("PATH", "/nowhere::/bin:/usr/bin", 1), 0);
    ck_assert(weft_program_find("sh", path, sizeof path));
    ck_assert_str_eq(path, "/bin/sh");
    ck_assert(!weft_program_find("no-such-program", path, sizeof path));
}
END_TEST

START_TEST(one_beside_the_running_program_goes_before_the_path)
{
    char self[4096], path[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    ck_assert_int_gt((int)length, 0);
    self[length] = '\0';
    ck_assert_int_eq(setenv("PATH", "/bin", 1), 0);
    ck_assert(weft_program_find(strrchr(self, '/') + 1, path, sizeof path));
    ck_assert_str_eq(path, self);
}
END_TEST

SUITE("program", TEST(each_line_is_given_and_the_last_without_an_end_too), TEST(the_status_is_the_programs),
      TEST(its_input_is_empty), TEST(one_that_prints_for_ever_ends_when_it_is_enough),
      TEST(what_cannot_be_run_is_an_error), TEST(a_program_is_found_on_the_path),
      TEST(one_beside_the_running_program_goes_before_the_path))
