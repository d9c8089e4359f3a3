#include "cli/check_report.h"

#include "base/json.h"

void cli_report_log(struct cli *cli, const char *about, const struct weft_startup_report *report, bool only)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct weft_check *check = &report->checks[i];
        enum weft_log_level level = check->stops                          ? WEFT_LOG_ERROR
                                    : check->outcome == WEFT_CHECK_FAILED ? WEFT_LOG_WARN
                                                                          : WEFT_LOG_DEBUG;
        if (!check->stops || !only)
            weft_log(cli_log(cli), level, "startup.check", "%s: %s %s: %s", about, check->name,
                     weft_check_outcome_name(check->outcome), check->text);
    }
}

static void print(struct cli *cli, const char *kind, const char *name, const struct weft_check *check)
{
    const char *outcome = weft_check_outcome_name(check->outcome);
    if (!cli_json(cli)) {
        printf("%-8s %-18s %s\n", outcome, check->name, check->text);
        return;
    }
    json_t *line =
        json_pack("{s:s?,s:s,s:s,s:s}", kind, name, "check", check->name, "outcome", outcome, "text", check->text);
    if (check->outcome == WEFT_CHECK_FAILED) {
        json_object_set_new(line, "class", json_string(weft_error_class_name(check->class)));
        json_object_set_new(line, "stops", json_boolean(check->stops));
    }
    weft_json_print(stdout, line);
}

void cli_report_print(struct cli *cli, const char *kind, const char *name, const struct weft_startup_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        print(cli, kind, name, &report->checks[i]);
}

int cli_report_end(struct cli *cli, const struct weft_startup_report *reports, size_t count)
{
    size_t all = 0, failed = 0, unknown = 0;
    for (size_t i = 0; i < count; i++) {
        all += reports[i].count;
        failed += reports[i].failed;
        unknown += reports[i].unknown;
    }
    if (cli_json(cli))
        weft_json_print(stdout, json_pack("{s:I,s:I,s:I}", "checks", (json_int_t)all, "failed", (json_int_t)failed,
                                          "unknown", (json_int_t)unknown));
    else
        printf("%zu checks: %zu failed, %zu unknown\n", all, failed, unknown);
    return failed ? CLI_FAILED : CLI_DONE;
}
