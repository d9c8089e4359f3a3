#include "model/report/plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static const struct weft_plot_theme light = {
    .ink = "#1f2937",
    .muted = "#6b7280",
    .grid = "#e5e7eb",
    .first = "#0072b2",
    .second = "#d55e00",
    .surface = "#ffffff",
    .palette_low = "#f3f7fb",
    .palette = "0 '#f3f7fb', 0.02 '#deebf7', 0.1 '#9ecae1', 0.5 '#4292c6', 1 '#084594'",
    .on_low = 0x1f2937,
    .on_high = 0xffffff,
};

static const struct weft_plot_theme dark = {
    .ink = "#e5e7eb",
    .muted = "#9ca3af",
    .grid = "#374151",
    .first = "#56b4e9",
    .second = "#e69f00",
    .surface = "#161b22",
    .palette_low = "#1c232d",
    .palette = "0 '#1c232d', 0.02 '#1f3448', 0.1 '#1d5480', 0.5 '#3f8fc9', 1 '#9fd3f7'",
    .on_low = 0xe5e7eb,
    .on_high = 0x0b1220,
};

static const struct variant {
    const char *ending;
    const struct weft_plot_theme *theme;
    const char *terminal, *options;
    int scale;
} variants[] = {
    {".svg", &light, "svg", "dynamic noenhanced font 'sans-serif,14'", 1},
    {"-dark.svg", &dark, "svg", "dynamic noenhanced font 'sans-serif,14'", 1},
    {".png", &light, "pngcairo", "noenhanced font 'sans,14' fontscale 1.5 linewidth 2 pointscale 2", 2},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

void weft_plot_text(FILE *script, const char *text, size_t max)
{
    fputc('\'', script);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool begins = (c & 0xc0) != 0x80; /* a character of UTF-8 */
        if (begins && max-- == 0) {
            fputs("…", script);
            break;
        }
        if (c == '\'')
            fputs("’", script); /* within single quotes nothing else means anything to gnuplot */
        else if (c == '%')
            fputs("%%", script); /* a label of a tic is a format */
        else
            fputc(c < 0x20 || c == 0x7f ? ' ' : c, script);
    }
    fputc('\'', script);
}

static void write_script(FILE *script, const struct weft_plot *plot)
{
    for (size_t i = 0; i < VARIANTS; i++) {
        const struct variant *v = &variants[i];
        const struct weft_plot_theme *theme = v->theme;
        fprintf(script, "reset session\nset encoding utf8\nset terminal %s size %d,%d %s background '%s'\n",
                v->terminal, plot->width * v->scale, plot->height * v->scale, v->options, theme->surface);
        fprintf(script, "set output '%s%s.part'\n", plot->name, v->ending);
        fprintf(script, "set border 3 linecolor rgb '%s'\nset tics nomirror textcolor rgb '%s'\n", theme->muted,
                theme->ink);
        fprintf(script, "set title font ',17' textcolor rgb '%s'\nset key textcolor rgb '%s'\n", theme->ink,
                theme->ink);
        fprintf(script, "set xlabel textcolor rgb '%s'\nset ylabel textcolor rgb '%s'\n", theme->muted, theme->muted);
        fprintf(script, "set grid linecolor rgb '%s' linetype 1 linewidth 0.8\n", theme->grid);
        plot->draw(script, theme, plot->data);
        fputs("unset multiplot\nunset output\n", script);
    }
}

/* Runs gnuplot in a folder; its standard streams are files, so that neither side can wait for the other. Gives its exit
 * status, or -1 with errno where it could not be run. */
static int run_gnuplot(char *const arguments[], const char *folder, int input, int output)
{
    pid_t child;
    posix_spawn_file_actions_t actions;
    int status = -1, error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_addchdir_np(&actions, folder);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (error == 0)
            error = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    if (error != 0) {
        errno = error;
        return -1;
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What gnuplot said of the first thing that it could not do. */
static void read_complaint(FILE *said, int status, char *text, size_t size)
{
    char line[256];
    rewind(said);
    snprintf(text, size, "it ends with status %d", status);
    while (fgets(line, sizeof line, said)) {
        const char *begin = line + strspn(line, " \t");
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(begin, "line ", 5) == 0) {
            snprintf(text, size, "%s", begin);
            return;
        }
    }
}

static int fail_to_run(struct weft_error *err)
{
    if (errno == ENOENT)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "the report's figures need gnuplot, which is not installed: install the package "
                              "gnuplot-nox, or leave the report out");
    return weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot run gnuplot: %s", strerror(errno));
}

int weft_plot_check(struct weft_error *err)
{
    char *const arguments[] = {"gnuplot", "--version", NULL};
    FILE *nothing = tmpfile();
    if (!nothing)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no temporary file: %s", strerror(errno));
    int status = run_gnuplot(arguments, "/", fileno(nothing), fileno(nothing));
    int rc = status == 0  ? 0
             : status < 0 ? fail_to_run(err)
                          : weft_error_set(err, WEFT_ERROR_CONFIG, "gnuplot does not run: it ends with %d", status);
    fclose(nothing);
    return rc;
}

/* The path of the i-th file, and where gnuplot writes it. */
static int paths(const struct weft_plot *plot, const char *folder, size_t i, char *path, char *part,
                 struct weft_error *err)
{
    snprintf(path, PATH_SIZE, "%s/%s%s", folder, plot->name, variants[i].ending);
    if (snprintf(part, PATH_SIZE, "%s.part", path) >= PATH_SIZE)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: the path is too long", folder);
    return 0;
}

static int keep_parts(const struct weft_plot *plot, const char *folder, struct weft_error *err)
{
    char part[PATH_SIZE], path[PATH_SIZE];
    for (size_t i = 0; i < VARIANTS; i++) {
        if (paths(plot, folder, i, path, part, err) != 0)
            return -1;
        if (rename(part, path) != 0)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: cannot be written: %s", path, strerror(errno));
    }
    return 0;
}

void weft_plot_remove(const struct weft_plot *plot, const char *folder)
{
    char part[PATH_SIZE], path[PATH_SIZE];
    for (size_t i = 0; i < VARIANTS; i++) {
        if (paths(plot, folder, i, path, part, NULL) == 0) {
            unlink(part);
            unlink(path);
        }
    }
}

int weft_plot_draw(const struct weft_plot *plot, const char *folder, struct weft_error *err)
{
    /* -d: without the user's own settings. */
    char *const arguments[] = {"gnuplot", "-d", "-", NULL};
    char complaint[256];
    int rc = -1, status;
    FILE *script = tmpfile(), *said = tmpfile();
    if (!script || !said) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no temporary file: %s", strerror(errno));
        goto out;
    }
    write_script(script, plot);
    if (fflush(script) != 0 || ferror(script) || fseek(script, 0, SEEK_SET) != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no space for gnuplot's commands: %s", strerror(errno));
        goto out;
    }
    status = run_gnuplot(arguments, folder, fileno(script), fileno(said));
    if (status < 0) {
        fail_to_run(err);
    } else if (status > 0) {
        read_complaint(said, status, complaint, sizeof complaint);
        weft_error_set(err, WEFT_ERROR_CONFIG, "gnuplot cannot draw %s in %s: %s", plot->name, folder, complaint);
    } else {
        rc = keep_parts(plot, folder, err);
    }
    if (rc != 0)
        weft_plot_remove(plot, folder);
out:
    if (script)
        fclose(script);
    if (said)
        fclose(said);
    return rc;
}
