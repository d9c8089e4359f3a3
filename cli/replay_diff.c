#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/confusion.h"
#include "clients/printable.h"
#include "streams/replay/diff.h"
#include "streams/replay/page.h"

enum { MODEL_SIZE = 256, TEXT_SIZE = 256 };

static const char *const which[2] = {"first", "second"};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* What stands in a result need not be UTF-8. */
static json_t *text_json(const char *text)
{
    char clean[TEXT_SIZE];
    return json_string(weft_printable(clean, sizeof clean, text, strlen(text)));
}

static json_t *side_json(const struct weft_diff *diff, enum weft_side side)
{
    const struct weft_diff_side *s = &diff->sides[side];
    const struct weft_comparison_report *r = &diff->report;
    json_t *models = json_array();
    for (size_t i = 0; i < s->model_count; i++)
        json_array_append_new(models,
                              json_pack("{s:o,s:o,s:o,s:I}", "name", text_json(s->models[i].name), "version",
                                        text_json(s->models[i].version), "sha256", text_json(s->models[i].sha256),
                                        "results", (json_int_t)s->models[i].results));
    json_t *json = json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:I}", "topic", s->topic, "models", models, "results",
                             (json_int_t)r->results[side], "alone", (json_int_t)r->only[side], "duplicated",
                             (json_int_t)r->duplicated[side], "passed_over", (json_int_t)s->passed_over, "unreadable",
                             (json_int_t)s->unreadable);
    if (r->labelled)
        json_object_set_new(json, "accuracy", json_real(share(r->right[side], r->labelled)));
    return json;
}

static json_t *change_json(const struct weft_change *c)
{
    json_t *json =
        json_pack("{s:o,s:i,s:I,s:i,s:i,s:f,s:f,s:f}", "topic", text_json(c->topic), "partition", (int)c->partition,
                  "offset", (json_int_t)c->offset, "first", (int)c->label[0], "second", (int)c->label[1], "before",
                  (double)c->before, "after", (double)c->after, "answer", (double)c->answer);
    json_object_set_new(json, "expected", c->expected < 0 ? json_null() : json_integer(c->expected));
    return json;
}

static json_t *classes_json(const struct weft_comparison_report *r)
{
    json_t *names = json_array();
    for (size_t i = 0; i < r->class_count; i++)
        json_array_append_new(names, text_json(r->classes[i]));
    return names;
}

static void print_json(const struct weft_diff *diff)
{
    const struct weft_comparison_report *r = &diff->report;
    json_t *changes = json_array();
    for (size_t i = 0; i < r->change_count; i++)
        json_array_append_new(changes, change_json(&r->changes[i]));
    json_t *json = json_pack("{s:o,s:o,s:I,s:I,s:f,s:I,s:I,s:o,s:o}", "first", side_json(diff, WEFT_FIRST), "second",
                             side_json(diff, WEFT_SECOND), "compared", (json_int_t)r->compared, "agreed",
                             (json_int_t)r->agreed, "agreement", share(r->agreed, r->compared), "strangers",
                             (json_int_t)r->strangers, "labelled", (json_int_t)r->labelled, "classes", classes_json(r),
                             "labels", cli_confusion_json(r->labels, r->class_count));
    if (r->labelled)
        json_object_set_new(json, "mcnemar",
                            json_pack("{s:I,s:I,s:b,s:f,s:f}", "only_first", (json_int_t)r->only_right[0],
                                      "only_second", (json_int_t)r->only_right[1], "exact", r->mcnemar.exact,
                                      "statistic", r->mcnemar.statistic, "p", r->mcnemar.p));
    json_object_set_new(json, "changes", changes);
    weft_json_print(stdout, json);
}

static void print_side(const struct weft_diff *diff, enum weft_side side)
{
    const struct weft_diff_side *s = &diff->sides[side];
    char name[TEXT_SIZE], version[TEXT_SIZE];
    printf("%-7s %s: %" PRIu64 " results", which[side], s->topic, diff->report.results[side]);
    for (size_t i = 0; i < s->model_count; i++)
        printf("%s %s %s (%.12s)", i ? "," : " of",
               weft_printable(name, sizeof name, s->models[i].name, strlen(s->models[i].name)),
               weft_printable(version, sizeof version, s->models[i].version, strlen(s->models[i].version)),
               s->models[i].sha256);
    putchar('\n');
}

static void print_faults(const struct weft_diff *diff)
{
    for (int side = 0; side < 2; side++) {
        const struct weft_diff_side *s = &diff->sides[side];
        if (diff->report.only[side])
            printf("%" PRIu64 " requests are answered by the %s alone\n", diff->report.only[side], which[side]);
        if (diff->report.duplicated[side])
            printf("%" PRIu64 " results of the %s answer a request once more%s\n", diff->report.duplicated[side],
                   which[side], s->model_count > 1 ? ": name one of its models with --models" : "");
        if (s->unreadable)
            printf("%" PRIu64 " records of %s are no results\n", s->unreadable, s->topic);
    }
    if (diff->report.strangers)
        printf("%" PRIu64 " requests have another id on the second side: were the topics' requests the same?\n",
               diff->report.strangers);
}

static const char *class_name(const struct weft_comparison_report *r, int32_t label, char room[TEXT_SIZE])
{
    if (label < 0)
        return "";
    if ((size_t)label < r->class_count)
        return weft_printable(room, TEXT_SIZE, r->classes[label], strlen(r->classes[label]));
    snprintf(room, TEXT_SIZE, "%d", (int)label);
    return room;
}

static void print_changes(const struct weft_comparison_report *r)
{
    if (r->change_count == 0)
        return;
    printf("\nchanged most, by the probability of the first's answer:\n%-32s %-16s %-16s %-16s %s\n", "request",
           "truth", "first", "second", "before -> after");
    for (size_t i = 0; i < r->change_count; i++) {
        const struct weft_change *c = &r->changes[i];
        char place[TEXT_SIZE], topic[TEXT_SIZE], truth[TEXT_SIZE], first[TEXT_SIZE], second[TEXT_SIZE];
        snprintf(place, sizeof place, "%s %d @ %" PRId64, weft_printable(topic, 220, c->topic, strlen(c->topic)),
                 (int)c->partition, c->offset);
        printf("%-32s %-16s %-16s %-16s %.4f -> %.4f\n", place, class_name(r, c->expected, truth),
               class_name(r, c->label[0], first), class_name(r, c->label[1], second), (double)c->before,
               (double)c->after);
    }
}

static void print_text(const struct weft_diff *diff)
{
    const struct weft_comparison_report *r = &diff->report;
    print_side(diff, WEFT_FIRST);
    print_side(diff, WEFT_SECOND);
    printf("\nagreement %.2f %%: %" PRIu64 " of %" PRIu64 " requests have the same answer\n",
           100 * share(r->agreed, r->compared), r->agreed, r->compared);
    if (r->labelled) {
        printf("accuracy  first %.2f %%, second %.2f %%, of %" PRIu64 " whose truth is known\n",
               100 * share(r->right[0], r->labelled), 100 * share(r->right[1], r->labelled), r->labelled);
        printf("McNemar   p = %.3g: the first alone is right on %" PRIu64 ", the second alone on %" PRIu64,
               r->mcnemar.p, r->only_right[0], r->only_right[1]);
        if (r->mcnemar.exact)
            printf(" (exact)\n");
        else
            printf(" (chi-squared %.3f)\n", r->mcnemar.statistic);
    }
    print_faults(diff);
    if (r->compared > r->agreed) {
        putchar('\n');
        cli_print_pairs(stdout, r->labels, r->class_count, r->classes, "first", "second", "became");
    }
    print_changes(r);
}

/* "A,B" into two. */
static int split_models(const char *text, char models[2][MODEL_SIZE], struct weft_error *err)
{
    const char *comma = strchr(text, ',');
    if (!comma || comma == text || !comma[1] || strchr(comma + 1, ',') || comma - text >= MODEL_SIZE ||
        strlen(comma + 1) >= MODEL_SIZE)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "--models is '%s': it must be two models with a comma between them, each a name, "
                              "NAME:VERSION or the beginning of a sha256",
                              text);
    snprintf(models[0], MODEL_SIZE, "%.*s", (int)(comma - text), text);
    snprintf(models[1], MODEL_SIZE, "%s", comma + 1);
    return 0;
}

static int check_found(const struct weft_diff *diff, const struct weft_diff_config *config, struct weft_error *err)
{
    for (int side = 0; side < 2; side++)
        if (diff->report.results[side] == 0)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s has no results%s%s", config->topics[side],
                                  config->models[side] ? " of the model " : "",
                                  config->models[side] ? config->models[side] : "");
    if (diff->report.compared == 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s and %s have no request in common", config->topics[0],
                              config->topics[1]);
    return 0;
}

static int diff_command(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    char models[2][MODEL_SIZE];
    const char *first = cli_argument(cli, 0), *second = cli_argument(cli, 1);
    const char *by_model = cli_option(cli, "models"), *page = cli_option(cli, "html");
    int64_t top;
    if (cli_integer(cli, "top", 0, WEFT_COMPARISON_TOP_MAX, 20, &top, err) != 0 ||
        (by_model && split_models(by_model, models, err) != 0) || (page && weft_atomic_file_check(page, err) != 0))
        return -1;
    if (!second && !by_model)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "name two topics of results, or with --models A,B two models of the one");
    const struct weft_diff_config config = {
        .settings = cli_settings(cli),
        .log = cli_log(cli),
        .topics = {first, second ? second : first},
        .models = {by_model ? models[0] : NULL, by_model ? models[1] : NULL},
        .top = (size_t)top,
        .stopped = cli_stopped,
    };
    struct weft_diff diff;
    cli_catch_signals();
    if (weft_diff_make(&config, &diff, err) != 0 || check_found(&diff, &config, err) != 0 ||
        (page && weft_diff_page_write(page, &diff, err) != 0))
        goto out;
    (cli_json(cli) ? print_json : print_text)(&diff);
    status = CLI_DONE;
out:
    weft_diff_clear(&diff);
    return status;
}

const struct cli_command cli_replay_diff = {
    .name = "replay diff",
    .summary = "compare the answers of two models to the same requests",
    .arguments = "TOPIC [TOPIC]",
    .arguments_min = 1,
    .arguments_max = 2,
    .description = "Reads the results in two topics, or those of two models in one, and compares the answers to\n"
                   "each request, by the place in the source topic that the results name: how many agree, what\n"
                   "the others have become, how accurate both are where the truth is known, whether the\n"
                   "difference can be chance (McNemar's test), and which requests have changed most.\n"
                   "Joins no group and changes nothing. Takes 16 bytes of memory for each result.",
    .example = "weft replay diff res_predict req_predict.replay.march\n"
               "weft replay diff res_predict req_predict.replay.march --html diff.html\n"
               "weft replay diff res_shadow --models lenet,accurate --json",
    .options =
        (const struct cli_option[]){
            {0, "models", "A,B", "compare these: each a name, NAME:VERSION or the beginning of a sha256"},
            {0, "top", "N", "show the N requests that changed most (default: 20)"},
            {0, "html", "FILE", "write a page, too"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = diff_command,
};
