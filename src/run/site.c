#include "run/site.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/broker.h"
#include "hosts/facts.h"
#include "hosts/lab.h"
#include "hosts/network.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

/* Certificates begin a day before they are made, and end at the soonest a day after. */
#define MAX_CLOCK_NS (12 * 3600 * NS_PER_S)

/* The pauses before hosts are tried again. */
static const int64_t pauses_ns[] = {
    0, 1 * NS_PER_S, 2 * NS_PER_S, 4 * NS_PER_S, 8 * NS_PER_S, 15 * NS_PER_S, 30 * NS_PER_S};

static const struct hosts_settings *hosts_of(const struct site *site) {
    return settings_get(&site->scenario->settings, &hosts_group);
}

/* The place of client2's host. */
static size_t publisher_of(const struct site *site) {
    return workers_host_of(site->workers, PARTY_CLIENT2);
}

/* Of several orders to one host in a row the others hear nothing else. */
static void beat_others(const struct site *site, size_t asked) {
    for (size_t i = 0; i < site->workers->n_hosts; i++)
        if (i != asked)
            host_beat(site->workers->hosts[i]);
}

/* ---- the link of a lab ---- */

static bool has_lab(const struct site *site) {
    return lab_is(hosts_of(site)->broker);
}

int site_shape(const struct site *site, const struct lab_settings *link, struct error *error) {
    return has_lab(site) ? lab_shape(site->workers->hosts, site->workers->n_hosts, link, error) : 0;
}

/* A machine can only be late, the more so a busy one. Of several tries one must be in time, and
 * none may be early. */
#define LATE_MS 20
#define TRIES   3
/* Of a train, behind the burst; and in all, which a socket holds and a queue must. */
#define TRAIN_FRAMES 8
#define TRAIN_MOST   64

static json_t *link_proof(const char *proof, const char *expected, const char *observed,
                          bool held) {
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "proof", proof, "expected", expected, "observed",
                     observed, "cause", "", "verdict", held ? "held" : "broken");
}

/* What the publisher's host answers to a question about the way to the broker. */
static int ask_publisher(const struct site *site, const char *question, int64_t n_frames,
                         double limit_ms, json_t **ret, struct error *error) {
    size_t publisher = publisher_of(site);

    beat_others(site, publisher);
    return host_order(site->workers->hosts[publisher], question,
                      json_pack("{s:s,s:I,s:I}", "address", site->address, "n_frames",
                                (json_int_t)n_frames, "limit_ns",
                                (json_int_t)(2 * NS_PER_S + 2e6 * limit_ms)),
                      ret, error);
}

/* The small packets of a round trip pass within the burst, at once. */
static int prove_round_trip(const struct site *site, const struct lab_settings *link, json_t **ret,
                            struct error *error) {
    double least_ms = 2e-6 * (double)link->delay_ns;
    double most_ms = least_ms + 2e-6 * (double)link->jitter_ns, trip_ms = NAN;
    CLEANUP_FREE char *expected = text_format("%.1f to %.1f ms", least_ms, most_ms);
    CLEANUP_FREE char *observed = NULL;
    bool held = false, early = false;

    for (int i = 0; i < TRIES && !held && !early; i++) {
        json_auto_t *answer = NULL;
        int r = ask_publisher(site, "round-trip", 0, most_ms, &answer, error);

        if (r < 0)
            return r;
        trip_ms = json_number_value(json_object_get(answer, "round_trip_ms"));
        early = trip_ms > 0 && trip_ms < least_ms;
        held = trip_ms >= least_ms && trip_ms <= 1.1 * most_ms + LATE_MS;
    }
    observed = trip_ms > 0 ? text_format("%.1f ms", trip_ms) : text_copy("no answer");
    *ret = link_proof("link-round-trip", expected, observed, held);
    return 0;
}

/* Full frames sent at once: behind the burst each takes its time, so that the last to come back
 * cannot be earlier than that of all, there. */
static int prove_rate(const struct site *site, const struct lab_settings *link, int64_t n_frames,
                      json_t **ret, struct error *error) {
    double frame_ms = TRAIN_FRAME_BYTES * 8e3 / (double)link->rate_bit_s;
    double burst_ms = (double)link->burst_bytes * 8e3 / (double)link->rate_bit_s;
    /* Frames that jitter has brought together wait for each other on the way back. */
    double delay_ms = 2e-6 * (double)link->delay_ns, jitter_ms = 3e-6 * (double)link->jitter_ns;
    double most_ms = delay_ms + jitter_ms + (double)n_frames * frame_ms - burst_ms;
    CLEANUP_FREE char *expected = NULL, *observed = NULL;
    double ms = 0, least_ms = 0;
    int64_t last = -1;
    bool held = false, early = false;

    for (int i = 0; i < TRIES && !held && !early; i++) {
        json_auto_t *answer = NULL;
        int r = ask_publisher(site, "train", n_frames, most_ms, &answer, error);

        if (r < 0)
            return r;
        last = jsonline_integer(answer, "last", -1);
        ms = json_number_value(json_object_get(answer, "ms"));
        least_ms = delay_ms + (double)(last + 1) * frame_ms - burst_ms;
        early = last >= 0 && ms < least_ms - 0.1;
        held = last >= 0 && !early && ms <= 1.1 * most_ms + LATE_MS;
    }
    expected = text_format("%.1f to %.1f ms for %lld frames", least_ms, least_ms + jitter_ms,
                           (long long)last + 1);
    observed = last >= 0 ? text_format("%.1f ms", ms) : text_copy("no answer");
    *ret = link_proof("link-rate", expected, observed, held);
    return 0;
}

/* How many frames show the link's rate; 0: it has none, or a train that passes its burst would be
 * too long. */
static int64_t train_of(const struct lab_settings *link) {
    int64_t n_frames = link->burst_bytes / TRAIN_FRAME_BYTES + TRAIN_FRAMES;

    if (!link->rate_bit_s || n_frames > TRAIN_MOST ||
        n_frames * TRAIN_FRAME_BYTES > link->queue_bytes)
        return 0;
    return n_frames;
}

int site_prove_link(const struct site *site, const struct lab_settings *link, json_t **ret,
                    struct error *error) {
    int64_t n_frames = train_of(link);
    json_t *proof;
    int r;

    if (!has_lab(site))
        return 0;
    r = prove_round_trip(site, link, &proof, error);
    if (r < 0)
        return r;
    *ret = json_pack("[o]", proof);
    if (!n_frames)
        return 0;
    r = prove_rate(site, link, n_frames, &proof, error);
    if (r == 0)
        (void)json_array_append_new(*ret, proof);
    return r;
}

/* ---- what the scenario asks of the hosts ---- */

/* What is prepared lies between two hosts, a tunnel say; further ones would not be at its end. */
static int check_prepared(const struct scenario *scenario, struct error *error) {
    for (size_t i = 0; i < scenario->n_channels && scenario->publishers.n > 1; i++)
        if (mechanism_prepares(&scenario->channels[i]))
            return error_set(error, -EINVAL,
                             "channel %s is prepared between the broker's host and one publisher's "
                             "host, and there are %zu (hosts.publishers); name one, or leave the "
                             "channel out (--channels)",
                             scenario->channels[i].name, scenario->publishers.n);
    return 0;
}

/* Its proof asks one host, which then hears nothing else, twice the time of a train and 2 s more;
 * the other host takes the driver for lost when it hears nothing for DRIVER_SILENCE_NS. */
#define LONGEST_S 11

static int check_train(const struct lab_settings *link, struct error *error) {
    double frames_bit = 8 * TRAIN_FRAMES * TRAIN_FRAME_BYTES;
    double longest_s = 2e-9 * (double)link->delay_ns + 3e-9 * (double)link->jitter_ns;

    if (train_of(link))
        longest_s += frames_bit / (double)link->rate_bit_s;
    if (longest_s > LONGEST_S)
        return error_set(error, -EINVAL,
                         "lab.delay, lab.jitter and lab.rate: a train of full frames may take "
                         "%.1f s there and back, and its proof can wait for %d s; choose less "
                         "delay or jitter, or a higher rate",
                         longest_s, LONGEST_S);
    return 0;
}

static int check_links(const struct scenario *scenario, struct error *error) {
    size_t n_hosts = 1 + scenario->publishers.n;
    int r = 0;

    for (size_t i = 0; i < scenario->n_links && r == 0; i++) {
        const struct lab_settings *link = scenario->links[i].settings;

        if (n_hosts > 2 && lab_takes_relay(link))
            return error_set(error, -EINVAL,
                             "lab.delay, lab.jitter and lab.loss are the links' of a lab with two "
                             "hosts, here are %zu; leave them out (and lab.profile), or have one "
                             "publisher's host",
                             n_hosts);
        r = check_train(link, error);
    }
    return r;
}

static int check_lab(const struct scenario *scenario, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const struct hostlist *publishers = &scenario->publishers;

    for (size_t i = 0; i < publishers->n; i++)
        if (lab_is(publishers->names[i]) != lab_is(hosts->broker) ||
            (lab_is(hosts->broker) && text_equal(hosts->broker, publishers->names[i])))
            return error_set(error, -EINVAL,
                             "the hosts of a lab go together: right would be --broker-host lab:a "
                             "--publisher-host lab:b, not %s and %s",
                             hosts->broker, publishers->names[i]);
    return lab_is(hosts->broker) ? check_links(scenario, error) : 0;
}

int site_check_hosts(const struct scenario *scenario, struct error *error) {
    int r = check_prepared(scenario, error);

    return r < 0 ? r : check_lab(scenario, error);
}

/* ---- opening ---- */

static int open_one(struct site *site, const char *spec, struct error *error) {
    struct workers *workers = site->workers;
    struct host **host = &workers->hosts[workers->n_hosts];
    CLEANUP_FREE char *claim = text_format("%s-%zu", site->claim, workers->n_hosts);
    json_auto_t *congestion = NULL;
    int r =
        host_open(host, spec, &site->options, workers->n_hosts ? workers->hosts[0] : NULL, error);

    if (r < 0)
        return r;
    workers->n_hosts++;
    r = host_order(
        *host, "claim",
        json_pack("{s:s,s:s*}", "name", claim, "run", site->measures ? site->claim : NULL), NULL,
        error);
    if (r == 0)
        r = host_order(*host, "congestion", json_pack("{s:s}", "name", hosts_of(site)->congestion),
                       &congestion, error);
    site->keeps_congestion[workers->n_hosts - 1] =
        json_is_true(json_object_get(congestion, "kept"));
    return r < 0 && r != -EINTR && r != -EPIPE ? error_prefix(error, r, "host %s", spec) : r;
}

static void close_all(struct site *site) {
    while (site->workers->n_hosts)
        host_close(site->workers->hosts[--site->workers->n_hosts]);
}

/* Until a channel is up, the link is the first of those that will be measured. */
static int join_lab(struct site *site, struct error *error) {
    const struct scenario *scenario = site->scenario;
    CLEANUP_FREE const struct lab_settings **links = memory_new(scenario->n_links, sizeof(*links));
    int r;

    for (size_t i = 0; i < scenario->n_links; i++)
        links[i] = scenario->links[i].settings;
    json_decref(site->relay);
    r = lab_join(site->workers->hosts, site->workers->n_hosts, links, scenario->n_links,
                 &site->relay, error);
    return r < 0 ? r : site_shape(site, links[0], error);
}

static int open_all(struct site *site, struct error *error) {
    const struct hostlist *publishers = &site->scenario->publishers;
    const char *broker = hosts_of(site)->broker;
    int r = open_one(site, broker, error);

    for (size_t i = 0; i < publishers->n && r == 0; i++)
        if (!text_equal(broker, publishers->names[i]))
            r = open_one(site, publishers->names[i], error);
    if (r == 0 && has_lab(site))
        r = join_lab(site, error);
    if (r < 0)
        close_all(site);
    return r;
}

/* ---- where the data go ---- */

/* What a host tells about the ssh that carries it. */
static const char *ssh_end(const struct workers *workers, size_t host, const char *end) {
    return jsonline_text(host_greeting(workers->hosts[host]), end, NULL);
}

/* The broker's address as the publisher sees it, if that can be known: the address that ssh has
 * reached is one of that host's own, and the other end of it is one of this machine's. */
static const char *find_address(const struct site *site) {
    const struct hosts_settings *hosts = hosts_of(site);
    const struct workers *workers = site->workers;

    if (workers->n_hosts == 1)
        return "127.0.0.1";
    if (has_lab(site))
        return LAB_BROKER_ADDRESS;
    if (text_equal(hosts->broker, "local"))
        return ssh_end(workers, 1, "from");
    return ssh_end(workers, 0, "reached");
}

/* What a host tells may be anything, and goes into command lines of the other one. */
static bool is_address(const char *text) {
    const struct setting *row = setting_find(&hosts_group, "address");

    return *text && *text != '-' && row->check(text, NULL) == 0;
}

static int choose_address(struct site *site, struct error *error) {
    const char *given = hosts_of(site)->address, *found = *given ? given : find_address(site);

    if (!found)
        return error_set(error, -EINVAL,
                         "hosts.address: at which address does %s reach %s? It cannot be found "
                         "out; --set hosts.address=ADDRESS",
                         host_spec(site->workers->hosts[publisher_of(site)]),
                         host_spec(site->workers->hosts[0]));
    if (strncmp(found, "fe80:", 5) == 0 && !*given)
        return error_set(error, -EINVAL,
                         "hosts.address: ssh has reached %s at %s, which means something on one "
                         "link only; name the one to be measured (--set hosts.address=ADDRESS)",
                         host_spec(site->workers->hosts[0]), found);
    if (!*given && !is_address(found))
        return error_set(error, -EINVAL,
                         "hosts.address: what %s tells of ssh is no address; --set "
                         "hosts.address=ADDRESS",
                         host_spec(site->workers->hosts[0]));
    text_replace(&site->address, found);
    return 0;
}

/* ---- clocks ---- */

/* Many round trips, and far hosts may be many. */
static int compare_clock(const struct site *site, size_t host, struct host_clock *ret,
                         struct error *error) {
    beat_others(site, host);
    return host_compare_clocks(site->workers->hosts[host], ret, error);
}

int site_compare_clocks(struct site *site, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++)
        r = compare_clock(site, i, &site->clocks[i], error);
    return r;
}

/* A board without a battery clock believes in some other day until it has heard of a better. And
 * what clients date, the broker reads by its own clock. */
static int check_clocks(struct site *site, struct error *error) {
    int64_t apart_ns = 0;
    int r = site_compare_clocks(site, error);

    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++) {
        int64_t ahead = site->clocks[i].realtime_ahead_ns;

        if (llabs(ahead) > MAX_CLOCK_NS)
            return error_set(error, -EINVAL,
                             "host %s: its clock is %.1f hours %s this one's, and certificates "
                             "would be taken for invalid; set it (timedatectl set-ntp true)",
                             host_spec(site->workers->hosts[i]), (double)llabs(ahead) / 3600e9,
                             ahead < 0 ? "behind" : "ahead of");
    }
    for (size_t i = 1; i < site->workers->n_hosts && r == 0; i++) {
        int64_t ahead = site->clocks[i].realtime_ahead_ns - site->clocks[0].realtime_ahead_ns;

        apart_ns = llabs(ahead) > apart_ns ? llabs(ahead) : apart_ns;
    }
    for (size_t i = 0; i < site->scenario->n_channels && r == 0; i++)
        r = mechanism_check_clocks(&site->scenario->channels[i], apart_ns, error);
    return r;
}

/* ---- what it is: environment.json ---- */

/* What was found of a host. */
static json_t *facts_of(const struct site *site, size_t host) {
    return json_array_get(json_object_get(site->environment, "hosts"), host);
}

/* What a host tells of itself, {...}, and of the way to another whose packets come from `source`;
 * *ret is the caller's. */
static int ask_facts(const struct site *site, size_t host, const char *source, json_t **ret,
                     struct error *error) {
    return host_order(site->workers->hosts[host], "facts",
                      json_pack("{s:s,s:s}", "address", site->address, "source",
                                is_address(source) ? source : ""),
                      ret, error);
}

static const char *network_text(const json_t *facts, const char *key) {
    return jsonline_text(json_object_get(facts, "network"), key, "");
}

/* The way of the data between the broker's host and a publisher's. The broker's has been asked of
 * the way back to the first. */
static int check_way(const struct site *site, const json_t *hosts, size_t publisher,
                     struct error *error) {
    struct host *const *opened = site->workers->hosts;
    const json_t *broker = json_array_get(hosts, 0), *other = json_array_get(hosts, publisher);
    json_auto_t *again = NULL;
    int r = 0;

    if (publisher > 1 &&
        !text_equal(network_text(broker, "machine"), network_text(other, "machine")))
        r = ask_facts(site, 0, network_text(other, "source"), &again, error);
    if (r < 0)
        return r;
    return network_check(json_object_get(again ? again : broker, "network"),
                         publisher ? json_object_get(other, "network") : NULL, host_spec(opened[0]),
                         host_spec(opened[publisher]), error);
}

/* Before anything is made: the program without which nothing works, and the way of the data. */
static int check_facts(const struct site *site, const json_t *hosts, struct error *error) {
    const json_t *broker = json_array_get(hosts, 0);
    size_t first;
    size_t n = workers_publishers(site->workers, &first);
    int r = 0;

    if (json_is_null(json_object_get(json_object_get(broker, "programs"), "mosquitto")))
        return error_set(error, -ENOENT,
                         "host %s: the broker `mosquitto` is neither on PATH nor in /usr/sbin; "
                         "apt-get install mosquitto",
                         host_spec(site->workers->hosts[0]));
    for (size_t i = first; i < first + n && r == 0; i++)
        r = check_way(site, hosts, i, error);
    return r;
}

static const char *parties_of(const struct site *site, size_t host) {
    return site->workers->n_hosts == 1 ? "broker client1 client2"
           : host                      ? "client2"
                                       : "broker client1";
}

/* Asks the publishers' hosts first: where client2's packets come from is what the broker's must
 * find back to. */
int site_describe(struct site *site, const char *root, struct error *error) {
    const struct workers *workers = site->workers;
    CLEANUP_FREE char *commit = facts_commit(root);
    json_auto_t *hosts = json_array();
    char started[CLOCK_TEXT_SIZE];
    int r;

    for (size_t i = workers->n_hosts; i-- > 0;) {
        const char *source = i ? "" : network_text(json_array_get(hosts, 0), "source");
        json_auto_t *facts = NULL;
        json_t *host;

        r = ask_facts(site, i, source, &facts, error);
        if (r < 0)
            return r;
        host = json_pack("{s:s,s:s}", "spec", host_spec(workers->hosts[i]), "parties",
                         parties_of(site, i));
        (void)json_object_update(host, facts);
        (void)json_array_insert_new(hosts, 0, host);
    }
    r = check_facts(site, hosts, error);
    if (r < 0)
        return r;
    clock_format_utc(clock_realtime_ns(), started);
    site->environment = json_pack("{s:s,s:s*,s:O*,s:O}", "started_utc", started, "commit", commit,
                                  "relay", site->relay, "hosts", hosts);
    return 0;
}

/* Whether a group has a setting `library`, and it is Paho. */
static bool is_paho(const struct setting_group *group, const void *block) {
    const struct setting *row = setting_find(group, "library");
    CLEANUP_FREE char *word = row ? setting_format(row, block) : NULL;

    return text_equal(word, "paho");
}

static bool wants_paho(const struct scenario *scenario) {
    bool wants = is_paho(&telemetry_group, settings_get(&scenario->settings, &telemetry_group));

    for (size_t i = 0; i < scenario->n_measurements; i++)
        wants =
            wants || is_paho(scenario->measurements[i].group, scenario->measurements[i].settings);
    return wants;
}

int site_check_libraries(const struct site *site, struct error *error) {
    if (!wants_paho(site->scenario))
        return 0;
    for (size_t i = 0; i < site->workers->n_hosts; i++)
        if (!json_object_get(json_object_get(facts_of(site, i), "versions"), "paho"))
            return error_set(error, -EOPNOTSUPP,
                             "host %s: its bench was built without Paho C, which library = paho "
                             "needs; there: apt-get install libpaho-mqtt-dev, remove the build "
                             "folder (build/), start ./bench again",
                             host_spec(site->workers->hosts[i]));
    return 0;
}

/* ---- what their OpenSSL has ---- */

/* "ssh://pi@pi-a (OpenSSL 3.0.17)"; the caller's. */
static char *name_openssl(const struct site *site, size_t host) {
    const char *version =
        jsonline_text(json_object_get(facts_of(site, host), "versions"), "openssl", "OpenSSL");
    size_t length = strcspn(version, " ");

    length += version[length] ? 1 + strcspn(version + length + 1, " ") : 0;
    return text_format("%s (%.*s)", host_spec(site->workers->hosts[host]), (int)length, version);
}

/* Of the whole scenario; the caller's. */
static json_t *channels_of(const struct site *site) {
    json_t *channels = json_array();

    for (size_t i = 0; i < site->scenario->n_channels; i++)
        (void)json_array_append_new(channels, channel_to_json(&site->scenario->channels[i]));
    return channels;
}

/* Each host by its own OpenSSL: the driver has asked its own already. */
static int check_wishes(const struct site *site, size_t host, struct error *error) {
    CLEANUP_FREE char *name = name_openssl(site, host);
    int r = host_order(site->workers->hosts[host], "check",
                       json_pack("{s:o}", "channels", channels_of(site)), NULL, error);

    if (r == -EINVAL) {
        CLEANUP_FREE char *words = text_copy(error->text);

        return error_set(error, r, "host %s: %s; choose what both hosts have, or upgrade this one",
                         name, words);
    }
    return r;
}

static bool has_value(const struct channel *channel, const char *path, const char *wanted) {
    const struct setting_group *group;
    const struct setting *row = channel_setting(channel, path, &group, NULL);
    CLEANUP_FREE char *value =
        row ? setting_format(row, settings_get(&channel->settings, group)) : NULL;

    return text_equal(value, wanted);
}

/* Releases differ in TLS 1.3 only: X25519MLKEM768 is of OpenSSL 3.5, and comes first there. */
static bool leaves_group(const struct site *site, size_t i) {
    const struct channel *channel = &site->scenario->channels[i];

    return channel_uses(channel, "tls") && !broker_kind_of(channel)->group &&
           !site_lacking(site, i) && has_value(channel, "tls.max_version", "1.3") &&
           has_value(channel, "tls.groups", "default");
}

/* Of the probes that compare sessions with the broker, whether one has such a role. */
static bool has_role(const struct scenario *scenario, bool (*is)(const struct role *role)) {
    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const struct probe *probe = probe_find(scenario->measurements[i].probe);

        for (size_t j = 0; probe->in_channel && j < probe->n_roles; j++)
            if (is(&probe->roles[j]))
                return true;
    }
    return false;
}

static bool subscribes(const struct role *role) {
    return role->party == PARTY_CLIENT1;
}

static bool is_fleet(const struct role *role) {
    return role->fleet;
}

/* The options that make one group of two; the caller's. */
static char *name_group(const struct site *site, const char *group) {
    char *options = text_copy("");

    for (size_t i = 0; i < site->scenario->n_channels; i++) {
        CLEANUP_FREE char *option =
            text_format("--set channel.%s.tls.groups=%s", site->scenario->channels[i].name, group);

        if (leaves_group(site, i) && !strstr(options, option))
            text_append(&options, " ", option);
    }
    return options;
}

/* What the broker's host answers a host's ClientHello with, be it its own; "": that cannot be
 * known. The caller's. */
static int ask_group(const struct site *site, size_t host, char **ret, struct error *error) {
    struct host *const *hosts = site->workers->hosts;
    json_auto_t *hello = NULL, *answer = NULL;
    int r = host ? host_order(hosts[host], "hello", NULL, &hello, error) : 0;

    if (r == 0)
        r = host_order(hosts[0], "meet",
                       json_pack("{s:O*}", "hello", json_object_get(hello, "hello")), &answer,
                       error);
    if (r == 0)
        *ret = text_copy(jsonline_text(answer, "group", ""));
    return r;
}

static int tell_groups(const struct site *site, const char *own, size_t host, const char *other,
                       struct error *error) {
    CLEANUP_FREE char *broker = name_openssl(site, 0), *publisher = name_openssl(site, host);
    CLEANUP_FREE char *options = name_group(site, other);

    return error_set(
        error, -EOPNOTSUPP,
        "over TLS, broker and subscriber on %s would agree on the group %s, broker and "
        "publisher on %s on %s, and each delivery be void; choose one for all: %s",
        broker, own, publisher, other, options);
}

static int check_group(const struct site *site, const char *own, size_t host, struct error *error) {
    CLEANUP_FREE char *other = NULL;
    int r = ask_group(site, host, &other, error);

    if (r < 0 || !*own || !*other || text_equal(own, other))
        return r;
    return tell_groups(site, own, host, other, error);
}

/* Further publishers' hosts have none but members of a fleet. */
static int check_groups(const struct site *site, struct error *error) {
    CLEANUP_FREE char *options = name_group(site, ""), *own = NULL;
    size_t n = has_role(site->scenario, is_fleet) ? site->workers->n_hosts : 2;
    int r;

    if (site->workers->n_hosts < 2 || !*options || !has_role(site->scenario, subscribes))
        return 0;
    r = ask_group(site, 0, &own, error);
    for (size_t i = 1; i < n && r == 0; i++)
        r = check_group(site, own, i, error);
    return r;
}

/* ---- what they cannot have ---- */

/* Keeps the first reason. */
static void lack(struct site *site, size_t channel, const char *host, const char *reason) {
    if (reason && !site_lacking(site, channel))
        (void)json_array_set_new(site->lacking, channel, json_sprintf("host %s: %s", host, reason));
}

static int ask_driver(struct site *site, struct error *error) {
    for (size_t i = 0; i < site->scenario->n_channels; i++) {
        const struct channel *channel = &site->scenario->channels[i];
        int r = mechanism_possible(channel, PLACE_DRIVER, false, error);

        if (r < 0 && r != -EOPNOTSUPP)
            return error_prefix(error, r, "channel %s", channel->name);
        lack(site, i, "local", r < 0 ? error->text : NULL);
    }
    return 0;
}

static int ask_host(struct site *site, size_t host, struct error *error) {
    struct host *one = site->workers->hosts[host];
    json_auto_t *answer = NULL;
    int r = host_order(one, "possible",
                       json_pack("{s:o,s:b,s:b}", "channels", channels_of(site), "broker",
                                 host == 0, "publisher", host >= publisher_of(site)),
                       &answer, error);

    if (r < 0)
        return r == -EINTR || r == -EPIPE ? r : error_prefix(error, r, "host %s", host_spec(one));
    for (size_t i = 0; i < site->scenario->n_channels; i++)
        lack(site, i, host_spec(one),
             json_string_value(json_array_get(json_object_get(answer, "lacking"), i)));
    return 0;
}

static int ask_possible(struct site *site, struct error *error) {
    int r;

    json_decref(site->lacking);
    site->lacking = json_array();
    for (size_t i = 0; i < site->scenario->n_channels; i++)
        (void)json_array_append_new(site->lacking, json_null());
    r = ask_driver(site, error);
    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++)
        r = ask_host(site, i, error);
    return r;
}

int site_check_channels(struct site *site, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++)
        r = check_wishes(site, i, error);
    if (r == 0)
        r = ask_possible(site, error);
    return r == 0 ? check_groups(site, error) : r;
}

const char *site_lacking(const struct site *site, size_t channel) {
    return json_string_value(json_array_get(site->lacking, channel));
}

double site_round_trip_ms(const struct site *site) {
    const json_t *publisher = facts_of(site, publisher_of(site));
    const json_t *trip = json_object_get(json_object_get(publisher, "network"), "round_trip_ms");
    double longest_ms = trip ? json_number_value(trip) : NAN;

    for (size_t i = 0; site->relay && i < site->scenario->n_links; i++) {
        const struct lab_settings *link = site->scenario->links[i].settings;

        longest_ms = fmax(longest_ms, 2e-6 * (double)(link->delay_ns + link->jitter_ns));
    }
    return longest_ms;
}

/* ---- around a block ---- */

static void forget_readings(struct site *site) {
    for (size_t i = 0; i < ARRAY_SIZE(site->before); i++) {
        json_decref(site->before[i]);
        site->before[i] = NULL;
    }
}

static void put_ms(json_t *taken, const char *metric, int64_t ns) {
    (void)json_object_set_new(
        taken, metric,
        json_pack("{s:f,s:s}", "value", (double)ns / (double)NS_PER_MS, "unit", "ms"));
}

/* The clock of this kernel needs no comparison. */
static void add_clock(const struct site *site, size_t host, json_t *taken) {
    struct host_clock clock;

    if (compare_clock(site, host, &clock, NULL) < 0 || !clock.bound_ns)
        return;
    put_ms(taken, "clock_ahead", clock.realtime_ahead_ns);
    put_ms(taken, "clock_bound", clock.bound_ns);
}

/* NULL when the host is lost. */
static json_t *take_readings(const struct site *site, size_t host) {
    const char *interface =
        jsonline_text(json_object_get(facts_of(site, host), "network"), "interface", "");
    json_t *taken = NULL;

    if (host_order(site->workers->hosts[host], "readings",
                   json_pack("{s:s}", "interface", interface), &taken, NULL) < 0)
        return NULL;
    add_clock(site, host, taken);
    return taken;
}

void site_read_before(struct site *site) {
    forget_readings(site);
    for (size_t i = 0; i < site->workers->n_hosts; i++)
        site->before[i] = take_readings(site, i);
}

static double value_of(const json_t *taken, const char *metric) {
    const json_t *value = json_object_get(json_object_get(taken, metric), "value");

    return value ? json_number_value(value) : NAN;
}

void site_read_after(struct site *site, struct journal *journal, int block, int attempt) {
    for (size_t i = 0; i < site->workers->n_hosts; i++) {
        json_auto_t *after = take_readings(site, i), *all = json_object();
        const char *metric;
        json_t *reading;

        (void)json_object_update(all, site->before[i]);
        (void)json_object_update(all, after);
        json_object_foreach(all, metric, reading) {
            journal_reading(journal, block, attempt, host_spec(site->workers->hosts[i]), metric,
                            jsonline_text(reading, "unit", ""), value_of(site->before[i], metric),
                            value_of(after, metric));
        }
    }
    forget_readings(site);
}

/* ---- all of it ---- */

int site_open(struct site *site, struct error *error) {
    unsigned char random[16] = {0};
    int r;

    (void)!getrandom(random, sizeof(random), 0);
    text_hex(site->claim, random, sizeof(random));
    r = site_check_hosts(site->scenario, error);
    if (r == 0)
        r = open_all(site, error);
    if (r == 0)
        r = choose_address(site, error);
    return r == 0 ? check_clocks(site, error) : r;
}

void site_close(struct site *site) {
    close_all(site);
    forget_readings(site);
    json_decref(site->environment);
    json_decref(site->relay);
    json_decref(site->lacking);
    site->environment = site->relay = site->lacking = NULL;
    text_replace(&site->address, NULL);
}

int site_pause(const struct site *site, int64_t pause_ns, struct error *error) {
    struct pollfd cancelled = {.fd = site->options.cancel_fd, .events = POLLIN};
    int64_t end = clock_monotonic_ns() + pause_ns;

    /* An agent that heard nothing for long would take us for lost; a lost one needs nothing. */
    if (site->workers->n_hosts && workers_wait(site->workers, end, error) == -EINTR)
        return -EINTR;
    return poll(&cancelled, 1, clock_poll_ms(end)) > 0 ? error_set(error, -EINTR, "interrupted")
                                                       : 0;
}

int site_mend(struct site *site, struct error *error) {
    bool lost = site->workers->n_hosts == 0;
    int r = 0;

    for (size_t i = 0; i < site->workers->n_hosts; i++)
        lost = lost || host_lost(site->workers->hosts[i]);
    if (!lost)
        return 0;
    close_all(site);
    for (size_t i = 0; i < ARRAY_SIZE(pauses_ns); i++) {
        r = site_pause(site, pauses_ns[i], error);
        if (r == 0)
            r = open_all(site, error);
        if (r == 0 || r == -EINTR)
            break;
    }
    for (size_t i = 0; i < site->workers->n_hosts; i++)
        host_watch(site->workers->hosts[i]);
    return r;
}
