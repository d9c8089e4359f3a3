#include "streams/kafka_settings.h"

#include <string.h>

#include "streams/processor_settings.h"
#include "support/suite.h"

static const struct weft_setting *const tables[] = {weft_processor_settings, NULL};

struct fixture {
    struct weft_kafka_names *names;
    struct weft_settings *settings;
    struct weft_error err;
};

static void set_up(struct fixture *f, const char *const *options)
{
    *f = (struct fixture){.names = weft_kafka_names_new(&f->err)};
    f->settings = weft_settings_new(tables, weft_kafka_names_dialect(f->names), &f->err);
    for (; *options; options++)
        ck_assert_msg(weft_settings_set_option(f->settings, *options, &f->err) == 0, "%s", f->err.message);
}

static void tear_down(struct fixture *f)
{
    weft_settings_destroy(f->settings);
    weft_kafka_names_destroy(f->names);
}

/* The value that a client of the role gets for the name. */
static void expect_value(struct fixture *f, enum weft_kafka_role role, const char *name, const char *wanted)
{
    char value[128];
    size_t size = sizeof value;
    rd_kafka_conf_t *conf = weft_kafka_conf(f->settings, role, &f->err);
    ck_assert_msg(conf != NULL, "%s", f->err.message);
    ck_assert_int_eq(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    ck_assert_str_eq(value, wanted);
    rd_kafka_conf_destroy(conf);
}

static void expect_refused(const char *option, enum weft_kafka_role role, const char *part_of_message)
{
    struct fixture f;
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", option, NULL});
    ck_assert_ptr_null(weft_kafka_conf(f.settings, role, &f.err));
    ck_assert_msg(strstr(f.err.message, part_of_message) != NULL, "%s", f.err.message);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_CONFIG);
    tear_down(&f);
}

START_TEST(a_setting_reaches_the_clients_that_have_it)
{
    struct fixture f;
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", "session.timeout.ms=7000", "linger.ms=50",
                                     "consumer.client.id=c", "producer.client.id=p", "client.id=all",
                                     "consumer.session.timeout.ms=8000", NULL});
    expect_value(&f, WEFT_KAFKA_SOURCE, "session.timeout.ms", "8000"); /* the more special one wins */
    expect_value(&f, WEFT_KAFKA_ADMIN, "socket.nagle.disable", "true");
    expect_value(&f, WEFT_KAFKA_SOURCE, "client.id", "c");
    expect_value(&f, WEFT_KAFKA_SINK, "client.id", "p");
    expect_value(&f, WEFT_KAFKA_SINK, "linger.ms", "50");
    tear_down(&f);
}
END_TEST

START_TEST(what_exactly_once_needs_is_set_for_the_processor)
{
    struct fixture f;
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", NULL});
    expect_value(&f, WEFT_KAFKA_SOURCE, "isolation.level", "read_committed");
    expect_value(&f, WEFT_KAFKA_SOURCE, "enable.auto.commit", "false");
    expect_value(&f, WEFT_KAFKA_SINK, "acks", "-1");
    expect_value(&f, WEFT_KAFKA_SINK, "enable.idempotence", "true");
    tear_down(&f);
}
END_TEST

START_TEST(how_large_a_record_may_be_is_left_to_its_topic)
{
    struct fixture f;
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", NULL});
    expect_value(&f, WEFT_KAFKA_SINK, "message.max.bytes", "100000000");
    expect_value(&f, WEFT_KAFKA_SENDER, "message.max.bytes", "100000000");
    expect_value(&f, WEFT_KAFKA_SENDER, "batch.size", "1000000");
    expect_value(&f, WEFT_KAFKA_SOURCE, "message.max.bytes", "1000000"); /* or it would fetch as much at once */
    tear_down(&f);
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", "message.max.bytes=5000", NULL});
    expect_value(&f, WEFT_KAFKA_SENDER, "message.max.bytes", "5000");
    tear_down(&f);
}
END_TEST

START_TEST(what_would_break_exactly_once_is_refused)
{
    expect_refused("enable.auto.commit=true", WEFT_KAFKA_SOURCE, "would break exactly-once");
    expect_refused("consumer.enable.auto.offset.store=true", WEFT_KAFKA_SOURCE, "would break exactly-once");
    expect_refused("isolation.level=read_uncommitted", WEFT_KAFKA_SOURCE, "leave it at read_committed");
    expect_refused("acks=1", WEFT_KAFKA_SINK, "leave it at all");
    expect_refused("request.required.acks=0", WEFT_KAFKA_SINK, "leave it at all");
    expect_refused("enable.idempotence=false", WEFT_KAFKA_SINK, "leave it at true");
    expect_refused("transactional.id=mine", WEFT_KAFKA_SINK, "weft makes it of group.id, instance and worker");
    expect_refused("auto.offset.reset=latest", WEFT_KAFKA_SOURCE, "would skip requests");
    expect_refused("partition.assignment.strategy=cooperative-sticky", WEFT_KAFKA_SOURCE, "use range or roundrobin");
}
END_TEST

START_TEST(the_same_value_in_other_words_is_accepted)
{
    struct fixture f;
    set_up(&f, (const char *const[]){"bootstrap.servers=x:1", "acks=-1", "isolation.level=read_committed",
                                     "auto.offset.reset=error", NULL});
    expect_value(&f, WEFT_KAFKA_SINK, "acks", "-1");
    expect_value(&f, WEFT_KAFKA_SOURCE, "auto.offset.reset", "error");
    tear_down(&f);
}
END_TEST

START_TEST(without_brokers_the_start_is_refused)
{
    struct fixture f;
    set_up(&f, (const char *const[]){NULL});
    ck_assert_ptr_null(weft_kafka_conf(f.settings, WEFT_KAFKA_ADMIN, &f.err));
    ck_assert_ptr_nonnull(strstr(f.err.message, "bootstrap.servers is not set"));
    tear_down(&f);
}
END_TEST

START_TEST(an_unknown_name_is_refused_with_the_library_s_nearest)
{
    struct fixture f;
    set_up(&f, (const char *const[]){NULL});
    ck_assert_int_eq(weft_settings_set_option(f.settings, "bootstrap.server=x", &f.err), -1);
    ck_assert_str_eq(f.err.message, "-X: unknown setting bootstrap.server: did you mean bootstrap.servers?");
    ck_assert_int_eq(weft_settings_set_option(f.settings, "session.timeout.ms=soon", &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.message, "session.timeout.ms"));
    tear_down(&f);
}
END_TEST

SUITE("kafka_settings", TEST(a_setting_reaches_the_clients_that_have_it),
      TEST(what_exactly_once_needs_is_set_for_the_processor), TEST(how_large_a_record_may_be_is_left_to_its_topic),
      TEST(what_would_break_exactly_once_is_refused), TEST(the_same_value_in_other_words_is_accepted),
      TEST(without_brokers_the_start_is_refused), TEST(an_unknown_name_is_refused_with_the_library_s_nearest))
