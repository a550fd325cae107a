/*
 * peer - for the unit tests: the other end of one connection, in a thread of its own, in clear or
 * under a TLS context; and a PKI in a temporary folder for it.
 *
 * The thread asserts nothing: what it finds is looked at after peer_stop().
 */
#ifndef BENCH_TESTS_PEER_H
#define BENCH_TESTS_PEER_H

#include "deadline.h"
#include "workshop.h"

#include "security/pki.h"
#include "security/tls_context.h"
#include "transport/transport.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

struct peer {
    void (*act)(struct transport *transport, struct peer *peer); /* the connection is closed then */
    const void *answer;                                          /* for act */
    size_t answer_length;
    SSL_CTX *context; /* NULL: in clear; freed by peer_stop() */
    struct transport_options options;
    int port;
    /* filled by the thread */
    int code; /* of the handshake, and of what act sends */
    struct error error;
    struct tls_session session;
    unsigned char heard[65536];
    size_t heard_length;
    /* own */
    int listener;
    pthread_t thread;
};

/* Takes in what comes next, as much as one receive gives. */
static inline ssize_t peer_hear(struct transport *transport, struct peer *peer) {
    ssize_t n = transport->ops->receive(transport, peer->heard + peer->heard_length,
                                        sizeof(peer->heard) - peer->heard_length);

    if (n > 0)
        peer->heard_length += (size_t)n;
    return n;
}

static inline void *peer_live(void *argument) {
    struct peer *peer = argument;
    struct pollfd poller = {.fd = peer->listener, .events = POLLIN};
    struct transport *transport = NULL;
    int n;

    /* While a client group is opened no descriptor is allowed, and poll() takes none. */
    while ((n = poll(&poller, 1, (int)(DEADLINE_NS / NS_PER_MS))) < 0 && errno == EINVAL)
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    if (n <= 0)
        return NULL;
    peer->code =
        transport_accept(&transport, peer->listener, peer->context, &peer->options, &peer->error);
    if (peer->code < 0)
        return NULL;
    transport_session(transport, &peer->session);
    peer->act(transport, peer);
    transport_free(transport);
    return NULL;
}

/* Listens on 127.0.0.1 and takes one connection. */
static inline void peer_start(struct peer *peer) {
    peer->options.timeout_ns = DEADLINE_NS;
    if (tcp_listen(&peer->listener, "127.0.0.1", &peer->options, &peer->port, &peer->error) < 0)
        fail_msg("%s", peer->error.text);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_live, peer), 0);
}

static inline void peer_stop(struct peer *peer) {
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    assert_int_equal(close(peer->listener), 0);
    SSL_CTX_free(peer->context);
    peer->context = NULL;
}

/* A port where nobody listens, and nobody will: it stays bound until the test ends. */
static inline int peer_free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

/* ---- certificates ---- */

/* A folder with a store of the default key type; workshop_remove() ends it. */
static inline char *peer_certificates(void) {
    char *folder = workshop_make();
    struct pki_passphrase_source source = {.folder = folder};
    struct pki_options options = {.folder = folder,
                                  .chain = {.key_type = PKI_DEFAULT_KEY_TYPE},
                                  .validity_ns = 30 * 86400 * NS_PER_S,
                                  .renew_before_ns = NS_PER_S,
                                  .passphrase = pki_passphrase,
                                  .context = &source};
    unsigned issued;
    struct error error;

    assert_int_equal(setenv("BENCH_CA_PASSPHRASE", "four or more", 1), 0);
    if (pki_ensure(&options, &issued, &error) < 0)
        fail_msg("%s", error.text);
    return folder;
}

/* For a group of tests: certificates that they share. */
static char *peer_certs;

static inline int peer_set_up(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    peer_certs = peer_certificates();
    return 0;
}

static inline int peer_tear_down(void **state) {
    (void)state;
    workshop_remove(peer_certs);
    return 0;
}

/* The right configuration of a party on a channel with these mechanisms. */
static inline struct client_config *peer_config(const char *certs, const char *use,
                                                const char *min_version, const char *max_version,
                                                enum party party) {
    struct channel channel = workshop_channel("c", use);
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "c", "s3cret");
    struct bringup bringup = {.channel = &channel, .certs = certs, .secrets = secrets};
    struct client_config *config;

    assert_int_equal(channel_assign(&channel, "tls.min_version", min_version, NULL), 0);
    assert_int_equal(channel_assign(&channel, "tls.max_version", max_version, NULL), 0);
    config = mechanism_client_config(&bringup, party, "127.0.0.1", 0);
    channel_clear(&channel);
    return config;
}

static inline SSL_CTX *peer_context(const struct client_config *config) {
    SSL_CTX *context = NULL;
    struct error error;

    if (tls_context_server(&context, config, &error) < 0)
        fail_msg("%s", error.text);
    return context;
}

#endif
