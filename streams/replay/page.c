#include "streams/replay/page.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic_file.h"
#include "base/html.h"

enum { MATRIX_CLASSES_MAX = 20, FREQUENT_SHOWN = 30 };

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static const char *class_name(const struct weft_comparison_report *r, int32_t label, char room[16])
{
    if (label >= 0 && (size_t)label < r->class_count)
        return r->classes[label];
    snprintf(room, 16, "%d", (int)label);
    return room;
}

/* The side's model; its topic where it has results of several. */
static const char *name_side(const struct weft_diff_side *side, char room[2 * WEFT_DIFF_NAME_SIZE])
{
    const struct weft_diff_model *model = &side->models[0];
    if (side->model_count != 1)
        return side->topic;
    snprintf(room, 2 * WEFT_DIFF_NAME_SIZE, "%s%s%s", model->name, model->version[0] ? " " : "", model->version);
    return room;
}

static void write_accuracy(FILE *out, const struct weft_diff *diff, enum weft_side side, const char *which)
{
    const struct weft_comparison_report *r = &diff->report;
    char value[32], more[96];
    snprintf(value, sizeof value, "%.2f %%", percent(r->right[side], r->labelled));
    snprintf(more, sizeof more, "%" PRIu64 " of %" PRIu64 " whose truth is known", r->right[side], r->labelled);
    weft_html_card(out, value, which, more);
}

static void write_cards(FILE *out, const struct weft_diff *diff)
{
    const struct weft_comparison_report *r = &diff->report;
    char value[32], more[128];
    fputs("<div class=\"cards\">\n", out);
    snprintf(value, sizeof value, "%.2f %%", percent(r->agreed, r->compared));
    snprintf(more, sizeof more, "%" PRIu64 " of %" PRIu64 " requests have the same answer", r->agreed, r->compared);
    weft_html_card(out, value, "agreement", more);
    snprintf(value, sizeof value, "%" PRIu64, r->compared - r->agreed);
    snprintf(more, sizeof more, "%" PRIu64 " and %" PRIu64 " requests are answered by one of the two alone",
             r->only[WEFT_FIRST], r->only[WEFT_SECOND]);
    weft_html_card(out, value, "answers changed", more);
    if (r->labelled) {
        write_accuracy(out, diff, WEFT_FIRST, "accuracy of the first");
        write_accuracy(out, diff, WEFT_SECOND, "accuracy of the second");
        snprintf(value, sizeof value, "%.3g", r->mcnemar.p);
        snprintf(more, sizeof more,
                 "McNemar's test: %" PRIu64 " answered rightly by the first alone, %" PRIu64 " by the second alone",
                 r->only_right[WEFT_FIRST], r->only_right[WEFT_SECOND]);
        weft_html_card(out, value, "p, if both were right equally often", more);
    }
    fputs("</div>\n", out);
}

static uint64_t cell(const struct weft_comparison_report *r, size_t first, size_t second)
{
    return r->labels[first * r->class_count + second];
}

static bool occurs(const struct weft_comparison_report *r, size_t class)
{
    for (size_t i = 0; i < r->class_count; i++)
        if (cell(r, class, i) || cell(r, i, class))
            return true;
    return false;
}

static uint64_t row_sum(const struct weft_comparison_report *r, size_t first)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->class_count; i++)
        sum += cell(r, first, i);
    return sum;
}

/* The colour is the share of the row; that of the diagonal another one than that of the changes. */
static void write_cell(FILE *out, const struct weft_comparison_report *r, size_t first, size_t second, uint64_t sum)
{
    const uint64_t count = cell(r, first, second);
    if (count == 0) {
        fputs("<td class=\"muted\">·</td>", out);
        return;
    }
    fprintf(out, "<td style=\"background:color-mix(in srgb,var(--%s) %.0f%%,transparent)\">%" PRIu64 "</td>",
            first == second ? "good" : "bad", 8 + 0.4 * percent(count, sum), count);
}

static void write_matrix(FILE *out, const struct weft_comparison_report *r)
{
    fputs("<div class=\"wide\"><table><tr><th>first ＼ second</th>", out);
    for (size_t i = 0; i < r->class_count; i++) {
        if (!occurs(r, i))
            continue;
        fputs("<th>", out);
        weft_html_text(out, r->classes[i]);
        fputs("</th>", out);
    }
    fputs("</tr>\n", out);
    for (size_t row = 0; row < r->class_count; row++) {
        if (!occurs(r, row))
            continue;
        const uint64_t sum = row_sum(r, row);
        fputs("<tr><td>", out);
        weft_html_text(out, r->classes[row]);
        fputs("</td>", out);
        for (size_t i = 0; i < r->class_count; i++)
            if (occurs(r, i))
                write_cell(out, r, row, i, sum);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

struct frequent {
    uint64_t count;
    size_t first, second;
};

/* Where a matrix would be too large: the changes that are most frequent. */
static void write_frequent(FILE *out, const struct weft_comparison_report *r)
{
    struct frequent list[FREQUENT_SHOWN + 1] = {0};
    size_t shown = 0;
    for (size_t i = 0; i < r->class_count * r->class_count; i++) {
        const struct frequent one = {r->labels[i], i / r->class_count, i % r->class_count};
        size_t at = shown;
        if (one.count == 0 || one.first == one.second)
            continue;
        for (; at > 0 && list[at - 1].count < one.count; at--)
            list[at] = list[at - 1];
        list[at] = one;
        if (shown < FREQUENT_SHOWN)
            shown++;
    }
    fputs("<div class=\"wide\"><table><tr><th>first</th><th>second</th><th>requests</th></tr>\n", out);
    for (size_t i = 0; i < shown; i++) {
        fputs("<tr><td>", out);
        weft_html_text(out, r->classes[list[i].first]);
        fputs("</td><td>", out);
        weft_html_text(out, r->classes[list[i].second]);
        fprintf(out, "</td><td>%" PRIu64 "</td></tr>\n", list[i].count);
    }
    fputs("</table></div>\n", out);
}

static void write_labels(FILE *out, const struct weft_comparison_report *r)
{
    size_t occurring = 0;
    for (size_t i = 0; i < r->class_count; i++)
        occurring += occurs(r, i);
    fputs("<h2>Answers</h2>\n", out);
    if (occurring <= MATRIX_CLASSES_MAX) {
        fputs("<p class=\"muted\">Rows: what the first answered. Columns: what the second did.</p>\n", out);
        write_matrix(out, r);
    } else {
        fprintf(out, "<p class=\"muted\">The most frequent changes, of %zu classes.</p>\n", occurring);
        write_frequent(out, r);
    }
}

static void write_change(FILE *out, const struct weft_comparison_report *r, const struct weft_change *change)
{
    char room[16];
    fputs("<tr><td>", out);
    weft_html_text(out, change->topic);
    fprintf(out, " %d @ %" PRId64 "</td>", (int)change->partition, change->offset);
    for (int side = 0; side < 2; side++) {
        const bool right = change->label[side] == change->expected;
        fprintf(out, "<td%s>", change->expected < 0 ? "" : right ? " class=\"truth\"" : " class=\"answer\"");
        weft_html_text(out, class_name(r, change->label[side], room));
        fprintf(out, " %.4f</td>", (double)(side == 0 ? change->before : change->answer));
    }
    fprintf(out, "<td>%.4f → %.4f</td><td>", (double)change->before, (double)change->after);
    if (change->expected >= 0)
        weft_html_text(out, class_name(r, change->expected, room));
    fputs("</td></tr>\n", out);
}

static void write_changes(FILE *out, const struct weft_comparison_report *r)
{
    fputs("<h2>Requests that changed most</h2>\n", out);
    if (r->change_count == 0) {
        fputs("<p>None: all probabilities are the same.</p>\n", out);
        return;
    }
    fputs("<p class=\"muted\">By the change of the probability that the first's answer has.</p>\n"
          "<div class=\"wide\"><table><tr><th>request</th><th>first</th><th>second</th><th>first's answer</th>"
          "<th>truth</th></tr>\n",
          out);
    for (size_t i = 0; i < r->change_count; i++)
        write_change(out, r, &r->changes[i]);
    fputs("</table></div>\n", out);
}

static void write_facts(FILE *out, const struct weft_diff *diff)
{
    static const char *const which[2] = {"First", "Second"};
    char text[400], date[64];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC, by weft " WEFT_VERSION, &utc);
    fputs("<h2>What was compared</h2>\n<div class=\"wide\"><table class=\"facts\">\n", out);
    for (int i = 0; i < 2; i++) {
        const struct weft_diff_side *side = &diff->sides[i];
        snprintf(text, sizeof text, "%" PRIu64 " results in %s", diff->report.results[i], side->topic);
        weft_html_fact(out, which[i], text);
        for (size_t m = 0; m < side->model_count; m++) {
            const struct weft_diff_model *model = &side->models[m];
            snprintf(text, sizeof text, "%s %s, %" PRIu64 " results, sha256 %s", model->name, model->version,
                     model->results, model->sha256);
            weft_html_fact(out, "Model", text);
        }
    }
    weft_html_fact(out, "Compared", date);
    fputs("</table></div>\n", out);
}

int weft_diff_page_write(const char *path, const struct weft_diff *diff, struct weft_error *err)
{
    char *text = NULL, title[600], first[2 * WEFT_DIFF_NAME_SIZE], second[2 * WEFT_DIFF_NAME_SIZE];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %s", path);
    snprintf(title, sizeof title, "%s against %s", name_side(&diff->sides[WEFT_FIRST], first),
             name_side(&diff->sides[WEFT_SECOND], second));
    weft_html_begin(out, title);
    fputs("<h1>", out);
    weft_html_text(out, title);
    fputs("</h1>\n", out);
    write_cards(out, diff);
    write_labels(out, &diff->report);
    write_changes(out, &diff->report);
    write_facts(out, diff);
    weft_html_end(out);
    const bool short_of_memory = ferror(out);
    int result = fclose(out) != 0 || short_of_memory
                     ? weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %s", path)
                     : weft_atomic_file_write(path, text, size, err);
    free(text);
    return result;
}
