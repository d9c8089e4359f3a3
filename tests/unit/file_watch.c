#include "base/file_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "support/suite.h"

enum { STILL = WEFT_FILE_WATCH_STILL_MS };

static char folder[] = "file_watch.XXXXXX";
static char path[64], other[64];

static void write_file(const char *to, const char *text, int seconds)
{
    FILE *file = fopen(to, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    /* So that two writes within one tick of the file system's clock differ. */
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    ck_assert_int_eq(utimensat(AT_FDCWD, to, times, 0), 0);
}

static void set_up(struct weft_file_watch *watch)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    write_file(path, "one", 1000);
    weft_file_watch_begin(watch, path);
}

static void tear_down(void)
{
    unlink(path);
    unlink(other);
    rmdir(folder);
}

START_TEST(a_file_that_stays_as_it_is_has_not_changed)
{
    struct weft_file_watch watch;
    set_up(&watch);
    for (int64_t now = 0; now < 5 * STILL; now += STILL / 2)
        ck_assert(!weft_file_watch_changed(&watch, now));
    tear_down();
}
END_TEST

START_TEST(a_change_is_told_once_when_the_file_has_been_still)
{
    struct weft_file_watch watch;
    set_up(&watch);
    write_file(path, "two", 1001);
    ck_assert(!weft_file_watch_changed(&watch, 0));
    ck_assert(!weft_file_watch_changed(&watch, STILL - 1));
    ck_assert(weft_file_watch_changed(&watch, STILL));
    ck_assert(!weft_file_watch_changed(&watch, 3 * STILL));
    tear_down();
}
END_TEST

START_TEST(while_it_is_being_written_it_is_waited_for)
{
    struct weft_file_watch watch;
    set_up(&watch);
    for (int i = 0; i < 10; i++) {
        write_file(path, "more", 1001 + i);
        ck_assert(!weft_file_watch_changed(&watch, (int64_t)i * STILL));
    }
    ck_assert(weft_file_watch_changed(&watch, (int64_t)10 * STILL));
    tear_down();
}
END_TEST

START_TEST(another_file_under_the_name_is_a_change_also_when_it_looks_alike)
{
    struct weft_file_watch watch;
    set_up(&watch);
    write_file(other, "one", 1000);
    ck_assert_int_eq(rename(other, path), 0);
    ck_assert(!weft_file_watch_changed(&watch, 0));
    ck_assert(weft_file_watch_changed(&watch, STILL));
    tear_down();
}
END_TEST

START_TEST(a_file_that_vanishes_has_changed_and_again_when_it_returns)
{
    struct weft_file_watch watch;
    set_up(&watch);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!weft_file_watch_changed(&watch, 0));
    ck_assert(weft_file_watch_changed(&watch, STILL));
    write_file(path, "three", 1002);
    ck_assert(!weft_file_watch_changed(&watch, 2 * STILL));
    ck_assert(weft_file_watch_changed(&watch, 3 * STILL));
    tear_down();
}
END_TEST

SUITE("file_watch", TEST(a_file_that_stays_as_it_is_has_not_changed),
      TEST(a_change_is_told_once_when_the_file_has_been_still), TEST(while_it_is_being_written_it_is_waited_for),
      TEST(another_file_under_the_name_is_a_change_also_when_it_looks_alike),
      TEST(a_file_that_vanishes_has_changed_and_again_when_it_returns))
