#include "streams/kafka_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weft_kafka_names {
    struct weft_settings_dialect dialect;
    char *table; /* the library's own description, cut into names */
    char **names;
    char *scopes; /* of each name: C consumers, P producers, * both */
};

static const char *const prefixes[] = {"consumer.", "producer.", NULL};

static int check_value(const char *name, const char *value, char *reason, size_t size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, size);
    rd_kafka_conf_destroy(conf);
    return result == RD_KAFKA_CONF_OK ? 0 : -1;
}

static bool is_secret(const char *name)
{
    static const char *const parts[] = {"password", "secret", "key.pem", "oauthbearer.config"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

/* The library prints its properties as a table of lines `name | C/P | range | ...`, once for the client's and once for
 * a topic's. */
static size_t collect_names(struct weft_kafka_names *names)
{
    size_t count = 0;
    char *rest = names->table;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *bar = strstr(line, " | ");
        size_t length = strcspn(line, " ");
        if (!bar || length == 0 || strncmp(line, "Property", length) == 0)
            continue;
        names->names[count] = line;
        names->scopes[count] = bar[strspn(bar, " |")];
        line[length] = '\0';
        count++;
    }
    return count;
}

struct weft_kafka_names *weft_kafka_names_new(struct weft_error *err)
{
    struct weft_kafka_names *names = calloc(1, sizeof *names);
    size_t size = 0, lines = 1;
    FILE *out = names ? open_memstream(&names->table, &size) : NULL;
    if (!out)
        goto fail;
    rd_kafka_conf_properties_show(out);
    if (fclose(out) != 0)
        goto fail;
    for (const char *p = names->table; *p; p++)
        lines += *p == '\n';
    names->names = calloc(lines, sizeof *names->names);
    names->scopes = calloc(lines, 1);
    if (!names->names || !names->scopes)
        goto fail;
    names->dialect = (struct weft_settings_dialect){
        .names = (const char *const *)names->names,
        .count = collect_names(names),
        .prefixes = prefixes,
        .check = check_value,
        .is_secret = is_secret,
        .hint = "librdkafka's CONFIGURATION.md",
    };
    return names;
fail:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    weft_kafka_names_destroy(names);
    return NULL;
}

void weft_kafka_names_destroy(struct weft_kafka_names *names)
{
    if (!names)
        return;
    free(names->scopes);
    free(names->names);
    free(names->table);
    free(names);
}

const struct weft_settings_dialect *weft_kafka_names_dialect(const struct weft_kafka_names *names)
{
    return &names->dialect;
}

enum {
    SOURCE = 1 << WEFT_KAFKA_SOURCE,
    SINK = 1 << WEFT_KAFKA_SINK,
    SENDER = 1 << WEFT_KAFKA_SENDER,
    READER = 1 << WEFT_KAFKA_READER,
    ADMIN = 1 << WEFT_KAFKA_ADMIN,
    CONSUMERS = SOURCE | READER | ADMIN,
    PRODUCERS = SINK | SENDER,
    EVERY = CONSUMERS | PRODUCERS,
};

/* What weft sets where nobody says otherwise; a name that the library does not have yet is passed over. */
static const struct {
    unsigned roles;
    const char *name, *value;
} defaults[] = {
    {EVERY, "client.id", "weft"},
    /* The library's own 10 s leaves a client asleep long after the broker is back. */
    {EVERY, "reconnect.backoff.max.ms", "500"},
    {EVERY, "socket.nagle.disable", "true"},
    /* After a commit the broker answers CONCURRENT_TRANSACTIONS for a moment and the library sleeps this long before it
     * asks again: at 100 ms small transactions are 2.6 times slower. */
    {EVERY, "retry.backoff.ms", "5"},
    {EVERY, "log.connection.close", "false"},
    /* A topic's max.message.bytes decides, not the library's 1 MB: this is as much as a consumer takes at once, and
     * less than a broker does. Batches remain within batch.size. */
    {PRODUCERS, "message.max.bytes", "100000000"},
    {SOURCE, "session.timeout.ms", "10000"},
    {SOURCE, "partition.assignment.strategy", "range"},
    {SOURCE, "auto.offset.reset", "earliest"},
    /* What may wait in memory for a worker: the back-pressure. */
    {SOURCE, "queued.max.messages.kbytes", "16384"},
    /* Since 2.2; for older versions see fetcher.h. */
    {SOURCE | READER, "fetch.queue.backoff.ms", "10"},
    {SINK, "transaction.timeout.ms", "15000"},
    /* A commit flushes at once, so this delays nothing; smaller values cost half the throughput. */
    {SINK, "linger.ms", "100"},
    /* Otherwise the library sends messages without a key where it likes, and asks no partitioner. */
    {SINK, "sticky.partitioning.linger.ms", "0"},
    {SENDER, "linger.ms", "5"},
    /* As Java's clients do, so that a key has one partition whoever sends it. */
    {SENDER, "partitioner", "murmur2_random"},
    {READER, "queued.max.messages.kbytes", "32768"},
    {READER, "auto.offset.reset", "earliest"},
    {READER, "enable.partition.eof", "true"},
};

/* What must be so, and cannot be set otherwise; value NULL: cannot be set at all. */
static const struct {
    unsigned roles;
    const char *name, *value, *why;
} fixed[] = {
    {SOURCE | READER, "isolation.level", "read_committed", "results of aborted transactions would be seen"},
    {SOURCE, "enable.auto.commit", "false", "offsets belong to the transaction"},
    {SOURCE, "enable.auto.offset.store", "false", "offsets belong to the transaction"},
    {PRODUCERS, "acks", "all", "a result could be lost with one broker"},
    {PRODUCERS, "enable.idempotence", "true", "a retried send could be written twice"},
    {SINK | SENDER, "transactional.id", NULL, "weft makes it of group.id, instance and worker"},
};

/* Whether value means the same as the value that is wanted. */
static bool same_value(const char *value, const char *wanted)
{
    if (strcmp(value, wanted) == 0)
        return true;
    if (strcmp(wanted, "all") == 0)
        return strcmp(value, "-1") == 0;
    if (strcmp(wanted, "false") == 0)
        return strcmp(value, "0") == 0 || strcmp(value, "f") == 0;
    if (strcmp(wanted, "true") == 0)
        return strcmp(value, "1") == 0 || strcmp(value, "t") == 0;
    return false;
}

static int check_fixed(unsigned role, const char *name, const char *value, const char *where, struct weft_error *err)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const char *other = strcmp(name, "request.required.acks") == 0 ? "acks" : name;
        if (!(fixed[i].roles & role) || strcmp(fixed[i].name, other) != 0)
            continue;
        if (!fixed[i].value)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s cannot be set: %s", where, name, fixed[i].why);
        if (!same_value(value, fixed[i].value))
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s=%s would break exactly-once (%s): leave it at %s",
                                  where, name, value, fixed[i].why, fixed[i].value);
    }
    if (role != SOURCE)
        return 0;
    bool is_reset = strcmp(name, "auto.offset.reset") == 0;
    if (is_reset && strcmp(value, "earliest") != 0 && strcmp(value, "smallest") != 0 &&
        strcmp(value, "beginning") != 0 && strcmp(value, "error") != 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "%s: auto.offset.reset=%s would skip requests: it must be earliest or error", where,
                              value);
    if (strcmp(name, "group.protocol") == 0 && strcmp(value, "classic") != 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: group.protocol=%s is not supported: leave it at classic",
                              where, value);
    if (strcmp(name, "partition.assignment.strategy") == 0 && strstr(value, "cooperative"))
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "%s: partition.assignment.strategy=%s is not supported: use range or roundrobin", where,
                              value);
    return 0;
}

struct applying {
    rd_kafka_conf_t *conf;
    unsigned role;
    const struct weft_kafka_names *names;
    bool prefixed; /* which of the settings: those for one kind of client, or those for all */
};

/* Whether the library has this setting for clients of the role; setting it elsewhere would only make it complain. */
static bool in_scope(const struct applying *applying, const char *name)
{
    char other = applying->role & CONSUMERS ? 'P' : 'C';
    for (size_t i = 0; i < applying->names->dialect.count; i++)
        if (strcmp(applying->names->names[i], name) == 0)
            return applying->names->scopes[i] != other;
    return true;
}

static int apply_setting(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    const struct applying *applying = arg;
    char reason[512];
    if (applying->prefixed != (strncmp(name, "consumer.", 9) == 0 || strncmp(name, "producer.", 9) == 0))
        return 0;
    if (strncmp(name, "consumer.", 9) == 0) {
        if (!(applying->role & CONSUMERS))
            return 0;
        name += 9;
    } else if (strncmp(name, "producer.", 9) == 0) {
        if (!(applying->role & PRODUCERS))
            return 0;
        name += 9;
    }
    if (!in_scope(applying, name))
        return 0;
    if (check_fixed(applying->role, name, value, where, err) != 0)
        return -1;
    /* A processor's group and membership are nobody else's business: a reader of that name would disturb it. */
    bool membership = strcmp(name, "group.id") == 0 || strcmp(name, "group.instance.id") == 0;
    if (membership && applying->role != SOURCE)
        return 0;
    if (rd_kafka_conf_set(applying->conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s: %s", where, name, reason);
    return 0;
}

rd_kafka_conf_t *weft_kafka_conf(const struct weft_settings *settings, enum weft_kafka_role role,
                                 struct weft_error *err)
{
    struct weft_kafka_names *names = weft_kafka_names_new(err);
    if (!names)
        return NULL;
    struct applying applying = {.conf = rd_kafka_conf_new(), .role = 1U << role, .names = names};
    char reason[512];
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (defaults[i].roles & applying.role)
            rd_kafka_conf_set(applying.conf, defaults[i].name, defaults[i].value, reason, sizeof reason);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if ((fixed[i].roles & applying.role) && fixed[i].value)
            rd_kafka_conf_set(applying.conf, fixed[i].name, fixed[i].value, reason, sizeof reason);

    /* The library would wait in silence for a broker that nobody named. */
    if (!weft_kafka_servers(settings)[0]) {
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "bootstrap.servers is not set: name the brokers, as in -X bootstrap.servers=localhost:9092 or "
                       "WEFT_BOOTSTRAP_SERVERS");
        goto fail;
    }
    /* What is said of one kind of client is stronger than what is said of all. */
    for (int pass = 0; pass < 2; pass++) {
        applying.prefixed = pass == 1;
        if (weft_settings_each(settings, apply_setting, &applying, err) != 0)
            goto fail;
    }
    weft_kafka_names_destroy(names);
    return applying.conf;
fail:
    weft_kafka_names_destroy(names);
    rd_kafka_conf_destroy(applying.conf);
    return NULL;
}

const char *weft_kafka_servers(const struct weft_settings *settings)
{
    const char *servers = weft_settings_text(settings, "bootstrap.servers");
    if (!servers)
        servers = weft_settings_text(settings, "metadata.broker.list");
    return servers ? servers : "";
}
