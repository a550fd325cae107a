/* certificate - clients must show a certificate of our CA: with tls, mutual authentication. */
#include "security/mechanism.h"

#include "security/key_proofs.h"
#include "security/key_token.h"
#include "security/secret.h"
#include "security/tls.h"

#include <errno.h>

struct certificate_settings {
    int64_t crl, key_store, wrong_pin;
    char *module, *token, *pin;
};

static int check_pin(const char *value, struct error *error) {
    return !*value || secret_path(value)
               ? 0
               : error_set(error, -EINVAL, "a PIN is never written here; right would be file:PATH");
}

static const struct setting rows[] = {
    {"revocation", SETTING_CHOICE, "no", .choices = "no crl",
     .help = "crl: the broker looks for clients' certificates in the CA's list of revoked ones",
     .offset = offsetof(struct certificate_settings, crl)},
    {"key_store", SETTING_CHOICE, "file", .choices = "file pkcs11",
     .help = "where clients' keys are; pkcs11: in a token, made there and never given out",
     .offset = offsetof(struct certificate_settings, key_store)},
    {"pkcs11_module", SETTING_TEXT, "",
     .help = "the library of a token of the hosts; left out: SoftHSM, with a token of our own",
     .offset = offsetof(struct certificate_settings, module), .effect = SETTING_EXECUTES},
    {"pkcs11_token", SETTING_TEXT, "", .help = "the label of that token",
     .offset = offsetof(struct certificate_settings, token)},
    {"pkcs11_pin", SETTING_TEXT, "",
     .help = "file:PATH, of which the first line is that token's PIN, on each host",
     .offset = offsetof(struct certificate_settings, pin), .check = check_pin,
     .effect = SETTING_READS},
    {"pkcs11_wrong_pin", SETTING_CHOICE, "no", .choices = "no yes",
     .help = "yes: a proof may try a wrong PIN in that token, which may lock it",
     .offset = offsetof(struct certificate_settings, wrong_pin)},
};
static const struct setting_group group =
    SETTING_GROUP("certificate", SETTING_CHANNEL, rows, struct certificate_settings);

static const struct certificate_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static bool looks_for_revoked(const struct channel *channel) {
    return own(channel)->crl;
}

void certificate_name_token(const struct channel *channel, struct pki_chain *chain) {
    const struct certificate_settings *settings = own(channel);

    if (!channel_uses(channel, "certificate"))
        return;
    if (settings->key_store)
        chain->tokens = chain->tokens ? PKI_TOKENS_ALL : PKI_TOKENS_CLIENTS;
    if (!chain->tokens || !*settings->module)
        return;
    chain->token_module = settings->module;
    chain->token = settings->token;
    chain->token_pin = secret_path(settings->pin);
}

/* Whether the settings of a token go together; tls has looked at all else. */
static int check(const struct channel *channel, struct error *error) {
    const struct certificate_settings *settings = own(channel);
    const char *const parts[] = {settings->module, settings->token, settings->pin};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        n += *parts[i] != '\0';
    if (n && n < ARRAY_SIZE(parts))
        return error_set(error, -EINVAL,
                         "certificate.pkcs11_module, pkcs11_token and pkcs11_pin: name a token "
                         "together; set all, or none for one of SoftHSM");
    if (n && tls_chain(channel).tokens == PKI_TOKENS_NONE)
        return error_set(error, -EINVAL,
                         "certificate.pkcs11_token: no key is in a token; add "
                         "certificate.key_store = pkcs11");
    if (n && (*settings->module != '/' || *secret_path(settings->pin) != '/'))
        return error_set(error, -EINVAL,
                         "certificate.pkcs11_module and pkcs11_pin: are paths on each host; "
                         "write them from / on");
    return 0;
}

/* Where members have certificates of their own, in files. */
static bool has_members(const struct fleet_plan *fleet) {
    return fleet && fleet->certificates == FLEET_OWN;
}

static const char *no_fleet(const struct channel *channel, const struct fleet_plan *fleet) {
    return has_members(fleet) && own(channel)->key_store
               ? "certificate.key_store: a token has no room for the keys of a fleet; set "
                 "fleet.certificates = shared, or key_store = file"
               : NULL;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct pki_options options = tls_pki_options(channel, issuer);
    int64_t issued;

    return has_members(issuer->fleet)
               ? pki_fleet_ensure(&options, issuer->fleet->clients, issuer->members, &issued, error)
               : 0;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    (void)error;
    fprintf(lines, "cafile %s/broker/ca.crt\nrequire_certificate true\n", store);
    if (looks_for_revoked(bringup->channel))
        fprintf(lines, "crlfile %s/broker/ca.crl\n", store);
    return 0;
}

/* The certificate of a holder, from that folder of the store, and its key. */
static void show(struct client_config *config, const struct bringup *bringup, const char *folder,
                 const char *name) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    const struct pki_chain chain = tls_chain(bringup->channel);

    free(config->tls.cert_file);
    free(config->tls.key_file);
    config->tls.cert_file = text_format("%s/%s/%s.crt", store, folder, name);
    config->tls.key_file = pki_key_name(bringup->certs, &chain, name);
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    CLEANUP_FREE char *folder = text_format("%s/%s", store, party_name(who));

    if (who != PARTY_BROKER) {
        show(config, bringup, party_name(who), party_name(who));
        return;
    }
    config->tls.require_peer = 1;
    if (looks_for_revoked(bringup->channel)) {
        free(config->tls.crl_file);
        config->tls.crl_file = text_format("%s/ca.crl", folder);
    }
}

static void member(const struct bringup *bringup, int64_t number, struct client_config *config) {
    const struct pki_chain chain = tls_chain(bringup->channel);

    if (!has_members(bringup->fleet))
        return;
    free(config->tls.cert_file);
    config->tls.cert_file = pki_member_file(bringup->certs, &chain, number);
    text_replace(&config->tls.key_file, config->tls.cert_file);
}

static void as_nobody(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->tls.cert_file, "");
    text_replace(&config->tls.key_file, "");
}

static void as_stranger(struct client_config *config, const struct bringup *bringup) {
    show(config, bringup, "proof", "stranger");
}

static void as_expired(struct client_config *config, const struct bringup *bringup) {
    show(config, bringup, "proof", "expired");
}

static void as_revoked(struct client_config *config, const struct bringup *bringup) {
    show(config, bringup, "proof", "revoked");
}

static bool has_token(const struct channel *channel) {
    return own(channel)->key_store;
}

bool certificate_may_try_pin(const struct channel *channel) {
    return !tls_chain(channel).token || own(channel)->wrong_pin;
}

static bool may_try_pin(const struct channel *channel) {
    return has_token(channel) && certificate_may_try_pin(channel);
}

/* What keys in a token take, where the user names none. */
static int available(char **ret_how, struct error *error) {
    *ret_how = key_token_possible(NULL, error) < 0 ? text_copy(error->text)
                                                   : text_copy("also with keys in SoftHSM");
    return 0;
}

/* Whoever signs classically may, but for what the broker asks for. */
static void as_classical(struct client_config *config, const struct bringup *bringup) {
    show(config, bringup, "proof", "classical");
    text_replace(&config->tls.signatures, "");
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
    {.name = "classical-refused",
     .help = "a certificate of our CA for a classical key is turned away",
     .alter = as_classical,
     .causes = "alert 116|alert 40",
     .applies = tls_takes_no_classical,
     .own_ca = true},
    {.name = "revoked-refused",
     .help = "a certificate of our CA that is on its list of revoked ones is turned away",
     .alter = as_revoked,
     .causes = "alert 44",
     .applies = looks_for_revoked,
     .own_ca = true},
    {.name = "no-key-file",
     .help = "no file on the host has the private key that the clients use",
     .act = key_proof_no_file,
     .causes = KEY_PROOF_NO_FILE,
     .applies = has_token},
    {.name = "key-not-given-out",
     .help = "the token refuses to give the private key away",
     .act = key_proof_not_given_out,
     .causes = KEY_PROOF_NOT_GIVEN_OUT,
     .applies = has_token},
    {.name = "wrong-pin-refused",
     .help = "the token refuses to sign for a wrong PIN; not tried in a token of the user's, which "
             "may lock, unless pkcs11_wrong_pin = yes",
     .act = key_proof_wrong_pin,
     .causes = KEY_PROOF_WRONG_PIN,
     .applies = may_try_pin},
    {.name = "token-without-key-refused",
     .help = "a client whose token lacks the key cannot sign",
     .act = key_proof_no_key,
     .causes = KEY_PROOF_NO_KEY,
     .applies = has_token},
};

const struct mechanism mechanism_certificate = {
    .group = &group,
    .help = "clients show a certificate of our CA too (mutual TLS)",
    .needs = "tls",
    .check = check,
    .available = available,
    .no_fleet = no_fleet,
    .issue = issue,
    .broker = broker,
    .party = party,
    .member = member,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
