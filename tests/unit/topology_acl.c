#include "topology/acl.h"

#include <string.h>

#include "streams/processor_settings.h"
#include "support/suite.h"

static const struct weft_topology_processor processor = {
    .name = (char *)"predict", .source = (char *)"req", .sink = (char *)"res", .dead_letters = (char *)"req.dead"};

static struct weft_settings *make_settings(void)
{
    static const char *const names[] = {"group.id"}, *const prefixes[] = {"consumer.", NULL};
    static const struct weft_settings_dialect dialect = {.names = names, .count = 1, .prefixes = prefixes};
    static const struct weft_setting *const tables[] = {weft_processor_settings, NULL};
    struct weft_error err = {0};
    struct weft_settings *settings = weft_settings_new(tables, &dialect, &err);
    ck_assert_ptr_nonnull(settings);
    return settings;
}

static void assert_rights(const struct weft_right *rights, const char *const (*expected)[3], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(rights[i].resource, expected[i][0]);
        ck_assert_str_eq(rights[i].name, expected[i][1]);
        ck_assert_str_eq(rights[i].operation, expected[i][2]);
    }
}

START_TEST(a_processor_reads_its_source_and_group_and_writes_the_rest)
{
    struct weft_right rights[WEFT_RIGHTS_MAX];
    struct weft_settings *settings = make_settings();
    static const char *const expected[][3] = {{"topic", "req", "Read"},
                                              {"topic", "res", "Write"},
                                              {"topic", "req.dead", "Write"},
                                              {"group", "weft-predict", "Read"},
                                              {"transactional-id", "weft-predict-", "Write"}};
    const size_t count = sizeof expected / sizeof *expected;
    ck_assert_uint_eq(weft_processor_rights(&processor, settings, rights), count);
    assert_rights(rights, expected, count);
    ck_assert(rights[count - 1].prefix);
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_bridge_to_pubsub_reads_its_source_and_writes_dead_letters)
{
    struct weft_right rights[WEFT_RIGHTS_MAX];
    static const char *const expected[][3] = {
        {"topic", "res", "Read"}, {"topic", "weft-bridge-out.dead", "Write"}, {"group", "weft-bridge-out", "Read"}};
    const struct weft_topology_bridge bridge = {
        .name = (char[]){"out"}, .from = {.name = (char[]){"res"}}, .to = {true, (char[]){"projects/p/topics/t"}}};
    ck_assert_uint_eq(weft_bridge_rights(&bridge, rights), 3);
    assert_rights(rights, expected, 3);
}
END_TEST

START_TEST(a_bridge_to_kafka_keeps_a_ledger_in_transactions)
{
    struct weft_right rights[WEFT_RIGHTS_MAX];
    static const char *const expected[][3] = {
        {"topic", "req", "Write"},
        {"group", "weft-bridge-in", "Read"},
        {"topic", "weft-bridge-in", "Read"},
        {"topic", "weft-bridge-in", "Write"},
        {"transactional-id", "weft-bridge-in", "Write"},
    };
    const struct weft_topology_bridge bridge = {.name = (char[]){"in"},
                                                .from = {true, (char[]){"projects/p/subscriptions/s"}},
                                                .to = {.name = (char[]){"req"}},
                                                .stop = true};
    ck_assert_uint_eq(weft_bridge_rights(&bridge, rights), 5);
    assert_rights(rights, expected, 5);
    ck_assert(!rights[4].prefix);
}
END_TEST

START_TEST(a_shadow_writes_to_a_topic_of_its_own)
{
    struct weft_right rights[WEFT_RIGHTS_MAX];
    struct weft_settings *settings = make_settings();
    struct weft_topology_processor shadowed = processor;
    shadowed.shadow_results = (char[]){"res.shadow"};
    ck_assert_uint_eq(weft_processor_rights(&shadowed, settings, rights), WEFT_RIGHTS_MAX);
    ck_assert_str_eq(rights[WEFT_RIGHTS_MAX - 1].name, "res.shadow");
    ck_assert_str_eq(rights[WEFT_RIGHTS_MAX - 1].operation, "Write");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(what_a_shell_would_read_otherwise_is_quoted)
{
    char text[512] = "";
    const struct weft_right right = {"group", "it's $HOME", false, "Read"};
    FILE *out = fmemopen(text, sizeof text, "w");
    weft_right_print(out, &right, "a:1,b:2", "User:CN=x y");
    fclose(out);
    ck_assert_str_eq(text, "kafka-acls.sh --bootstrap-server a:1,b:2 --add --allow-principal 'User:CN=x y' "
                           "--operation Read --group 'it'\\''s $HOME'\n");
}
END_TEST

SUITE("topology_acl", TEST(a_processor_reads_its_source_and_group_and_writes_the_rest),
      TEST(a_bridge_to_pubsub_reads_its_source_and_writes_dead_letters),
      TEST(a_bridge_to_kafka_keeps_a_ledger_in_transactions), TEST(a_shadow_writes_to_a_topic_of_its_own),
      TEST(what_a_shell_would_read_otherwise_is_quoted))
