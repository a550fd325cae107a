/*
 * payload - the payload of every PUBLISH is sealed (security/seal.h); topic, user name and all else
 * stay as they are. With a shared secret both clients seal what they publish; with the subscriber's
 * key pair client2 does, the publisher of all that is measured, and what client1 answers (the
 * credits of delivery) is clear.
 */
#include "security/payload.h"

#include "security/broker_file.h"
#include "security/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

enum { OPENED_BY_SUBSCRIBER, OPENED_BY_BROKER };

struct payload_settings {
    int64_t cipher, key, opened_by;
    char *secret;
};

#define SECRET_BYTES 32
#define GENERATED    "generated"

static const struct setting rows[] = {
    {"cipher", SETTING_CHOICE, "aes-128-gcm", .choices = PAYLOAD_CIPHER_WORDS,
     .help = "the authenticated encryption", .offset = offsetof(struct payload_settings, cipher)},
    {"key", SETTING_CHOICE, "shared", .choices = PAYLOAD_KEY_WORDS,
     .help = "what keys come of: a shared secret; or the subscriber's key pair, then client2's "
             "messages alone are sealed",
     .offset = offsetof(struct payload_settings, key)},
    {"opened_by", SETTING_CHOICE, "subscriber", .choices = "subscriber broker",
     .help = "end to end; or a plugin in the broker, behind which payloads are clear",
     .offset = offsetof(struct payload_settings, opened_by)},
    {"secret", SETTING_TEXT, GENERATED,
     .help = "the shared one. `generated`: made anew for each run; or file:PATH, no password",
     .offset = offsetof(struct payload_settings, secret), .check = secret_check},
};
static const struct setting_group group =
    SETTING_GROUP("payload", SETTING_CHANNEL, rows, struct payload_settings);

static const struct payload_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static const char *own_broker(const struct channel *channel) {
    return own(channel)->opened_by == OPENED_BY_BROKER
               ? "payload.opened_by: an external broker has no plugin of ours; right would be "
                 "subscriber"
               : NULL;
}

static int check(const struct channel *channel, struct error *error) {
    const struct payload_settings *settings = own(channel);
    CLEANUP_FREE char *key = setting_choice_word(PAYLOAD_KEY_WORDS, settings->key);

    if (settings->key == SEAL_SHARED)
        return 0;
    if (settings->opened_by == OPENED_BY_BROKER)
        return error_set(error, -EINVAL,
                         "payload.opened_by: the broker opens what is sealed with a shared "
                         "secret; right would be payload.key = shared, not %s",
                         key);
    if (!text_equal(settings->secret, GENERATED))
        return error_set(error, -EINVAL,
                         "payload.secret: is of payload.key = shared; the key pair of %s is "
                         "always generated: leave the line out",
                         key);
    return 0;
}

/* ---- secrets: a text; or an object with the two halves of a pair ---- */

static int issue_pair(const struct channel *channel, struct issuer *issuer, struct error *error) {
    char *private = NULL, *public = NULL;
    int r = seal_make_pair((enum seal_key)own(channel)->key, &private, &public);

    if (r < 0)
        return error_errno(error, r, "payload.key: no key pair for the subscriber");
    secret_put(issuer, group.name, channel->name,
               json_pack("{s:s,s:s}", "private", private, "public", public));
    OPENSSL_cleanse(private, strlen(private));
    free(private);
    free(public);
    return 0;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    if (own(channel)->key != SEAL_SHARED)
        return issue_pair(channel, issuer, error);
    return secret_issue(issuer, group.name, channel->name, own(channel)->secret, SECRET_BYTES,
                        error);
}

/* The shared secret, or that half of the pair: whichever this channel has. */
static const char *find_key(const struct bringup *bringup, const char *half) {
    const char *key = secret_find(bringup, group.name, half);

    return *key ? key : secret_find(bringup, group.name, NULL);
}

/* ---- the broker ---- */

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    const struct payload_settings *settings = own(bringup->channel);
    int r;

    if (settings->opened_by != OPENED_BY_BROKER)
        return 0;
    r = broker_file_plugin(lines, "payload", error);
    if (r < 0)
        return r;
    fprintf(lines, "plugin_opt_cipher %d\n", (int)settings->cipher);
    return broker_file_write(bringup, lines, "plugin_opt_secret_file", "payload-secret", error,
                             "%s\n", secret_find(bringup, group.name, NULL));
}

/* ---- the clients ---- */

static void open_messages(const struct bringup *bringup, struct client_config *config) {
    if (own(bringup->channel)->opened_by == OPENED_BY_SUBSCRIBER)
        text_replace(&config->payload.opens_with, find_key(bringup, "private"));
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    const struct payload_settings *settings = own(bringup->channel);
    bool shared = settings->key == SEAL_SHARED;

    if (who == PARTY_BROKER)
        return;
    config->payload.cipher = settings->cipher;
    config->payload.key = settings->key;
    if (shared || who == PARTY_CLIENT2)
        text_replace(&config->payload.seals_with, find_key(bringup, "public"));
    if (shared || who == PARTY_CLIENT1)
        open_messages(bringup, config);
}

const struct mechanism mechanism_payload = {
    .group = &group,
    .help = "payloads are encrypted, end to end or up to the broker; topics and names are not. "
            "path, transport and connect carry no payload of MQTT: they stay as they are",
    .own_broker = own_broker,
    .check = check,
    .issue = issue,
    .broker = broker,
    .party = party,
    .reader = open_messages,
    .proofs = payload_proofs,
    .n_proofs = PAYLOAD_N_PROOFS,
};
