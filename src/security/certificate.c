/* certificate - clients must show a certificate of our CA: with tls, mutual authentication. */
#include "security/mechanism.h"
#include "security/tls.h"

struct certificate_settings {
    int64_t crl;
};

static const struct setting rows[] = {
    {"revocation", SETTING_CHOICE, "no", .choices = "no crl",
     .help = "crl: the broker looks for clients' certificates in the CA's list of revoked ones",
     .offset = offsetof(struct certificate_settings, crl)},
};
static const struct setting_group group =
    SETTING_GROUP("certificate", SETTING_CHANNEL, rows, struct certificate_settings);

static bool looks_for_revoked(const struct channel *channel) {
    const struct certificate_settings *settings = settings_get(&channel->settings, &group);

    return settings->crl;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    (void)error;
    fprintf(lines, "cafile %s/broker/ca.crt\nrequire_certificate true\n", store);
    if (looks_for_revoked(bringup->channel))
        fprintf(lines, "crlfile %s/broker/ca.crl\n", store);
    return 0;
}

static void show(struct client_config *config, const char *folder, const char *name) {
    free(config->tls.cert_file);
    free(config->tls.key_file);
    config->tls.cert_file = text_format("%s/%s.crt", folder, name);
    config->tls.key_file = text_format("%s/%s.key", folder, name);
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    CLEANUP_FREE char *folder = text_format("%s/%s", store, party_name(who));

    if (who != PARTY_BROKER) {
        show(config, folder, party_name(who));
        return;
    }
    config->tls.require_peer = 1;
    if (looks_for_revoked(bringup->channel)) {
        free(config->tls.crl_file);
        config->tls.crl_file = text_format("%s/ca.crl", folder);
    }
}

static void as_nobody(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->tls.cert_file, "");
    text_replace(&config->tls.key_file, "");
}

static void show_proof(struct client_config *config, const struct bringup *bringup,
                       const char *name) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    CLEANUP_FREE char *folder = text_format("%s/proof", store);

    show(config, folder, name);
}

static void as_stranger(struct client_config *config, const struct bringup *bringup) {
    show_proof(config, bringup, "stranger");
}

static void as_expired(struct client_config *config, const struct bringup *bringup) {
    show_proof(config, bringup, "expired");
}

static void as_revoked(struct client_config *config, const struct bringup *bringup) {
    show_proof(config, bringup, "revoked");
}

static const struct proof proofs[] = {
    {.name = "no-certificate-refused",
     .help = "a client without a certificate is turned away",
     .alter = as_nobody,
     .causes = "alert 116|alert 40"},
    {.name = "stranger-refused",
     .help = "a certificate of another CA is turned away",
     .alter = as_stranger,
     .causes = "alert 48"},
    {.name = "expired-refused",
     .help = "an expired certificate of our CA is turned away",
     .alter = as_expired,
     .own_ca = true,
     .causes = "alert 45"},
    {.name = "revoked-refused",
     .help = "a certificate of our CA that is on its list of revoked ones is turned away",
     .alter = as_revoked,
     .causes = "alert 44",
     .applies = looks_for_revoked,
     .own_ca = true},
};

const struct mechanism mechanism_certificate = {
    .group = &group,
    .help = "clients show a certificate of our CA too (mutual TLS)",
    .needs = "tls",
    .broker = broker,
    .party = party,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
