#include "model/blas.h"

#include "support/suite.h"

START_TEST(a_core_without_avx2_gives_way_to_one_that_uses_what_the_processor_has)
{
    ck_assert_str_eq(weft_blas_core_instead_of("Prescott", "avx512"), "SkylakeX");
    ck_assert_str_eq(weft_blas_core_instead_of("Prescott", "avx2"), "Haswell");
    ck_assert_str_eq(weft_blas_core_instead_of("Generic", "avx512"), "SkylakeX");
    ck_assert_str_eq(weft_blas_core_instead_of("Sandybridge", "avx2"), "Haswell");
}
END_TEST

START_TEST(the_case_of_a_cores_name_does_not_matter)
{
    ck_assert_str_eq(weft_blas_core_instead_of("SANDYBRIDGE", "avx2"), "Haswell");
    ck_assert_str_eq(weft_blas_core_instead_of("core2", "avx512"), "SkylakeX");
}
END_TEST

START_TEST(a_processor_without_avx2_keeps_its_core)
{
    ck_assert_ptr_null(weft_blas_core_instead_of("Nehalem", "plain"));
}
END_TEST

START_TEST(a_core_with_avx2_or_one_that_is_not_known_stays)
{
    static const char *const cores[] = {"Haswell",        "Zen",        "Excavator", "Cooperlake",
                                        "SapphireRapids", "neoversen1", ""};
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        ck_assert_ptr_null(weft_blas_core_instead_of(cores[i], "avx512"));
}
END_TEST

/* Or the program would start again and again. */
START_TEST(the_core_that_comes_instead_stays)
{
    static const char *const variants[] = {"avx512", "avx2"};
    for (size_t i = 0; i < 2; i++) {
        const char *core = weft_blas_core_instead_of("Prescott", variants[i]);
        ck_assert_ptr_nonnull(core);
        ck_assert_ptr_null(weft_blas_core_instead_of(core, variants[i]));
    }
}
END_TEST

SUITE("blas", TEST(a_core_without_avx2_gives_way_to_one_that_uses_what_the_processor_has),
      TEST(the_case_of_a_cores_name_does_not_matter), TEST(a_processor_without_avx2_keeps_its_core),
      TEST(a_core_with_avx2_or_one_that_is_not_known_stays), TEST(the_core_that_comes_instead_stays))
