/* factors.csv: which settings are varied. A channel whose own are is one for each variant of it. */
#include "analysis/dataset_source.h"
#include "analysis/names.h"

#include <errno.h>
#include <string.h>

#define MAX_VARIANTS 1024 /* more than any scenario makes */

enum { CHANNEL, VARIANT, FACTOR };

struct row {
    size_t channel; /* place in the dataset's list, as the scenario names them */
    char *variant, *factor;
};

struct factors {
    struct source source;
    struct row *rows;
    size_t n;
    size_t *of_channel; /* by channel: how many of its own settings are varied */
    struct names paths; /* of those */
};

static void factors_clear(struct factors *factors) {
    for (size_t i = 0; i < factors->n; i++) {
        free(factors->rows[i].variant);
        free(factors->rows[i].factor);
    }
    free(factors->rows);
    free(factors->of_channel);
    names_clear(&factors->paths);
    source_close(&factors->source);
}

/* ---- rows ---- */

static int take_row(struct factors *factors) {
    const struct source *source = &factors->source;
    const char *factor = source_text(source, FACTOR);
    int channel = dataset_find_channel(source->dataset, source_text(source, CHANNEL));
    size_t known = factors->paths.n;

    if (channel < 0)
        return source_reject(source, CHANNEL, "is no channel of scenario.ini");
    if (strncmp(factor, "channel.", 8) == 0)
        (void)names_number(&factors->paths, factor, strlen(factor));
    factors->of_channel[channel] += factors->paths.n - known;
    factors->rows = memory_room(factors->rows, factors->n, sizeof(*factors->rows));
    factors->rows[factors->n++] =
        (struct row){(size_t)channel, text_copy(source_text(source, VARIANT)), text_copy(factor)};
    return 0;
}

static int read_rows(struct factors *factors, struct dataset *dataset, const char *run_dir) {
    static const char *const names[] = {"channel", "variant", "factor", NULL};
    int r = source_open(&factors->source, dataset, run_dir, "factors.csv", names);

    factors->of_channel = memory_new(dataset->n_channels, sizeof(*factors->of_channel));
    while (r >= 0 && (r = source_next(&factors->source)) > 0)
        r = take_row(factors);
    return r;
}

/* How much of a row's variant is the channel's own part: a word for each of its varied settings. */
static size_t own_length(const struct factors *factors, const struct row *row) {
    const char *cursor = row->variant;
    size_t length;

    for (size_t i = 0; i < factors->of_channel[row->channel]; i++)
        (void)text_next_word(&cursor, &length);
    return (size_t)(cursor - row->variant);
}

/* ---- channels ---- */

static struct dataset_channel copy_channel(const struct dataset_channel *channel,
                                           const char *variant) {
    return (struct dataset_channel){
        .name = text_format("%s %s", channel->name, variant),
        .base = text_copy(channel->name),
        .variant = text_copy(variant),
        .description = text_copy(channel->description),
        .control = channel->control,
        .loss = channel->loss,
        .tls = text_copy(""),
    };
}

/* The variants of one channel, in the order of their first row. */
static struct names own_variants(const struct factors *factors, size_t channel) {
    struct names variants = {0};

    for (size_t i = 0; i < factors->n; i++)
        if (factors->rows[i].channel == channel && own_length(factors, &factors->rows[i]))
            (void)names_number(&variants, factors->rows[i].variant,
                               own_length(factors, &factors->rows[i]));
    return variants;
}

static void expand(struct dataset *dataset, const struct factors *factors) {
    struct dataset_channel *old = dataset->channels;
    size_t n_old = dataset->n_channels;

    dataset->channels = NULL;
    dataset->n_channels = 0;
    for (size_t c = 0; c < n_old; c++) {
        CLEANUP(names_clear) struct names variants = own_variants(factors, c);

        dataset->channels = memory_resize(dataset->channels, dataset->n_channels + variants.n + 1,
                                          sizeof(*dataset->channels));
        for (size_t v = 0; v < variants.n; v++)
            dataset->channels[dataset->n_channels++] = copy_channel(&old[c], variants.texts[v]);
        if (variants.n)
            dataset_channel_clear(&old[c]);
        else
            dataset->channels[dataset->n_channels++] = old[c];
    }
    free(old);
}

/* ---- probes ---- */

/* The variants of one probe: what the rows of its settings have behind the channel's part. */
static void count_variants(struct dataset_probe *probe, const struct factors *factors) {
    CLEANUP_FREE char *prefix = text_format("probe.%s.", probe->name);
    CLEANUP(names_clear) struct names variants = {0};

    for (size_t i = 0; i < factors->n; i++) {
        const struct row *row = &factors->rows[i];
        const char *rest = row->variant + own_length(factors, row);

        rest += *rest == ' ';
        if (strncmp(row->factor, prefix, strlen(prefix)) == 0)
            (void)names_number(&variants, rest, strlen(rest));
    }
    probe->n_variants = variants.n ? variants.n : 1;
}

/* ---- all of it ---- */

static int check_number(const struct factors *factors, const char *run_dir, struct error *error) {
    CLEANUP(names_clear) struct names variants = {0};

    for (size_t i = 0; i < factors->n; i++)
        (void)names_number(&variants, factors->rows[i].variant, strlen(factors->rows[i].variant));
    if (variants.n <= MAX_VARIANTS)
        return 0;
    return error_set(error, -EBADMSG, "%s/factors.csv: %zu variants; at most %d can be read",
                     run_dir, variants.n, MAX_VARIANTS);
}

int dataset_read_factors(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP(factors_clear) struct factors factors = {.source.error = error};
    int r = read_rows(&factors, dataset, run_dir);

    if (r == 0)
        r = check_number(&factors, run_dir, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < dataset->n_probes; i++)
        count_variants(&dataset->probes[i], &factors);
    expand(dataset, &factors);
    return 0;
}

int source_channel(const struct source *source, int channel, int variant, size_t *ret_channel,
                   const char **ret_rest) {
    const struct dataset *dataset = source->dataset;
    const char *name = source_text(source, channel);
    bool has = source->columns[variant] >= 0; /* not every run has that column */
    const char *whole = has ? source_text(source, variant) : "";
    bool known = false;

    for (size_t i = 0; i < dataset->n_channels; i++) {
        const struct dataset_channel *one = &dataset->channels[i];
        size_t length = strlen(one->variant);

        if (!text_equal(one->base, name))
            continue;
        known = true;
        if (strncmp(whole, one->variant, length) != 0 ||
            (length && whole[length] && whole[length] != ' '))
            continue;
        *ret_channel = i;
        *ret_rest = whole + length + (length && whole[length] ? 1 : 0);
        return 0;
    }
    return known && has
               ? source_reject(source, variant, "is no variant of its channel in factors.csv")
               : source_reject(source, channel, "is no channel of scenario.ini");
}
