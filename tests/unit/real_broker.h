/*
 * real_broker - for the unit tests: a Mosquitto with a configuration of the test's own, on a port
 * that it keeps, so that it can be killed and started again; and certificates of clients' own.
 */
#ifndef BENCH_TESTS_REAL_BROKER_H
#define BENCH_TESTS_REAL_BROKER_H

#include "deadline.h"
#include "workshop.h"

#include "base/process.h"
#include "security/pki_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/socket.h>

struct real_broker {
    char *folder; /* of its configuration, log and files; borrowed */
    struct process process;
    int port;
};

static inline bool real_broker_accepts(const struct real_broker *broker) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)broker->port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static inline char *real_broker_log(const struct real_broker *broker) {
    CLEANUP_FREE char *path = text_format("%s/log", broker->folder);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = memory_new(1 << 20, 1);

    if (file)
        (void)!fread(text, 1, (1 << 20) - 1, file);
    return text;
}

/* Starts it, again if it was killed; returns when it accepts connections. */
static inline void real_broker_begin(struct real_broker *broker) {
    CLEANUP_FREE char *path = NULL, *file = text_format("%s/conf", broker->folder);
    const char *const argv[] = {"mosquitto", "-c", file, NULL};
    const struct process_options options = {.argv = argv, .program = NULL};
    struct process_options found = options;
    int64_t deadline = deadline_from_now();
    struct error error;

    assert_int_equal(process_find(&path, "mosquitto", &error), 0);
    found.program = path;
    if (process_start(&broker->process, &found, &error) < 0)
        fail_msg("%s", error.text);
    do {
        if (real_broker_accepts(broker))
            return;
    } while (deadline_allows(deadline));
    CLEANUP_FREE char *log = real_broker_log(broker);
    fail_msg("no broker: %s", log);
}

static inline void real_broker_kill(struct real_broker *broker) {
    process_stop(&broker->process);
}

/* Outside the range from which clients get theirs; the next port is free, too. */
static inline void real_broker_choose_port(struct real_broker *broker) {
    unsigned char random[2];
    bool taken;

    do {
        assert_int_equal(RAND_bytes(random, sizeof(random)), 1);
        broker->port = 20001 + (random[0] << 8 | random[1]) % 10000;
        taken = real_broker_accepts(broker);
        broker->port--;
    } while (taken || real_broker_accepts(broker));
}

/* `lines` follow those of the listener. */
static inline void real_broker_start(struct real_broker *broker, char *folder, const char *lines) {
    CLEANUP_FREE char *conf = NULL;

    broker->folder = folder;
    if (!broker->port)
        real_broker_choose_port(broker);
    conf = text_format("user root\nlog_dest file %s/log\nlog_type all\nlistener %d 127.0.0.1\n%s\n",
                       folder, broker->port, lines);
    workshop_put(folder, "conf", conf);
    real_broker_begin(broker);
}

/* ---- certificates ---- */

struct test_ca {
    struct pki_authority authority;
    char *folder; /* borrowed */
};

/* Makes FOLDER/NAME.crt and NAME.key; a NULL issuer: signed by itself, which *ret owns then. */
static inline void test_ca_certify(const struct pki_authority *issuer, const char *folder,
                                   const char *name, enum pki_role role,
                                   struct pki_authority *ret) {
    CLEANUP_FREE char *key_name = text_format("%s.key", name),
                      *certificate_name = text_format("%s.crt", name), *key = NULL,
                      *certificate = NULL;
    CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *addresses = NULL;
    int64_t now_s = clock_realtime_ns() / NS_PER_S;
    struct pki_authority made = {NULL, NULL};
    struct pki_profile profile = {.common_name = name,
                                  .role = role,
                                  .not_before_s = now_s - 86400,
                                  .not_after_s = now_s + 86400};
    struct error error;

    if (role == PKI_SERVER)
        assert_int_equal(pki_addresses_parse("127.0.0.1", &addresses, &error), 0);
    profile.addresses = addresses;
    if (pki_make_key(PKI_DEFAULT_KEY_TYPE, NULL, &made.key, &key, &error) < 0 ||
        pki_certify(issuer ? issuer : &made, &profile, made.key, &made.certificate, &error) < 0 ||
        pki_certificate_pem(made.certificate, &certificate, &error) < 0)
        fail_msg("%s", error.text);
    workshop_put(folder, key_name, key);
    workshop_put(folder, certificate_name, certificate);
    if (ret)
        *ret = made;
    else
        pki_authority_clear(&made);
}

/* A CA with a certificate of the broker's. */
static inline void test_ca_make(struct test_ca *ca, char *folder) {
    ca->folder = folder;
    test_ca_certify(NULL, folder, "ca", PKI_CA, &ca->authority);
    test_ca_certify(&ca->authority, folder, "broker", PKI_SERVER, NULL);
}

#endif
