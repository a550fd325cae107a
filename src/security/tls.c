/* tls - the connection is encrypted and the broker shows a certificate. */
#include "security/tls.h"

#include "base/suggestion.h"
#include "security/key_proofs.h"
#include "security/key_token.h"
#include "security/pkcs11_module.h"
#include "security/tls_context.h"
#include "security/tls_proofs.h"

#include <errno.h>
#include <string.h>

struct tls_settings {
    int64_t min_version, max_version; /* places in version_words */
    char *ciphers, *suites, *groups, *signatures;
    int64_t key_type, ca_key_type; /* of the CA 0: the same, then as PKI_KEY_TYPES */
    int64_t key_store, tickets;
};

#define VERSION_WORDS "1.2 1.3"
#define RSA_SCHEMES   "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"

/* In the order of PKI_KEY_TYPES. */
enum {
    KEY_TYPE_P_256,
    KEY_TYPE_RSA_2048,
    KEY_TYPE_RSA_3072,
    KEY_TYPE_ED25519,
    KEY_TYPE_MLDSA_44,
    KEY_TYPE_MLDSA_65,
    KEY_TYPE_MLDSA_87,
};
/* RSA keys of TLS 1.3 sign with PSS, which takes as long as what is measured. */
static const struct tls_key keys[] = {
    [KEY_TYPE_P_256] = {"ECDSA P-256", NID_auth_ecdsa, "ecdsa_secp256r1_sha256", "ecdsa_secp256r1_",
                        "ecdsa_"},
    [KEY_TYPE_RSA_2048] = {"RSA-2048", NID_auth_rsa, RSA_SCHEMES, "rsa_pss_rsae_", "rsa_pkcs1_"},
    [KEY_TYPE_RSA_3072] = {"RSA-3072", NID_auth_rsa, RSA_SCHEMES, "rsa_pss_rsae_", "rsa_pkcs1_"},
    [KEY_TYPE_ED25519] = {"Ed25519", NID_auth_ecdsa, "ed25519", "ed25519", NULL},
    [KEY_TYPE_MLDSA_44] = {"ML-DSA-44", NID_undef, "mldsa44", "mldsa44", NULL},
    [KEY_TYPE_MLDSA_65] = {"ML-DSA-65", NID_undef, "mldsa65", "mldsa65", NULL},
    [KEY_TYPE_MLDSA_87] = {"ML-DSA-87", NID_undef, "mldsa87", "mldsa87", NULL},
};

#define CA_KEY_TYPES "same " PKI_KEY_TYPES

static int check_ca_key_type(const char *value, struct error *error) {
    CLEANUP_FREE char *meant = suggestion(value, "same");

    if (text_equal(value, "same"))
        return 0;
    return *meant
               ? error_set(error, -EINVAL, "'%s' is neither same%s nor a type of key", value, meant)
               : pki_check_key_type(value, error);
}

static const struct setting rows[] = {
    {"min_version", SETTING_CHOICE, "1.3", .choices = VERSION_WORDS,
     .help = "the oldest TLS version that either side accepts",
     .offset = offsetof(struct tls_settings, min_version)},
    {"max_version", SETTING_CHOICE, "1.3", .choices = VERSION_WORDS,
     .help = "the newest TLS version that either side offers",
     .offset = offsetof(struct tls_settings, max_version)},
    {"ciphers", SETTING_TEXT, "",
     .help = "cipher list of TLS 1.2, in OpenSSL's words; empty: ECDHE with AES-256-GCM; default: "
             "as each host's OpenSSL has it",
     .offset = offsetof(struct tls_settings, ciphers)},
    {"suites", SETTING_TEXT, "",
     .help = "cipher suites of TLS 1.3, separated by colons; empty: TLS_AES_256_GCM_SHA384; "
             "default: as each host's OpenSSL has it",
     .offset = offsetof(struct tls_settings, suites)},
    {"groups", SETTING_TEXT, "",
     .help = "key exchange groups, separated by colons; empty: X25519, and behind it P-256 where "
             "TLS 1.2 needs it for certificates; default: as each host's OpenSSL has it",
     .offset = offsetof(struct tls_settings, groups)},
    {"signatures", SETTING_TEXT, "",
     .help = "signature schemes, by IANA's names, separated by colons; empty: those of the key of "
             "the certificates and of their CA's; default: as each host's OpenSSL has it",
     .offset = offsetof(struct tls_settings, signatures)},
    {"key_type", SETTING_CHOICE, PKI_DEFAULT_KEY_TYPE, .choices = PKI_KEY_TYPES,
     .help = "of every certificate and key", .offset = offsetof(struct tls_settings, key_type),
     .check = pki_check_key_type},
    {"ca_key_type", SETTING_CHOICE, "same", .choices = CA_KEY_TYPES,
     .help = "of the CA that signs them; same: as key_type; keys of both types may then sign a "
             "handshake",
     .offset = offsetof(struct tls_settings, ca_key_type), .check = check_ca_key_type},
    {"key_store", SETTING_CHOICE, "file", .choices = "file pkcs11",
     .help = "where the broker's key is; pkcs11: in the token of certificate.pkcs11_token",
     .offset = offsetof(struct tls_settings, key_store)},
    {"resumption", SETTING_CHOICE, "ticket", .choices = "none ticket",
     .help = "ticket: the broker gives tickets, as it does by itself; none: it gives none",
     .offset = offsetof(struct tls_settings, tickets)},
};
static const struct setting_group group =
    SETTING_GROUP("tls", SETTING_CHANNEL, rows, struct tls_settings);

static const struct tls_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* Of the certificates, or of their CA. */
static const struct tls_key *key_of(const struct tls_settings *settings, bool ca) {
    return &keys[ca && settings->ca_key_type ? settings->ca_key_type - 1 : settings->key_type];
}

const struct tls_key *tls_key(const struct channel *channel, bool ca) {
    return key_of(own(channel), ca);
}

/* VERSION_WORDS leaves out the 1.1 of enum tls_version. */
static int64_t version(int64_t choice) {
    return choice + TLS_1_2;
}

static void fill(const struct tls_settings *settings, struct tls_config *tls) {
    tls->enabled = 1;
    tls->min_version = version(settings->min_version);
    tls->max_version = version(settings->max_version);
    text_replace(&tls->ciphers, tls_asked(settings->ciphers));
    text_replace(&tls->suites, tls_asked(settings->suites));
    text_replace(&tls->groups, tls_asked(settings->groups));
    text_replace(&tls->signatures, tls_asked(settings->signatures));
    tls->tickets = settings->tickets;
}

/* By keys of both types; the caller's. */
static char *signatures_of(const struct tls_settings *settings) {
    const char *ca = key_of(settings, true)->schemes;
    char *signatures = text_copy(key_of(settings, false)->schemes);

    if (!text_equal(ca, signatures))
        text_append(&signatures, ":", ca);
    return signatures;
}

/* What a channel leaves out is the same on every host, whatever its OpenSSL would prefer: runs on
 * different releases, and hosts of one run, are comparable. What a version has no use for stays
 * left out. */
static void settle(struct channel *channel, bool own_broker) {
    struct tls_settings *settings = settings_edit(&channel->settings, &group);
    CLEANUP_FREE char *signatures = signatures_of(settings);
    bool speaks_1_2 = version(settings->min_version) < TLS_1_3;
    bool needs_curve = speaks_1_2 && settings->key_type == KEY_TYPE_P_256;
    bool by_rsa = key_of(settings, false)->auth == NID_auth_rsa;

    if (speaks_1_2)
        tls_settle(&settings->ciphers, own_broker,
                   by_rsa ? "ECDHE-RSA-AES256-GCM-SHA384" : "ECDHE-ECDSA-AES256-GCM-SHA384");
    if (version(settings->max_version) > TLS_1_2)
        tls_settle(&settings->suites, own_broker, "TLS_AES_256_GCM_SHA384");
    if (version(settings->max_version) > TLS_1_2 ||
        tls_exchanges_in_group(tls_asked(settings->ciphers), false))
        tls_settle(&settings->groups, own_broker, needs_curve ? "X25519:P-256" : "X25519");
    tls_settle(&settings->signatures, own_broker, signatures);
}

/* Clients that speak TLS 1.2 take no certificate of a curve that is not among their groups. */
static bool has_own_curve(const struct tls_settings *settings) {
    const char *groups = tls_asked(settings->groups);

    return version(settings->min_version) > TLS_1_2 || !*groups ||
           settings->key_type != KEY_TYPE_P_256 || tls_has_group(groups, "P-256");
}

static bool begins_with(const char *text, const char *beginning) {
    return beginning && strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Whether the keys can sign a handshake by one of the schemes. */
static bool can_sign(const struct tls_settings *settings) {
    const struct tls_key *key = key_of(settings, false);
    bool capped = version(settings->max_version) < TLS_1_3;
    const char *list = tls_asked(settings->signatures);
    bool can = !*list;

    for (; *list && !can; list += strcspn(list, ":"), list += *list == ':')
        can = begins_with(list, key->begins) || (capped && begins_with(list, key->begins_1_2));
    return can;
}

struct pki_chain tls_chain(const struct channel *channel) {
    const struct tls_settings *settings = own(channel);
    struct pki_chain chain = {
        .key_type = pki_key_type(settings->key_type),
        .ca_key_type = settings->ca_key_type ? pki_key_type(settings->ca_key_type - 1) : NULL,
        .tokens = settings->key_store ? PKI_TOKENS_BROKER : PKI_TOKENS_NONE,
    };

    certificate_name_token(channel, &chain);
    return chain;
}

static int check(const struct channel *channel, struct error *error) {
    const struct tls_settings *settings = own(channel);
    const struct pki_chain chain = tls_chain(channel);
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    int r;

    if (settings->max_version < settings->min_version)
        return error_set(error, -EINVAL, "tls.max_version: is below tls.min_version; set both");
    if (version(settings->max_version) < TLS_1_3 &&
        tls_has_post_quantum_group(tls_asked(settings->groups)))
        return error_set(error, -EINVAL,
                         "tls.groups: those of ML-KEM are of TLS 1.3, which tls.max_version "
                         "excludes");
    if (version(settings->min_version) < TLS_1_3 &&
        (pki_is_post_quantum(chain.key_type) || pki_is_post_quantum(chain.ca_key_type)))
        return error_set(error, -EINVAL,
                         "tls.%s: ML-DSA signs in TLS 1.3 only; set tls.min_version = 1.3",
                         pki_is_post_quantum(chain.key_type) ? "key_type" : "ca_key_type");
    if (*tls_asked(settings->suites) && version(settings->max_version) < TLS_1_3)
        return error_set(error, -EINVAL,
                         "tls.suites: are of TLS 1.3, which tls.max_version excludes");
    if (*tls_asked(settings->ciphers) && version(settings->min_version) > TLS_1_2)
        return error_set(error, -EINVAL,
                         "tls.ciphers: are of TLS 1.2, which tls.min_version excludes");
    if (chain.tokens && !pkcs11_has_key_type(chain.key_type))
        return error_set(error, -EINVAL,
                         "tls.key_type: keys of type %s are not made in tokens; right would be "
                         "ec:P-256 or rsa:2048",
                         chain.key_type);
    if (!has_own_curve(settings))
        return error_set(error, -EINVAL,
                         "tls.groups: in TLS 1.2 must have P-256, the curve of certificates of "
                         "tls.key_type ec:P-256; add it behind the others");
    fill(settings, &config->tls);
    r = tls_context_check(&config->tls, key_of(settings, false)->auth, error);
    if (r == 0 && !can_sign(settings))
        return error_set(error, -EINVAL,
                         "tls.signatures: by none of '%s' can certificates of this tls.key_type "
                         "sign; right would be %s",
                         settings->signatures, key_of(settings, false)->schemes);
    return r;
}

char *tls_store(const struct channel *channel, const char *certs) {
    struct pki_chain chain = tls_chain(channel);

    return pki_store(certs, &chain);
}

/* Client1 is with the broker. */
static int token_possible(const struct pki_chain *chain, enum place place, bool executes,
                          struct error *error) {
    bool needed = place == PLACE_BROKER
                      ? chain->tokens != PKI_TOKENS_NONE
                      : place == PLACE_PUBLISHER && (chain->tokens == PKI_TOKENS_CLIENTS ||
                                                     chain->tokens == PKI_TOKENS_ALL);
    int r = needed ? key_token_possible(chain->token_module, error) : 0;
    CLEANUP(key_token_clear) struct key_token token = {0};

    if (r < 0 || !needed || !chain->token || !executes)
        return r;
    token = key_token_named(chain->token_module, chain->token, chain->token_pin);
    return key_token_check(&token, error);
}

/* The CA, where the driver is, signs and verifies, and speaks no TLS. */
static int possible(const struct channel *channel, enum place place, bool executes,
                    struct error *error) {
    struct pki_chain chain = tls_chain(channel);
    const struct tls_settings *settings = own(channel);
    int r = place == PLACE_DRIVER
                ? 0
                : tls_possible(tls_asked(settings->groups), tls_asked(settings->signatures), error);

    if (r == 0)
        r = pki_check_chain(&chain, error);
    return r < 0 ? r : token_possible(&chain, place, executes, error);
}

static const char *own_broker(const struct channel *channel) {
    return own(channel)->key_store ? "tls.key_store = pkcs11" : NULL;
}

/* What is there of the two that not every OpenSSL has. */
static int available(char **ret_how, struct error *error) {
    const struct pki_chain chain = {.key_type = "mldsa:65"};

    if (tls_possible("X25519MLKEM768", "", error) < 0 || pki_check_chain(&chain, error) < 0)
        *ret_how = text_format("all but post-quantum channels; %s", error->text);
    else
        *ret_how = text_copy("also with ML-KEM and ML-DSA");
    return 0;
}

bool tls_takes_no_classical(const struct channel *channel) {
    const char *signatures = tls_asked(own(channel)->signatures);

    return *signatures && !tls_has_classical_signature(signatures);
}

/* Asks for a passphrase that the user has once typed, but never for a new one: whoever just wants
 * to measure gets one generated. */
static int find_passphrase(void *context, bool creating, char **ret, struct error *error) {
    const struct issuer *issuer = context;
    struct pki_passphrase_source source = {issuer->certs, issuer->may_prompt && !creating};

    return pki_passphrase(&source, creating, ret, error);
}

struct pki_options tls_pki_options(const struct channel *channel, struct issuer *issuer) {
    return (struct pki_options){
        .folder = issuer->certs,
        .chain = tls_chain(channel),
        .validity_ns = issuer->validity_ns,
        .renew_before_ns = issuer->renew_before_ns,
        .addresses = issuer->addresses,
        .passphrase = find_passphrase,
        .context = issuer,
        .parties = issuer->parties,
    };
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    struct pki_options options = tls_pki_options(channel, issuer);
    unsigned issued;
    int r = pki_ensure(&options, &issued, error);

    for (size_t i = 0; i < issuer->n_further && r == 0; i++) {
        options.parties = &issuer->further[i];
        r = pki_ensure_further(&options, &issued, error);
    }
    return r;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    const struct pki_chain chain = tls_chain(bringup->channel);
    CLEANUP_FREE char *key = pki_key_name(bringup->certs, &chain, "broker");

    fprintf(lines, "certfile %s/broker/broker.crt\n", store);
    if (key_token_is_uri(key))
        return key_token_broker_lines(key, bringup->folder, lines, error);
    fprintf(lines, "keyfile %s\n", key);
    return 0;
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    const struct pki_chain chain = tls_chain(bringup->channel);

    fill(own(bringup->channel), &config->tls);
    free(config->tls.ca_file);
    config->tls.ca_file = text_format("%s/%s/ca.crt", store, party_name(who));
    if (who != PARTY_BROKER)
        return;
    text_replace(&config->expected_host, "");
    free(config->tls.cert_file);
    free(config->tls.key_file);
    config->tls.cert_file = text_format("%s/broker/broker.crt", store);
    config->tls.key_file = pki_key_name(bringup->certs, &chain, "broker");
}

/* ---- proofs ---- */

static void as_trusting_other_ca(struct client_config *config, const struct bringup *bringup) {
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);

    free(config->tls.ca_file);
    config->tls.ca_file = text_format("%s/proof/other-ca.crt", store);
}

static void as_expecting_other_host(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->expected_host, "wrong.example");
}

static bool is_capped(const struct channel *channel) {
    return version(own(channel)->max_version) < TLS_1_3;
}

static bool asks_for_ciphers(const struct channel *channel) {
    return tls_has_other_cipher(tls_asked(own(channel)->ciphers), false);
}

static bool asks_for_suites(const struct channel *channel) {
    return tls_has_other_suite(tls_asked(own(channel)->suites));
}

/* In TLS 1.2 a client's groups decide which certificates of a curve it takes, too, and one with
 * other groups may go without: nothing would be shown. */
static bool asks_for_groups(const struct channel *channel) {
    const struct tls_settings *settings = own(channel);

    if (is_capped(channel) && (settings->key_type == KEY_TYPE_P_256 ||
                               !tls_exchanges_in_group(tls_asked(settings->ciphers), true)))
        return false;
    return tls_has_other_group(tls_asked(settings->groups));
}

/* In TLS 1.3 keys of all types but RSA sign by one scheme alone: nothing would be shown. */
static bool asks_for_signatures(const struct channel *channel) {
    return (is_capped(channel) || tls_key(channel, false)->auth == NID_auth_rsa) &&
           tls_has_other_signature(tls_asked(own(channel)->signatures));
}

static bool asks_for_post_quantum_groups(const struct channel *channel) {
    return tls_has_post_quantum_group(tls_asked(own(channel)->groups));
}

static bool gives_tickets(const struct channel *channel) {
    return own(channel)->tickets;
}

static bool gives_no_tickets(const struct channel *channel) {
    return !own(channel)->tickets;
}

static bool has_token(const struct channel *channel) {
    return tls_chain(channel).tokens != PKI_TOKENS_NONE;
}

static bool may_try_pin(const struct channel *channel) {
    return has_token(channel) && certificate_may_try_pin(channel);
}

static const struct proof proofs[] = {
    {.name = "plaintext-refused",
     .help = "a client without TLS gets no CONNACK",
     .alter = tls_as_plaintext,
     .causes = TLS_PLAINTEXT_CAUSES},
    {.name = "older-version-refused",
     .help = "a client of a version below the minimum is turned away",
     .configured = true,
     .alter = tls_as_older_version,
     .causes = "alert 70"},
    {.name = "newer-version-refused",
     .help = "a client of a version above the maximum is turned away",
     .configured = true,
     .alter = tls_as_newer_version,
     .causes = "alert 70",
     .applies = is_capped},
    {.name = "other-cipher-refused",
     .help = "a client with none of the ciphers asked for is turned away",
     .configured = true,
     .alter = tls_with_other_cipher,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_ciphers},
    {.name = "other-suite-refused",
     .help = "a client with none of the suites asked for is turned away",
     .configured = true,
     .alter = tls_with_other_suite,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_suites},
    {.name = "other-group-refused",
     .help = "a client with none of the groups asked for is turned away",
     .configured = true,
     .alter = tls_with_other_group,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_groups},
    {.name = "other-signature-refused",
     .help = "a client with none of the signature schemes asked for is turned away",
     .configured = true,
     .alter = tls_with_other_signature,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_signatures},
    {.name = "asked-group-accepted",
     .help = "a client that offers a post-quantum group alone is let in",
     .configured = true,
     .act = tls_takes_groups,
     .causes = TLS_TAKES_GROUPS_CAUSES,
     .applies = asks_for_post_quantum_groups},
    {.name = "other-ca-distrusted",
     .help = "a client that trusts another CA leaves",
     .alter = as_trusting_other_ca,
     .causes = "verify 19|verify 20"},
    {.name = "other-host-distrusted",
     .help = "a client that expects another host name leaves",
     .alter = as_expecting_other_host,
     .causes = "verify 62"},
    {.name = "ticket-resumes",
     .help = "a client gets a ticket, and goes on by it",
     .act = tls_resumes,
     .causes = TLS_RESUMES_CAUSES,
     .applies = gives_tickets,
     .own_broker = true},
    {.name = "no-ticket-given",
     .help = "a client gets no ticket",
     .configured = true,
     .act = tls_gives_no_ticket,
     .causes = TLS_NO_TICKET_CAUSES,
     .applies = gives_no_tickets},
    {.name = "no-key-file-at-broker",
     .help = "as no-key-file, on the broker's host, for the keys of client1 and of the broker",
     .act = key_proof_no_file,
     .causes = KEY_PROOF_NO_FILE,
     .applies = has_token,
     .at_broker = true},
    {.name = "key-not-given-out-at-broker",
     .help = "as key-not-given-out, for those keys",
     .act = key_proof_not_given_out,
     .causes = KEY_PROOF_NOT_GIVEN_OUT,
     .applies = has_token,
     .at_broker = true},
    {.name = "wrong-pin-refused-at-broker",
     .help = "as wrong-pin-refused, by the token of the broker's host",
     .act = key_proof_wrong_pin,
     .causes = KEY_PROOF_WRONG_PIN,
     .applies = may_try_pin,
     .at_broker = true},
    {.name = "token-without-key-refused-at-broker",
     .help = "as token-without-key-refused, by the token of the broker's host",
     .act = key_proof_no_key,
     .causes = KEY_PROOF_NO_KEY,
     .applies = has_token,
     .at_broker = true},
};

const struct mechanism mechanism_tls = {
    .group = &group,
    .help = "the connection is encrypted; the broker shows a certificate",
    .settle = settle,
    .check = check,
    .possible = possible,
    .own_broker = own_broker,
    .available = available,
    .issue = issue,
    .broker = broker,
    .party = party,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
