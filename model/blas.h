/* Which kernels OpenBLAS has chosen for this processor. */
#ifndef WEFT_MODEL_BLAS_H
#define WEFT_MODEL_BLAS_H

/* The name of better ones that this processor can run, for OpenBLAS's variable OPENBLAS_CORETYPE; NULL where those that
 * were chosen will do. */
const char *weft_blas_better_core(void);

/* The same where OpenBLAS has chosen those of core, and variant is the best of weft's own kernels that run. */
const char *weft_blas_core_instead_of(const char *core, const char *variant);

#endif
