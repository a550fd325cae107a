/* What the channels proved, and what the hosts are. */
#include "analysis/page_parts.h"

#include <math.h>
#include <string.h>

/* ---- proofs ---- */

static void put_group(FILE *out, const struct dataset_channel *channel) {
    html_put(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">%s ", channel->name);
    html_put(out, "<span class=\"aside\">%s</span></th></tr>\n",
             *channel->tls ? channel->tls : "no TLS in its trials");
}

static void put_proof(FILE *out, const struct dataset *dataset, const struct dataset_proof *proof) {
    html_put(out,
             "<tr data-file=\"proofs.csv\" data-channel=\"%s\" data-variant=\"%s\" "
             "data-proof=\"%s\"><th scope=\"row\">%s</th>",
             dataset->channels[proof->channel].base, dataset->channels[proof->channel].variant,
             proof->name, proof->name);
    html_put(out, "<td class=\"words\">%s</td><td class=\"words\">%s</td>", proof->expected,
             proof->observed);
    html_put(out,
             "<td class=\"words\">%s</td><td data-count=\"held\"><data value=\"%zu\">%zu</data>",
             proof->cause, proof->held, proof->held);
    html_put(out, "</td><td data-count=\"broken\"><data value=\"%zu\">%zu</data></td></tr>\n",
             proof->broken, proof->broken);
}

static void put_summary(FILE *out, const struct dataset *dataset) {
    size_t held = 0, broken = 0;

    for (size_t i = 0; i < dataset->n_proofs; i++) {
        held += dataset->proofs[i].held;
        broken += dataset->proofs[i].broken;
    }
    if (!held && !broken)
        fputs("<p>The run holds no proof.</p>\n", out);
    else if (broken)
        html_put(out,
                 "<p class=\"alert\">%zu of %zu attempts did not come out as they must: trials of "
                 "these channels in these blocks are void.</p>\n",
                 broken, held + broken);
    else
        html_put(out, "<p>All %zu attempts came out as they must.</p>\n", held);
}

/* A channel without proofs says so: its TLS is known all the same. */
static void put_channel(FILE *out, const struct dataset *dataset, size_t channel) {
    bool any = false;

    fputs("<tbody>\n", out);
    put_group(out, &dataset->channels[channel]);
    for (size_t i = 0; i < dataset->n_proofs; i++) {
        if (dataset->proofs[i].channel != channel)
            continue;
        put_proof(out, dataset, &dataset->proofs[i]);
        any = true;
    }
    fputs(
        any ? "</tbody>\n"
            : "<tr><th scope=\"row\">none</th><td colspan=\"5\" class=\"words\">nothing shows that "
              "its mechanisms were in force</td></tr>\n</tbody>\n",
        out);
}

void page_proofs(FILE *out, const struct page *page) {
    static const char *const headers[] = {"<proof", "<expected", "<observed", "<cause",
                                          "held",   "broken",    NULL};
    const struct dataset *dataset = page->dataset;

    fputs(
        "<p>Before the trials of a block, each channel has to show that what protects it is in "
        "force: a client that lacks one thing must be refused for that very reason, while the "
        "right "
        "one is accepted. Shown is the last attempt, or the last that broke; beside the channel's "
        "name, what its trials negotiated.</p>\n",
        out);
    put_summary(out, dataset);
    page_table_begin(out, "Proofs of each channel, over all blocks", headers);
    for (size_t i = 0; i < dataset->n_channels; i++)
        put_channel(out, dataset, i);
    page_table_end(out);
}

/* ---- environment ---- */

/* What environment.json calls it, as a path; what people call it. Facts that are not listed here
 * stand behind these, under their own name. */
static const struct fact {
    const char *path, *label;
} facts[] = {
    {"host", "name"},
    {"spec", "reached as"},
    {"parties", "parties"},
    {"model", "model"},
    {"virtual", "virtual machine"},
    {"processor", "processor"},
    {"processors", "processors"},
    {"aes_instructions", "AES instructions"},
    {"cpu_features", "features for ciphers and hashes"},
    {"openssl_cpu", "processor as OpenSSL sees it"},
    {"governor", "frequency governor"},
    {"frequency_min_mhz", "lowest frequency, MHz"},
    {"frequency_max_mhz", "highest frequency, MHz"},
    {"memory_mib", "memory, MiB"},
    {"memory", "memory"},
    {"system", "system"},
    {"kernel", "kernel"},
    {"machine", "architecture"},
    {"congestion_control", "congestion control, default"},
    {"congestion_controls", "congestion controls"},
    {"network.interface", "interface"},
    {"interface", "interface"},
    {"network.address", "address"},
    {"network.mtu", "MTU"},
    {"interface_mtu", "MTU"},
    {"network.speed_mbit_s", "link speed, Mbit/s"},
    {"network.driver", "driver of the interface"},
    {"network.offloads", "offloads"},
    {"versions.bench", "mqtt-security-bench"},
    {"versions.mosquitto", "Mosquitto"},
    {"versions.libmosquitto", "libmosquitto"},
    {"versions.openssl", "OpenSSL"},
    {"versions.libc", "C library"},
    {"versions.compiler", "compiler"},
    {"versions.gnuplot", "gnuplot"},
    {"versions.iproute2", "iproute2"},
    {"mechanisms.tunnel", "WireGuard"},
    {"commit", "commit"},
};

static const json_t *find_fact(const json_t *host, const char *path) {
    const char *dot = strchr(path, '.');
    CLEANUP_FREE char *first = NULL;

    if (!dot)
        return json_object_get(host, path);
    first = text_format("%.*s", (int)(dot - path), path);
    return json_object_get(json_object_get(host, first), dot + 1);
}

static bool is_shown(const json_t *value) {
    return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static void put_value(FILE *out, const json_t *value) {
    if (json_is_string(value))
        html_put(out, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    else if (is_shown(value))
        fprintf(out, "%.10g", json_number_value(value)); /* JSON knows no infinity */
    else
        fputs("<span class=\"aside\">not told</span>", out);
}

static void put_fact(FILE *out, const json_t *hosts, const char *path, const char *label) {
    bool any = false;
    const json_t *host;
    size_t i;

    json_array_foreach(hosts, i, host) any = any || is_shown(find_fact(host, path));
    if (!any)
        return;
    html_put(out, "<tr><th scope=\"row\">%s</th>", label);
    json_array_foreach(hosts, i, host) {
        html_put(out, "<td class=\"words\" data-host=\"%zu\" data-fact=\"%s\">", i, path);
        put_value(out, find_fact(host, path));
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

static bool is_listed(const char *path) {
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
        if (text_equal(facts[i].path, path))
            return true;
    return false;
}

/* What a newer program noted, of the first host that has it. */
static void put_unlisted(FILE *out, const json_t *hosts) {
    const json_t *host, *value;
    const char *name;
    size_t i;

    json_array_foreach(hosts, i, host) {
        json_object_foreach((json_t *)host, name, value) {
            bool before = false;

            for (size_t k = 0; k < i; k++)
                before = before || json_object_get(json_array_get(hosts, k), name);
            if (!before && is_shown(value) && !is_listed(name) && !strchr(name, '.'))
                put_fact(out, hosts, name, name);
        }
    }
}

/* The table's header: a column for each host, by how it is reached. */
static void begin_hosts(FILE *out, const json_t *hosts) {
    size_t n = json_array_size(hosts);
    CLEANUP_FREE char **headers = memory_new(n + 2, sizeof(*headers));

    headers[0] = text_copy("<fact");
    for (size_t i = 0; i < n; i++) {
        const char *spec = json_string_value(json_object_get(json_array_get(hosts, i), "spec"));

        headers[i + 1] = text_format("<%s", spec ? spec : "a host");
    }
    page_table_begin(out, "What the hosts are", (const char *const *)headers);
    for (size_t i = 0; i <= n; i++)
        free(headers[i]);
}

void page_environment(FILE *out, const struct page *page) {
    const json_t *hosts = json_object_get(page->environment, "hosts");
    const char *commit = json_string_value(json_object_get(page->environment, "commit"));

    if (!json_array_size(hosts)) {
        fputs("<p>environment.json is missing or names no host: where this was measured is not "
              "known.</p>\n",
              out);
        return;
    }
    if (commit)
        html_put(out, "<p>The driver was built from commit <code>%s</code>.</p>\n", commit);
    else
        fputs("<p>The commit of the driver is not known.</p>\n", out);
    begin_hosts(out, hosts);
    fputs("<tbody>\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
        put_fact(out, hosts, facts[i].path, facts[i].label);
    put_unlisted(out, hosts);
    fputs("</tbody>\n", out);
    page_table_end(out);
}
