/* tls - the connection is encrypted and the broker shows a certificate. */
#include "security/tls.h"

#include "security/pki.h"
#include "security/tls_context.h"

#include <errno.h>

struct tls_settings {
    int64_t min_version, max_version; /* places in version_words */
    char *ciphers, *suites, *groups;
    int64_t key_type, tickets;
};

#define VERSION_WORDS "1.2 1.3"
#define KEY_TYPES     "ec:P-256 rsa:2048 rsa:3072 ed25519"

static const struct setting rows[] = {
    {"min_version", SETTING_CHOICE, "1.3", .choices = VERSION_WORDS,
     .help = "the oldest TLS version that either side accepts",
     .offset = offsetof(struct tls_settings, min_version)},
    {"max_version", SETTING_CHOICE, "1.3", .choices = VERSION_WORDS,
     .help = "the newest TLS version that either side offers",
     .offset = offsetof(struct tls_settings, max_version)},
    {"ciphers", SETTING_TEXT, "", .help = "cipher list of TLS 1.2, in OpenSSL's words",
     .offset = offsetof(struct tls_settings, ciphers)},
    {"suites", SETTING_TEXT, "", .help = "cipher suites of TLS 1.3, separated by colons",
     .offset = offsetof(struct tls_settings, suites)},
    {"groups", SETTING_TEXT, "",
     .help = "key exchange groups, separated by colons, as X25519:P-256",
     .offset = offsetof(struct tls_settings, groups)},
    {"key_type", SETTING_CHOICE, "ec:P-256", .choices = KEY_TYPES,
     .help = "of every certificate and key", .offset = offsetof(struct tls_settings, key_type)},
    {"resumption", SETTING_CHOICE, "ticket", .choices = "none ticket",
     .help = "ticket: the broker gives tickets, as it does by itself; none: it gives none",
     .offset = offsetof(struct tls_settings, tickets)},
};
static const struct setting_group group =
    SETTING_GROUP("tls", SETTING_CHANNEL, rows, struct tls_settings);

static const struct tls_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* VERSION_WORDS leaves out the 1.1 of enum tls_version. */
static int64_t version(int64_t choice) {
    return choice + TLS_1_2;
}

static void fill(const struct tls_settings *settings, struct tls_config *tls) {
    tls->enabled = 1;
    tls->min_version = version(settings->min_version);
    tls->max_version = version(settings->max_version);
    text_replace(&tls->ciphers, settings->ciphers);
    text_replace(&tls->suites, settings->suites);
    text_replace(&tls->groups, settings->groups);
    tls->tickets = settings->tickets;
}

static int check(const struct channel *channel, struct error *error) {
    const struct tls_settings *settings = own(channel);
    struct client_config *config;
    int r;

    if (settings->max_version < settings->min_version)
        return error_set(error, -EINVAL, "tls.max_version: is below tls.min_version; set both");
    if (*settings->suites && version(settings->max_version) < TLS_1_3)
        return error_set(error, -EINVAL,
                         "tls.suites: are of TLS 1.3, which tls.max_version excludes");
    if (*settings->ciphers && version(settings->min_version) > TLS_1_2)
        return error_set(error, -EINVAL,
                         "tls.ciphers: are of TLS 1.2, which tls.min_version excludes");
    config = setting_block_new(&client_config_group);
    fill(settings, &config->tls);
    r = tls_context_check(&config->tls, error);
    client_config_free(config);
    return r;
}

char *tls_store(const struct channel *channel, const char *certs) {
    CLEANUP_FREE char *key_type = setting_choice_word(KEY_TYPES, own(channel)->key_type);

    return pki_store(certs, key_type);
}

/* Asks for a passphrase that the user has once typed, but never for a new one: whoever just wants
 * to measure gets one generated. */
static int find_passphrase(void *context, bool creating, char **ret, struct error *error) {
    const struct issuer *issuer = context;
    struct pki_passphrase_source source = {issuer->certs, issuer->may_prompt && !creating};

    return pki_passphrase(&source, creating, ret, error);
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    CLEANUP_FREE char *key_type = setting_choice_word(KEY_TYPES, own(channel)->key_type);
    struct pki_outcome outcome;
    struct pki_options options = {
        .folder = issuer->certs,
        .key_type = key_type,
        .validity_ns = issuer->validity_ns,
        .renew_before_ns = issuer->renew_before_ns,
        .addresses = issuer->addresses,
        .passphrase = find_passphrase,
        .context = issuer,
        .parties = issuer->parties,
    };

    return pki_ensure(&options, &outcome, error);
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    const struct tls_settings *settings = own(bringup->channel);
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    (void)error;
    fprintf(lines, "certfile %s/broker/broker.crt\nkeyfile %s/broker/broker.key\n", store, store);
    fprintf(lines, "tls_version tlsv1.%d\n", version(settings->min_version) == TLS_1_3 ? 3 : 2);
    if (*settings->ciphers)
        fprintf(lines, "ciphers %s\n", settings->ciphers);
    if (*settings->suites)
        fprintf(lines, "ciphers_tls1.3 %s\n", settings->suites);
    return 0;
}

/* Mosquitto's own setting is a minimum; the newest version, the groups and what there shall be of
 * tickets can only be set through OpenSSL's configuration. */
static void broker_openssl(const struct bringup *bringup, FILE *lines) {
    const struct tls_settings *settings = own(bringup->channel);

    fprintf(lines, "MaxProtocol = TLSv1.%d\n", version(settings->max_version) == TLS_1_3 ? 3 : 2);
    if (*settings->groups)
        fprintf(lines, "Groups = %s\n", settings->groups);
    if (!settings
             ->tickets) /* the second of TLS 1.3, where the first makes them stand for a cache */
        fprintf(lines, "Options = -SessionTicket\nNumTickets = 0\n");
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    fill(own(bringup->channel), &config->tls);
    free(config->tls.ca_file);
    config->tls.ca_file = text_format("%s/%s/ca.crt", store, party_name(who));
    if (who != PARTY_BROKER)
        return;
    text_replace(&config->expected_host, "");
    free(config->tls.cert_file);
    free(config->tls.key_file);
    config->tls.cert_file = text_format("%s/broker/broker.crt", store);
    config->tls.key_file = text_format("%s/broker/broker.key", store);
}

static void as_plaintext(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.enabled = 0;
}

static void as_older_version(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    config->tls.max_version = config->tls.min_version - 1;
    config->tls.min_version = config->tls.max_version;
    text_replace(&config->tls.ciphers, "");
    text_replace(&config->tls.suites, "");
    text_replace(&config->tls.groups, "");
}

static void as_trusting_other_ca(struct client_config *config, const struct bringup *bringup) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    free(config->tls.ca_file);
    config->tls.ca_file = text_format("%s/proof/other-ca.crt", store);
}

static void as_expecting_other_host(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->expected_host, "wrong.example");
}

static const struct proof proofs[] = {
    {.name = "plaintext-refused",
     .help = "a client without TLS gets no CONNACK",
     .alter = as_plaintext,
     .causes = "alert 70|alert 22|alert 10|closed"},
    {.name = "older-version-refused",
     .help = "a client of a version below the minimum is turned away",
     .alter = as_older_version,
     .causes = "alert 70"},
    {.name = "other-ca-distrusted",
     .help = "a client that trusts another CA leaves",
     .alter = as_trusting_other_ca,
     .causes = "verify 19|verify 20"},
    {.name = "other-host-distrusted",
     .help = "a client that expects another host name leaves",
     .alter = as_expecting_other_host,
     .causes = "verify 62"},
};

const struct mechanism mechanism_tls = {
    .group = &group,
    .help = "the connection is encrypted; the broker shows a certificate",
    .check = check,
    .issue = issue,
    .broker = broker,
    .broker_openssl = broker_openssl,
    .party = party,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
