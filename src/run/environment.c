#include "run/environment.h"

#include "base/clock.h"
#include "base/process.h"

#include <string.h>

/* What `git describe` says of the sources; absent where git or its repository is. */
static void put_commit(json_t *environment, const char *root) {
    CLEANUP_FREE char *git = NULL, *commit = NULL;

    if (!root || process_find(&git, "git", NULL) < 0)
        return;
    {
        const char *argv[] = {git,       "-C",          root,          "describe", "--always",
                              "--dirty", "--abbrev=40", "--exclude=*", NULL};

        if (process_run(argv, &commit, NULL) != 0 || !commit)
            return;
    }
    commit[strcspn(commit, "\n")] = '\0';
    if (*commit)
        (void)json_object_set_new(environment, "commit", json_string(commit));
}

int environment_collect(const struct cast *cast, const char *address, const char *root,
                        json_t **ret, struct error *error) {
    static const char *const parties[2] = {"broker client1", "client2"};
    json_auto_t *environment = json_object(), *hosts = json_array();
    char started[CLOCK_TEXT_SIZE];

    clock_format_utc(clock_realtime_ns(), started);
    (void)json_object_set_new(environment, "started_utc", json_string(started));
    put_commit(environment, root);
    for (size_t i = 0; i < cast->n_hosts; i++) {
        json_auto_t *facts = NULL;
        json_t *host = json_object();
        int r = host_order(cast->hosts[i], "facts", json_pack("{s:s}", "address", address), &facts,
                           error);

        (void)json_object_set_new(host, "spec", json_string(host_spec(cast->hosts[i])));
        (void)json_object_set_new(
            host, "parties",
            json_string(cast->n_hosts == 1 ? "broker client1 client2" : parties[i]));
        (void)json_object_update(host, facts);
        (void)json_array_append_new(hosts, host);
        if (r < 0)
            return r;
    }
    (void)json_object_set(environment, "hosts", hosts);
    *ret = json_incref(environment);
    return 0;
}
