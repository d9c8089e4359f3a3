/* The steps of a plan as people and programs see them: of `weft topology` and `weft-bridge resources`. */
#ifndef WEFT_CLI_STEPS_H
#define WEFT_CLI_STEPS_H

#include "cli/cli.h"
#include "topology/plan.h"

enum { CLI_CHANGES_WAIT = 4, CLI_ALLOWED_MAX = 64 };

#define CLI_OPTION_ALLOW                                                                                               \
    {                                                                                                                  \
        0, "allow", "WHAT:NAME",                                                                                       \
            "agree to shrink-retention:NAME (a topic, a subscription) or loosen-compatibility:SUBJECT; may be "        \
            "repeated"                                                                                                 \
    }

/* What --allow names; list is the caller's. */
int cli_read_allowed(const struct cli *cli, const char *list[CLI_ALLOWED_MAX], struct weft_topology_allowed *allowed,
                     struct weft_error *err);

/* Shows the steps and what they come to. */
void cli_print_plan(const struct cli *cli, const struct weft_topology *topology, const struct weft_topology_plan *plan);

/* A step that has been done; arg is the struct cli. */
void cli_print_done(const struct weft_topology_step *step, void *arg);

/* The exit status after a plan, or -1 when steps are refused. apply is the command that would do them. */
int cli_plan_status(const struct cli *cli, const struct weft_topology_plan *plan, const struct cli_command *apply,
                    struct weft_error *err);

#endif
