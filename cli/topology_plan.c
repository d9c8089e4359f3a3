#include "cli/topology_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/commands.h"
#include "streams/kafka_settings.h"
#include "topology/acl.h"
#include "topology/plan.h"

enum { CHANGES_WAIT = 4, ALLOWED_MAX = 64 };

/* By kind of step. */
static const char *const nouns[] = {"schema", "compatibility", "topic", "partitions", "replication", "setting"};
static const char *const states[] = {
    "schema", "compatibility of", "topic", "partitions of topic", "replication of topic", NULL};
static const char *const changes[] = {
    "register schema", "set compatibility of", "create topic", "add partitions to topic", NULL, "set"};
static const char *const changed[] = {
    "registered schema", "set compatibility of", "created topic", "added partitions to topic", NULL, "set"};
/* By verdict. */
static const char *const verdicts[] = {"unchanged", "create", "change", "drift", "refused"};
static const char signs[] = {'=', '+', '~', '?', '!'};

static void print_json(const struct weft_topology_step *step, const char *verdict)
{
    weft_json_print(stdout, json_pack("{s:s,s:s,s:s*,s:s,s:s*,s:s*,s:s}", "step", nouns[step->kind], "name", step->name,
                                      "setting", step->setting, "verdict", verdict, "from", step->from, "to", step->to,
                                      "detail", step->detail));
}

/* "what topic (detail)", with the old and the new value where there are both. */
static void print_text(const struct weft_topology_step *step, const char *what)
{
    if (step->kind == WEFT_STEP_SETTING)
        printf("%s%s%s of topic %s", what ? what : "", what ? " " : "", step->setting, step->name);
    else
        printf("%s %s", what, step->name);
    if (step->from && step->to)
        printf(": %s -> %s", step->from, step->to);
    else if (step->kind == WEFT_STEP_SETTING)
        printf(": %s", step->to ? step->to : step->from ? step->from : "hidden");
    if (step->detail[0])
        printf(" (%s)", step->detail);
    putchar('\n');
}

static void print_step(const struct cli *cli, const struct weft_topology_step *step)
{
    bool change = step->verdict == WEFT_STEP_CREATE || step->verdict == WEFT_STEP_CHANGE;
    if (cli_json(cli)) {
        print_json(step, verdicts[step->verdict]);
        return;
    }
    printf("%c ", signs[step->verdict]);
    print_text(step, change ? changes[step->kind] : states[step->kind]);
}

static void print_done(const struct weft_topology_step *step, void *arg)
{
    const struct cli *cli = arg;
    if (cli_json(cli))
        print_json(step, "done");
    else
        print_text(step, changed[step->kind]);
    fflush(stdout);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Shows the steps and what they come to. */
static void print_plan(const struct cli *cli, const struct weft_topology *topology,
                       const struct weft_topology_plan *plan)
{
    size_t count, changes_waiting = weft_topology_plan_changes(plan);
    const struct weft_topology_step *steps = weft_topology_plan_steps(plan, &count);
    for (size_t i = 0; i < count; i++)
        print_step(cli, &steps[i]);
    size_t counts[WEFT_STEP_VERDICTS];
    for (int v = 0; v < WEFT_STEP_VERDICTS; v++)
        counts[v] = weft_topology_plan_count(plan, (enum weft_topology_step_verdict)v);
    if (cli_json(cli)) {
        json_t *summary = json_pack("{s:s}", "topology", topology->name);
        for (int v = 0; v < WEFT_STEP_VERDICTS; v++)
            json_object_set_new(summary, verdicts[v], json_integer((json_int_t)counts[v]));
        weft_json_print(stdout, summary);
        return;
    }
    printf("topology %s: %zu change%s, %zu unchanged", topology->name, changes_waiting, plural(changes_waiting),
           counts[WEFT_STEP_UNCHANGED]);
    if (counts[WEFT_STEP_DRIFT])
        printf(", %zu drifted", counts[WEFT_STEP_DRIFT]);
    if (counts[WEFT_STEP_REFUSED])
        printf(", %zu refused", counts[WEFT_STEP_REFUSED]);
    putchar('\n');
    fflush(stdout);
}

static int plan_status(const struct cli *cli, const struct weft_topology_plan *plan, struct weft_error *err)
{
    size_t refused = weft_topology_plan_count(plan, WEFT_STEP_REFUSED);
    if (refused)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%zu step%s would be refused", refused, plural(refused));
    if (!weft_topology_plan_changes(plan))
        return CLI_DONE;
    if (!cli_json(cli))
        printf("`weft topology apply %s` makes them\n", cli_argument(cli, 0));
    return CHANGES_WAIT;
}

static int show(struct cli *cli, const struct weft_topology *topology, bool apply, struct weft_error *err)
{
    int status = -1;
    const char *list[ALLOWED_MAX];
    struct weft_topology_allowed allowed = {list, 0};
    for (const char *text; (text = cli_option_at(cli, "allow", (int)allowed.count)); list[allowed.count++] = text)
        if (allowed.count == ALLOWED_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--allow may be given %d times", ALLOWED_MAX);
    struct weft_topology_plan *plan = weft_topology_plan_new(topology, cli_settings(cli), &allowed, cli_log(cli), err);
    if (!plan)
        return -1;
    print_plan(cli, topology, plan);
    if (!apply)
        status = plan_status(cli, plan, err);
    else if (weft_topology_plan_execute(plan, print_done, cli, err) == 0)
        status = CLI_DONE;
    weft_topology_plan_destroy(plan);
    return status;
}

static int print_rights(const struct cli *cli, const struct weft_topology *topology)
{
    const char *servers = weft_kafka_servers(cli_settings(cli)), *principal = cli_option(cli, "principal");
    if (!principal)
        principal = "User:weft";
    for (size_t i = 0; i < topology->processor_count; i++) {
        struct weft_right rights[WEFT_RIGHTS_MAX];
        const size_t count = weft_rights(&topology->processors[i], cli_settings(cli), rights);
        if (!cli_json(cli))
            printf("# processor %s\n", topology->processors[i].name);
        for (size_t r = 0; r < count; r++)
            if (cli_json(cli))
                weft_json_print(stdout,
                                json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "processor", topology->processors[i].name,
                                          "principal", principal, "operation", rights[r].operation, "resource",
                                          rights[r].resource, "name", rights[r].name, "prefix", rights[r].prefix));
            else
                weft_right_print(stdout, &rights[r], servers[0] ? servers : "localhost:9092", principal);
    }
    return CLI_DONE;
}

static int plan_topology(struct cli *cli, struct weft_error *err)
{
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (!topology)
        return -1;
    int status = cli_flag(cli, "acls") ? print_rights(cli, topology) : show(cli, topology, false, err);
    weft_topology_destroy(topology);
    return status;
}

static int apply_topology(struct cli *cli, struct weft_error *err)
{
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (!topology)
        return -1;
    int status = show(cli, topology, true, err);
    weft_topology_destroy(topology);
    return status;
}

#define OPTION_ALLOW                                                                                                   \
    {                                                                                                                  \
        0, "allow", "WHAT:NAME", "agree to shrink-retention:TOPIC or loosen-compatibility:SUBJECT; may be repeated"    \
    }

const struct cli_option cli_topology_plan_options[] = {
    OPTION_ALLOW,
    {0, "acls", NULL, "print the rights that the processors need, as commands of Kafka's kafka-acls.sh, and end"},
    {0, "principal", "NAME", "for --acls: who gets the rights (User:weft)"},
    {0, NULL, NULL, NULL},
};

static const struct cli_option apply_options[] = {OPTION_ALLOW, {0, NULL, NULL, NULL}};

const struct cli_command cli_topology_plan = {
    .name = "topology plan",
    .summary = "show what a topology file would change",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Compares the topics and schemas that the file declares with those of the cluster\n"
                   "(bootstrap.servers) and of the registry (schema.registry.url, where it declares\n"
                   "schemas), and shows what `weft topology apply` would do. Changes nothing, and does not\n"
                   "look at what the file does not declare.\n\n"
                   "  +  will be made\n"
                   "  ~  will be changed, old -> new\n"
                   "  =  is as declared\n"
                   "  ?  is different there, and left so\n"
                   "  !  is refused, by the cluster, by the registry, or because records or the\n"
                   "     readability of schemas would be lost (see --allow)\n\n"
                   "weft deletes nothing and moves no replicas.\n\n"
                   "Exit status: 0 nothing to do, 4 changes wait, 1 it failed or something is refused,\n"
                   "2 wrong use.",
    .example = "weft topology plan topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "  -X schema.registry.url=http://localhost:8081\n"
               "weft topology plan topology/predict.yaml --acls --principal User:predict",
    .options = cli_topology_plan_options,
    .uses_settings = true,
    .run = plan_topology,
};

const struct cli_command cli_topology_apply = {
    .name = "topology apply",
    .summary = "make the cluster and the registry as a topology file says",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Shows the plan as `weft topology plan` does, then registers the schemas, creates the\n"
                   "topics that are missing, adds partitions and changes settings, and waits until the\n"
                   "topics can be used. Never deletes.\n\n"
                   "Begins nothing when a step is refused. Stops at the first failure, with what was done\n"
                   "until then shown; running it again does the rest.",
    .example = "weft topology apply topology/predict.yaml -F cluster.properties\n"
               "weft topology apply topology/predict.yaml --allow shrink-retention:req_predict",
    .options = apply_options,
    .uses_settings = true,
    .run = apply_topology,
};
