/*
 * client_config - all that decides how one party speaks on the measured connection: where, as
 * whom, and with which TLS. Pure data: mechanisms fill it, transports and clients obey it, proofs
 * alter it. The broker's side is described by the same struct.
 *
 * It travels between driver, agent and worker as JSON; it may hold a password, so it is never
 * logged and never put on a command line.
 */
#ifndef BENCH_MODEL_CLIENT_CONFIG_H
#define BENCH_MODEL_CLIENT_CONFIG_H

#include "model/setting.h"

enum party { PARTY_BROKER, PARTY_CLIENT1, PARTY_CLIENT2 };
#define PARTY_WORDS "broker client1 client2"

static inline const char *party_name(enum party party) {
    static const char *const names[] = {"broker", "client1", "client2"};

    return names[party];
}

enum tls_version { TLS_1_1, TLS_1_2, TLS_1_3 }; /* 1.1 only for proofs that it is refused */
#define TLS_VERSION_WORDS "1.1 1.2 1.3"

struct tls_config {
    int64_t enabled;            /* 0 or 1 */
    char *ca_file;              /* whom this party trusts */
    char *cert_file, *key_file; /* what it shows; empty: nothing */
    int64_t require_peer;       /* the server's side: 1 when clients must show a certificate */
    int64_t min_version, max_version; /* enum tls_version */
    char *ciphers, *suites, *groups;  /* OpenSSL's names; empty: the library's default */
};

struct client_config {
    char *address; /* where to connect */
    int64_t port;
    /* Where the broker's host is reached beside the channel: another address than `address` when
     * the channel runs in a tunnel between the hosts. The agent's to fill in. */
    char *outer_address;
    char *expected_host; /* whom the broker's certificate must name: address or host name */
    char *client_id;
    char *username, *password; /* username empty: none is sent */
    struct tls_config tls;
    /* Of the channel, for whichever party sends bulk data: the share of its time, in millionths, in
     * which it is silent on purpose (probes/pauses.h). */
    int64_t loss_ppm;
};
extern const struct setting_group client_config_group;

/* Whether the connection runs inside something else, on a link whose address is outer_address. */
bool client_config_is_enclosed(const struct client_config *config);

/* Gives a session beside the party's own (telemetry's) an identifier of its own, as a broker ends
 * the older of two with the same: "client2-delivery". */
void client_config_name_session(struct client_config *config, const char *session);

static inline void client_config_free(struct client_config *config) {
    setting_block_free(&client_config_group, config);
}
DEFINE_CLEANUP(struct client_config *, client_config_free)

#endif
