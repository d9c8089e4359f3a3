#include "base/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

static const struct weft_setting table[] = {
    {"batch.max", WEFT_SETTING_INTEGER, "5000", 1, 50000, NULL, false, "requests"},
    {"commit.interval.min", WEFT_SETTING_DURATION, "10ms", 0, 10000, NULL, false, "interval"},
    {"auto.register.schemas", WEFT_SETTING_BOOL, "true", 0, 0, NULL, false, "register"},
    {"log.level", WEFT_SETTING_CHOICE, "info", 0, 0, "error|warn|info|debug", false, "level"},
    {"model", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "file"},
    {"password", WEFT_SETTING_INTEGER, NULL, 0, 9, NULL, true, "a secret of a type that can be wrong"},
    {"token", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "a secret"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};
static const struct weft_setting *const tables[] = {table, NULL};

static int check_foreign(const char *name, const char *value, char *reason, size_t size)
{
    if (strcmp(name, "linger.ms") != 0 || value[0] != '-')
        return 0;
    snprintf(reason, size, "%s cannot be negative", name);
    return -1;
}

static bool is_secret_foreign(const char *name)
{
    return strcmp(name, "sasl.password") == 0;
}

static const char *const foreign_names[] = {"bootstrap.servers", "linger.ms", "ssl_ca", "sasl.password"};
static const char *const prefixes[] = {"producer.", NULL};
static const struct weft_settings_dialect dialect = {foreign_names,     4,           prefixes, check_foreign,
                                                     is_secret_foreign, "its manual"};

static struct weft_settings *new_settings(void)
{
    struct weft_error err = {0};
    struct weft_settings *settings = weft_settings_new(tables, &dialect, &err);
    ck_assert_ptr_nonnull(settings);
    return settings;
}

/* Sets an option that is wrong and checks what is said of it. */
static void expect_error(const char *assignment, const char *message)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, assignment, &err), -1);
    ck_assert_str_eq(err.message, message);
    weft_settings_destroy(settings);
}

/* Reads text as a settings file. The path is of a fixed length and cut from the message, which then begins with ':'. */
static int set_file(struct weft_settings *settings, const char *text, struct weft_error *err)
{
    char path[] = "/tmp/weft-settings-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int result = weft_settings_set_file(settings, path, err);
    unlink(path);
    if (strncmp(err->message, path, strlen(path)) == 0)
        memmove(err->message, err->message + strlen(path), strlen(err->message) - strlen(path) + 1);
    return result;
}

static void expect_file_error(const char *text, const char *message)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(set_file(settings, text, &err), -1);
    /* The message may name the file a second time, further on. */
    err.message[strlen(message)] = '\0';
    ck_assert_str_eq(err.message, message);
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    weft_settings_destroy(settings);
}

START_TEST(without_a_value_the_default_holds)
{
    struct weft_settings *settings = new_settings();
    ck_assert_int_eq(weft_settings_integer(settings, "batch.max"), 5000);
    ck_assert_int_eq(weft_settings_integer(settings, "commit.interval.min"), 10);
    ck_assert(weft_settings_bool(settings, "auto.register.schemas"));
    ck_assert_ptr_null(weft_settings_text(settings, "model"));
    ck_assert_ptr_null(weft_settings_where(settings, "batch.max"));
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(the_stronger_place_wins_in_whatever_order_they_come)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    char *environment[] = {"WEFT_BATCH_MAX=3", "PATH=/bin", NULL};
    ck_assert_int_eq(weft_settings_set_option(settings, "batch.max=4", &err), 0);
    ck_assert_int_eq(weft_settings_set_environment(settings, environment, &err), 0);
    ck_assert_int_eq(set_file(settings, "batch.max=2\nmodel=file.onnx\n", &err), 0);
    ck_assert_int_eq(weft_settings_set(settings, WEFT_RANK_TOPOLOGY, "t.yaml", "batch.max", "1", &err), 0);
    ck_assert_int_eq(weft_settings_set(settings, WEFT_RANK_TOPOLOGY, "t.yaml", "model", "topology.onnx", &err), 0);
    ck_assert_int_eq(weft_settings_integer(settings, "batch.max"), 4);
    ck_assert_str_eq(weft_settings_where(settings, "batch.max"), "-X");
    ck_assert_str_eq(weft_settings_text(settings, "model"), "file.onnx");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(of_two_options_the_later_wins)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "model=a", &err), 0);
    ck_assert_int_eq(weft_settings_set_option(settings, "model=b=c", &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "model"), "b=c");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_duration_takes_a_unit)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "commit.interval.min=2s", &err), 0);
    ck_assert_int_eq(weft_settings_integer(settings, "commit.interval.min"), 2000);
    ck_assert_int_eq(weft_settings_set_option(settings, "commit.interval.min=250", &err), 0);
    ck_assert_int_eq(weft_settings_integer(settings, "commit.interval.min"), 250);
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_double_underscore_in_the_environment_is_one)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    char *environment[] = {"WEFT_SSL__CA=pem", NULL};
    ck_assert_int_eq(weft_settings_set_environment(settings, environment, &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "ssl_ca"), "pem");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(variables_that_kubernetes_makes_of_a_service_are_passed_over)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    char *environment[] = {"WEFT_SERVICE_HOST=10.0.0.1", "WEFT_SERVICE_PORT_HTTP=80",   "WEFT_PORT=tcp://10.0.0.1:80",
                           "WEFT_PORT_80_TCP=tcp://x",   "WEFT_BRIDGE_SERVICE_PORT=80", NULL};
    ck_assert_int_eq(weft_settings_set_environment(settings, environment, &err), 0);
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(an_unknown_variable_is_refused)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    char *environment[] = {"WEFT_BATCH_MAXIMUM=3", NULL};
    ck_assert_int_eq(weft_settings_set_environment(settings, environment, &err), -1);
    ck_assert_str_eq(err.message, "WEFT_BATCH_MAXIMUM: unknown setting batch.maximum: did you mean batch.max?");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_name_of_the_dialect_may_carry_a_prefix)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "producer.linger.ms=5", &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "producer.linger.ms"), "5");
    weft_settings_destroy(settings);
    expect_error("consumer.linger.ms=5", "-X: unknown setting consumer.linger.ms: see `weft help settings` and its "
                                         "manual");
}
END_TEST

START_TEST(the_dialect_says_what_is_wrong_with_its_values)
{
    expect_error("linger.ms=-1", "-X: linger.ms: linger.ms cannot be negative");
}
END_TEST

START_TEST(wrong_options_are_refused_with_what_to_do)
{
    expect_error("batch.max", "-X takes name=value, as in -X bootstrap.servers=localhost:9092");
    expect_error("=3", "-X takes name=value, as in -X bootstrap.servers=localhost:9092");
    expect_error("bach.max=3", "-X: unknown setting bach.max: did you mean batch.max?");
    expect_error("batch.max=lots", "-X: batch.max is 'lots': it must be a whole number");
    expect_error("batch.max=99999999999999999999",
                 "-X: batch.max is '99999999999999999999': it must be a whole number");
    expect_error("batch.max=0", "-X: batch.max is 0: it must be from 1 to 50000");
    expect_error("commit.interval.min=1y", "-X: commit.interval.min is '1y': it must be a duration such as 100ms, 10s "
                                           "or 5m");
    expect_error("commit.interval.min=11s", "-X: commit.interval.min is 11s: it must be from 0 to 10000 ms");
    expect_error("auto.register.schemas=yes", "-X: auto.register.schemas is 'yes': it must be true or false");
    expect_error("log.level=loud", "-X: log.level is 'loud': it must be one of error|warn|info|debug");
    expect_error("log.level=inf", "-X: log.level is 'inf': it must be one of error|warn|info|debug");
    expect_error("model=", "-X: model is empty: give it a value or leave it out");
}
END_TEST

START_TEST(a_secret_is_not_repeated_in_an_error)
{
    expect_error("password=hunter2", "-X: password is '(hidden)': it must be a whole number");
}
END_TEST

START_TEST(a_secret_comes_from_the_file_that_its_value_names)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    char path[] = "/tmp/weft-secret-XXXXXX", option[64];
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "s3cret \r\n", 9), 9);
    close(fd);
    snprintf(option, sizeof option, "token=@%s", path);
    ck_assert_int_eq(weft_settings_set_option(settings, option, &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "token"), "s3cret ");
    snprintf(option, sizeof option, "producer.sasl.password=@%s", path);
    ck_assert_int_eq(weft_settings_set_option(settings, option, &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "producer.sasl.password"), "s3cret ");
    unlink(path);
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(two_signs_begin_a_secret_that_begins_with_one)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "token=@@home", &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "token"), "@home");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_secrets_file_that_is_not_there_or_empty_is_named)
{
    expect_error("token=@/nowhere/token", "-X: token: /nowhere/token: No such file or directory");
    expect_error("token=@/dev/null", "-X: token: /dev/null is empty");
}
END_TEST

START_TEST(what_is_no_secret_is_taken_as_it_stands)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "model=@home.onnx", &err), 0);
    ck_assert_str_eq(weft_settings_text(settings, "model"), "@home.onnx");
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(a_copy_goes_its_own_way)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "batch.max=7", &err), 0);
    struct weft_settings *copy = weft_settings_copy(settings, &err);
    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(weft_settings_set_option(copy, "model=b.onnx", &err), 0);
    ck_assert_int_eq(weft_settings_set_option(settings, "batch.max=8", &err), 0);
    ck_assert_int_eq(weft_settings_integer(copy, "batch.max"), 7);
    ck_assert_str_eq(weft_settings_text(copy, "model"), "b.onnx");
    ck_assert_ptr_null(weft_settings_text(settings, "model"));
    weft_settings_destroy(copy);
    weft_settings_destroy(settings);
}
END_TEST

static int write_row(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    (void)err;
    fprintf(arg, "%s=%s from %s\n", name, value ? value : "-", where ? where : "-");
    return 0;
}

START_TEST(all_settings_are_shown_with_where_they_come_from_and_secrets_hidden)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_option(settings, "token=abc", &err), 0);
    ck_assert_int_eq(weft_settings_set_option(settings, "sasl.password=abc", &err), 0);
    ck_assert_int_eq(weft_settings_set_option(settings, "model=http://user:abc@host", &err), 0);
    ck_assert_int_eq(weft_settings_set(settings, WEFT_RANK_FILE, "f:3", "linger.ms", "5", &err), 0);
    char *shown = NULL;
    size_t size;
    FILE *out = open_memstream(&shown, &size);
    ck_assert_int_eq(weft_settings_show(settings, write_row, out, &err), 0);
    fclose(out);
    ck_assert_str_eq(shown, "batch.max=5000 from -\ncommit.interval.min=10ms from -\n"
                            "auto.register.schemas=true from -\nlog.level=info from -\nmodel=(hidden) from -X\n"
                            "password=- from -\ntoken=(hidden) from -X\nlinger.ms=5 from f:3\n"
                            "sasl.password=(hidden) from -X\n");
    free(shown);
    weft_settings_destroy(settings);
}
END_TEST

START_TEST(ten_kinds_of_mistakes_in_a_file_are_each_named_with_their_line)
{
    expect_file_error("# comment\nbatch.mx=3\n", ":2: unknown setting batch.mx: did you mean batch.max?");
    expect_file_error("batch.max=many\n", ":1: batch.max is 'many': it must be a whole number");
    expect_file_error("batch.max=60000\n", ":1: batch.max is 60000: it must be from 1 to 50000");
    expect_file_error("commit.interval.min = soon\n",
                      ":1: commit.interval.min is 'soon': it must be a duration such as 100ms, 10s or 5m");
    expect_file_error("auto.register.schemas: 1\n", ":1: auto.register.schemas is '1': it must be true or false");
    expect_file_error("\n\nlog.level=trace\n", ":3: log.level is 'trace': it must be one of error|warn|info|debug");
    expect_file_error("batch.max=3\nmodel=x\nbatch.max=4\n", ":3: batch.max is set twice, before at /tmp/weft-");
    expect_file_error("batch.max\n", ":1: expected name=value");
    expect_file_error("= 3\n", ":1: expected name=value");
    expect_file_error("model=\\u12\n", ":1: \\u needs four hexadecimal digits");
    expect_file_error("model=\n", ":1: model is empty: give it a value or leave it out");
    expect_file_error("linger.ms=-5\n", ":1: linger.ms: linger.ms cannot be negative");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct weft_settings *settings = new_settings();
    struct weft_error err = {0};
    ck_assert_int_eq(weft_settings_set_file(settings, "/nowhere/weft.properties", &err), -1);
    ck_assert_str_eq(err.message, "/nowhere/weft.properties: No such file or directory");
    weft_settings_destroy(settings);
}
END_TEST

SUITE("settings", TEST(without_a_value_the_default_holds), TEST(the_stronger_place_wins_in_whatever_order_they_come),
      TEST(of_two_options_the_later_wins), TEST(a_duration_takes_a_unit),
      TEST(a_double_underscore_in_the_environment_is_one),
      TEST(variables_that_kubernetes_makes_of_a_service_are_passed_over), TEST(an_unknown_variable_is_refused),
      TEST(a_name_of_the_dialect_may_carry_a_prefix), TEST(the_dialect_says_what_is_wrong_with_its_values),
      TEST(wrong_options_are_refused_with_what_to_do), TEST(a_secret_is_not_repeated_in_an_error),
      TEST(a_secret_comes_from_the_file_that_its_value_names), TEST(two_signs_begin_a_secret_that_begins_with_one),
      TEST(a_secrets_file_that_is_not_there_or_empty_is_named), TEST(what_is_no_secret_is_taken_as_it_stands),
      TEST(a_copy_goes_its_own_way), TEST(all_settings_are_shown_with_where_they_come_from_and_secrets_hidden),
      TEST(ten_kinds_of_mistakes_in_a_file_are_each_named_with_their_line), TEST(a_file_that_is_not_there_is_named))
