/* Any bytes as an entry of the bridge's ledger, then as ids, one in a line, that a transaction writes there. */
#include "pubsub-bridge/ledger.h"
#include "fuzz/fuzz.h"

enum { IDS_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *ids[IDS_MAX];
    size_t count = 0;
    struct weft_ledger_entry entry;
    struct weft_error err = {0};
    static struct weft_ledger *ledger; /* of 24 MB: one for all */
    char *text = fuzz_text(bytes, size), *rest = text;
    ledger = ledger ? ledger : weft_ledger_new();
    FUZZ_EXPECT(ledger != NULL);
    if (weft_ledger_read(ledger, bytes, size, &err) != 0)
        fuzz_expect_reason(&err);
    while (rest && count < IDS_MAX)
        ids[count++] = strsep(&rest, "\n");
    FUZZ_EXPECT(weft_ledger_entry(ledger, ids, count, &entry));
    weft_ledger_written(ledger, &entry);
    for (size_t i = 0; i < count; i++)
        FUZZ_EXPECT(weft_ledger_holds(ledger, ids[i]));
    free(entry.value);
    free(text);
    return 0;
}
