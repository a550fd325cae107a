/* psk - the connection is encrypted under a key that broker and clients share: no certificates. */
#include "security/broker_file.h"
#include "security/mechanism.h"
#include "security/secret.h"
#include "security/tls_context.h"
#include "security/tls_proofs.h"

#include <errno.h>
#include <string.h>

/* OpenSSL's limit is 128 bytes with the final zero, in all versions. */
#define MAX_IDENTITY 127

struct psk_settings {
    char *identity, *secret, *ciphers, *groups;
    int64_t key_bytes, tickets;
};

static int check_identity(const char *value, struct error *error) {
    if (!*value || strlen(value) > MAX_IDENTITY)
        return error_set(error, -EINVAL,
                         "'%s' cannot be an identity: empty, or longer than %d bytes", value,
                         MAX_IDENTITY);
    return 0;
}

static const struct setting rows[] = {
    {"identity", SETTING_TEXT, "bench", .help = "the name that both clients give their key",
     .offset = offsetof(struct psk_settings, identity), .check = check_identity},
    {"secret", SETTING_TEXT, "generated",
     .help = "the key; `generated`: made anew for each run; or file:PATH, in hexadecimal digits",
     .offset = offsetof(struct psk_settings, secret), .check = secret_check,
     .effect = SETTING_READS},
    {"key_size", SETTING_BYTES, "32B", "16B", "32B", .help = "of a key that is generated",
     .offset = offsetof(struct psk_settings, key_bytes)},
    /* The one that differs from a cipher with certificates in nothing else: OpenSSL has none of
     * ECDHE-PSK with AES-GCM. */
    {"ciphers", SETTING_TEXT, "ECDHE-PSK-CHACHA20-POLY1305",
     .help = "cipher list of TLS 1.2, in OpenSSL's words; all of it with PSK",
     .offset = offsetof(struct psk_settings, ciphers)},
    {"groups", SETTING_TEXT, "",
     .help = "key exchange groups, separated by colons; empty: X25519; default: as each host's "
             "OpenSSL has it",
     .offset = offsetof(struct psk_settings, groups)},
    {"resumption", SETTING_CHOICE, "ticket", .choices = "none ticket",
     .help = "ticket: the broker gives tickets, as it does by itself; none: it gives none",
     .offset = offsetof(struct psk_settings, tickets)},
};
static const struct setting_group group =
    SETTING_GROUP("psk", SETTING_CHANNEL, rows, struct psk_settings);

static const struct psk_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* TLS 1.2 on both sides, said aloud: Mosquitto has no shared keys of TLS 1.3, and not every version
 * of it switches that off. */
static void fill(const struct psk_settings *settings, const char *key, struct tls_config *tls) {
    tls->enabled = 1;
    tls->min_version = tls->max_version = TLS_1_2;
    text_replace(&tls->ciphers, settings->ciphers);
    text_replace(&tls->groups, tls_asked(settings->groups));
    text_replace(&tls->psk_identity, settings->identity);
    text_replace(&tls->psk_key, key);
    tls->tickets = settings->tickets;
}

static void settle(struct channel *channel, bool own_broker) {
    struct psk_settings *settings = settings_edit(&channel->settings, &group);

    if (tls_exchanges_in_group(settings->ciphers, false))
        tls_settle(&settings->groups, own_broker, "X25519");
}

static int check(const struct channel *channel, struct error *error) {
    static const char any_key[] = "00000000000000000000000000000000";
    const struct psk_settings *settings = own(channel);
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    int r;

    fill(settings, any_key, &config->tls);
    r = tls_context_check(&config->tls, NID_auth_psk, error);
    if (r == 0 && *tls_asked(settings->groups) && !tls_exchanges_in_group(settings->ciphers, false))
        return error_set(error, -EINVAL,
                         "psk.groups: none of the ciphers '%s' exchanges keys in a group; add one "
                         "with ECDHE-PSK, or leave the groups out",
                         settings->ciphers);
    return r;
}

/* What Mosquitto's file of keys cannot hold. */
static const char *other_broker(const struct channel *channel) {
    const char *identity = own(channel)->identity;

    return *identity == '#' || strpbrk(identity, ": ") ? "psk.identity: our broker takes none with "
                                                         "a ':' or a blank in it, or a '#' in front"
                                                       : NULL;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct psk_settings *settings = own(channel);
    const struct bringup bringup = {.channel = channel, .secrets = issuer->secrets};
    int r = secret_issue(issuer, group.name, channel->name, settings->secret,
                         (size_t)settings->key_bytes, SECRET_FOUND_BYTES, error);

    if (r == 0 && !tls_key_is_good(secret_find(&bringup, group.name, NULL)))
        return error_set(error, -EINVAL,
                         "psk.secret: the first line of %s is no key; right would be %d to %d "
                         "hexadecimal digits, as of `openssl rand -hex 32`",
                         settings->secret, TLS_KEY_MIN * 2, TLS_KEY_MAX * 2);
    return r;
}

/* A member's identity and key, which is as long as the channel's; the caller's. */
static void name_member(const struct bringup *bringup, int64_t member, char **ret_identity,
                        char **ret_key) {
    const char *key = secret_find(bringup, group.name, NULL);
    size_t bytes = strlen(key) / 2;

    *ret_identity = fleet_member_name(own(bringup->channel)->identity, member);
    *ret_key = secret_derive(key, group.name, member,
                             bytes < SECRET_DERIVED_MAX ? bytes : SECRET_DERIVED_MAX);
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    int64_t n_members = bringup->fleet ? bringup->fleet->clients : 0;
    CLEANUP(secret_freep) char *text = NULL;
    size_t size;
    FILE *keys = open_memstream(&text, &size);

    fprintf(lines, "psk_hint bench\n");
    fprintf(keys, "%s:%s\n", own(bringup->channel)->identity,
            secret_find(bringup, group.name, NULL));
    for (int64_t i = 0; i < n_members; i++) {
        CLEANUP(secret_freep) char *key = NULL;
        CLEANUP_FREE char *identity = NULL;

        name_member(bringup, i, &identity, &key);
        fprintf(keys, "%s:%s\n", identity, key);
    }
    (void)fclose(keys);
    return broker_file_write(bringup, lines, "psk_file", "keys", error, "%s", text);
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    fill(own(bringup->channel), secret_find(bringup, group.name, NULL), &config->tls);
    if (who == PARTY_BROKER)
        text_replace(&config->expected_host, "");
}

static void member(const struct bringup *bringup, int64_t number, struct client_config *config) {
    free(config->tls.psk_identity);
    free(config->tls.psk_key);
    name_member(bringup, number, &config->tls.psk_identity, &config->tls.psk_key);
}

static const char *no_fleet(const struct channel *channel, const struct fleet_plan *fleet) {
    CLEANUP_FREE char *longest = fleet_member_name(own(channel)->identity, fleet->clients);

    return strlen(longest) > MAX_IDENTITY
               ? "psk.identity: is too long to have a member's number behind it"
               : NULL;
}

/* ---- proofs ---- */

static void as_unknown_member(struct client_config *config, const struct bringup *bringup) {
    member(bringup, bringup->fleet->clients, config);
}

static void with_wrong_key(struct client_config *config, const struct bringup *bringup) {
    char *key = config->tls.psk_key;

    (void)bringup;
    key[0] = key[0] == '0' ? '1' : '0';
}

static void as_unknown(struct client_config *config, const struct bringup *bringup) {
    char *identity = config->tls.psk_identity;

    (void)bringup;
    identity[0] = identity[0] == 'x' ? 'y' : 'x';
}

static void without_key(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->tls.psk_identity, "");
    text_replace(&config->tls.psk_key, "");
    text_replace(&config->tls.ciphers, "");
}

static bool asks_for_ciphers(const struct channel *channel) {
    return tls_has_other_cipher(own(channel)->ciphers, true);
}

/* A client with other groups may go without. */
static bool asks_for_groups(const struct channel *channel) {
    const struct psk_settings *settings = own(channel);

    return tls_exchanges_in_group(settings->ciphers, true) &&
           tls_has_other_group(tls_asked(settings->groups));
}

static bool gives_tickets(const struct channel *channel) {
    return own(channel)->tickets;
}

static bool gives_no_tickets(const struct channel *channel) {
    return !own(channel)->tickets;
}

static const struct proof proofs[] = {
    {.name = "plaintext-refused",
     .help = "a client without TLS gets no CONNACK",
     .alter = tls_as_plaintext,
     .causes = TLS_PLAINTEXT_CAUSES},
    {.name = "older-version-refused",
     .help = "a client of TLS 1.1 is turned away",
     .configured = true,
     .alter = tls_as_older_version,
     .causes = "alert 70"},
    {.name = "newer-version-refused",
     .help = "a client of TLS 1.3 is turned away",
     .configured = true,
     .alter = tls_as_newer_version,
     .causes = "alert 70"},
    {.name = "other-cipher-refused",
     .help = "a client with none of the ciphers asked for is turned away",
     .configured = true,
     .alter = tls_with_other_cipher,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_ciphers},
    {.name = "other-group-refused",
     .help = "a client with none of the groups asked for is turned away",
     .configured = true,
     .alter = tls_with_other_group,
     .causes = TLS_NOTHING_SHARED_CAUSES,
     .applies = asks_for_groups},
    {.name = "wrong-key-refused",
     .help = "the right identity with a wrong key is turned away",
     .alter = with_wrong_key,
     .causes = "alert 20|alert 51"},
    {.name = "unknown-identity-refused",
     .help = "the right key under an identity that is not known is turned away",
     .alter = as_unknown,
     .causes = "alert 115"},
    {.name = "unknown-member-refused",
     .help = "the first number beyond the fleet's is turned away, with the key that it would have",
     .fleet = true,
     .alter = as_unknown_member,
     .causes = "alert 115"},
    {.name = "no-key-refused",
     .help = "a client without a key is turned away",
     .alter = without_key,
     .causes = TLS_NOTHING_SHARED_CAUSES},
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
};

const struct mechanism mechanism_psk = {
    .group = &group,
    .shortest_secret = SECRET_FOUND_BYTES,
    .help = "the connection is encrypted under a shared key; no certificates",
    .conflicts = "tls certificate",
    .broker_secret = "secret",
    .other_broker = other_broker,
    .settle = settle,
    .check = check,
    .issue = issue,
    .broker = broker,
    .party = party,
    .member = member,
    .no_fleet = no_fleet,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
