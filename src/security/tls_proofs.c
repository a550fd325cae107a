#include "security/tls_proofs.h"

#include "security/tls_algorithms.h"

#include <string.h>

/* What a client offers instead: names of one line are for certificates of both kinds. */
static const struct {
    const char *ciphers, *names[2];
    bool shared_key;
} other_ciphers[] = {
    {.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
     .names = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}},
    {.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
     .names = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"}},
    {.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
     .names = {"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"}},
    {.ciphers = "PSK-AES128-GCM-SHA256",
     .names = {"PSK-AES128-GCM-SHA256", "PSK-AES128-GCM-SHA256"},
     .shared_key = true},
    {.ciphers = "ECDHE-PSK-CHACHA20-POLY1305",
     .names = {"ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-CHACHA20-POLY1305"},
     .shared_key = true},
};
static const char *const other_suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                           "TLS_CHACHA20_POLY1305_SHA256"};
static const char *const other_groups[] = {"X25519", "P-256", "P-384", "P-521"};

static const char *find_cipher(const char *ciphers, bool shared_key) {
    for (size_t i = 0; i < ARRAY_SIZE(other_ciphers); i++)
        if (other_ciphers[i].shared_key == shared_key &&
            !tls_algorithms_has_cipher(ciphers, other_ciphers[i].names[0]) &&
            !tls_algorithms_has_cipher(ciphers, other_ciphers[i].names[1]))
            return other_ciphers[i].ciphers;
    return NULL;
}

static const char *find_suite(const char *suites) {
    for (size_t i = 0; i < ARRAY_SIZE(other_suites); i++)
        if (!tls_algorithms_has_suite(suites, other_suites[i]))
            return other_suites[i];
    return NULL;
}

static const char *find_group(const char *groups) {
    for (size_t i = 0; i < ARRAY_SIZE(other_groups); i++)
        if (!tls_algorithms_has_group(groups, other_groups[i]))
            return other_groups[i];
    return NULL;
}

bool tls_has_other_cipher(const char *ciphers, bool shared_key) {
    return *ciphers && find_cipher(ciphers, shared_key);
}

bool tls_has_other_suite(const char *suites) {
    return *suites && find_suite(suites);
}

bool tls_has_other_group(const char *groups) {
    return *groups && find_group(groups);
}

/* ---- clients that must not get in ---- */

void tls_as_plaintext(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.enabled = 0;
}

static void speak_only(struct tls_config *tls, int64_t version) {
    tls->min_version = tls->max_version = version;
    tls->lenient = 0;
    text_replace(&tls->ciphers, "");
    text_replace(&tls->suites, "");
    text_replace(&tls->groups, "");
}

void tls_as_older_version(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    speak_only(&config->tls, config->tls.min_version - 1);
}

void tls_as_newer_version(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    speak_only(&config->tls, config->tls.max_version + 1);
}

void tls_with_other_cipher(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.min_version = config->tls.max_version = TLS_1_2;
    text_replace(&config->tls.ciphers,
                 find_cipher(config->tls.ciphers, *config->tls.psk_identity != '\0'));
}

void tls_with_other_suite(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.min_version = config->tls.max_version = TLS_1_3;
    text_replace(&config->tls.suites, find_suite(config->tls.suites));
}

void tls_with_other_group(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.min_version = config->tls.max_version = TLS_1_3;
    text_replace(&config->tls.groups, find_group(config->tls.groups));
}

/* ---- tickets ---- */

static int look(const struct proof_setup *setup, bool *ret_ticket, bool *ret_resumed,
                struct proof_seen *ret, struct error *error) {
    int r = setup->resume(setup->right, ret_ticket, ret_resumed, ret->cause, error);

    if (r == 0)
        (void)snprintf(ret->observed, sizeof(ret->observed), "%s",
                       !*ret_ticket   ? TLS_NO_TICKET_CAUSES
                       : *ret_resumed ? TLS_RESUMES_CAUSES
                                      : "a ticket, and not resumed");
    return r;
}

int tls_resumes(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    bool ticket, resumed = false;
    int r = look(setup, &ticket, &resumed, ret, error);

    if (r == 0)
        ret->held = ticket && resumed;
    return r;
}

int tls_gives_no_ticket(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error) {
    bool ticket, resumed = false;
    int r = look(setup, &ticket, &resumed, ret, error);

    if (r == 0)
        ret->held = !ticket && text_equal(ret->cause, "connack 0");
    return r;
}
