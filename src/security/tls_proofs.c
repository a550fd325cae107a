#include "security/tls_proofs.h"

#include "security/tls_context.h"

#include <string.h>

/* What a client offers instead of what was asked for. Ciphers of one line are for certificates of
 * both kinds. */
static const char *const ciphers_of_certificates[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    NULL,
};
static const char *const ciphers_of_keys[] = {"PSK-AES128-GCM-SHA256",
                                              "ECDHE-PSK-CHACHA20-POLY1305", NULL};
static const char *const other_suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                           "TLS_CHACHA20_POLY1305_SHA256", NULL};
static const char *const other_signatures[] = {"ecdsa_secp384r1_sha384", "ecdsa_secp256r1_sha256",
                                               "rsa_pss_rsae_sha512", "rsa_pss_rsae_sha256", NULL};
static const char *const other_groups[] = {"X25519", "P-256", "P-384", "P-521", NULL};

/* The first that is not in the list, or NULL. */
static const char *find_other(const char *const *others, const char *list,
                              bool has(const char *list, const char *name)) {
    while (*others && has(list, *others))
        others++;
    return *others;
}

static const char *find_cipher(const char *list, bool shared_key) {
    return find_other(shared_key ? ciphers_of_keys : ciphers_of_certificates, list, tls_has_cipher);
}

static const char *find_suite(const char *list) {
    return find_other(other_suites, list, tls_has_suite);
}

static const char *find_group(const char *list) {
    return find_other(other_groups, list, tls_has_group);
}

/* Of the same kind of key, if there is one: TLS 1.2 could go without the key, and then the cipher
 * would be what is refused. */
static const char *find_signature(const char *list) {
    const char *const *others = other_signatures;

    while (*others &&
           (strncmp(*others, list, strlen("rsa")) != 0 || tls_has_signature(list, *others)))
        others++;
    return *others ? *others : find_other(other_signatures, list, tls_has_signature);
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

bool tls_has_other_signature(const char *signatures) {
    return *signatures && find_signature(signatures);
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
    text_replace(&tls->signatures, "");
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
    config->tls.min_version = config->tls.max_version;
    text_replace(&config->tls.groups, find_group(config->tls.groups));
}

void tls_with_other_signature(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->tls.signatures, find_signature(config->tls.signatures));
}

/* ---- a client that must get in ---- */

int tls_takes_groups(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *one = setting_block_copy(&client_config_group, setup->right);
    const char *groups = setup->right->tls.groups;
    size_t length;

    for (ret->held = true; ret->held && *groups; groups += length + (groups[length] == ':')) {
        int r;

        length = strcspn(groups, ":");
        free(one->tls.groups);
        one->tls.groups = text_format("%.*s", (int)length, groups);
        r = setup->connect(one, &ret->held, ret->cause, error);
        if (r < 0)
            return r;
    }
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s%s",
                   ret->held ? TLS_TAKES_GROUPS_CAUSES : "refused with ",
                   ret->held ? "" : one->tls.groups);
    return 0;
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
