#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *folder, int length, const char *name, char *path, size_t size)
{
    return snprintf(path, size, "%.*s/%s", length, folder, name) < (int)size && access(path, X_OK) == 0;
}

bool weft_program_find(const char *name, char *path, size_t size)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self);
    const char *slash = length > 0 ? memrchr(self, '/', (size_t)length) : NULL;
    if (slash && is_program(self, (int)(slash - self), name, path, size))
        return true;
    for (const char *at = getenv("PATH"); at && *at;) {
        size_t folder = strcspn(at, ":");
        /* An empty entry is the working folder, from where nothing is run that nobody named. */
        if (folder > 0 && is_program(at, (int)folder, name, path, size))
            return true;
        at += folder + (at[folder] == ':');
    }
    return false;
}

/* Gives 0 or an errno. output is the end of a pipe that the child writes to. */
static int spawn(char *const argv[], char *const environment[], int output, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn(child, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int read_lines(FILE *from, int (*line)(const char *text, void *arg, struct weft_error *err), void *arg,
                      struct weft_error *err)
{
    char *text = NULL;
    size_t size = 0;
    int result = 0;
    for (ssize_t length; result == 0 && (length = getline(&text, &size, from)) > 0;) {
        if (text[length - 1] == '\n')
            text[length - 1] = '\0';
        result = line(text, arg, err);
    }
    free(text);
    return result;
}

int weft_program_run(char *const argv[], char *const environment[],
                     int (*line)(const char *text, void *arg, struct weft_error *err), void *arg,
                     struct weft_error *err)
{
    int ends[2], status = 0, result = -1, error;
    pid_t child;
    FILE *from = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: %s", argv[0], strerror(errno));
    error = spawn(argv, environment, ends[1], &child);
    close(ends[1]);
    if (error == 0)
        from = fdopen(ends[0], "r");
    if (from)
        result = read_lines(from, line, arg, err);
    else
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: %s", argv[0], strerror(error ? error : errno));
    /* One that still prints ends by this. */
    if (from)
        fclose(from);
    else
        close(ends[0]);
    while (error == 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: %s", argv[0], strerror(errno));
    if (result != 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
