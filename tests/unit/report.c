#include "model/report/report.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/report/curve.h"
#include "model/report/mistakes.h"
#include "support/suite.h"

enum { CLASSES_MAX = 60, IMAGES = 240, PATH = 256 };

/* A data set of noise, what was answered, and a folder of the test's own. */
struct fixture {
    char folder[64];
    struct weft_error err;
    struct weft_network_info model;
    const char *labels[CLASSES_MAX];
    char names[CLASSES_MAX][16];
    uint8_t pixels[IMAGES * 36];
    struct weft_prediction predictions[IMAGES];
    struct weft_dataset dataset;
    struct weft_evaluation *evaluation;
    struct weft_report report;
};

static void set_up(struct fixture *f, size_t class_count)
{
    memset(f, 0, sizeof *f);
    strcpy(f->folder, "/tmp/weft-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    for (size_t c = 0; c < class_count; c++) {
        snprintf(f->names[c], sizeof f->names[c], "class %zu", c);
        f->labels[c] = f->names[c];
    }
    for (size_t i = 0; i < sizeof f->pixels; i++)
        f->pixels[i] = (uint8_t)(i * 37 + i / 36);
    for (size_t i = 0; i < IMAGES; i++) {
        int32_t truth = (int32_t)(i % class_count), answer = (int32_t)(i % 4 ? i : i / 4) % (int32_t)class_count;
        float confidence = 0.3F + 0.7F * (float)(i * 7 % IMAGES) / IMAGES;
        f->predictions[i] = (struct weft_prediction){truth, answer, confidence, truth == answer ? confidence : 0.1F};
    }
    f->model = (struct weft_network_info){.name = "test",
                                          .version = "3",
                                          .dataset = "noise",
                                          .channels = 1,
                                          .height = 6,
                                          .width = 6,
                                          .image_size = 36,
                                          .class_count = class_count,
                                          .labels = f->labels,
                                          .parameter_count = 12};
    f->dataset = (struct weft_dataset){.name = f->folder,
                                       .count = IMAGES,
                                       .channels = 1,
                                       .height = 6,
                                       .width = 6,
                                       .pixels = f->pixels,
                                       .class_count = class_count};
    f->evaluation = weft_evaluation_of(f->predictions, IMAGES, class_count, &f->err);
    ck_assert_msg(f->evaluation != NULL, "%s", f->err.message);
    f->report = (struct weft_report){.model = &f->model,
                                     .model_path = "test.onnx",
                                     .dataset = &f->dataset,
                                     .evaluation = f->evaluation,
                                     .threads = 1};
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

static void tear_down(struct fixture *f)
{
    weft_evaluation_destroy(f->evaluation);
    nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_report(struct fixture *f)
{
    ck_assert_msg(weft_report_prepare(f->folder, &f->err) == 0, "%s", f->err.message);
    ck_assert_msg(weft_report_write(f->folder, &f->report, &f->err) == 0, "%s", f->err.message);
}

/* The file's text, which the caller frees, or NULL. */
static char *text_of(const struct fixture *f, const char *name)
{
    char path[PATH], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    ck_assert_int_ge(getdelim(&text, &size, 0, file), -1);
    fclose(file);
    return text;
}

static bool is_there(const struct fixture *f, const char *name)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return access(path, F_OK) == 0;
}

static void assert_begins(const struct fixture *f, const char *name, const char *begin)
{
    char *text = text_of(f, name);
    ck_assert_msg(text != NULL, "%s is not there", name);
    ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s begins otherwise", name);
    free(text);
}

/* How often part stands in text. */
static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

START_TEST(a_report_has_figures_predictions_pictures_and_a_page)
{
    static const char *const figures[] = {"confusion", "classes", "reliability"};
    struct fixture f;
    set_up(&f, 10);
    write_report(&f);
    for (size_t i = 0; i < 3; i++) {
        char name[PATH];
        snprintf(name, sizeof name, "figures/%s.svg", figures[i]);
        assert_begins(&f, name, "<?xml");
        snprintf(name, sizeof name, "figures/%s-dark.svg", figures[i]);
        assert_begins(&f, name, "<?xml");
        snprintf(name, sizeof name, "figures/%s.png", figures[i]);
        assert_begins(&f, name, "\x89PNG");
    }
    ck_assert(!is_there(&f, "figures/history.svg"));
    assert_begins(&f, "mistakes/01.png", "\x89PNG");
    assert_begins(&f, "mistakes/24.png", "\x89PNG");
    assert_begins(&f, "report.html", "<!doctype html>");
    assert_begins(&f, "predictions.csv", "index,truth,");
    tear_down(&f);
}
END_TEST

START_TEST(the_page_needs_no_other_file)
{
    struct fixture f;
    set_up(&f, 10);
    write_report(&f);
    char *page = text_of(&f, "report.html");
    ck_assert_uint_eq(count_of(page, "src=\"data:image/"), 3 + 24);
    ck_assert_uint_eq(count_of(page, " src=\""), 3 + 24);
    ck_assert_uint_eq(count_of(page, "srcset=\"data:image/"), 3);
    ck_assert_uint_eq(count_of(page, "srcset=\""), 3);
    ck_assert_uint_eq(count_of(page, "http:") + count_of(page, "https:"), 0);
    ck_assert_uint_eq(count_of(page, "<script") + count_of(page, "<link"), 0);
    free(page);
    tear_down(&f);
}
END_TEST

START_TEST(the_page_says_what_was_measured_and_how)
{
    struct fixture f;
    set_up(&f, 10);
    char accuracy[32];
    snprintf(accuracy, sizeof accuracy, "<b>%.2f %%</b>", 100 * f.evaluation->accuracy);
    f.report.flipped = f.evaluation;
    memset(f.model.sha256, 'a', 64);
    write_report(&f);
    char *page = text_of(&f, "report.html");
    ck_assert_ptr_nonnull(strstr(page, accuracy));
    ck_assert_ptr_nonnull(strstr(page, "accuracy, without flip averaging"));
    ck_assert_ptr_nonnull(strstr(page, "accuracy, with flip averaging"));
    ck_assert_ptr_nonnull(strstr(page, "test.onnx"));
    ck_assert_ptr_nonnull(strstr(page, f.model.sha256));
    ck_assert_ptr_nonnull(strstr(page, f.folder));
    free(page);
    tear_down(&f);
}
END_TEST

START_TEST(predictions_are_listed_image_by_image)
{
    struct fixture f;
    set_up(&f, 4);
    f.labels[1] = "shoe, \"left\"";
    f.report.flipped = f.evaluation;
    write_report(&f);
    char *table = text_of(&f, "predictions.csv");
    ck_assert_uint_eq(count_of(table, "\n"), IMAGES + 1);
    ck_assert_ptr_nonnull(strstr(table, ",flip_answer,flip_confidence,flip_truth_probability\n"));
    ck_assert_ptr_nonnull(strstr(table, "\n1,1,\"shoe, \"\"left\"\"\",1,\"shoe, \"\"left\"\"\",1,"));
    free(table);
    tear_down(&f);
}
END_TEST

START_TEST(names_from_a_model_file_cannot_break_out)
{
    struct fixture f;
    set_up(&f, 4);
    char touched[PATH], label[PATH];
    snprintf(touched, sizeof touched, "%s/touched", f.folder);
    snprintf(label, sizeof label, "`touch %s`'\n! touch %s\n\"", touched, touched);
    f.labels[0] = label;
    f.labels[1] = "<script>alert(1)</script>";
    f.labels[2] = "100 % \\ EOD $cells @x ^{a}";
    f.labels[3] = "\x01\x1b[31m";
    f.model.name = "</title><img src=x onerror=alert(1)>";
    write_report(&f);
    ck_assert(!is_there(&f, "touched"));
    char *page = text_of(&f, "report.html"), *figure = text_of(&f, "figures/classes.svg");
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_null(strstr(page, "<img src=x"));
    ck_assert_ptr_null(strstr(figure, "<script"));
    ck_assert_ptr_nonnull(strstr(figure, "&lt;script"));
    ck_assert_ptr_nonnull(strstr(figure, "100 % \\ EOD $cells"));
    ck_assert_ptr_null(strchr(figure, '\x1b'));
    free(page);
    free(figure);
    tear_down(&f);
}
END_TEST

START_TEST(of_many_classes_those_with_mistakes_are_drawn)
{
    struct fixture f;
    set_up(&f, CLASSES_MAX);
    write_report(&f);
    char *figure = text_of(&f, "figures/confusion.svg");
    ck_assert_ptr_nonnull(strstr(figure, "the classes with the most mistakes"));
    free(figure);
    tear_down(&f);
}
END_TEST

START_TEST(a_model_without_mistakes_has_a_report_too)
{
    struct fixture f;
    set_up(&f, 1);
    write_report(&f);
    ck_assert(!is_there(&f, "mistakes/01.png"));
    char *page = text_of(&f, "report.html");
    ck_assert_ptr_nonnull(strstr(page, "every answer is right"));
    free(page);
    tear_down(&f);
}
END_TEST

START_TEST(with_a_history_its_curves_are_drawn)
{
    struct weft_curve_point points[] = {{1, 0.1, 1.5, 0.5, 1.2, 0.6}, {2, 0.05, 0.9, 0.7, (double)NAN, 0.75}};
    const struct weft_curve curve = {2, points};
    struct fixture f;
    set_up(&f, 10);
    f.report.curve = &curve;
    write_report(&f);
    char *figure = text_of(&f, "figures/history.svg"), *page = text_of(&f, "report.html");
    ck_assert_ptr_nonnull(strstr(figure, "75.00 % in epoch 2"));
    ck_assert_ptr_nonnull(strstr(page, "Training history"));
    free(figure);
    free(page);
    tear_down(&f);
}
END_TEST

START_TEST(a_history_may_lack_its_validation)
{
    struct weft_curve_point points[] = {{1, 0.1, 1.5, 0.5, (double)NAN, (double)NAN}};
    const struct weft_curve curve = {1, points};
    struct fixture f;
    set_up(&f, 10);
    f.report.curve = &curve;
    write_report(&f);
    assert_begins(&f, "figures/history.png", "\x89PNG");
    tear_down(&f);
}
END_TEST

START_TEST(a_second_report_leaves_nothing_of_the_first)
{
    struct weft_curve_point point = {1, 0.1, 1.5, 0.5, 1.2, 0.6};
    const struct weft_curve curve = {1, &point};
    struct fixture f;
    set_up(&f, 10);
    f.report.curve = &curve;
    write_report(&f);
    ck_assert(is_there(&f, "figures/history.svg"));
    f.report.curve = NULL;
    for (size_t i = 0; i < IMAGES; i++)
        f.predictions[i].answer = f.predictions[i].truth;
    weft_evaluation_destroy(f.evaluation);
    f.report.evaluation = f.evaluation = weft_evaluation_of(f.predictions, IMAGES, 10, &f.err);
    write_report(&f);
    ck_assert(!is_there(&f, "figures/history.svg"));
    ck_assert(!is_there(&f, "figures/history.png"));
    ck_assert(!is_there(&f, "mistakes/01.png"));
    tear_down(&f);
}
END_TEST

START_TEST(without_gnuplot_the_package_is_named_before_any_work)
{
    struct fixture f;
    set_up(&f, 10);
    setenv("PATH", "/nowhere", 1);
    ck_assert_int_eq(weft_report_prepare(f.folder, &f.err), -1);
    ck_assert_int_eq(f.err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(f.err.message, "gnuplot-nox"));
    ck_assert(!is_there(&f, "figures"));
    tear_down(&f);
}
END_TEST

START_TEST(a_file_in_the_folders_place_is_named)
{
    struct fixture f;
    char path[PATH];
    set_up(&f, 10);
    snprintf(path, sizeof path, "%s/figures", f.folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(weft_report_prepare(f.folder, &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.message, path));
    tear_down(&f);
}
END_TEST

START_TEST(a_figure_that_cannot_be_written_fails_and_leaves_no_new_page)
{
    struct fixture f;
    char path[PATH];
    set_up(&f, 10);
    ck_assert_int_eq(weft_report_prepare(f.folder, &f.err), 0);
    /* In the way of what gnuplot writes; holds for root too. */
    snprintf(path, sizeof path, "%s/figures/classes.svg.part", f.folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(weft_report_write(f.folder, &f.report, &f.err), -1);
    ck_assert_ptr_nonnull(strstr(f.err.message, "classes"));
    ck_assert(!is_there(&f, "report.html"));
    ck_assert(!is_there(&f, "figures/classes.png"));
    tear_down(&f);
}
END_TEST

START_TEST(mistakes_are_those_with_the_highest_confidence)
{
    static const struct weft_prediction predictions[] = {
        {0, 1, 0.6F, 0}, {0, 0, 0.99F, 0}, {1, 0, 0.9F, 0}, {1, 0, 0.7F, 0}, {0, 1, 0.5F, 0}};
    struct weft_error err = {0};
    size_t indices[3];
    struct weft_evaluation *e = weft_evaluation_of(predictions, 5, 2, &err);
    ck_assert_uint_eq(weft_mistakes_find(e, indices, 3), 3);
    ck_assert_uint_eq(indices[0], 2);
    ck_assert_uint_eq(indices[1], 3);
    ck_assert_uint_eq(indices[2], 0);
    weft_evaluation_destroy(e);
}
END_TEST

static struct weft_curve *read_curve(struct fixture *f, const char *text)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/history.csv", f->folder);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return weft_curve_read(path, &f->err);
}

START_TEST(a_history_is_read_by_the_names_of_its_columns)
{
    struct fixture f;
    set_up(&f, 1);
    struct weft_curve *curve =
        read_curve(&f, "validation_accuracy,epoch,images_per_second,loss\r\n0.5,1,100,2.25\r\n,2,100,1.5\r\n");
    ck_assert_msg(curve != NULL, "%s", f.err.message);
    ck_assert_uint_eq(curve->count, 2);
    ck_assert_double_eq(curve->points[0].validation_accuracy, 0.5);
    ck_assert_double_eq(curve->points[0].loss, 2.25);
    ck_assert(isnan(curve->points[0].train_accuracy));
    ck_assert(isnan(curve->points[1].validation_accuracy));
    ck_assert_double_eq(curve->points[1].epoch, 2);
    weft_curve_destroy(curve);
    tear_down(&f);
}
END_TEST

START_TEST(a_history_that_is_none_is_refused_with_its_line)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no epochs"},
        {"epoch,loss\n", "no epochs"},
        {"loss,accuracy\n1,2\n", "epoch among them"},
        {"epoch,loss\n1,2\n2,low\n", "history.csv:3"},
        {"epoch,loss\n1\n", "history.csv:2"},
        {"epoch,loss\n1,2,3\n", "history.csv:2"},
        {"epoch,loss\n,2\n", "history.csv:2"},
    };
    struct fixture f;
    set_up(&f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_ptr_null(read_curve(&f, cases[i].text));
        ck_assert_int_eq(f.err.class, WEFT_ERROR_CORRUPT);
        ck_assert_msg(strstr(f.err.message, cases[i].says) != NULL, "says not \"%s\": %s", cases[i].says,
                      f.err.message);
    }
    tear_down(&f);
}
END_TEST

START_TEST(a_history_that_is_not_there_is_named)
{
    struct weft_error err = {0};
    ck_assert_ptr_null(weft_curve_read("/nowhere/history.csv", &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "/nowhere/history.csv"));
}
END_TEST

SUITE("report", TEST(a_report_has_figures_predictions_pictures_and_a_page), TEST(the_page_needs_no_other_file),
      TEST(the_page_says_what_was_measured_and_how), TEST(predictions_are_listed_image_by_image),
      TEST(names_from_a_model_file_cannot_break_out), TEST(of_many_classes_those_with_mistakes_are_drawn),
      TEST(a_model_without_mistakes_has_a_report_too), TEST(with_a_history_its_curves_are_drawn),
      TEST(a_history_may_lack_its_validation), TEST(a_second_report_leaves_nothing_of_the_first),
      TEST(without_gnuplot_the_package_is_named_before_any_work), TEST(a_file_in_the_folders_place_is_named),
      TEST(a_figure_that_cannot_be_written_fails_and_leaves_no_new_page),
      TEST(mistakes_are_those_with_the_highest_confidence), TEST(a_history_is_read_by_the_names_of_its_columns),
      TEST(a_history_that_is_none_is_refused_with_its_line), TEST(a_history_that_is_not_there_is_named))
