#include "run/host_load.h"

#include "base/jsonline.h"

#include <math.h>

int host_load_look(struct run *run, json_t **ret, struct error *error) {
    json_t *looks = json_array();
    int r = 0;

    for (size_t i = 0; i < run->workers.n_hosts && r == 0; i++) {
        json_t *one = NULL;

        r = host_order(run->workers.hosts[i], "busy", NULL, &one, error);
        if (one)
            (void)json_array_append_new(looks, one);
    }
    *ret = looks;
    return r;
}

/* NaN where it is not told. */
static double value_of(const json_t *look, const char *name) {
    const json_t *value = json_object_get(look, name);

    return value ? json_number_value(value) : NAN;
}

static double growth_of(const json_t *before, const json_t *after, const char *name) {
    return value_of(after, name) - value_of(before, name);
}

static void write_host(struct run *run, const struct trial_id *id, size_t host,
                       const json_t *before, const json_t *after, double duration_s) {
    double elapsed_s = growth_of(before, after, "at_ns") / 1e9;
    double throttled_s = growth_of(before, after, "throttled_s") / elapsed_s * duration_s;
    double periods = growth_of(before, after, "periods");
    double stopped = growth_of(before, after, "throttled_periods");
    const struct {
        const char *metric;
        double value;
    } rows[] = {
        {"busy_share", 100 * growth_of(before, after, "busy") / growth_of(before, after, "all")},
        {"cores", value_of(after, "cores")},
        {"quota", value_of(after, "quota")},
        {"throttled_share", periods == 0 ? 0 : 100 * stopped / periods},
        {"throttled_s", throttled_s},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (isfinite(rows[i].value))
            journal_metric(run->journal, id, party_name(host ? PARTY_CLIENT2 : PARTY_BROKER),
                           "host", rows[i].metric, rows[i].value);
}

void host_load_write(struct run *run, const struct trial_id *id, const json_t *before,
                     const json_t *after, double duration_s) {
    for (size_t i = 0; i < json_array_size(after); i++)
        write_host(run, id, i, json_array_get(before, i), json_array_get(after, i), duration_s);
}
