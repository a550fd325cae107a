/*
 * client_config - all that decides how one party speaks on the measured connection: where, as
 * whom, with which TLS, and with what its payloads are sealed. Pure data: mechanisms fill it,
 * transports and clients obey it, proofs alter it. The broker's side is described by the same
 * struct.
 *
 * It travels between driver, agent and worker as JSON; it may hold a password and keys, so it is
 * never logged and never put on a command line.
 */
#ifndef BENCH_MODEL_CLIENT_CONFIG_H
#define BENCH_MODEL_CLIENT_CONFIG_H

#include "model/setting.h"

/* How long the other side may take to answer, be it to TCP, TLS, a CONNECT or a SUBSCRIBE: more
 * than twice the 5 s after which WireGuard makes a handshake again of which a packet was lost. */
#define CLIENT_ANSWER    "12s"
#define CLIENT_ANSWER_S  12
#define CLIENT_ANSWER_NS (CLIENT_ANSWER_S * INT64_C(1000000000))

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
    char *passphrase_file;      /* its first line opens the key; empty: the key is not encrypted */
    int64_t require_peer;       /* the server's side: 1 when clients must show a certificate */
    char *crl_file;             /* the server's side: what was revoked; empty: not looked at */
    char *psk_identity;         /* a shared key in place of certificates, and which; empty: none */
    char *psk_key;              /* hexadecimal digits */
    int64_t min_version, max_version; /* enum tls_version */
    /* 1: this client takes TLS 1.2 as well, whatever min_version asks: the broker is another's. */
    int64_t lenient;
    /* OpenSSL's names, signatures IANA's; empty: the library's default */
    char *ciphers, *suites, *groups, *signatures;
    int64_t tickets; /* 1: a server gives tickets, by which a client may resume; 0: never */
};

enum mqtt_version { MQTT_3_1_1, MQTT_5 };
#define MQTT_VERSION_WORDS "3.1.1 5"

enum mqtt_library_name { LIBRARY_MOSQUITTO, LIBRARY_PAHO };
#define MQTT_LIBRARY_WORDS "libmosquitto paho"

/* How the payload of a PUBLISH is sealed; security/seal.h has the enums behind the words. */
#define PAYLOAD_CIPHER_WORDS "aes-128-gcm aes-256-gcm chacha20-poly1305"
#define PAYLOAD_KEY_WORDS    "shared x25519 ec:P-256 rsa-oaep"

struct payload_config {
    int64_t cipher, key; /* places in the words */
    char *seals_with;    /* the secret, or a public key in PEM; empty: what it publishes is clear */
    char *opens_with;    /* the secret, or a private key; empty: what it receives is taken as is */
};

struct client_config {
    char *address; /* where to connect */
    int64_t port;
    /* Where the broker's host is reached beside the channel: another address than `address` when
     * the channel runs in a tunnel between the hosts. The agent's to fill in. */
    char *outer_address;
    char *expected_host; /* whom the broker's certificate must name: address or host name */
    char *server_name;   /* what the client asks for in TLS (SNI): a host name; empty: nothing */
    char *alpn;          /* protocols that it offers in TLS (ALPN), separated by blanks; or empty */
    char *client_id;
    /* 1: the broker knows this party by this identifier alone. All of its connections have it, and
     * so there is one at a time: a broker ends the older of two with the same. */
    int64_t one_session;
    char *username, *password; /* username empty: none is sent */
    char *token_key; /* not empty: instead, a fresh token made under it (security/token.h) */
    int64_t mqtt;    /* enum mqtt_version */
    struct tls_config tls;
    struct payload_config payload;
    /* Where it publishes, when the broker permits no others; empty: as the probe or proof says. */
    char *data_topic, *credit_topic, *latency_topic, *telemetry_topic, *proof_topic;
    /* Of the channel, for whichever party sends bulk data: the share of its time, in millionths, in
     * which it is silent on purpose (probes/pauses.h). */
    int64_t loss_ppm;
    int64_t answer_ns;    /* CLIENT_ANSWER_NS, and more over a link that takes long */
    int64_t max_inflight; /* that somebody else's broker takes; 0: it is ours, as configured */
    /* How many messages of QoS 1 and 2 it sends before the first is acknowledged; 0: as the library
     * does by itself. Of a worker, from its parameters (role_client), so it does not travel. */
    int64_t inflight;
    /* enum mqtt_library_name, which has the connection; of a worker, from its settings. */
    int64_t library;
};
extern const struct setting_group client_config_group;

/* Whether the connection runs inside something else, on a link whose address is outer_address. */
bool client_config_is_enclosed(const struct client_config *config);

/* Gives a session beside the party's own (telemetry's) an identifier of its own, as a broker ends
 * the older of two with the same: "client2-delivery". With one_session there is none. */
void client_config_name_session(struct client_config *config, const char *session);

/* Makes it log in so, and with no token; with an empty name, as nobody. The texts may be its own.
 */
void client_config_log_in(struct client_config *config, const char *username, const char *password);

/* The pattern with `client1` or `client2` in the place of each %c, and % of each %%; the caller's.
 */
char *client_config_fill_in(const char *pattern, enum party party);
/* Whether it has a %c, and so is another text for each of the two. */
bool client_config_tells_apart(const char *pattern);

static inline void client_config_free(struct client_config *config) {
    setting_block_free(&client_config_group, config);
}
DEFINE_CLEANUP(struct client_config *, client_config_free)

#endif
