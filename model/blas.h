/* Which kernels OpenBLAS has chosen for this processor. */
#ifndef WEFT_MODEL_BLAS_H
#define WEFT_MODEL_BLAS_H

/* The name of better ones that this processor can run, for OpenBLAS's variable OPENBLAS_CORETYPE; NULL where those that
 * were chosen will do. */
const char *weft_blas_better_core(void);

#endif
