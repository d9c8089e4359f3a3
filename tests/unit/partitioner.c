#include "streams/partitioner.h"

#include <string.h>

#include "support/suite.h"

/* Hashes that Java's Utils.murmur2 gives, as its own test has them (UtilsTest.testMurmur2). */
static const struct {
    const char *key;
    uint32_t hash;
} java[] = {
    {"21", (uint32_t)-973932308},
    {"foobar", (uint32_t)-790332482},
    {"a-little-bit-long-string", (uint32_t)-985981536},
    {"a-little-bit-longer-string", (uint32_t)-1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", (uint32_t)-58897971},
};

START_TEST(a_key_goes_where_java_s_default_partitioner_puts_it)
{
    for (size_t i = 0; i < sizeof java / sizeof *java; i++)
        for (int32_t count = 1; count <= 100; count += 9)
            ck_assert_int_eq(weft_partition(java[i].key, strlen(java[i].key), 7, count),
                             (int32_t)((java[i].hash & 0x7fffffff) % (uint32_t)count));
}
END_TEST

START_TEST(without_a_key_the_source_s_partition_counts)
{
    ck_assert_int_eq(weft_partition(NULL, 0, 5, 8), 5);
    ck_assert_int_eq(weft_partition(NULL, 0, 5, 3), 2);
    ck_assert_int_eq(weft_partition(NULL, 0, 0, 1), 0);
}
END_TEST

START_TEST(an_empty_key_is_a_key)
{
    int32_t partition = weft_partition("", 0, 5, 97);
    ck_assert_int_eq(partition, weft_partition("", 0, 6, 97));
}
END_TEST

START_TEST(the_callback_agrees_with_the_function)
{
    ck_assert_int_eq(weft_partitioner(NULL, NULL, 0, 4, NULL, weft_partition_hint(6)), 2);
    ck_assert_int_eq(weft_partitioner(NULL, "21", 2, 10, NULL, weft_partition_hint(6)), weft_partition("21", 2, 0, 10));
}
END_TEST

SUITE("partitioner", TEST(a_key_goes_where_java_s_default_partitioner_puts_it),
      TEST(without_a_key_the_source_s_partition_counts), TEST(an_empty_key_is_a_key),
      TEST(the_callback_agrees_with_the_function))
