#include "run/operations.h"

#include "base/csv.h"
#include "broker/broker.h"
#include "security/tls_operations.h"

#include <string.h>

#define TEXT(member) CSV_COLUMN(CSV_TEXT, struct row, member)
struct row {
    const char *host, *channel, *probe, *variant, *process, *per, *when, *algorithm, *operation;
    int64_t bytes;
    double count;
};
static const struct csv_column columns[] = {
    TEXT(host),
    TEXT(channel),
    TEXT(probe),
    TEXT(variant),
    TEXT(process),
    TEXT(per),
    TEXT(when),
    TEXT(algorithm),
    TEXT(operation),
    CSV_COLUMN(CSV_INTEGER, struct row, bytes),
    CSV_COLUMN(CSV_REAL, struct row, count),
};

/* The rows of one process: what they share is there already. */
struct output {
    struct csv_writer *writer;
    struct row row;
};

static void put(void *context, const struct tls_operation *operation) {
    struct output *output = context;

    output->row.when = operation->when;
    output->row.algorithm = operation->algorithm;
    output->row.operation = operation->operation;
    output->row.bytes = operation->bytes;
    output->row.count = operation->count;
    csv_row(output->writer, &output->row);
}

/* ---- a connection ---- */

/* Its label in the trials, where the link is part of the trial's variant; the caller's. */
static char *own_label(const struct channel *channel, const struct link *link) {
    char *label = channel_label(channel);

    if (*link->variant)
        label[strlen(label) - strlen(link->variant) - 1] = '\0';
    return label;
}

static void put_connection(struct output *output, const struct scenario *scenario, size_t link,
                           bool broker) {
    output->row.per = "connection";
    tls_operations_connect(broker, put, output);
    for (size_t i = 0; i < scenario->n_channels; i++) {
        const struct channel *channel = &scenario->channels[i];
        CLEANUP_FREE char *label = NULL;

        /* Whose keys are somebody else's is not known. */
        if (channel->link != link || !channel_uses(channel, "tls") ||
            broker_kind_of(channel)->group)
            continue;
        label = own_label(channel, &scenario->links[link]);
        output->row.channel = label;
        tls_operations_sign(channel, broker, put, output);
    }
    output->row.channel = NULL;
}

/* ---- a byte ---- */

/* A setting of the probe; what it is without one of that name. */
static int64_t number_of(const struct measurement *measurement, const char *name, int64_t without) {
    const struct setting *row = setting_find(measurement->group, name);

    return row ? *(const int64_t *)((const char *)measurement->settings + row->offset) : without;
}

/* What of it goes into a record at once: a message, or a piece of a stream. */
static int64_t piece_of(const struct measurement *measurement) {
    return number_of(measurement, "payload", number_of(measurement, "write_size", INT64_MAX));
}

/* ---- all ---- */

/* A broker takes part where no role of the probe speaks with another. */
static bool meets_broker(const struct probe *probe) {
    for (size_t i = 0; i < probe->n_roles; i++)
        if (probe->roles[i].direct)
            return false;
    return true;
}

static void put_process(struct output *output, const struct scenario *scenario, size_t link,
                        const struct measurement *measurement, const char *process) {
    int64_t piece = piece_of(measurement);
    /* "up" or "down": in which the process called the sender receives. */
    bool down = number_of(measurement, "direction", 0);

    if (probe_metric(probe_find(measurement->probe), "cpu_per_connection")) {
        put_connection(output, scenario, link, text_equal(process, "mosquitto"));
        return;
    }
    if (text_equal(process, "client")) /* of a probe that is about neither */
        return;
    output->row.per = "byte";
    if (!text_equal(process, down ? "receiver" : "sender"))
        tls_operations_byte("decrypt", piece, put, output);
    if (!text_equal(process, down ? "sender" : "receiver"))
        tls_operations_byte("encrypt", piece, put, output);
}

static void put_party(struct output *output, const struct scenario *scenario,
                      const struct workers *workers, size_t link,
                      const struct measurement *measurement, enum party party,
                      const char *process) {
    const char *words = scenario->links[link].variant;
    CLEANUP_FREE char *variant = text_format(
        "%s%s%s", words, *words && *measurement->variant ? " " : "", measurement->variant);
    CLEANUP_FREE char *name = text_format("%s.%s", party_name(party), process);

    output->row = (struct row){.host = host_spec(workers->hosts[workers_host_of(workers, party)]),
                               .probe = measurement->probe,
                               .variant = variant,
                               .process = name};
    put_process(output, scenario, link, measurement, process);
}

/* Over one link, of one measurement. */
static void put_measurement(struct output *output, const struct scenario *scenario,
                            const struct workers *workers, size_t link,
                            const struct measurement *measurement) {
    const struct probe *probe = probe_find(measurement->probe);

    if (!probe->in_channel)
        return;
    for (size_t k = 0; k < probe->n_roles; k++)
        if (probe->roles[k].process)
            put_party(output, scenario, workers, link, measurement, probe->roles[k].party,
                      probe->roles[k].process);
    if (meets_broker(probe))
        put_party(output, scenario, workers, link, measurement, PARTY_BROKER, "mosquitto");
}

int operations_write(const char *folder, const struct scenario *scenario,
                     const struct workers *workers, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/operations.csv", folder);
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_writer_open(&writer, path, columns, ARRAY_SIZE(columns), error);
    struct output output = {.writer = writer};

    for (size_t link = 0; link < scenario->n_links && r == 0; link++)
        for (size_t i = 0; i < scenario->n_measurements; i++)
            put_measurement(&output, scenario, workers, link, &scenario->measurements[i]);
    return r < 0 ? r : csv_flush(writer, true, error);
}
