#include "topology/topology.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text_file.h"
#include "model/builtin.h"
#include "schemas/schema_file.h"
#include "schemas/subject.h"
#include "streams/processor_settings.h"
#include "support/suite.h"
#include "topology/value.h"

/* Paths in errors are as given: from here they are short. */
static void enter(const char *folder)
{
    ck_assert_int_eq(chdir(WEFT_SOURCE_DIR "/tests/data/topology"), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

static struct weft_topology *load(const char *path)
{
    struct weft_error err = {0};
    enter(".");
    struct weft_topology *topology = weft_topology_load(path, &err);
    ck_assert_msg(topology != NULL, "%s", err.message);
    return topology;
}

START_TEST(schemas_are_read_with_their_files)
{
    struct weft_topology *topology = load("good.yaml");
    ck_assert_str_eq(topology->name, "predict");
    ck_assert_uint_eq(topology->schema_count, 2);
    ck_assert_str_eq(topology->schemas[0].subject, "requests-value");
    ck_assert_str_eq(topology->schemas[0].compatibility, "FULL_TRANSITIVE");
    ck_assert_str_eq(topology->schemas[0].text,
                     "{\"type\":\"record\",\"name\":\"Point\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}");
    ck_assert_str_eq(topology->schemas[1].subject, "results-value");
    ck_assert_ptr_null(topology->schemas[1].compatibility);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(topics_are_read_with_numbers_lines_and_aliases)
{
    struct weft_topology *topology = load("good.yaml");
    ck_assert_uint_eq(topology->topic_count, 3);
    ck_assert_str_eq(topology->topics[0].name, "requests");
    ck_assert_int_eq(topology->topics[0].partitions, 8);
    ck_assert_int_eq(topology->topics[0].replication, 3);
    ck_assert_int_eq(topology->topics[0].line, 8);
    ck_assert_int_eq(topology->topics[1].replication, 0);
    ck_assert_str_eq(topology->topics[2].name, "requests.dead");
    ck_assert_int_eq(topology->topics[2].partitions, 1);
    weft_topology_destroy(topology);
}
END_TEST

static const char *find_config(const struct weft_topology_topic *topic, const char *name)
{
    for (size_t i = 0; i < topic->config_count; i++)
        if (strcmp(topic->config[i].name, name) == 0)
            return topic->config[i].value;
    return NULL;
}

START_TEST(settings_of_a_topic_are_in_the_form_that_kafka_takes)
{
    struct weft_topology *topology = load("good.yaml");
    const struct weft_topology_topic *topic = &topology->topics[0];
    ck_assert_uint_eq(topic->config_count, 5);
    ck_assert_str_eq(find_config(topic, "retention.ms"), "604800000"); /* 7d */
    ck_assert_str_eq(find_config(topic, "cleanup.policy"), "compact,delete");
    ck_assert_str_eq(find_config(topic, "min.cleanable.dirty.ratio"), "0.25");
    ck_assert_str_eq(find_config(topic, "retention.bytes"), "-1");
    ck_assert_str_eq(find_config(topic, "preallocate"), "false");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(dead_letters_go_beside_the_source_unless_they_are_named)
{
    struct weft_topology *topology = load("good.yaml");
    ck_assert_str_eq(topology->processors[0].dead_letters, "requests.dead");
    weft_topology_destroy(topology);
    topology = load("two_processors.yaml");
    ck_assert_str_eq(topology->processors[0].dead_letters, "lost");
    ck_assert_str_eq(topology->processors[1].dead_letters, "c.dead");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(paths_are_relative_to_the_file_unless_they_are_absolute)
{
    struct weft_error err = {0};
    enter("..");
    struct weft_topology *topology = weft_topology_load("topology/two_processors.yaml", &err);
    ck_assert_msg(topology != NULL, "%s", err.message);
    ck_assert_str_eq(topology->processors[0].model, "/models/one.onnx");
    ck_assert_str_eq(topology->processors[1].model, "topology/two.onnx");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(the_only_processor_need_not_be_named)
{
    struct weft_error err = {0};
    struct weft_topology *topology = load("good.yaml");
    ck_assert_ptr_eq(weft_topology_processor(topology, NULL, &err), &topology->processors[0]);
    ck_assert_ptr_eq(weft_topology_processor(topology, "first", &err), &topology->processors[0]);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(of_several_processors_one_must_be_named)
{
    struct weft_error err = {0};
    struct weft_topology *topology = load("two_processors.yaml");
    ck_assert_ptr_null(weft_topology_processor(topology, NULL, &err));
    ck_assert_str_eq(err.message, "two_processors.yaml declares several processors: name one of one, two");
    ck_assert_ptr_null(weft_topology_processor(topology, "three", &err));
    ck_assert_str_eq(err.message, "two_processors.yaml declares no processor three: it has one, two");
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_eq(weft_topology_processor(topology, "two", &err), &topology->processors[1]);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(a_processor_fills_the_settings_that_nobody_set)
{
    static const struct weft_setting *const tables[] = {weft_processor_settings, NULL};
    struct weft_error err = {0};
    struct weft_topology *topology = load("good.yaml");
    struct weft_settings *settings = weft_settings_new(tables, NULL, &err);
    ck_assert_int_eq(weft_settings_set_option(settings, "workers=7", &err), 0);
    ck_assert_int_eq(weft_topology_settings(&topology->processors[0], "good.yaml", settings, &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "source"), "requests");
    ck_assert_str_eq(weft_settings_text(settings, "sink"), "results");
    ck_assert_str_eq(weft_settings_text(settings, "dead.letters"), "requests.dead");
    ck_assert_str_eq(weft_settings_text(settings, "model"), "models/net.onnx");
    ck_assert_str_eq(weft_settings_where(settings, "model"), "good.yaml:21");
    ck_assert_int_eq(weft_settings_integer(settings, "workers"), 7);
    weft_settings_destroy(settings);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(a_builtin_model_is_no_path)
{
    struct weft_topology *topology = load("builtin.yaml");
    ck_assert_str_eq(topology->processors[0].model, "builtin:lenet");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(without_a_model_the_default_of_the_settings_holds)
{
    static const struct weft_setting *const tables[] = {weft_processor_settings, NULL};
    struct weft_error err = {0};
    struct weft_topology *topology = load("builtin.yaml");
    struct weft_settings *settings = weft_settings_new(tables, NULL, &err);
    ck_assert_int_eq(weft_topology_settings(&topology->processors[1], "builtin.yaml", settings, &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "model"), WEFT_BUILTIN_DEFAULT);
    ck_assert_ptr_null(weft_settings_where(settings, "model"));
    weft_settings_destroy(settings);
    weft_topology_destroy(topology);
}
END_TEST

/* broken/KIND/CASE holds a file and all of its faults, as `weft topology check` prints them. */
START_TEST(each_broken_file_gives_the_faults_that_stand_beside_it)
{
    glob_t found;
    enter("broken");
    ck_assert_int_eq(glob("*/*", 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 30);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct weft_faults faults = {0};
        struct weft_error err = {0};
        size_t size, at = 0;
        char printed[8192] = "";
        ck_assert_int_eq(chdir(found.gl_pathv[i]), 0);
        char *expected = weft_text_file_read("error", &size, &err);
        ck_assert_msg(expected != NULL, "%s", err.message);
        struct weft_topology *topology = weft_topology_check("input.yaml", &faults, &err);
        ck_assert_msg(topology == NULL, "%s was taken", found.gl_pathv[i]);
        ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
        for (size_t f = 0; f < faults.count; f++) {
            char line[16] = "";
            if (faults.list[f].line)
                snprintf(line, sizeof line, ":%d", faults.list[f].line);
            at += (size_t)snprintf(printed + at, sizeof printed - at, "input.yaml%s: %s\n", line, faults.list[f].text);
            ck_assert_uint_lt(at, sizeof printed);
        }
        ck_assert_str_eq(printed, expected);
        free(expected);
        weft_faults_clear(&faults);
        enter("broken");
    }
    globfree(&found);
}
END_TEST

START_TEST(an_error_is_the_first_fault_and_how_many_more_there_are)
{
    struct weft_error err = {0};
    enter("broken/meaning/bridge_undeclared_topic");
    ck_assert_ptr_null(weft_topology_load("input.yaml", &err));
    ck_assert_str_eq(err.message, "input.yaml:6: bridge in: to/kafka is reqests, which is not among the topics: "
                                  "declare it there (and 1 more)");
}
END_TEST

START_TEST(values_come_from_the_environment_before_they_are_read)
{
    setenv("WEFT_TEST_PARTITIONS", "12", 1);
    setenv("WEFT_TEST_NAME", "", 1); /* as if it were not set */
    struct weft_topology *topology = load("full.yaml");
    ck_assert_int_eq(topology->topics[0].partitions, 12);
    ck_assert_str_eq(topology->name, "full");
    ck_assert_str_eq(topology->cluster_id, "4L6g3nShT-eMCtK--X86sw");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(a_value_of_the_environment_is_text_and_no_yaml)
{
    struct weft_error err = {0};
    setenv("WEFT_TEST_NAME", "a: {b: [c", 1);
    enter(".");
    ck_assert_ptr_null(weft_topology_load("full.yaml", &err));
    ck_assert_str_eq(err.message, "full.yaml:2: the name of the topology 'a: {b: [c': Kafka allows letters, digits, "
                                  "'.', '_' and '-' in names");
}
END_TEST

START_TEST(two_dollar_signs_are_one)
{
    struct weft_topology *topology = load("dollar.yaml");
    ck_assert_str_eq(topology->processors[0].model, "/models/${NAME}-$5.onnx");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(a_merged_mapping_gives_what_is_not_there)
{
    struct weft_topology *topology = load("full.yaml");
    ck_assert_str_eq(topology->topics[1].name, "results");
    ck_assert_int_eq(topology->topics[1].partitions, 8);
    ck_assert_str_eq(find_config(&topology->topics[1], "retention.ms"), "604800000");
    ck_assert_str_eq(find_config(&topology->topics[2], "retention.ms"), "2592000000"); /* its own 30d */
    ck_assert_str_eq(find_config(&topology->topics[2], "cleanup.policy"), "compact,delete");
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(mappings_that_merge_each_other_come_to_an_end)
{
    struct weft_error err = {0};
    enter(".");
    ck_assert_ptr_null(weft_topology_load("merged_in_a_ring.yaml", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
}
END_TEST

START_TEST(references_of_a_schema_are_read_with_their_versions)
{
    struct weft_topology *topology = load("full.yaml");
    ck_assert_uint_eq(topology->schema_count, 2);
    ck_assert_uint_eq(topology->schemas[0].reference_count, 0);
    ck_assert_uint_eq(topology->schemas[1].reference_count, 2);
    const struct weft_topology_reference *references = topology->schemas[1].references;
    ck_assert_str_eq(references[0].name, "Point");
    ck_assert_str_eq(references[0].subject, "requests-value");
    ck_assert_int_eq(references[0].version, 0);
    ck_assert_int_eq(references[1].version, 3);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(bridges_are_read_with_their_ends)
{
    struct weft_topology *topology = load("full.yaml");
    ck_assert_uint_eq(topology->bridge_count, 2);
    const struct weft_topology_bridge *in = &topology->bridges[0], *out = &topology->bridges[1];
    ck_assert(in->from.pubsub && !in->to.pubsub && in->json && !in->stop);
    ck_assert_str_eq(in->from.name, "projects/p/subscriptions/req");
    ck_assert_str_eq(in->to.name, "requests");
    ck_assert_str_eq(in->dead_letters, "requests.dead");
    ck_assert_int_eq(in->order, WEFT_ORDER_NONE);
    ck_assert(!out->from.pubsub && out->to.pubsub && !out->json && out->stop);
    ck_assert_str_eq(out->to.name, "projects/p/topics/res");
    ck_assert_int_eq(out->order, WEFT_ORDER_KEY);
    ck_assert_ptr_null(out->dead_letters);
    weft_topology_destroy(topology);
}
END_TEST

static void check_unreadable(const char *path, const char *message)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_topology_load(path, &err));
    ck_assert_str_eq(err.message, message);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
}

START_TEST(what_is_to_be_at_pubsub_is_read)
{
    struct weft_topology *topology = load("full.yaml");
    ck_assert_uint_eq(topology->pubsub_topic_count, 3);
    ck_assert_str_eq(topology->pubsub_topics[0].name, "projects/p/topics/req");
    ck_assert_int_eq(topology->pubsub_topics[0].retention_s, 36 * 3600);
    ck_assert_int_eq(topology->pubsub_topics[1].retention_s, 0);
    ck_assert_uint_eq(topology->subscription_count, 1);
    const struct weft_topology_subscription *subscription =
        weft_topology_subscription(topology, "projects/p/subscriptions/req");
    ck_assert_ptr_eq(subscription, &topology->subscriptions[0]);
    ck_assert_str_eq(subscription->topic, "projects/p/topics/req");
    ck_assert_int_eq(subscription->ack_deadline_s, 60);
    ck_assert_int_eq(subscription->retention_s, 7 * 86400);
    ck_assert_int_eq(subscription->ordering, WEFT_YES);
    ck_assert_int_eq(subscription->exactly_once, WEFT_NO);
    ck_assert_str_eq(subscription->dead_letters, "projects/p/topics/req_dead");
    ck_assert_int_eq(subscription->max_attempts, 7);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(what_is_not_said_of_a_subscription_is_left_to_pubsub)
{
    struct weft_topology *topology = load("circle.yaml");
    const struct weft_topology_subscription *subscription = &topology->subscriptions[0];
    ck_assert_int_eq(subscription->ack_deadline_s, 0);
    ck_assert_int_eq(subscription->retention_s, 0);
    ck_assert_int_eq(subscription->ordering, WEFT_UNSAID);
    ck_assert_int_eq(subscription->exactly_once, WEFT_UNSAID);
    ck_assert_ptr_null(subscription->dead_letters);
    weft_topology_destroy(topology);
}
END_TEST

START_TEST(durations_are_shown_in_the_largest_whole_unit)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{0, "0d"}, {1, "1s"}, {90, "90s"}, {600, "10m"}, {5400, "90m"}, {129600, "36h"}, {2678400, "31d"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[WEFT_DURATION_SIZE];
        weft_value_show_duration(cases[i].seconds, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    check_unreadable("no/such.yaml", "no/such.yaml: No such file or directory");
}
END_TEST

START_TEST(a_folder_is_no_topology)
{
    enter(".");
    check_unreadable("broken", "broken: Is a directory");
}
END_TEST

START_TEST(an_endless_file_is_not_read_to_its_end)
{
    check_unreadable("/dev/zero", "/dev/zero is larger than 1 MiB: is it the right file?");
}
END_TEST

/* A thousand aliases of one topic with all of its text would be a thousand topics. */
START_TEST(lists_are_bounded_though_aliases_are_short)
{
    struct weft_error err = {0};
    char path[] = "/tmp/weft-topology-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    fputs("topology: many\ntopics:\n  - &a {name: a, partitions: 1}\n", file);
    for (int i = 0; i < 1000; i++)
        fputs("  - *a\n", file);
    fclose(file);
    struct weft_topology *topology = weft_topology_load(path, &err);
    unlink(path);
    ck_assert_ptr_null(topology);
    ck_assert_msg(strstr(err.message, "topics: at most 1000 entries") != NULL, "%s", err.message);
}
END_TEST

START_TEST(the_shipped_topology_loads)
{
    struct weft_error err = {0};
    struct weft_topology *topology = weft_topology_load(WEFT_SOURCE_DIR "/topology/predict.yaml", &err);
    ck_assert_msg(topology != NULL, "%s", err.message);
    const struct weft_topology_processor *processor = weft_topology_processor(topology, "predict", &err);
    ck_assert_ptr_nonnull(processor);
    ck_assert_str_eq(processor->source, "req_predict");
    ck_assert_str_eq(processor->sink, "res_predict");
    ck_assert_str_eq(processor->dead_letters, "req_predict.dead");
    ck_assert_str_eq(processor->model, WEFT_SOURCE_DIR "/topology/../model/zoo/fast.onnx");
    weft_topology_destroy(topology);
}
END_TEST

SUITE("topology", TEST(schemas_are_read_with_their_files), TEST(topics_are_read_with_numbers_lines_and_aliases),
      TEST(settings_of_a_topic_are_in_the_form_that_kafka_takes),
      TEST(dead_letters_go_beside_the_source_unless_they_are_named),
      TEST(paths_are_relative_to_the_file_unless_they_are_absolute), TEST(the_only_processor_need_not_be_named),
      TEST(of_several_processors_one_must_be_named), TEST(a_processor_fills_the_settings_that_nobody_set),
      TEST(a_builtin_model_is_no_path), TEST(without_a_model_the_default_of_the_settings_holds),
      TEST(each_broken_file_gives_the_faults_that_stand_beside_it),
      TEST(an_error_is_the_first_fault_and_how_many_more_there_are),
      TEST(values_come_from_the_environment_before_they_are_read), TEST(a_value_of_the_environment_is_text_and_no_yaml),
      TEST(two_dollar_signs_are_one), TEST(a_merged_mapping_gives_what_is_not_there),
      TEST(mappings_that_merge_each_other_come_to_an_end), TEST(references_of_a_schema_are_read_with_their_versions),
      TEST(bridges_are_read_with_their_ends), TEST(what_is_to_be_at_pubsub_is_read),
      TEST(what_is_not_said_of_a_subscription_is_left_to_pubsub), TEST(durations_are_shown_in_the_largest_whole_unit),
      TEST(a_file_that_is_not_there_is_named), TEST(a_folder_is_no_topology),
      TEST(an_endless_file_is_not_read_to_its_end), TEST(lists_are_bounded_though_aliases_are_short),
      TEST(the_shipped_topology_loads))
