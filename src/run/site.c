#include "run/site.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "hosts/lab.h"
#include "security/mechanism.h"

#include <errno.h>
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

/* ---- opening ---- */

static int check_lab(const struct hosts_settings *hosts, struct error *error) {
    bool one = lab_is(hosts->broker), other = lab_is(hosts->publisher);

    if (one == other && (!one || !text_equal(hosts->broker, hosts->publisher)))
        return 0;
    return error_set(error, -EINVAL,
                     "the hosts of a lab go together: right would be --broker-host lab:a "
                     "--publisher-host lab:b, not %s and %s",
                     hosts->broker, hosts->publisher);
}

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
    r = host_order(*host, "claim", json_pack("{s:s}", "name", claim), NULL, error);
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

static int open_all(struct site *site, struct error *error) {
    const struct hosts_settings *hosts = hosts_of(site);
    struct workers *workers = site->workers;
    int r = open_one(site, hosts->broker, error);

    if (r == 0 && !text_equal(hosts->broker, hosts->publisher))
        r = open_one(site, hosts->publisher, error);
    if (r == 0 && lab_is(hosts->broker))
        r = lab_join(workers->hosts[0], workers->hosts[1],
                     settings_get(&site->scenario->settings, &lab_group), error);
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
    if (lab_is(hosts->broker))
        return LAB_BROKER_ADDRESS;
    if (text_equal(hosts->broker, "local"))
        return ssh_end(workers, 1, "from");
    return ssh_end(workers, 0, "reached");
}

static int choose_address(struct site *site, struct error *error) {
    const char *given = hosts_of(site)->address, *found = *given ? given : find_address(site);

    if (!found)
        return error_set(error, -EINVAL,
                         "hosts.address: at which address does %s reach %s? It cannot be found "
                         "out; --set hosts.address=ADDRESS",
                         host_spec(site->workers->hosts[site->workers->n_hosts - 1]),
                         host_spec(site->workers->hosts[0]));
    if (strncmp(found, "fe80:", 5) == 0 && !*given)
        return error_set(error, -EINVAL,
                         "hosts.address: ssh has reached %s at %s, which means something on one "
                         "link only; name the one to be measured (--set hosts.address=ADDRESS)",
                         host_spec(site->workers->hosts[0]), found);
    text_replace(&site->address, found);
    return 0;
}

/* ---- clocks ---- */

int site_compare_clocks(struct site *site, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++)
        r = host_compare_clocks(site->workers->hosts[i], &site->clocks[i], error);
    return r;
}

/* A board without a battery clock believes in some other day until it has heard of a better. */
static int check_clocks(struct site *site, struct error *error) {
    int r = site_compare_clocks(site, error);

    for (size_t i = 0; i < site->workers->n_hosts && r == 0; i++) {
        int64_t ahead = site->clocks[i].realtime_ahead_ns;

        if (ahead > MAX_CLOCK_NS || ahead < -MAX_CLOCK_NS)
            return error_set(error, -EINVAL,
                             "host %s: its clock is %.1f hours %s this one's, and certificates "
                             "would be taken for invalid; set it (timedatectl set-ntp true)",
                             host_spec(site->workers->hosts[i]),
                             (double)(ahead < 0 ? -ahead : ahead) / 3600e9,
                             ahead < 0 ? "behind" : "ahead of");
    }
    return r;
}

/* What clients date, the broker reads by its own clock. */
static int check_apart(const struct site *site, struct error *error) {
    int64_t apart_ns = site->clocks[1].realtime_ahead_ns - site->clocks[0].realtime_ahead_ns;
    int r = 0;

    if (site->workers->n_hosts < 2)
        return 0;
    apart_ns = apart_ns < 0 ? -apart_ns : apart_ns;
    for (size_t i = 0; i < site->scenario->n_channels && r == 0; i++)
        r = mechanism_check_clocks(&site->scenario->channels[i], apart_ns, error);
    return r;
}

/* ---- all of it ---- */

int site_open(struct site *site, struct error *error) {
    unsigned char random[16] = {0};
    int r;

    (void)!getrandom(random, sizeof(random), 0);
    text_hex(site->claim, random, sizeof(random));
    r = check_lab(hosts_of(site), error);

    if (r == 0)
        r = open_all(site, error);
    if (r == 0)
        r = choose_address(site, error);
    if (r == 0)
        r = check_clocks(site, error);
    return r == 0 ? check_apart(site, error) : r;
}

void site_close(struct site *site) {
    close_all(site);
    free(site->address);
    site->address = NULL;
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
