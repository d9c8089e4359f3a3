#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/confusion.h"
#include "model/network.h"

static void print_json(const struct weft_network_info *i)
{
    json_t *fields = json_pack("{s:s,s:s,s:s,s:[I,I,I],s:o,s:I,s:I,s:I,s:s}", "name", i->name, "version", i->version,
                               "dataset", i->dataset, "input", (json_int_t)i->channels, (json_int_t)i->height,
                               (json_int_t)i->width, "labels", cli_labels_json(i->labels, i->class_count), "parameters",
                               (json_int_t)i->parameter_count, "multiply_adds", (json_int_t)i->multiply_adds,
                               "workspace_bytes", (json_int_t)i->workspace_bytes, "sha256", i->sha256);
    json_object_set_new(fields, "accuracy", i->accuracy >= 0 ? json_real(i->accuracy) : json_null());
    weft_json_print(stdout, fields);
}

static void print_text(const struct weft_network_info *i)
{
    printf("name           %s\nversion        %s\n", i->name, i->version);
    printf("input          %zu x %zu x %zu, %zu bytes an image\n", i->channels, i->height, i->width, i->image_size);
    printf("classes        %zu:", i->class_count);
    for (size_t c = 0; c < i->class_count; c++)
        printf("%s %s", c ? "," : "", i->labels[c]);
    printf("\nparameters     %zu\nmultiply-adds  %" PRIu64 " an image\n", i->parameter_count, i->multiply_adds);
    printf("workspace      %zu bytes an image of a batch\n", i->workspace_bytes);
    if (i->dataset[0])
        printf("data set       %s\n", i->dataset);
    if (i->accuracy >= 0)
        printf("accuracy       %.2f %%\n", 100 * i->accuracy);
    printf("sha256         %s\n", i->sha256);
}

static int info(struct cli *cli, struct weft_error *err)
{
    struct weft_network *network = weft_network_load(cli_argument(cli, 0), err);
    if (!network)
        return -1;
    if (cli_json(cli))
        print_json(weft_network_info(network));
    else
        print_text(weft_network_info(network));
    weft_network_destroy(network);
    return CLI_DONE;
}

const struct cli_command cli_model_info = {
    .name = "model info",
    .summary = "show what a model file holds",
    .arguments = "MODEL",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Loads an ONNX file, or a model of the program (builtin:NAME), as the processor does and shows\n"
                   "its input, its classes, its size, what its metadata say of its origin, and its checksum,\n"
                   "which results carry.",
    .example = "weft model info my.onnx\n"
               "weft model info builtin:fast",
    .run = info,
};
