#include "run/environment.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "hosts/facts.h"
#include "hosts/network.h"

#include <errno.h>

/* The publisher's first: where its packets come from is what the broker's must find back to. */
static int ask_hosts(const struct workers *workers, const char *address, json_t *facts[2],
                     struct error *error) {
    int r = 0;

    for (size_t i = workers->n_hosts; i-- > 0 && r == 0;) {
        const json_t *other = i == 0 && workers->n_hosts == 2 ? facts[1] : NULL;
        const char *source = jsonline_text(json_object_get(other, "network"), "source", "");

        r = host_order(workers->hosts[i], "facts",
                       json_pack("{s:s,s:s}", "address", address, "source", source), &facts[i],
                       error);
    }
    return r;
}

static int check_network(const struct workers *workers, json_t *const facts[2],
                         struct error *error) {
    size_t last = workers->n_hosts - 1;

    return network_check(json_object_get(facts[0], "network"),
                         last ? json_object_get(facts[last], "network") : NULL,
                         host_spec(workers->hosts[0]), host_spec(workers->hosts[last]), error);
}

/* Before anything is made: the program without which nothing works. */
static int check_broker(const struct workers *workers, const json_t *facts, struct error *error) {
    const json_t *programs = json_object_get(facts, "programs");

    if (!json_is_null(json_object_get(programs, "mosquitto")))
        return 0;
    return error_set(error, -ENOENT,
                     "host %s: the broker `mosquitto` is neither on PATH nor in /usr/sbin; "
                     "apt-get install mosquitto",
                     host_spec(workers->hosts[0]));
}

static json_t *list_hosts(const struct workers *workers, json_t *const facts[2]) {
    static const char *const parties[2] = {"broker client1", "client2"};
    json_t *list = json_array();

    for (size_t i = 0; i < workers->n_hosts; i++) {
        json_t *host = json_pack("{s:s,s:s}", "spec", host_spec(workers->hosts[i]), "parties",
                                 workers->n_hosts == 1 ? "broker client1 client2" : parties[i]);

        (void)json_object_update(host, facts[i]);
        (void)json_array_append_new(list, host);
    }
    return list;
}

int environment_collect(const struct workers *workers, const char *address, const char *root,
                        json_t **ret, struct error *error) {
    json_auto_t *broker = NULL, *publisher = NULL;
    json_t *facts[2] = {NULL, NULL};
    CLEANUP_FREE char *commit = facts_commit(root);
    char started[CLOCK_TEXT_SIZE];
    int r = ask_hosts(workers, address, facts, error);

    broker = facts[0];
    publisher = facts[1];
    if (r == 0)
        r = check_broker(workers, broker, error);
    if (r == 0)
        r = check_network(workers, facts, error);
    if (r < 0)
        return r;
    clock_format_utc(clock_realtime_ns(), started);
    *ret = json_pack("{s:s,s:s*,s:o}", "started_utc", started, "commit", commit, "hosts",
                     list_hosts(workers, facts));
    return 0;
}
