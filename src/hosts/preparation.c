#include "hosts/preparation.h"

#include "base/jsonline.h"

#include <math.h>

static int prepare(struct preparation *preparation, size_t which, struct prepared_host *host,
                   const json_t *heard, json_t *message, struct error *error) {
    const struct mechanism *mechanism = mechanisms[which];
    const char *name = mechanism->group->name;
    json_t *own = json_object();
    int r;

    host->heard = json_object_get(heard, name);
    r = mechanism->prepare(host, &preparation->states[which], own, error);
    (void)json_object_set_new(message, name, own);
    return r < 0 ? error_prefix(error, r, "%s", name) : 0;
}

int preparation_make(struct preparation *preparation, const struct bringup *bringup,
                     const json_t *order, json_t **ret, struct error *error) {
    struct prepared_host host = {
        .bringup = bringup,
        .broker = json_is_true(json_object_get(order, "broker")),
        .alone = json_is_true(json_object_get(order, "alone")),
        .address = jsonline_text(order, "outer", ""),
    };
    const json_t *heard = json_object_get(order, "heard");
    json_t *message = json_object();
    int r = 0;

    if (!preparation->states)
        preparation->states = memory_new(n_mechanisms, sizeof(*preparation->states));
    for (size_t i = 0; i < n_mechanisms && r == 0; i++)
        if (mechanisms[i]->prepare && channel_uses(bringup->channel, mechanisms[i]->group->name))
            r = prepare(preparation, i, &host, heard, message, error);
    if (r < 0) {
        json_decref(message);
        return r;
    }
    *ret = message;
    return 0;
}

json_t *preparation_usage(const struct preparation *preparation) {
    json_t *usage = json_object();

    for (size_t i = 0; preparation->states && i < n_mechanisms; i++) {
        void *state = preparation->states[i];
        double cpu_s = state && mechanisms[i]->cpu_s ? mechanisms[i]->cpu_s(state) : NAN;

        if (isfinite(cpu_s))
            (void)json_object_set_new(usage, mechanisms[i]->group->name, json_real(cpu_s));
    }
    return usage;
}

void preparation_undo(struct preparation *preparation) {
    for (size_t i = 0; preparation->states && i < n_mechanisms; i++)
        if (preparation->states[i])
            mechanisms[i]->undo(preparation->states[i]);
    free(preparation->states);
    preparation->states = NULL;
}
