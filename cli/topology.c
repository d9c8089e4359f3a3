#include <stdio.h>

#include "base/json.h"
#include "cli/commands.h"
#include "topology/plan.h"

enum { CHANGES_WAIT = 4 };

/* By kind of step. */
static const char *const nouns[] = {"schema", "compatibility", "topic"};
static const char *const states[] = {"schema", "compatibility of", "topic"};
static const char *const changes[] = {"register schema", "set compatibility of", "create topic"};
static const char *const changed[] = {"registered schema", "set compatibility of", "created topic"};
/* By verdict. */
static const char *const verdicts[] = {"unchanged", "change", "differs", "refused"};
static const char signs[] = {'=', '+', '~', '!'};

static void print_json(const struct weft_topology_step *step, const char *verdict)
{
    weft_json_print(stdout, json_pack("{s:s,s:s,s:s,s:s}", "step", nouns[step->kind], "name", step->name, "verdict",
                                      verdict, "detail", step->detail));
}

static void print_step(const struct cli *cli, const struct weft_topology_step *step)
{
    if (cli_json(cli))
        print_json(step, verdicts[step->verdict]);
    else
        printf("%c %s %s (%s)\n", signs[step->verdict],
               step->verdict == WEFT_STEP_CHANGE ? changes[step->kind] : states[step->kind], step->name, step->detail);
}

static void print_done(const struct weft_topology_step *step, void *arg)
{
    const struct cli *cli = arg;
    if (cli_json(cli))
        print_json(step, "done");
    else
        printf("%s %s (%s)\n", changed[step->kind], step->name, step->detail);
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
    size_t count;
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
    printf("topology %s: %zu change%s, %zu unchanged", topology->name, counts[WEFT_STEP_CHANGE],
           plural(counts[WEFT_STEP_CHANGE]), counts[WEFT_STEP_UNCHANGED]);
    if (counts[WEFT_STEP_DIFFERS])
        printf(", %zu left different", counts[WEFT_STEP_DIFFERS]);
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
    if (weft_topology_plan_count(plan, WEFT_STEP_CHANGE) && !cli_json(cli))
        printf("`weft topology apply %s` makes them\n", cli_argument(cli, 0));
    if (weft_topology_plan_count(plan, WEFT_STEP_CHANGE) || weft_topology_plan_count(plan, WEFT_STEP_DIFFERS))
        return CHANGES_WAIT;
    return CLI_DONE;
}

static int show(struct cli *cli, bool apply, struct weft_error *err)
{
    int status = -1;
    struct weft_topology_plan *plan = NULL;
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (topology)
        plan = weft_topology_plan_new(topology, cli_settings(cli), cli_log(cli), err);
    if (!plan)
        goto out;
    print_plan(cli, topology, plan);
    if (!apply)
        status = plan_status(cli, plan, err);
    else if (weft_topology_plan_execute(plan, print_done, cli, err) == 0)
        status = CLI_DONE;
out:
    weft_topology_plan_destroy(plan);
    weft_topology_destroy(topology);
    return status;
}

static int plan_topology(struct cli *cli, struct weft_error *err)
{
    return show(cli, false, err);
}

static int apply_topology(struct cli *cli, struct weft_error *err)
{
    return show(cli, true, err);
}

const struct cli_command cli_topology_plan = {
    .name = "topology plan",
    .summary = "show what a topology file would change",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Compares the topics and schemas that the file declares with those of the cluster\n"
                   "(bootstrap.servers) and of the registry (schema.registry.url, where it declares\n"
                   "schemas), and shows what `weft topology apply` would do. Changes nothing.\n\n"
                   "  +  will be made\n"
                   "  =  is as declared\n"
                   "  ~  is different; weft leaves it as it is\n"
                   "  !  would be refused by the cluster or the registry\n\n"
                   "Exit status: 0 nothing to do, 4 changes wait or something differs, 1 it failed or\n"
                   "something would be refused, 2 wrong use.",
    .example = "weft topology plan topology/predict.yaml -X bootstrap.servers=localhost:9092 \\\n"
               "  -X schema.registry.url=http://localhost:8081",
    .uses_settings = true,
    .run = plan_topology,
};

const struct cli_command cli_topology_apply = {
    .name = "topology apply",
    .summary = "create the topics and register the schemas of a topology file",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Shows the plan as `weft topology plan` does, then creates the topics and registers\n"
                   "the schemas that are missing, and waits until the topics can be used. Never deletes,\n"
                   "and never changes a topic that exists.\n\n"
                   "Begins nothing when a step would be refused. Stops at the first failure, with what was\n"
                   "done until then shown; running it again does the rest.",
    .example = "weft topology apply topology/predict.yaml -F cluster.properties",
    .uses_settings = true,
    .run = apply_topology,
};
