#include "base/metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/json.h"

struct weft_metric {
    struct weft_metric *next;
    const char *name, *help;
    enum weft_metric_type type;
    FILE *out; /* writes to text */
    char *text;
    size_t size;
};

struct weft_metrics_page {
    struct weft_metric *first, *last;
    bool failed; /* memory was short */
};

void weft_histogram_init(struct weft_histogram *histogram, const double *bounds, size_t bound_count)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->bounds = bounds;
    histogram->bound_count = bound_count;
}

void weft_histogram_observe(struct weft_histogram *histogram, double value)
{
    /* The first bucket whose bound is not below the value. */
    size_t low = 0, high = histogram->bound_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (histogram->bounds[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    weft_counter_add(&histogram->buckets[low], 1);
    double sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    atomic_store_explicit(&histogram->sum, sum + value, memory_order_relaxed);
}

struct weft_metrics_page *weft_metrics_page_new(void)
{
    return calloc(1, sizeof(struct weft_metrics_page));
}

void weft_metrics_page_destroy(struct weft_metrics_page *page)
{
    if (!page)
        return;
    for (struct weft_metric *metric = page->first, *next; metric; metric = next) {
        next = metric->next;
        if (metric->out)
            fclose(metric->out);
        free(metric->text);
        free(metric);
    }
    free(page);
}

struct weft_metric *weft_metrics_family(struct weft_metrics_page *page, const char *name, enum weft_metric_type type,
                                        const char *help)
{
    if (!page)
        return NULL;
    for (struct weft_metric *metric = page->first; metric; metric = metric->next)
        if (strcmp(metric->name, name) == 0)
            return metric;
    struct weft_metric *metric = calloc(1, sizeof *metric);
    FILE *out = metric ? open_memstream(&metric->text, &metric->size) : NULL;
    if (!out) {
        free(metric);
        page->failed = true;
        return NULL;
    }
    metric->name = name;
    metric->help = help;
    metric->type = type;
    metric->out = out;
    if (page->last)
        page->last->next = metric;
    else
        page->first = metric;
    page->last = metric;
    return metric;
}

/* A label's value between its quotes. A page that is not UTF-8 would be refused as a whole. */
static void write_value(FILE *out, const char *value)
{
    bool valid = weft_json_can_hold(value);
    for (; *value; value++) {
        if (!valid && (unsigned char)*value >= 0x80)
            fputc('?', out);
        else if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fputc(*value, out);
    }
}

/* NAME{LABELS} or NAME alone; le, the bound of a bucket, may be NULL. */
static void write_series(const struct weft_metric *metric, const char *suffix, const struct weft_label *labels,
                         const char *le)
{
    FILE *out = metric->out;
    const char *before = "{";
    fprintf(out, "%s%s", metric->name, suffix);
    for (; labels && labels->name; labels++, before = ",") {
        fprintf(out, "%s%s=\"", before, labels->name);
        write_value(out, labels->value);
        fputc('"', out);
    }
    if (le) {
        fprintf(out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    fputs(*before == ',' ? "} " : " ", out);
}

/* Counts in full, other values as far as a double holds decimal digits for sure. */
static void write_number(FILE *out, double value)
{
    fprintf(out, value == (double)(int64_t)value ? "%.0f\n" : "%.15g\n", value);
}

void weft_metric_sample(struct weft_metric *metric, const struct weft_label *labels, double value)
{
    if (!metric)
        return;
    write_series(metric, "", labels, NULL);
    write_number(metric->out, value);
}

void weft_metric_histogram(struct weft_metric *metric, const struct weft_label *labels,
                           const struct weft_histogram *const *parts, size_t count)
{
    if (!metric)
        return;
    uint64_t seen = 0;
    double sum = 0;
    for (size_t b = 0; b <= parts[0]->bound_count; b++) {
        char le[32] = "+Inf";
        if (b < parts[0]->bound_count)
            snprintf(le, sizeof le, "%g", parts[0]->bounds[b]);
        for (size_t i = 0; i < count; i++)
            seen += weft_counter_value(&parts[i]->buckets[b]);
        write_series(metric, "_bucket", labels, le);
        fprintf(metric->out, "%llu\n", (unsigned long long)seen);
    }
    for (size_t i = 0; i < count; i++)
        sum += atomic_load_explicit(&parts[i]->sum, memory_order_relaxed);
    write_series(metric, "_sum", labels, NULL);
    write_number(metric->out, sum);
    write_series(metric, "_count", labels, NULL);
    fprintf(metric->out, "%llu\n", (unsigned long long)seen);
}

static double resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    double count = -1; /* the folder's own */
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void process_gauge(struct weft_metrics_page *page, const char *name, const char *help, double value)
{
    weft_metric_sample(weft_metrics_family(page, name, WEFT_METRIC_GAUGE, help), NULL, value);
}

void weft_metrics_process(struct weft_metrics_page *page)
{
    struct rusage used;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &used) == 0) {
        double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
        weft_metric_sample(weft_metrics_family(page, "process_cpu_seconds_total", WEFT_METRIC_COUNTER,
                                               "User and system CPU time spent."),
                           NULL, seconds);
    }
    process_gauge(page, "process_resident_memory_bytes", "Resident memory.", resident_bytes());
    process_gauge(page, "process_open_fds", "Open file descriptors.", open_descriptors());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process_gauge(page, "process_max_fds", "Most file descriptors that may be open.", (double)limit.rlim_cur);
}

static const char *type_name(enum weft_metric_type type)
{
    switch (type) {
    case WEFT_METRIC_COUNTER: return "counter";
    case WEFT_METRIC_GAUGE: return "gauge";
    case WEFT_METRIC_HISTOGRAM: return "histogram";
    }
    return "untyped";
}

char *weft_metrics_page_text(struct weft_metrics_page *page, size_t *size)
{
    char *text = NULL;
    FILE *out = page && !page->failed ? open_memstream(&text, size) : NULL;
    if (!out)
        return NULL;
    bool failed = false;
    for (struct weft_metric *metric = page->first; metric; metric = metric->next) {
        failed = failed || fflush(metric->out) != 0;
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, type_name(metric->type));
        if (!failed)
            fwrite(metric->text, 1, metric->size, out);
    }
    if (fclose(out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}
