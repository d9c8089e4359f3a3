#include "model/data/fetch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "support/http_stub.h"
#include "support/idx.h"
#include "support/suite.h"

#define FIRST "the first file\n"
#define SECOND "the second file\n"
#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body
#define WITH_LENGTH(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define PARTIAL(range, body) "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range "/15\r\n\r\n" body

static const struct weft_catalog_file files[] = {
    {"first.gz", 15, "95a2c91d3a8dea036c1306b1722816367e3c5889f87219981b5ee01c7c32ae2e"},
    {"second.gz", 16, "4eed6d99488885a2af4fe15aab5c5385b6b3dc81658d0803c8401f15e7d02c4e"},
};

static const struct weft_catalog_entry both = {
    .key = "both", .url = "http://nowhere.invalid", .files = files, .file_count = 2};
static const struct weft_catalog_entry single = {
    .key = "one", .url = "http://nowhere.invalid", .files = files, .file_count = 1};

struct outcomes {
    size_t count;
    enum weft_fetch_outcome of[4];
};

static void note_outcome(void *context, const char *path, uint64_t size, enum weft_fetch_outcome outcome)
{
    struct outcomes *outcomes = context;
    ck_assert(*path && size > 0 && outcomes->count < 4);
    outcomes->of[outcomes->count++] = outcome;
}

static int fetch(const struct weft_catalog_entry *entry, const struct idx_folder *folder, const char *url,
                 struct outcomes *outcomes, struct weft_error *err)
{
    struct weft_fetch_options options = weft_fetch_defaults();
    options.url = url;
    options.backoff_ms = 1;
    options.file_done = note_outcome;
    options.context = outcomes;
    *outcomes = (struct outcomes){0};
    return weft_fetch(entry, folder->path, &options, err);
}

static void write_text(const struct idx_folder *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file = fopen(idx_path(folder, name, path), "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void check_text(const struct idx_folder *folder, const char *name, const char *text)
{
    char path[256], found[256] = "";
    FILE *file = fopen(idx_path(folder, name, path), "rb");
    ck_assert_msg(file != NULL, "no %s", path);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(found, text);
}

static void check_absent(const struct idx_folder *folder, const char *name)
{
    char path[256];
    ck_assert_int_ne(access(idx_path(folder, name, path), F_OK), 0);
}

/* Fetches the first file from a server with these answers and expects it to be whole. */
static enum weft_fetch_outcome expect_whole(const struct idx_folder *folder, const char *const *answers,
                                            size_t requests)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct http_stub *stub = http_stub_start(answers);
    int rc = fetch(&single, folder, http_stub_url(stub), &outcomes, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    ck_assert_uint_eq(http_stub_count(stub), requests);
    ck_assert_uint_eq(outcomes.count, 1);
    check_text(folder, "first.gz", FIRST);
    check_absent(folder, "first.gz.part");
    http_stub_stop(stub);
    return outcomes.of[0];
}

static void expect_refused(const struct idx_folder *folder, const char *const *answers, size_t requests,
                           enum weft_error_class class, const char *says)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct http_stub *stub = http_stub_start(answers);
    ck_assert_int_eq(fetch(&single, folder, http_stub_url(stub), &outcomes, &err), -1);
    ck_assert_msg(err.class == class && strstr(err.message, says), "%s", err.message);
    ck_assert_uint_eq(http_stub_count(stub), requests);
    ck_assert_uint_eq(outcomes.count, 0);
    check_absent(folder, "first.gz");
    http_stub_stop(stub);
}

START_TEST(the_files_are_loaded_into_a_folder_that_is_made)
{
    char path[256];
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new(), deeper;
    snprintf(deeper.path, sizeof deeper.path, "%s/a/b", folder.path);
    struct http_stub *stub = http_stub_start((const char *[]){OK(FIRST), OK(SECOND), NULL});
    snprintf(path, sizeof path, "%s/", http_stub_url(stub));
    int rc = fetch(&both, &deeper, path, &outcomes, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    check_text(&deeper, "first.gz", FIRST);
    check_text(&deeper, "second.gz", SECOND);
    ck_assert_uint_eq(outcomes.count, 2);
    ck_assert_int_eq(outcomes.of[1], WEFT_FETCH_LOADED);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 1), "GET /second.gz "));
    http_stub_stop(stub);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_file_that_is_there_and_right_is_not_asked_for)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz", FIRST);
    ck_assert_int_eq(fetch(&single, &folder, "http://127.0.0.1:1", &outcomes, &err), 0);
    ck_assert_int_eq(outcomes.of[0], WEFT_FETCH_PRESENT);
    check_absent(&folder, "first.gz.part");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_file_that_is_there_and_wrong_is_left_alone)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz", "mine");
    ck_assert_int_eq(fetch(&single, &folder, "http://127.0.0.1:1", &outcomes, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "/first.gz: is there already"));
    check_text(&folder, "first.gz", "mine");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(what_an_earlier_try_left_is_resumed)
{
    struct idx_folder folder = idx_folder_new();
    struct weft_error err = {0};
    struct outcomes outcomes;
    write_text(&folder, "first.gz.part", "the first");
    struct http_stub *stub = http_stub_start((const char *[]){PARTIAL("9-14", " file\n"), NULL});
    int rc = fetch(&single, &folder, http_stub_url(stub), &outcomes, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    ck_assert_ptr_nonnull(strstr(http_stub_request(stub, 0), "Range: bytes=9-\r\n"));
    ck_assert_int_eq(outcomes.of[0], WEFT_FETCH_RESUMED);
    check_text(&folder, "first.gz", FIRST);
    http_stub_stop(stub);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_complete_part_is_not_asked_for_again)
{
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz.part", FIRST);
    ck_assert_int_eq(expect_whole(&folder, (const char *[]){NULL}, 0), WEFT_FETCH_RESUMED);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_part_longer_than_the_file_is_dropped)
{
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz.part", FIRST "and more");
    ck_assert_int_eq(expect_whole(&folder, (const char *[]){OK(FIRST), NULL}, 1), WEFT_FETCH_LOADED);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_server_without_ranges_sends_all_again)
{
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz.part", "the first");
    ck_assert_int_eq(expect_whole(&folder, (const char *[]){OK(FIRST), NULL}, 1), WEFT_FETCH_LOADED);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_part_that_belongs_to_another_file_is_loaded_anew)
{
    struct idx_folder folder = idx_folder_new();
    write_text(&folder, "first.gz.part", "THE FIRST");
    ck_assert_int_eq(expect_whole(&folder, (const char *[]){PARTIAL("9-14", " file\n"), OK(FIRST), NULL}, 2),
                     WEFT_FETCH_LOADED);
    idx_folder_remove(&folder);

    folder = idx_folder_new();
    write_text(&folder, "first.gz.part", "the first");
    const char *const refused[] = {"HTTP/1.1 416 Range Not Satisfiable\r\nConnection: close\r\n\r\n", OK(FIRST), NULL};
    expect_whole(&folder, refused, 2);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(an_answer_cut_in_the_middle_is_continued)
{
    struct idx_folder folder = idx_folder_new();
    const char *const answers[] = {WITH_LENGTH("15", "the f"), "", PARTIAL("5-14", "irst file\n"), NULL};
    ck_assert_int_eq(expect_whole(&folder, answers, 3), WEFT_FETCH_RESUMED);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_busy_server_is_asked_again)
{
    struct idx_folder folder = idx_folder_new();
    const char *const answers[] = {"HTTP/1.1 503 Slow Down\r\nConnection: close\r\n\r\nslow", OK(FIRST), NULL};
    expect_whole(&folder, answers, 2);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_redirect_is_followed)
{
    struct idx_folder folder = idx_folder_new();
    const char *const answers[] = {
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthere", OK(FIRST),
        NULL};
    expect_whole(&folder, answers, 2);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(another_checksum_is_corrupt_and_nothing_is_kept)
{
    struct idx_folder folder = idx_folder_new();
    expect_refused(&folder, (const char *[]){OK("THE FIRST FILE\n"), NULL}, 1, WEFT_ERROR_CORRUPT, "its SHA-256 is ");
    check_absent(&folder, "first.gz.part");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(another_length_is_corrupt)
{
    struct idx_folder folder = idx_folder_new();
    expect_refused(&folder, (const char *[]){OK(FIRST "x"), NULL}, 1, WEFT_ERROR_CORRUPT, "it is longer");
    expect_refused(&folder, (const char *[]){OK("<html>"), NULL}, 1, WEFT_ERROR_CORRUPT, "6 bytes instead of 15");
    check_absent(&folder, "first.gz.part");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_file_that_the_server_does_not_have_is_asked_for_once)
{
    struct idx_folder folder = idx_folder_new();
    const char *const answers[] = {HTTP_ANSWER("404 Not Found", "text/html", "<html>no such file"), NULL};
    expect_refused(&folder, answers, 1, WEFT_ERROR_UNAVAILABLE, "/first.gz: the server answers with status 404");
    check_absent(&folder, "first.gz.part");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(without_an_answer_the_error_says_what_to_do_by_hand)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new();
    struct http_stub *stub = http_stub_start((const char *[]){NULL});
    http_stub_close(stub);
    ck_assert_int_eq(fetch(&both, &folder, http_stub_url(stub), &outcomes, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_UNAVAILABLE);
    ck_assert_msg(strstr(err.message, "By hand: put first.gz, second.gz from http://nowhere.invalid/ into ") &&
                      strstr(err.message, folder.path),
                  "%s", err.message);
    check_absent(&folder, "first.gz.part");
    http_stub_stop(stub);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(what_came_before_the_server_fell_silent_is_kept)
{
    struct idx_folder folder = idx_folder_new();
    const char *const answers[] = {WITH_LENGTH("15", "the f"), NULL};
    expect_refused(&folder, answers, 5, WEFT_ERROR_UNAVAILABLE, "/first.gz: ");
    check_text(&folder, "first.gz.part", "the f");
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(two_at_a_time_are_refused)
{
    char path[256];
    struct idx_folder folder = idx_folder_new();
    int fd = open(idx_path(&folder, "first.gz.part", path), O_CREAT | O_RDWR, 0666);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    expect_refused(&folder, (const char *[]){OK(FIRST), NULL}, 0, WEFT_ERROR_CONFLICT, "by another process");
    close(fd);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(other_protocols_are_refused)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new();
    ck_assert_int_eq(fetch(&single, &folder, "file:///etc", &outcomes, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_named)
{
    struct weft_error err = {0};
    struct outcomes outcomes;
    struct idx_folder folder = idx_folder_new(), below;
    write_text(&folder, "a", "");
    snprintf(below.path, sizeof below.path, "%s/a", folder.path);
    ck_assert_int_eq(fetch(&single, &below, "http://127.0.0.1:1", &outcomes, &err), -1);
    ck_assert_msg(strstr(err.message, "/a: is no folder"), "%s", err.message);
    idx_folder_remove(&folder);
}
END_TEST

START_TEST(the_catalog_knows_fashion_mnist_and_says_what_there_is)
{
    struct weft_error err = {0};
    const struct weft_catalog_entry *entry = weft_catalog_named("fashion-mnist", &err);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->file_count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(strlen(entry->files[i].sha256), 64);
    ck_assert_ptr_null(weft_catalog_named("cifar", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.message, "fashion-mnist"));
}
END_TEST

SUITE("fetch", TEST(the_files_are_loaded_into_a_folder_that_is_made),
      TEST(a_file_that_is_there_and_right_is_not_asked_for), TEST(a_file_that_is_there_and_wrong_is_left_alone),
      TEST(what_an_earlier_try_left_is_resumed), TEST(a_complete_part_is_not_asked_for_again),
      TEST(a_part_longer_than_the_file_is_dropped), TEST(a_server_without_ranges_sends_all_again),
      TEST(a_part_that_belongs_to_another_file_is_loaded_anew), TEST(an_answer_cut_in_the_middle_is_continued),
      TEST(a_busy_server_is_asked_again), TEST(a_redirect_is_followed),
      TEST(another_checksum_is_corrupt_and_nothing_is_kept), TEST(another_length_is_corrupt),
      TEST(a_file_that_the_server_does_not_have_is_asked_for_once),
      TEST(without_an_answer_the_error_says_what_to_do_by_hand), TEST(what_came_before_the_server_fell_silent_is_kept),
      TEST(two_at_a_time_are_refused), TEST(other_protocols_are_refused), TEST(a_folder_that_cannot_be_made_is_named),
      TEST(the_catalog_knows_fashion_mnist_and_says_what_there_is))
