#include "cli/run_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/check_report.h"
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

int cli_check_start(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        struct weft_startup_report report;
        struct weft_error why = {0};
        char about[300];
        if (check(cli, &declared[i], &report, err) != 0)
            return -1;
        snprintf(about, sizeof about, "processor %s", declared[i].name);
        cli_report_log(cli, about, &report, count == 1 && report.stopping == 1);
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

int cli_check_print(struct cli *cli, const struct cli_declared *declared, size_t count, struct weft_error *err)
{
    int status = -1;
    struct weft_startup_report *reports = calloc(count + 1, sizeof *reports);
    if (!reports)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (check(cli, &declared[i], &reports[i], err) != 0)
            goto out;
        if (count > 1 && !cli_json(cli))
            printf("processor %s\n", declared[i].name);
        cli_report_print(cli, "processor", declared[i].name, &reports[i]);
    }
    status = cli_report_end(cli, reports, count);
out:
    free(reports);
    return status;
}
