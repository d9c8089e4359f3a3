#include "pubsub-bridge/bridge_settings.h"

const struct weft_setting weft_bridge_settings[] = {
    {"outstanding.messages", WEFT_SETTING_INTEGER, "10000", 1, 20000, NULL, false,
     "how many messages of a bridge may be under way at once"},
    {"outstanding.bytes", WEFT_SETTING_INTEGER, "67108864", 1 << 20, INT64_C(1) << 32, NULL, false,
     "how many bytes of messages of a bridge may be under way at once"},
    {"publish.batch.messages", WEFT_SETTING_INTEGER, "1000", 1, 1000, NULL, false, "messages in one call of Publish"},
    {"publish.batch.bytes", WEFT_SETTING_INTEGER, "1048576", 1024, 8 << 20, NULL, false,
     "bytes in one call of Publish; a larger message goes alone"},
    {"publish.calls", WEFT_SETTING_INTEGER, "16", 1, 1000, NULL, false,
     "calls of Publish under way at once; with order, each is of another key"},
    {"pull.streams", WEFT_SETTING_INTEGER, "2", 1, 32, NULL, false, "streams of one subscription"},
    {"ack.deadline", WEFT_SETTING_DURATION, "60s", 10000, 600000, NULL, false,
     "the lease of a message that has been pulled; extended while Kafka is slow"},
    {0},
};

struct weft_pubsub_address weft_bridge_address(const struct weft_settings *settings, const char *emulator)
{
    if (emulator && emulator[0])
        return (struct weft_pubsub_address){.endpoint = emulator, .plain = true};
    return (struct weft_pubsub_address){
        .endpoint = weft_settings_text(settings, "pubsub.endpoint"),
        .credentials_file = weft_settings_text(settings, "pubsub.credentials.file"),
        .ca_file = weft_settings_text(settings, "pubsub.ca.file"),
    };
}
