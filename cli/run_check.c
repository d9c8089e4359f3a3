#include "cli/run_check.h"

#include "base/json.h"
#include "streams/startup_check.h"

static int check(struct cli *cli, const struct cli_declared *declared, struct weft_startup_report *report,
                 struct weft_error *err)
{
    const struct weft_startup_config config = {
        .processor = declared->name,
        .settings = declared->settings,
        .log = cli_log(cli),
        .stopped = cli_stopped,
    };
    return weft_startup_check(&config, report, err);
}

static void log_report(struct cli *cli, const struct cli_declared *declared, const struct weft_startup_report *report,
                       bool alone)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct weft_check *check = &report->checks[i];
        enum weft_log_level level = check->stops                          ? WEFT_LOG_ERROR
                                    : check->outcome == WEFT_CHECK_FAILED ? WEFT_LOG_WARN
                                                                          : WEFT_LOG_DEBUG;
        /* The only one that stops the start is the error that the command ends with. */
        if (!check->stops || !alone)
            weft_log(cli_log(cli), level, "startup.check", "processor %s: %s %s: %s", declared->name, check->name,
                     weft_check_outcome_name(check->outcome), check->text);
    }
}

int cli_check_start(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        struct weft_startup_report report;
        struct weft_error why = {0};
        if (check(cli, &declared[i], &report, err) != 0)
            return -1;
        log_report(cli, &declared[i], &report, count == 1 && report.stopping == 1);
        if (weft_startup_verdict(&report, &why) == 0)
            continue;
        if (count > 1)
            weft_error_prefix(&why, "processor %s", declared[i].name);
        if (result == 0)
            *err = why;
        result = -1;
    }
    return result;
}

static void print(struct cli *cli, const struct cli_declared *declared, const struct weft_check *check)
{
    const char *outcome = weft_check_outcome_name(check->outcome);
    if (!cli_json(cli)) {
        printf("%-8s %-18s %s\n", outcome, check->name, check->text);
        return;
    }
    json_t *line = json_pack("{s:s,s:s,s:s,s:s}", "processor", declared->name, "check", check->name, "outcome", outcome,
                             "text", check->text);
    if (check->outcome == WEFT_CHECK_FAILED) {
        json_object_set_new(line, "class", json_string(weft_error_class_name(check->class)));
        json_object_set_new(line, "stops", json_boolean(check->stops));
    }
    weft_json_print(stdout, line);
}

int cli_check_print(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err)
{
    size_t all = 0, failed = 0, unknown = 0;
    for (size_t i = 0; i < count; i++) {
        struct weft_startup_report report;
        if (check(cli, &declared[i], &report, err) != 0)
            return -1;
        if (count > 1 && !cli_json(cli))
            printf("processor %s\n", declared[i].name);
        for (size_t k = 0; k < report.count; k++)
            print(cli, &declared[i], &report.checks[k]);
        all += report.count;
        failed += report.failed;
        unknown += report.unknown;
    }
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:I,s:I,s:I}", "checks", (json_int_t)all, "failed", (json_int_t)failed,
                                          "unknown", (json_int_t)unknown));
    else
        printf("%zu checks: %zu failed, %zu unknown\n", all, failed, unknown);
    return failed ? CLI_FAILED : CLI_DONE;
}
