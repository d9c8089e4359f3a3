#include "model/data/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/progress.h"

enum { CONNECT_TIMEOUT_S = 10, REDIRECTS_MAX = 5, BACKOFF_MAX_MS = 8000, HASH_CHUNK = 1 << 16 };

enum attempt { COMPLETE, TRY_AGAIN, GIVE_UP };

struct download {
    const struct weft_catalog_file *file;
    const struct weft_fetch_options *options;
    CURL *curl;
    struct weft_progress *progress;
    char *url, *path, *part;
    int fd;        /* of part */
    uint64_t size; /* of part so far */
    bool resumed;  /* some of it is from another answer than the last, and so may not belong to it */
    bool begun;    /* bytes of the answer have come */
    bool too_long;
    int write_errno;
};

struct weft_fetch_options weft_fetch_defaults(void)
{
    return (struct weft_fetch_options){.tries = 4, .backoff_ms = 500, .stall_s = 30};
}

static int file_fault(const char *path, struct weft_error *err)
{
    enum weft_error_class class =
        errno == EACCES || errno == EPERM || errno == EROFS ? WEFT_ERROR_REFUSED : WEFT_ERROR_CONFIG;
    return weft_error_set(err, class, "%s: %s", path, strerror(errno));
}

/* SHA-256 of the whole file, as lower-case hexadecimal. */
static int hash_file(int fd, const char *path, char text[65], struct weft_error *err)
{
    unsigned char chunk[HASH_CHUNK], hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ssize_t n = 0;
    int rc = -1;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (off_t at = 0; ok && (n = pread(fd, chunk, sizeof chunk, at)) > 0; at += n)
        ok = EVP_DigestUpdate(context, chunk, (size_t)n);
    ok = ok && EVP_DigestFinal_ex(context, hash, &size) && size == 32;
    if (n < 0)
        file_fault(path, err);
    else if (!ok)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no checksum could be made", path);
    else
        rc = 0;
    for (unsigned i = 0; rc == 0 && i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    EVP_MD_CTX_free(context);
    return rc;
}

/* 1 when the file is there and right, 0 when it is not there. */
static int look_at_present(const struct download *d, struct weft_error *err)
{
    char hash[65];
    int fd = open(d->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return file_fault(d->path, err);
    int rc = hash_file(fd, d->path, hash, err);
    close(fd);
    if (rc != 0)
        return -1;
    if (strcmp(hash, d->file->sha256) == 0)
        return 1;
    return weft_error_set(err, WEFT_ERROR_CONFLICT,
                          "%s: is there already, but its SHA-256 is %s instead of %s: move it away, then fetch again",
                          d->path, hash, d->file->sha256);
}

static int begin_anew(struct download *d)
{
    d->size = 0;
    d->resumed = false;
    return ftruncate(d->fd, 0);
}

static int write_all(struct download *d, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(d->fd, bytes + done, size - done, (off_t)(d->size + done));
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    d->size += size;
    return 0;
}

static size_t receive(char *bytes, size_t one, size_t count, void *to)
{
    struct download *d = to;
    size_t size = one * count;
    long status = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206)
        return size; /* the text of a refusal */
    /* A server that knows no ranges sends all from the beginning. */
    if (!d->begun && status == 200 && begin_anew(d) != 0)
        goto not_written;
    d->begun = true;
    if (size > d->file->size - d->size) {
        d->too_long = true;
        return 0;
    }
    if (write_all(d, bytes, size) != 0)
        goto not_written;
    weft_progress_update(d->progress, d->size);
    return size;
not_written:
    d->write_errno = errno;
    return 0;
}

static CURLcode request(struct download *d, char detail[CURL_ERROR_SIZE])
{
    char range[32];
    CURL *curl = d->curl;
    curl_easy_reset(curl);
    *detail = '\0';
    d->begun = d->too_long = false;
    d->write_errno = 0;
    if (d->size > 0) {
        d->resumed = true;
        snprintf(range, sizeof range, "%" PRIu64 "-", d->size);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    curl_easy_setopt(curl, CURLOPT_URL, d->url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weft/" WEFT_VERSION);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)d->options->stall_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(curl);
    if (!*detail)
        snprintf(detail, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    return code;
}

/* What has come is not the file. When it was put together from several answers, a whole one may be right. */
static enum attempt reject(struct download *d, const char *why, struct weft_error *err)
{
    bool again = d->resumed;
    weft_error_set(err, WEFT_ERROR_CORRUPT,
                   "%s: what came is not the file that was asked for: %s; nothing of it is kept", d->url, why);
    if (begin_anew(d) != 0) {
        file_fault(d->part, err);
        return GIVE_UP;
    }
    return again ? TRY_AGAIN : GIVE_UP;
}

/* Of a part that has its whole size. */
static enum attempt check(struct download *d, struct weft_error *err)
{
    char hash[65], why[192];
    if (hash_file(d->fd, d->part, hash, err) != 0)
        return GIVE_UP;
    if (strcmp(hash, d->file->sha256) == 0)
        return COMPLETE;
    snprintf(why, sizeof why, "its SHA-256 is %s instead of %s", hash, d->file->sha256);
    return reject(d, why, err);
}

static enum attempt judge_status(struct download *d, struct weft_error *err)
{
    char why[96];
    long status = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if ((status == 200 || status == 206) && d->size == d->file->size)
        return check(d, err);
    if (status == 200 || status == 206) {
        snprintf(why, sizeof why, "it has %" PRIu64 " bytes instead of %" PRIu64, d->size, d->file->size);
        return reject(d, why, err);
    }
    if (status == 416 && d->size > 0)
        return reject(d, "its end was refused", err);
    bool busy = status >= 500 || status == 408 || status == 429;
    weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "%s: the server answers with status %ld", d->url, status);
    return busy ? TRY_AGAIN : GIVE_UP;
}

static enum attempt attempt(struct download *d, struct weft_error *err)
{
    char detail[CURL_ERROR_SIZE];
    CURLcode code = request(d, detail);
    switch (code) {
    case CURLE_OK: return judge_status(d, err);
    case CURLE_WRITE_ERROR:
        if (d->too_long)
            return reject(d, "it is longer", err);
        errno = d->write_errno;
        file_fault(d->part, err);
        return GIVE_UP;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", d->url, detail);
        return GIVE_UP;
    default: weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "%s: %s", d->url, detail); return TRY_AGAIN;
    }
}

static int load(struct download *d, struct weft_error *err)
{
    int64_t wait_ms = d->options->backoff_ms;
    enum attempt result = TRY_AGAIN;
    if (d->size == d->file->size) {
        d->resumed = true;
        result = check(d, err);
    }
    for (int fruitless = 0; result == TRY_AGAIN;) {
        uint64_t before = d->size;
        result = attempt(d, err);
        if (result != TRY_AGAIN || d->size > before) {
            fruitless = 0;
            wait_ms = d->options->backoff_ms;
        } else if (++fruitless == d->options->tries) {
            result = GIVE_UP;
        }
        if (result == TRY_AGAIN) {
            weft_clock_sleep_ms(wait_ms);
            wait_ms = 2 * wait_ms < BACKOFF_MAX_MS ? 2 * wait_ms : BACKOFF_MAX_MS;
        }
    }
    return result == COMPLETE ? 0 : -1;
}

/* Opens what there is of the file, which no other process may be loading at the same time. */
static int open_part(struct download *d, struct weft_error *err)
{
    struct stat about;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (d->fd < 0)
        return file_fault(d->part, err);
    if (flock(d->fd, LOCK_EX | LOCK_NB) != 0)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%s: is being loaded by another process", d->part);
    if (fstat(d->fd, &about) != 0 || ((uint64_t)about.st_size > d->file->size && begin_anew(d) != 0))
        return file_fault(d->part, err);
    if ((uint64_t)about.st_size <= d->file->size)
        d->size = (uint64_t)about.st_size;
    return 0;
}

static int fetch_file(struct download *d, struct weft_error *err)
{
    int present = look_at_present(d, err);
    if (present < 0)
        return -1;
    enum weft_fetch_outcome outcome = WEFT_FETCH_PRESENT;
    if (!present) {
        if (open_part(d, err) != 0)
            return -1;
        d->progress = weft_progress_new(d->file->name, "bytes", d->file->size);
        int loaded = load(d, err);
        weft_progress_destroy(d->progress);
        if (loaded != 0 && d->size == 0)
            unlink(d->part);
        if (loaded != 0)
            return -1;
        if (fsync(d->fd) != 0)
            return file_fault(d->part, err);
        if (weft_atomic_file_move(d->part, d->path, err) != 0)
            return -1;
        outcome = d->resumed ? WEFT_FETCH_RESUMED : WEFT_FETCH_LOADED;
    }
    if (d->options->file_done)
        d->options->file_done(d->options->context, d->path, d->file->size, outcome);
    return 0;
}

static int make_folder(const char *folder, struct weft_error *err)
{
    struct stat about;
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s", folder) >= sizeof path || !*path)
        return weft_error_set(err, WEFT_ERROR_USAGE, "'%s' is no path of a folder", folder);
    for (char *slash = path + 1;; slash++) {
        slash += strcspn(slash, "/");
        char was = *slash;
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return file_fault(path, err);
        if (!was)
            break;
        *slash = was;
    }
    if (stat(folder, &about) != 0)
        return file_fault(folder, err);
    return S_ISDIR(about.st_mode) ? 0 : weft_error_set(err, WEFT_ERROR_CONFIG, "%s: is no folder", folder);
}

/* What a person can do where the program cannot. */
static void advise(const struct weft_catalog_entry *entry, const char *folder, struct weft_error *err)
{
    char message[WEFT_ERROR_MESSAGE_MAX], names[512] = "";
    for (size_t i = 0; i < entry->file_count; i++) {
        size_t size = strlen(names);
        snprintf(names + size, sizeof names - size, "%s%s", i ? ", " : "", entry->files[i].name);
    }
    snprintf(message, sizeof message, "%s", err->message);
    weft_error_set(err, err->class, "%s. By hand: put %s from %s/ into %s", message, names, entry->url, folder);
}

int weft_fetch(const struct weft_catalog_entry *entry, const char *folder, const struct weft_fetch_options *options,
               struct weft_error *err)
{
    const char *base = options->url ? options->url : entry->url;
    int length = (int)strlen(base), rc = 0;
    struct weft_error fault = {0};
    while (length > 0 && base[length - 1] == '/')
        length--;
    if (strncasecmp(base, "http://", 7) != 0 && strncasecmp(base, "https://", 8) != 0)
        return weft_error_set(err, WEFT_ERROR_USAGE, "the URL '%s' does not begin with http:// or https://", base);
    if (make_folder(folder, err) != 0)
        return -1;
    CURL *curl = curl_easy_init();
    if (!curl)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < entry->file_count && rc == 0; i++) {
        struct download d = {.file = &entry->files[i], .options = options, .curl = curl, .fd = -1};
        if (asprintf(&d.url, "%.*s/%s", length, base, d.file->name) < 0)
            d.url = NULL;
        if (asprintf(&d.path, "%s/%s", folder, d.file->name) < 0)
            d.path = NULL;
        if (asprintf(&d.part, "%s/%s.part", folder, d.file->name) < 0)
            d.part = NULL;
        rc = d.url && d.path && d.part ? fetch_file(&d, &fault)
                                       : weft_error_set(&fault, WEFT_ERROR_INTERNAL, "out of memory");
        if (d.fd >= 0)
            close(d.fd);
        free(d.part);
        free(d.path);
        free(d.url);
    }
    curl_easy_cleanup(curl);
    if (rc == 0)
        return 0;
    if (fault.class == WEFT_ERROR_UNAVAILABLE)
        advise(entry, folder, &fault);
    return weft_error_set(err, fault.class, "%s", fault.message);
}
