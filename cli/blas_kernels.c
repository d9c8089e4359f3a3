#include "cli/blas_kernels.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/blas.h"

enum { ARGUMENTS_MAX = 1024 };

/* This process's own arguments, NULL behind the last, for execv; what exec does not free is the process's last. */
static int read_arguments(char **argv)
{
    size_t count = 0;
    FILE *file = fopen("/proc/self/cmdline", "rb");
    if (!file)
        return -1;
    for (; count < ARGUMENTS_MAX; count++) {
        size_t size = 0;
        argv[count] = NULL;
        if (getdelim(&argv[count], &size, '\0', file) < 0)
            break;
    }
    fclose(file);
    free(argv[count]);
    argv[count] = NULL;
    return count > 0 && count < ARGUMENTS_MAX ? 0 : -1;
}

void cli_choose_blas_kernels(struct weft_log *log)
{
    static const char variable[] = "OPENBLAS_CORETYPE";
    char program[PATH_MAX], *argv[ARGUMENTS_MAX + 1] = {NULL};
    const char *core = weft_blas_better_core();
    /* Once it is set the choice was somebody's, or ours a moment ago. */
    if (!core || getenv(variable) || read_arguments(argv) != 0)
        return;
    /* The link's target, not the link: the process keeps its name. */
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return;
    program[length] = '\0';
    weft_log(log, WEFT_LOG_DEBUG, "train.kernels", "OpenBLAS does not know this processor: starting again with %s=%s",
             variable, core);
    if (setenv(variable, core, 1) == 0)
        execv(program, argv);
}
