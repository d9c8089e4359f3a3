/* Any bytes as what Kafka remembers of a replay's partition; what is one is written and read once more. */
#include "fuzz/fuzz.h"
#include "streams/replay/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct weft_replay_ledger_terms terms, again;
    struct weft_replay_ledger_partition partition = {0}, same = {0};
    struct weft_error err = {0};
    char note[WEFT_REPLAY_LEDGER_NOTE_SIZE];
    int count, same_count;
    if (weft_replay_ledger_read_note((const char *)bytes, size, &terms, &partition, &count, &err) != 0) {
        fuzz_expect_reason(&err);
        return 0;
    }
    if (weft_replay_ledger_write_note(&terms, &partition, count, note, &err) != 0)
        return 0;
    FUZZ_EXPECT(weft_replay_ledger_read_note(note, strlen(note), &again, &same, &same_count, &err) == 0);
    FUZZ_EXPECT(same_count == count && same.from == partition.from && same.to == partition.to);
    FUZZ_EXPECT(strcmp(again.sink, terms.sink) == 0 && strcmp(again.model, terms.model) == 0);
    return 0;
}
