#include "model/kernels/variant.h"

extern const struct weft_variant weft_variant_plain;
#ifdef WEFT_X86
extern const struct weft_variant weft_variant_avx2;
extern const struct weft_variant weft_variant_avx512;
#endif

const struct weft_variant *weft_variant_at(size_t i)
{
    const struct weft_variant *found[3];
    size_t count = 0;
#ifdef WEFT_X86
    /* All that model/CMakeLists.txt lets the compiler use. */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma"))
        found[count++] = &weft_variant_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[count++] = &weft_variant_avx2;
#endif
    found[count++] = &weft_variant_plain;
    return i < count ? found[i] : NULL;
}

const struct weft_variant *weft_variant_best(void)
{
    return weft_variant_at(0);
}
