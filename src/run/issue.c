#include "run/run.h"

#include "base/jsonline.h"
#include "broker/broker.h"
#include "model/fleet.h"
#include "probes/probe.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"
#include "security/pki.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- the way to the holders ---- */

/* The host of the party of that name. Holders of a certificate that must be refused are with
 * client2, which makes the proofs. */
static struct host *home_of(const struct run *run, const char *holder) {
    enum party party = PARTY_BROKER;

    while (party < PARTY_CLIENT2 && !text_equal(party_name(party), holder))
        party++;
    return run->workers.hosts[workers_host_of(&run->workers, party)];
}

/* What is said of the host itself is clear as it is. */
static int name_holder(struct error *error, int r, const char *holder, const struct host *host) {
    if (r >= 0 || r == -EINTR || r == -EPIPE)
        return r;
    return error_prefix(error, r, "certificate of %s on %s", holder, host_spec(host));
}

static int ask(struct host *host, const struct pki_chain *chain, const char *holder,
               struct pki_party_files *ret, struct error *error) {
    json_auto_t *answer = NULL;
    int r = host_order(host, "certificate-request",
                       json_pack("{s:o,s:s}", "chain", pki_chain_to_json(chain), "holder", holder),
                       &answer, error);

    if (r < 0)
        return name_holder(error, r, holder, host);
    *ret = (struct pki_party_files){
        .request = text_copy(jsonline_text(answer, "request", NULL)),
        .certificate = text_copy(jsonline_text(answer, "certificate", NULL)),
        .authority = text_copy(jsonline_text(answer, "authority", NULL)),
        .revoked = text_copy(jsonline_text(answer, "revoked", NULL)),
    };
    return 0;
}

static int give(struct host *host, const struct pki_chain *chain, const char *holder,
                const char *certificate, const char *authority, const char *revoked,
                struct error *error) {
    json_t *order =
        json_pack("{s:o,s:s,s:s,s:s*,s:s*}", "chain", pki_chain_to_json(chain), "holder", holder,
                  "certificate", certificate, "authority", authority, "revoked", revoked);

    return name_holder(error, host_order(host, "certificate-install", order, NULL, error), holder,
                       host);
}

static int request(void *context, const struct pki_chain *chain, const char *holder,
                   struct pki_party_files *ret, struct error *error) {
    return ask(home_of(context, holder), chain, holder, ret, error);
}

static int install(void *context, const struct pki_chain *chain, const char *holder,
                   const char *certificate, const char *authority, const char *revoked,
                   struct error *error) {
    return give(home_of(context, holder), chain, holder, certificate, authority, revoked, error);
}

/* ---- the ways to client2 on further publishers' hosts, and to members ---- */

static int request_further(void *context, const struct pki_chain *chain, const char *holder,
                           struct pki_party_files *ret, struct error *error) {
    return ask(context, chain, holder, ret, error);
}

static int install_further(void *context, const struct pki_chain *chain, const char *holder,
                           const char *certificate, const char *authority, const char *revoked,
                           struct error *error) {
    return give(context, chain, holder, certificate, authority, revoked, error);
}

struct members {
    struct run *run;
    struct progress_step step;
};

static int order_members(struct members *members, size_t part, const char *order,
                         const struct pki_chain *chain, const json_t *told, json_t **ret,
                         struct error *error) {
    struct run *run = members->run;
    struct pollfd cancelled = {.fd = run->options->cancel_fd, .events = POLLIN};
    json_t *args = json_copy((json_t *)told);
    struct host *host;
    size_t first;

    (void)workers_publishers(&run->workers, &first);
    host = run->workers.hosts[first + part];
    (void)json_object_set_new(args, "chain", pki_chain_to_json(chain));
    if (poll(&cancelled, 1, 0) > 0) {
        json_decref(args);
        return error_set(error, -EINTR, "interrupted");
    }
    return name_holder(error, host_order(host, order, args, ret, error), "members", host);
}

static int request_members(void *context, size_t part, const struct pki_chain *chain,
                           const json_t *question, json_t **ret, struct error *error) {
    return order_members(context, part, "fleet-request", chain, question, ret, error);
}

static int install_members(void *context, size_t part, const struct pki_chain *chain,
                           const json_t *given, struct error *error) {
    return order_members(context, part, "fleet-install", chain, given, NULL, error);
}

static void show_members(void *context, int64_t done, int64_t clients) {
    struct members *members = context;

    if (members->run->options->verbosity != QUIET)
        progress_step(&members->step, done, clients);
}

/* ---- what hosts are known by ---- */

static int identify(void *context, enum party party, const char *by, char **ret,
                    struct error *error) {
    const struct run *run = context;
    struct host *host = run->workers.hosts[workers_host_of(&run->workers, party)];
    json_auto_t *answer = NULL;
    const char *found;
    int r = host_order(host, "identity", json_pack("{s:s}", "address", run->site.address), &answer,
                       error);

    if (r < 0)
        return r;
    found = jsonline_text(answer, by, "");
    if (!*found)
        return error_set(error, -ENODATA,
                         "%s: no %s is known of this host; right would be uuid, or name",
                         host_spec(host), text_equal(by, "mac") ? "MAC address" : "serial number");
    for (const char *c = found; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(":-_.", *c))
            return error_set(error, -ENODATA, "%s: '%s' is no identifier; right would be uuid",
                             host_spec(host), found);
    *ret = text_copy(found);
    return 0;
}

/* ---- all channels ---- */

/* Wherever the broker is reached on any of them: one certificate serves all. */
static char *all_addresses(const struct run *run) {
    char *addresses = text_copy(run->site.address);

    for (size_t i = 0; i < run->scenario->n_channels; i++) {
        CLEANUP_FREE char *own = mechanism_address(&run->scenario->channels[i]);

        if (own && !text_has_word(addresses, own))
            text_append(&addresses, " ", own);
    }
    return addresses;
}

/* Whether a host is this machine, whose files are at hand. */
static bool is_here(const char *spec) {
    return text_equal(spec, "local") || strncmp(spec, "lab:", 4) == 0;
}

/* One of the publishers' hosts that are this machine; NULL: none is. */
static const char *find_publisher_here(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->publishers.n; i++)
        if (is_here(scenario->publishers.names[i]))
            return scenario->publishers.names[i];
    return NULL;
}

static int check_channel_files(const struct scenario *scenario, const struct channel *channel,
                               struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const struct broker_kind *kind = broker_kind_of(channel);
    const char *publisher = find_publisher_here(scenario);
    bool both = kind->one_session && kind->one_session(channel); /* latency connects as client1 */
    int r = mechanism_check_files(channel, error);

    if (r == 0 && kind->check_files && (is_here(hosts->broker) || (both && publisher)))
        r = kind->check_files(channel, PARTY_CLIENT1, error);
    if (r == 0 && kind->check_files && publisher)
        r = kind->check_files(channel, PARTY_CLIENT2, error);
    return r;
}

int issue_check_files(const struct scenario *scenario, struct error *error) {
    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);
        int r = check_channel_files(scenario, &scenario->channels[i], error);

        if (r < 0)
            return error_prefix(error, r, "channel %s", label);
    }
    return 0;
}

static int check_probes(const struct scenario *scenario, const struct fleet_plan *fleet,
                        struct error *error) {
    int64_t n_hosts = (int64_t)scenario->publishers.n, members = fleet->clients;

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const struct measurement *measurement = &scenario->measurements[i];
        const struct probe *probe = probe_find(measurement->probe);
        int r = probe->check ? probe->check(measurement->settings, fleet, error) : 0;

        if (r < 0)
            return r;
        if (members < n_hosts * probe->least_members)
            return error_set(error, -EINVAL,
                             "fleet.clients: %s takes %d members at least on each publisher's "
                             "host, %lld in all, not %lld",
                             probe_name(probe), probe->least_members,
                             (long long)(n_hosts * probe->least_members), (long long)members);
    }
    return 0;
}

int issue_check_fleet(const struct scenario *scenario, struct error *error) {
    const struct fleet_plan *fleet = settings_get(&scenario->settings, &fleet_group);
    int r = check_probes(scenario, fleet, error);

    for (size_t i = 0; i < scenario->n_channels && scenario_has_fleet(scenario) && r == 0; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

        r = broker_check_fleet(&scenario->channels[i], fleet, error);
        if (r < 0)
            return error_prefix(error, r, "channel %s cannot have a fleet", label);
    }
    return r;
}

int issue_check_possible(const struct scenario *scenario, const struct channel *channel,
                         struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const char *const places[] = {[PLACE_DRIVER] = "local",
                                  [PLACE_BROKER] = is_here(hosts->broker) ? hosts->broker : NULL,
                                  [PLACE_PUBLISHER] = find_publisher_here(scenario)};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        int r = places[i] ? mechanism_possible(channel, (enum place)i, false, error) : 0;

        if (r < 0)
            return error_prefix(error, r, "host %s", places[i]);
    }
    return 0;
}

int issue_channels(struct run *run, struct error *error) {
    const struct scenario *scenario = run->scenario;
    const struct certificates_settings *certificates =
        settings_get(&scenario->settings, &certificates_group);
    const struct telemetry_settings *telemetry =
        settings_get(&scenario->settings, &telemetry_group);
    const struct pki_parties parties = {request, install, run};
    const struct fleet_plan *fleet = settings_get(&scenario->settings, &fleet_group);
    struct members members = {.run = run, .step = {.what = "certificates of members"}};
    struct pki_parties further[WORKERS_PUBLISHERS_MAX];
    size_t first, n_publishers = workers_publishers(&run->workers, &first);
    const struct pki_fleet_way way = {n_publishers, request_members, install_members, show_members,
                                      &members};
    CLEANUP_FREE char *addresses = all_addresses(run);
    struct issuer issuer = {.certs = run->options->certs,
                            .parties = &parties,
                            .further = further,
                            .n_further = n_publishers - 1,
                            .fleet = scenario_has_fleet(scenario) ? fleet : NULL,
                            .members = &way,
                            .addresses = addresses,
                            .validity_ns = certificates->validity_ns,
                            .renew_before_ns = certificates->renew_before_ns,
                            .may_prompt = isatty(STDIN_FILENO),
                            .telemetry_topic = telemetry->topic,
                            .identify = identify,
                            .context = run};
    struct pollfd cancelled = {.fd = run->options->cancel_fd, .events = POLLIN};
    int r = issue_check_files(scenario, error);

    for (size_t i = 1; i < n_publishers; i++)
        further[i - 1] =
            (struct pki_parties){request_further, install_further, run->workers.hosts[first + i]};
    for (size_t i = 0; i < scenario->n_channels && r == 0; i++) {
        if (poll(&cancelled, 1, 0) > 0)
            return error_set(error, -EINTR, "interrupted");
        issuer.secrets = json_object();
        (void)json_array_append_new(run->secrets, issuer.secrets);
        if (site_lacking(&run->site, i))
            continue;
        r = mechanism_issue(&scenario->channels[i], &issuer, error);
        if (r < 0) {
            CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

            (void)error_prefix(error, r, "channel %s", label);
        }
    }
    if (r < 0 && members.step.shown_ns) /* no bar in front of the error's words */
        show_members(&members, 1, 1);
    return r;
}
