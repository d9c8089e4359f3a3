#include "schemas/framing.h"

#include <string.h>

#include "schemas/utf8.h"
#include "support/suite.h"

static void assert_corrupt(const void *value, size_t size, const char *part)
{
    struct weft_frame frame;
    struct weft_error err = {0};
    ck_assert_int_eq(weft_frame_read(value, size, &frame, &err), -1);
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}

START_TEST(a_frame_that_was_written_is_read_back)
{
    const uint32_t ids[] = {0, 1, 258, 16909060, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        uint8_t message[WEFT_FRAME_SIZE + 3] = {0};
        struct weft_frame frame;
        weft_frame_write(message, ids[i]);
        ck_assert_int_eq(weft_frame_read(message, sizeof message, &frame, NULL), 0);
        ck_assert_uint_eq(frame.schema_id, ids[i]);
        ck_assert_ptr_eq(frame.body, message + WEFT_FRAME_SIZE);
        ck_assert_uint_eq(frame.body_size, 3);
    }
}
END_TEST

START_TEST(the_id_stands_with_its_most_significant_byte_first)
{
    uint8_t message[WEFT_FRAME_SIZE];
    weft_frame_write(message, 0x01020304);
    ck_assert_mem_eq(message, "\0\1\2\3\4", sizeof message);
}
END_TEST

START_TEST(a_null_value_is_corrupt)
{
    assert_corrupt(NULL, 0, "null");
}
END_TEST

START_TEST(a_value_shorter_than_the_frame_is_corrupt)
{
    for (size_t size = 0; size < WEFT_FRAME_SIZE; size++)
        assert_corrupt("\0\0\0\0", size, "fewer than the 5");
}
END_TEST

START_TEST(an_empty_body_is_a_frame)
{
    struct weft_frame frame;
    ck_assert_int_eq(weft_frame_read("\0\0\0\0\1", 5, &frame, NULL), 0);
    ck_assert_uint_eq(frame.body_size, 0);
}
END_TEST

START_TEST(another_magic_byte_is_corrupt_and_shown)
{
    assert_corrupt("{\"id\":1}", 8, "0x7b");
}
END_TEST

START_TEST(utf8_is_told_from_what_only_looks_like_it)
{
    const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain and longer than eight bytes", true},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         true},
        {"eight by\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xc3", false},
        {"\xc0\xaf", false},
        {"\xe0\x80\xaf", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x80\x80\xaf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xff", false},
        {"eight by\xe2\x82", false},
        {"\xe2\x28\xa1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(weft_utf8_valid((const uint8_t *)cases[i].text, strlen(cases[i].text)) == cases[i].valid,
                      "case %zu", i);
}
END_TEST

START_TEST(a_guid_names_the_schema_behind_magic_byte_1)
{
    struct weft_frame frame;
    const uint8_t value[] = "\1abcdefghijklmnopBODY";
    ck_assert_int_eq(weft_frame_read(value, sizeof value - 1, &frame, NULL), 0);
    ck_assert_mem_eq(frame.guid, "abcdefghijklmnop", 16);
    ck_assert_uint_eq(frame.body_size, 4);
    assert_corrupt(value, 16, "fewer than the 17");
}
END_TEST

START_TEST(a_header_names_the_schema_and_leaves_the_value_to_the_body)
{
    struct weft_frame frame;
    ck_assert_int_eq(weft_frame_read_header("\0\0\0\0\7", 5, "BODY", 4, &frame, NULL), 0);
    ck_assert_uint_eq(frame.schema_id, 7);
    ck_assert_ptr_null(frame.guid);
    ck_assert_mem_eq(frame.body, "BODY", frame.body_size);
    ck_assert_int_eq(weft_frame_read_header("\1abcdefghijklmnop", 17, "BODY", 4, &frame, NULL), 0);
    ck_assert_mem_eq(frame.guid, "abcdefghijklmnop", 16);
    ck_assert_uint_eq(frame.body_size, 4);
    ck_assert_int_eq(weft_frame_read_header(NULL, 0, "\0\0\0\0\7B", 6, &frame, NULL), 0);
    ck_assert_uint_eq(frame.body_size, 1);
}
END_TEST

START_TEST(a_header_that_is_none_is_corrupt)
{
    const struct {
        const char *header;
        size_t size;
        const char *part;
    } cases[] = {
        {"", 0, "begins with"}, {"\0\0\0\0", 4, "fewer"}, {"\0\0\0\0\7x", 6, "1 bytes more"}, {"\2", 1, "0x02"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weft_frame frame;
        struct weft_error err = {0};
        ck_assert_int_eq(weft_frame_read_header(cases[i].header, cases[i].size, "BODY", 4, &frame, &err), -1);
        ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
        ck_assert_msg(strstr(err.message, "__value_schema_id") && strstr(err.message, cases[i].part), "%s",
                      err.message);
    }
}
END_TEST

SUITE("framing", TEST(a_frame_that_was_written_is_read_back), TEST(the_id_stands_with_its_most_significant_byte_first),
      TEST(a_null_value_is_corrupt), TEST(a_value_shorter_than_the_frame_is_corrupt), TEST(an_empty_body_is_a_frame),
      TEST(another_magic_byte_is_corrupt_and_shown), TEST(utf8_is_told_from_what_only_looks_like_it),
      TEST(a_guid_names_the_schema_behind_magic_byte_1),
      TEST(a_header_names_the_schema_and_leaves_the_value_to_the_body), TEST(a_header_that_is_none_is_corrupt))
