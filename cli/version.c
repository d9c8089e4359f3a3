#include <curl/curl.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/version.h"

static int version(struct cli *cli, struct weft_error *err)
{
    (void)err;
    const char *kafka = rd_kafka_version_str();
    const char *curl = curl_version_info(CURLVERSION_NOW)->version;
    if (cli_json(cli))
        weft_json_print(stdout,
                        json_pack("{s:s,s:s,s:s}", "version", WEFT_VERSION, "librdkafka", kafka, "libcurl", curl));
    else
        printf("%s %s (librdkafka %s, libcurl %s)\n", cli_program.name, WEFT_VERSION, kafka, curl);
    return CLI_DONE;
}

const struct cli_command cli_version = {
    .name = "version",
    .summary = "print the version, and those of the libraries",
    .arguments = "",
    .description = "Prints the version of the program and of the libraries it runs with.",
    .example = "weft version --json",
    .run = version,
};
