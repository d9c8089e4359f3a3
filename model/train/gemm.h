/* Matrix product of tightly packed row-major matrices, by OpenBLAS. */
#ifndef WEFT_MODEL_TRAIN_GEMM_H
#define WEFT_MODEL_TRAIN_GEMM_H

#include <cblas.h>
#include <stddef.h>

/* c (m, n) = op(a) op(b) + beta c, where op(a) is (m, k) and op(b) is (k, n). */
static inline void weft_gemm(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, size_t m, size_t n, size_t k, const float *a,
                             const float *b, float beta, float *c)
{
    size_t lda = op_a == CblasNoTrans ? k : m;
    size_t ldb = op_b == CblasNoTrans ? n : k;
    cblas_sgemm(CblasRowMajor, op_a, op_b, (blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb,
                beta, c, (blasint)n);
}

#endif
