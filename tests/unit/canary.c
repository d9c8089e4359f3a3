#include "streams/canary.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

enum { KEYS = 20000 };

static int taken(int percent)
{
    int count = 0;
    for (int i = 0; i < KEYS; i++) {
        char key[24];
        snprintf(key, sizeof key, "order-%d", i);
        count += weft_canary_takes(key, strlen(key), percent);
    }
    return count;
}

START_TEST(the_share_of_the_keys_is_as_asked_for)
{
    ck_assert_int_eq(taken(0), 0);
    ck_assert_int_eq(taken(100), KEYS);
    for (int percent = 1; percent < 100; percent += 7)
        ck_assert_int_le(abs(taken(percent) - KEYS * percent / 100), KEYS / 100);
}
END_TEST

START_TEST(a_larger_share_has_all_keys_of_a_smaller_one)
{
    for (int i = 0; i < 1000; i++)
        for (int percent = 1; percent <= 100; percent++)
            ck_assert(!weft_canary_takes(&i, sizeof i, percent - 1) || weft_canary_takes(&i, sizeof i, percent));
}
END_TEST

/* FNV-1a of "" is its offset basis, of "foobar" 0x85944171f73967e8 (draft-eastlake-fnv, its test vectors). */
START_TEST(the_hash_is_fnv_1a)
{
    const int empty = 0xcbf29ce4 % 100, foobar = 0x85944171 % 100;
    ck_assert(!weft_canary_takes("", 0, empty) && weft_canary_takes("", 0, empty + 1));
    ck_assert(!weft_canary_takes("foobar", 6, foobar) && weft_canary_takes("foobar", 6, foobar + 1));
}
END_TEST

SUITE("canary", TEST(the_share_of_the_keys_is_as_asked_for), TEST(a_larger_share_has_all_keys_of_a_smaller_one),
      TEST(the_hash_is_fnv_1a))
