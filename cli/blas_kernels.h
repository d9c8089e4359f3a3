/* OpenBLAS's kernels for a processor that it does not know. */
#ifndef WEFT_CLI_BLAS_KERNELS_H
#define WEFT_CLI_BLAS_KERNELS_H

#include "base/log.h"

/* For long work with matrices, at its very beginning: where OpenBLAS has chosen kernels far below what the processor
 * can do, starts the program again with better ones. OpenBLAS asks its variable only once, before main. */
void cli_choose_blas_kernels(struct weft_log *log);

#endif
