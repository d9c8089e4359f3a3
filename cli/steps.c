#include "cli/steps.h"

#include <stdio.h>

#include "base/json.h"

/* By kind of step. */
static const struct {
    const char *state, *change, *changed;
    const char *owner; /* of a setting */
} words[] = {
    [WEFT_STEP_SCHEMA] = {"schema", "register schema", "registered schema", NULL},
    [WEFT_STEP_COMPATIBILITY] = {"compatibility of", "set compatibility of", "set compatibility of", NULL},
    [WEFT_STEP_TOPIC] = {"topic", "create topic", "created topic", NULL},
    [WEFT_STEP_PARTITIONS] = {"partitions of topic", "add partitions to topic", "added partitions to topic", NULL},
    [WEFT_STEP_REPLICATION] = {"replication of topic", NULL, NULL, NULL},
    [WEFT_STEP_SETTING] = {NULL, "set", "set", "topic"},
    [WEFT_STEP_PUBSUB_TOPIC] = {"Pub/Sub topic", "create Pub/Sub topic", "created Pub/Sub topic", NULL},
    [WEFT_STEP_SUBSCRIPTION] = {"subscription", "create subscription", "created subscription", NULL},
    [WEFT_STEP_PUBSUB_TOPIC_SETTING] = {NULL, "set", "set", "Pub/Sub topic"},
    [WEFT_STEP_SUBSCRIPTION_SETTING] = {NULL, "set", "set", "subscription"},
};
/* By verdict. */
static const char signs[] = {'=', '+', '~', '?', '!'};

static void print_json(const struct weft_topology_step *step, const char *verdict)
{
    weft_json_print(stdout, json_pack("{s:s,s:s,s:s*,s:s,s:s*,s:s*,s:s}", "step", weft_step_kind_name(step->kind),
                                      "name", step->name, "setting", step->setting, "verdict", verdict, "from",
                                      step->from, "to", step->to, "detail", step->detail));
}

/* "what topic (detail)", with the old and the new value where there are both. */
static void print_text(const struct weft_topology_step *step, const char *what)
{
    const char *owner = words[step->kind].owner;
    if (owner)
        printf("%s%s%s of %s %s", what ? what : "", what ? " " : "", step->setting, owner, step->name);
    else
        printf("%s %s", what, step->name);
    if (step->from && step->to)
        printf(": %s -> %s", step->from, step->to);
    else if (owner)
        printf(": %s", step->to ? step->to : step->from ? step->from : "hidden");
    if (step->detail[0])
        printf(" (%s)", step->detail);
    putchar('\n');
}

static void print_step(const struct cli *cli, const struct weft_topology_step *step)
{
    if (cli_json(cli)) {
        print_json(step, weft_step_verdict_name(step->verdict));
        return;
    }
    printf("%c ", signs[step->verdict]);
    print_text(step, weft_step_is_change(step) ? words[step->kind].change : words[step->kind].state);
}

void cli_print_done(const struct weft_topology_step *step, void *arg)
{
    const struct cli *cli = arg;
    if (cli_json(cli))
        print_json(step, "done");
    else
        print_text(step, words[step->kind].changed);
    fflush(stdout);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void cli_print_plan(const struct cli *cli, const struct weft_topology *topology, const struct weft_topology_plan *plan)
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
            json_object_set_new(summary, weft_step_verdict_name((enum weft_topology_step_verdict)v),
                                json_integer((json_int_t)counts[v]));
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

int cli_plan_status(const struct cli *cli, const struct weft_topology_plan *plan, const struct cli_command *apply,
                    struct weft_error *err)
{
    size_t refused = weft_topology_plan_count(plan, WEFT_STEP_REFUSED);
    if (refused)
        return weft_error_set(err, WEFT_ERROR_CONFLICT, "%zu step%s would be refused", refused, plural(refused));
    if (!weft_topology_plan_changes(plan))
        return CLI_DONE;
    if (!cli_json(cli))
        printf("`%s %s %s` makes them\n", cli_program.name, apply->name, cli_argument(cli, 0));
    return CLI_CHANGES_WAIT;
}

int cli_read_allowed(const struct cli *cli, const char *list[CLI_ALLOWED_MAX], struct weft_topology_allowed *allowed,
                     struct weft_error *err)
{
    *allowed = (struct weft_topology_allowed){list, 0};
    for (const char *text; (text = cli_option_at(cli, "allow", (int)allowed->count)); list[allowed->count++] = text)
        if (allowed->count == CLI_ALLOWED_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--allow may be given %d times", CLI_ALLOWED_MAX);
    return 0;
}
