#include "analysis/factors.h"

#include "analysis/source.h"

#include <errno.h>
#include <string.h>

#define MAX_VARIANTS 1024 /* more than any scenario makes */

struct row {
    size_t channel; /* place in the dataset's list, as the scenario names them */
    char *variant, *factor;
};

struct factors {
    struct source source;
    struct row *rows;
    size_t n;
    size_t *of_channel; /* by channel: how many of its own settings are varied */
    struct texts paths; /* of those */
};

static void factors_clear(struct factors *factors) {
    for (size_t i = 0; i < factors->n; i++) {
        free(factors->rows[i].variant);
        free(factors->rows[i].factor);
    }
    free(factors->rows);
    free(factors->of_channel);
    texts_clear(&factors->paths);
    source_close(&factors->source);
}

enum { CHANNEL, VARIANT, FACTOR };

static void take_row(struct factors *factors) {
    struct source *source = &factors->source;
    const char *factor = source_text(source, FACTOR);
    int channel = dataset_find_channel(source->dataset, source_text(source, CHANNEL));
    size_t known = factors->paths.n;

    if (channel < 0) {
        source_reject(source, CHANNEL, "is no channel of scenario.ini");
        return;
    }
    if (strncmp(factor, "channel.", 8) == 0)
        (void)texts_place(&factors->paths, factor, strlen(factor));
    factors->of_channel[channel] += factors->paths.n - known;
    factors->rows = memory_room(factors->rows, factors->n, sizeof(*factors->rows));
    factors->rows[factors->n++] =
        (struct row){(size_t)channel, text_copy(source_text(source, VARIANT)), text_copy(factor)};
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

/* Each channel becomes one for each of its variants, in the order of their first row. */
static void expand_channels(struct dataset *dataset, const struct factors *factors) {
    struct dataset_channel *old = dataset->channels;
    size_t n_old = dataset->n_channels;

    dataset->channels = NULL;
    dataset->n_channels = 0;
    for (size_t c = 0; c < n_old; c++) {
        CLEANUP(texts_clear) struct texts variants = {NULL, 0};

        for (size_t i = 0; i < factors->n; i++) {
            const struct row *row = &factors->rows[i];

            if (row->channel == c && own_length(factors, row))
                (void)texts_place(&variants, row->variant, own_length(factors, row));
        }
        dataset->channels = memory_resize(dataset->channels, dataset->n_channels + variants.n + 1,
                                          sizeof(*dataset->channels));
        for (size_t v = 0; v < variants.n; v++)
            dataset->channels[dataset->n_channels++] = copy_channel(&old[c], variants.list[v]);
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
    CLEANUP(texts_clear) struct texts variants = {NULL, 0};

    for (size_t i = 0; i < factors->n; i++) {
        const struct row *row = &factors->rows[i];
        const char *rest = row->variant + own_length(factors, row);

        rest += *rest == ' ';
        if (strncmp(row->factor, prefix, strlen(prefix)) == 0)
            (void)texts_place(&variants, rest, strlen(rest));
    }
    probe->n_variants = variants.n ? variants.n : 1;
}

/* ---- all of it ---- */

static int check_number(const struct factors *factors, struct error *error) {
    CLEANUP(texts_clear) struct texts variants = {NULL, 0};

    for (size_t i = 0; i < factors->n; i++)
        (void)texts_place(&variants, factors->rows[i].variant, strlen(factors->rows[i].variant));
    if (variants.n <= MAX_VARIANTS)
        return 0;
    return error_set(error, -EBADMSG, "%s: %zu variants; at most %d can be read",
                     factors->source.reader->path, variants.n, MAX_VARIANTS);
}

int factors_read(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"channel", "variant", "factor", NULL};
    CLEANUP(factors_clear) struct factors factors = {.n = 0};
    int r;

    factors.of_channel = memory_new(dataset->n_channels, sizeof(*factors.of_channel));
    source_open(&factors.source, dataset, run_dir, "factors.csv", names, error);
    while (source_next(&factors.source))
        take_row(&factors);
    r = factors.source.r;
    if (r == 0)
        r = check_number(&factors, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < dataset->n_probes; i++)
        count_variants(&dataset->probes[i], &factors);
    expand_channels(dataset, &factors);
    return 0;
}
