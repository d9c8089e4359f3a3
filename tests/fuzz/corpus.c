/* Runs a fuzz target once on each file that is named: its corpus as a test, without libFuzzer. */
#include "base/text_file.h"
#include "fuzz/fuzz.h"

int main(int argc, char **argv)
{
    struct weft_error err = {0};
    for (int i = 1; i < argc; i++) {
        size_t size;
        uint8_t *bytes = (uint8_t *)weft_text_file_read(argv[i], &size, &err);
        if (!bytes) {
            fprintf(stderr, "%s\n", err.message);
            return EXIT_FAILURE;
        }
        fprintf(stderr, "%s\n", argv[i]);
        LLVMFuzzerTestOneInput(bytes, size);
        free(bytes);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
