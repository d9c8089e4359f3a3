/* Matrix product of row-major matrices, by OpenBLAS. */
#ifndef WEFT_MODEL_TRAIN_GEMM_H
#define WEFT_MODEL_TRAIN_GEMM_H

#include <cblas.h>
#include <stddef.h>

/* A matrix whose rows lie row floats apart; op says how it is read. */
struct weft_matrix {
    const float *values;
    size_t row;
    CBLAS_TRANSPOSE op;
};

/* c (m, n) = op(a) op(b) + beta c, where op(a) is (m, k) and op(b) is (k, n). */
static inline void weft_gemm(size_t m, size_t n, size_t k, struct weft_matrix a, struct weft_matrix b, float beta,
                             float *c, size_t c_row)
{
    cblas_sgemm(CblasRowMajor, a.op, b.op, (blasint)m, (blasint)n, (blasint)k, 1.0f, a.values, (blasint)a.row, b.values,
                (blasint)b.row, beta, c, (blasint)c_row);
}

#endif
