#include "model/blas.h"

#include <cblas.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "model/kernels/variant.h"

/* A release of OpenBLAS does not know processors that came after it, and takes kernels of the first ones with SSE3 for
 * them: 0.3.21 gives a Sapphire Rapids Xeon "Prescott", a fifth of its speed. */
const char *weft_blas_core_instead_of(const char *core, const char *variant)
{
    static const char *const without_avx2[] = {"Generic", "Katmai",      "Coppermine", "Northwood", "Prescott",
                                               "Banias",  "Atom",        "Core2",      "Penryn",    "Dunnington",
                                               "Nehalem", "Sandybridge", NULL};
    for (size_t i = 0; without_avx2[i]; i++)
        if (strcasecmp(core, without_avx2[i]) == 0)
            return strcmp(variant, "avx512") == 0 ? "SkylakeX" : strcmp(variant, "avx2") == 0 ? "Haswell" : NULL;
    return NULL;
}

const char *weft_blas_better_core(void)
{
    return weft_blas_core_instead_of(openblas_get_corename(), weft_variant_best()->name);
}
