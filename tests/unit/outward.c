#include "pubsub-bridge/outward.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "pubsub-bridge/bridge_settings.h"
#include "streams/client.h"
#include "support/mock_cluster.h"
#include "support/pubsub_stub.h"
#include "support/suite.h"

enum { RECORDS = 5, LOOK_MS = 10, CALL_TIMEOUT_MS = 10000 };

/* A bridge from a mock cluster to a scripted server. */
struct fixture {
    struct mock_cluster *mock;
    struct pubsub_stub *stub;
    struct weft_pubsub_address address;
    struct weft_topology_bridge declared;
    struct weft_kafka_names *names;
    struct weft_settings *settings;
    atomic_bool stop;
    struct weft_outward *outward;
    pthread_t thread;
    int result;
    struct weft_error err;
};

static void set_up(struct fixture *f)
{
    static const struct weft_setting *const tables[] = {weft_bridge_settings, NULL};
    static char name[] = "out", source[] = "in", topic[] = "projects/p/topics/t";
    char servers[256];
    *f = (struct fixture){.mock = mock_cluster_new(), .stub = pubsub_stub_start(NULL, 0)};
    f->address = pubsub_stub_address(f->stub);
    f->declared = (struct weft_topology_bridge){.name = name, .from = {.name = source}, .to = {.name = topic}};
    f->names = weft_kafka_names_new(&f->err);
    f->settings = weft_settings_new(tables, weft_kafka_names_dialect(f->names), &f->err);
    snprintf(servers, sizeof servers, "bootstrap.servers=%s", weft_kafka_servers(mock_cluster_settings(f->mock)));
    ck_assert_int_eq(weft_settings_set_option(f->settings, servers, &f->err), 0);
    mock_cluster_fill(f->mock, source, RECORDS);
}

static void *run(void *arg)
{
    struct fixture *f = arg;
    f->result = weft_outward_run(f->outward, &f->err);
    return NULL;
}

static void start(struct fixture *f)
{
    const struct weft_outward_config config = {.bridge = &f->declared,
                                               .settings = f->settings,
                                               .address = &f->address,
                                               .group = "group",
                                               .dead_letters = "dead",
                                               .stop = &f->stop};
    f->outward = weft_outward_new(&config, &f->err);
    ck_assert_msg(f->outward != NULL, "%s", f->err.message);
    ck_assert_int_eq(pthread_create(&f->thread, NULL, run, f), 0);
}

static void stop(struct fixture *f)
{
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    ck_assert_msg(f->result == 0, "%s", f->err.message);
}

/* What the group has committed of partition 0. */
static int64_t committed(struct fixture *f)
{
    const struct weft_client_options options = {.role = WEFT_KAFKA_SOURCE, .group_id = "group"};
    struct weft_client *client = weft_client_new(f->settings, &options, NULL, &f->err);
    ck_assert_msg(client != NULL, "%s", f->err.message);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "in", 0);
    ck_assert_int_eq(rd_kafka_committed(weft_client_handle(client), list, CALL_TIMEOUT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    weft_client_destroy(client);
    return offset;
}

static void tear_down(struct fixture *f)
{
    weft_outward_destroy(f->outward);
    weft_settings_destroy(f->settings);
    weft_kafka_names_destroy(f->names);
    pubsub_stub_stop(f->stub);
    mock_cluster_destroy(f->mock);
}

START_TEST(a_commit_that_fails_is_repeated_though_nothing_more_is_read)
{
    struct fixture f;
    set_up(&f);
    /* The first may be of nothing published yet. */
    mock_cluster_fail(f.mock, MOCK_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, 2);
    start(&f);
    while (committed(&f) != RECORDS)
        weft_clock_sleep_ms(LOOK_MS);
    stop(&f);
    tear_down(&f);
}
END_TEST

START_TEST(a_stop_commits_what_has_been_published)
{
    struct fixture f;
    set_up(&f);
    start(&f);
    while (pubsub_stub_count(f.stub) == 0)
        weft_clock_sleep_ms(LOOK_MS);
    stop(&f);
    ck_assert_int_eq(committed(&f), RECORDS);
    tear_down(&f);
}
END_TEST

SUITE("outward", TEST(a_commit_that_fails_is_repeated_though_nothing_more_is_read),
      TEST(a_stop_commits_what_has_been_published))
