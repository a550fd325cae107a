#include "hosts/host.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "hosts/agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* An order that starts a broker may take 10 s; none takes longer. */
#define ANSWER_NS (20 * NS_PER_S)
#define END_NS    (2 * NS_PER_S)
#define MAX_HOSTS 4

struct host {
    char *spec;
    struct process agent;
    struct jsonline_reader lines;
    json_t *events; /* came while an answer was waited for */
    int64_t last_id;
    int cancel_fd;
};

static int start_agent(struct host *host, const char *certs, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();
    const char *argv[] = {"bench", "agent", "--certs", certs, NULL};
    struct process_options options = {.program = program,
                                      .argv = argv,
                                      .in = PROCESS_PIPE,
                                      .out = PROCESS_PIPE,
                                      .err = PROCESS_KEEP};

    if (strcmp(host->spec, "local") != 0)
        return error_set(error, -EINVAL,
                         "host '%s': only `local` can be used so far; measuring between two hosts "
                         "is not there yet",
                         host->spec);
    return process_start(&host->agent, &options, error);
}

/* Said in the same way, whatever it is noticed by. */
static int agent_ended(const struct host *host, struct error *error) {
    return error_set(error, -EPIPE, "host %s: its agent has ended", host->spec);
}

static int greet(struct host *host, struct error *error) {
    json_auto_t *greeting = NULL;
    int r = jsonline_wait(&host->lines, host->cancel_fd, clock_monotonic_ns() + ANSWER_NS,
                          &greeting, error);

    if (r < 0)
        return error_prefix(error, r, "host %s: its agent", host->spec);
    if (jsonline_integer(greeting, "protocol", 0) != AGENT_PROTOCOL ||
        !text_equal(jsonline_text(greeting, "version", ""), BENCH_VERSION))
        return error_set(
            error, -EPROTO, "host %s: has version %s (protocol %d), here is %s (protocol %d)",
            host->spec, jsonline_text(greeting, "version", "?"),
            (int)jsonline_integer(greeting, "protocol", 0), BENCH_VERSION, AGENT_PROTOCOL);
    return 0;
}

int host_open(struct host **ret, const char *spec, const char *certs, int cancel_fd,
              struct error *error) {
    CLEANUP(host_closep) struct host *host = memory_new(1, sizeof(*host));
    int r;

    host->spec = text_copy(spec);
    host->agent = PROCESS_NONE;
    host->events = json_array();
    host->cancel_fd = cancel_fd;
    r = start_agent(host, certs, error);
    if (r < 0)
        return r;
    jsonline_init(&host->lines, host->agent.out_fd);
    r = greet(host, error);
    if (r < 0)
        return r;
    *ret = host;
    host = NULL;
    return 0;
}

/* Closing its stdin lets the agent end what it has started; killing it comes only after that. */
static void end_agent(struct host *host) {
    int64_t deadline = clock_monotonic_ns() + END_NS;
    struct process_end end;

    memory_close_fdp(&host->agent.in_fd);
    host->agent.in_fd = -1;
    while (clock_monotonic_ns() < deadline) {
        struct pollfd poller = {.fd = host->agent.out_fd, .events = POLLIN};

        if (poll(&poller, 1, clock_poll_ms(deadline)) > 0 && jsonline_fill(&host->lines, NULL) <= 0)
            break;
        host->lines.length = host->lines.scanned = 0;
    }
    while (clock_monotonic_ns() < deadline && !process_reap(&host->agent, &end))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
}

void host_close(struct host *host) {
    if (host->agent.pid > 0)
        end_agent(host);
    process_stop(&host->agent);
    jsonline_clear(&host->lines);
    json_decref(host->events);
    free(host->spec);
    free(host);
}

const char *host_spec(const struct host *host) {
    return host->spec;
}

static int give(struct host *host, const char *order, json_t *args, int64_t id,
                struct error *error) {
    json_t *line = args ? args : json_object();
    int r;

    (void)json_object_set_new(line, "order", json_string(order));
    if (id)
        (void)json_object_set_new(line, "id", json_integer(id));
    r = jsonline_send(host->agent.in_fd, line, error);
    if (r == -EPIPE)
        return agent_ended(host, error);
    return r < 0 ? error_prefix(error, r, "host %s", host->spec) : 0;
}

int host_notify(struct host *host, const char *order, json_t *args, struct error *error) {
    return give(host, order, args, 0, error);
}

int host_order(struct host *host, const char *order, json_t *args, json_t **ret,
               struct error *error) {
    int64_t id = ++host->last_id, deadline = clock_monotonic_ns() + ANSWER_NS;
    int r = give(host, order, args, id, error);

    while (r == 0) {
        json_auto_t *line = NULL;

        r = jsonline_wait(&host->lines, host->cancel_fd, deadline, &line, error);
        if (r == -EPIPE)
            return agent_ended(host, error);
        if (r < 0)
            return r == -EINTR ? r : error_prefix(error, r, "host %s: %s", host->spec, order);
        if (!json_object_get(line, "id")) {
            (void)json_array_append(host->events, line);
            continue;
        }
        if (jsonline_integer(line, "id", 0) < id)
            continue; /* the late answer to an order that was given up */
        if (jsonline_integer(line, "id", 0) != id)
            return error_set(error, -EPROTO, "host %s: an answer to no question", host->spec);
        if (json_object_get(line, "error"))
            return error_set(error, (int)jsonline_integer(line, "code", -EIO), "%s",
                             jsonline_text(line, "error", "?"));
        if (ret)
            *ret = json_incref(json_object_get(line, "ok"));
        return 0;
    }
    return r;
}

/* An event that is there already. */
static bool take_event(struct host *host, json_t **ret) {
    if (json_array_size(host->events)) {
        *ret = json_incref(json_array_get(host->events, 0));
        (void)json_array_remove(host->events, 0);
        return true;
    }
    return jsonline_next(&host->lines, ret, NULL) > 0;
}

int host_next_event(struct host *const *hosts, size_t n_hosts, int64_t deadline_ns, json_t **ret,
                    size_t *ret_host, struct error *error) {
    struct pollfd pollers[MAX_HOSTS + 1];

    for (;;) {
        for (*ret_host = 0; *ret_host < n_hosts; (*ret_host)++) {
            if (take_event(hosts[*ret_host], ret))
                return 0;
            pollers[*ret_host] =
                (struct pollfd){.fd = hosts[*ret_host]->agent.out_fd, .events = POLLIN};
        }
        pollers[n_hosts] = (struct pollfd){.fd = hosts[0]->cancel_fd, .events = POLLIN};
        if (poll(pollers, (nfds_t)n_hosts + 1, clock_poll_ms(deadline_ns)) == 0)
            return error_set(error, -ETIMEDOUT, "nothing happened in time");
        if (pollers[n_hosts].revents)
            return error_set(error, -EINTR, "interrupted");
        for (size_t i = 0; i < n_hosts; i++)
            if (pollers[i].revents && jsonline_fill(&hosts[i]->lines, NULL) <= 0)
                return agent_ended(hosts[i], error);
    }
}
