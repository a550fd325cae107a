#include "probes/probe.h"

#include "broker/broker.h"
#include "probes/connect.h"
#include "probes/delivery.h"
#include "probes/fleet.h"
#include "probes/hold.h"
#include "probes/proof.h"
#include "probes/sequence.h"
#include "probes/storm.h"
#include "probes/stream.h"
#include "probes/telemetry.h"

#include <string.h>

/* A line each. */
/* clang-format off */
const struct probe *const probes[] = {
    &stream_kinds[STREAM_PATH].probe,
    &stream_kinds[STREAM_TRANSPORT].probe,
    &stream_kinds[STREAM_PER_UNIT].probe,
    &probe_delivery,
    &probe_latency,
    &probe_connect,
    &probe_hold,
    &probe_storm,
    &probe_fleet,
};
/* clang-format on */
const size_t n_probes = ARRAY_SIZE(probes);

const char *probe_name(const struct probe *probe) {
    return probe->group->name + strlen("probe.");
}

const struct probe *probe_find(const char *name) {
    for (size_t i = 0; i < n_probes; i++)
        if (text_equal(probe_name(probes[i]), name))
            return probes[i];
    return NULL;
}

bool scenario_has_fleet(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_probes; i++) {
        const struct probe *probe = probe_find(scenario->probes[i]);

        if (probe && probe->fleet)
            return true;
    }
    return false;
}

static const struct metric *usual_headline(const struct probe *probe) {
    size_t i = 0;

    while (i + 1 < probe->n_metrics && !probe->metrics[i].headline)
        i++;
    return &probe->metrics[i];
}

const struct metric *probe_headline(const struct probe *probe, const struct scenario *scenario) {
    const char *agreed = NULL;

    for (size_t i = 0; i < scenario->n_measurements && probe->headline; i++) {
        const struct measurement *measurement = &scenario->measurements[i];
        const char *name;

        if (!text_equal(measurement->probe, probe_name(probe)))
            continue;
        name = probe->headline(measurement->settings);
        if (!name || (agreed && !text_equal(agreed, name)))
            return usual_headline(probe);
        agreed = name;
    }
    return agreed ? probe_metric(probe, agreed) : usual_headline(probe);
}

const struct metric *probe_metrics(const struct setting_group *group, size_t *ret_n) {
    const struct probe *probe = probe_find(group->name + strlen("probe."));

    *ret_n = probe->n_metrics;
    return probe->metrics;
}

const struct metric *probe_metric(const struct probe *probe, const char *name) {
    for (size_t i = 0; i < probe->n_metrics; i++)
        if (text_equal(probe->metrics[i].name, name))
            return &probe->metrics[i];
    return NULL;
}

const struct role *probe_role(const struct probe *probe, const char *process) {
    for (size_t i = 0; i < probe->n_roles; i++)
        if (probe->roles[i].process && (text_equal(probe->roles[i].process, process) ||
                                        text_equal(probe->roles[i].process, "client")))
            return &probe->roles[i];
    return NULL;
}

const struct role *role_find(const char *name) {
    static const struct role *const others[] = {
        &role_proof, &role_proof_at_broker, &role_telemetry_publisher, &role_telemetry_subscriber};

    for (size_t i = 0; i < n_probes; i++)
        for (size_t j = 0; j < probes[i]->n_roles; j++)
            if (text_equal(probes[i]->roles[j].name, name))
                return &probes[i]->roles[j];
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (text_equal(others[i]->name, name))
            return others[i];
    return NULL;
}

int64_t probe_window_ns(const void *settings) {
    const struct worker_window *window = settings;

    return window->warmup_ns + window->duration_ns;
}

int role_client(const struct worker_context *worker, struct client_config **ret,
                struct error *error) {
    void *block;
    int r = setting_block_from_json(&client_config_group, json_object_get(worker->params, "client"),
                                    &block, error);

    if (r < 0)
        return r;
    *ret = block;
    (*ret)->inflight = jsonline_integer(worker->params, "inflight", 0);
    if ((*ret)->max_inflight > 0) /* somebody else's broker: the setting of ours says nothing */
        (*ret)->inflight = (*ret)->max_inflight;
    return 0;
}

static int role_fleet(struct worker_context *worker, struct error *error) {
    const json_t *told = json_object_get(worker->params, "fleet");
    void *block;
    int r = told ? setting_block_from_json(&fleet_group, told, &block, error) : 0;

    if (told && r == 0)
        worker->fleet = block;
    return r;
}

int role_run(struct worker_context *worker, struct error *error) {
    const struct role *role = worker->role;
    int r = role->settings ? setting_block_from_json(role->settings,
                                                     json_object_get(worker->params, "settings"),
                                                     &worker->settings, error)
                           : 0;

    if (r < 0)
        return r;
    r = role_client(worker, &worker->client, error);
    if (r < 0)
        return r;
    r = role_fleet(worker, error);
    if (r < 0)
        return r;
    r = role->run(worker, error);
    client_config_free(worker->client);
    if (r < 0)
        return r;
    if (role->settings)
        setting_block_free(role->settings, worker->settings);
    if (worker->fleet)
        setting_block_free(&fleet_group, worker->fleet);
    worker->settings = NULL;
    worker->fleet = NULL;
    return 0;
}

int role_bringup(const struct worker_context *worker, struct channel *ret_channel,
                 struct bringup *ret, struct error *error) {
    int r = channel_from_json(ret_channel, worker->registry,
                              json_object_get(worker->params, "channel"), error);

    if (r < 0)
        return r;
    *ret = (struct bringup){
        .channel = ret_channel,
        .certs = jsonline_text(worker->params, "certs", ""),
        .secrets = json_object_get(worker->params, "secrets"),
        .fleet = worker->fleet,
    };
    return 0;
}

int64_t role_tag(const struct worker_context *worker) {
    return jsonline_integer(worker->params, "tag", 0) << SEQUENCE_BITS;
}

int role_reader(const struct worker_context *worker, struct client_config **ret,
                struct error *error) {
    CLEANUP(channel_clear) struct channel channel = {0};
    struct bringup bringup;
    int r = role_bringup(worker, &channel, &bringup, error);

    if (r < 0)
        return r;
    if (worker->client->one_session) {
        *ret = broker_client_config(&bringup, PARTY_CLIENT1, worker->client->address,
                                    worker->client->port);
        return 0;
    }
    r = role_client(worker, ret, error);
    if (r < 0)
        return r;
    mechanism_make_reader(&bringup, *ret);
    return 0;
}
