#include "run/factors.h"

#include "base/csv.h"

/* What identifies the variant that is being written. */
struct key {
    const char *channel, *variant;
};

struct factor_row {
    struct key key;
    const char *factor, *value;
};
static const struct csv_column columns[] = {
    {"channel", CSV_TEXT, offsetof(struct factor_row, key.channel)},
    {"variant", CSV_TEXT, offsetof(struct factor_row, key.variant)},
    CSV_COLUMN(CSV_TEXT, struct factor_row, factor),
    CSV_COLUMN(CSV_TEXT, struct factor_row, value),
};

static void write_row(struct csv_writer *writer, const struct key *key, const struct factor *factor,
                      const void *settings) {
    CLEANUP_FREE char *value = setting_format(factor->row, settings);

    csv_row(writer, columns, ARRAY_SIZE(columns), &(struct factor_row){*key, factor->path, value});
}

static void write_channel(struct csv_writer *writer, const struct scenario *scenario,
                          const struct channel *channel, const struct key *key) {
    for (size_t i = 0; i < scenario->n_factors; i++) {
        const struct factor *factor = &scenario->factors[i];

        if (factor_of_channel(factor, channel))
            write_row(writer, key, factor, settings_get(&channel->settings, factor->group));
    }
}

/* Variants of two probes may be called the same: the channel's part stands there once. */
static bool is_repeated(const struct scenario *scenario, size_t measurement) {
    for (size_t i = 0; i < measurement; i++)
        if (text_equal(scenario->measurements[i].variant,
                       scenario->measurements[measurement].variant))
            return true;
    return false;
}

/* One channel with one measurement whose settings are varied. */
static void write_measurement(struct csv_writer *writer, const struct scenario *scenario,
                              const struct channel *channel, size_t place) {
    const struct measurement *measurement = &scenario->measurements[place];
    CLEANUP_FREE char *variant = scenario_variant(channel, measurement);
    const struct key key = {channel->name, variant};

    if (!is_repeated(scenario, place))
        write_channel(writer, scenario, channel, &key);
    for (size_t i = 0; i < scenario->n_factors; i++)
        if (factor_of_probe(&scenario->factors[i], measurement))
            write_row(writer, &key, &scenario->factors[i], measurement->settings);
}

int factors_write(const char *folder, const struct scenario *scenario, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/factors.csv", folder);
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_table_open(&writer, path, columns, ARRAY_SIZE(columns), error);

    for (size_t i = 0; i < scenario->n_channels && r == 0; i++) {
        const struct channel *channel = &scenario->channels[i];

        write_channel(writer, scenario, channel, &(struct key){channel->name, channel->variant});
        for (size_t k = 0; k < scenario->n_measurements; k++)
            if (*scenario->measurements[k].variant)
                write_measurement(writer, scenario, channel, k);
    }
    return r < 0 ? r : csv_flush(writer, true, error);
}
