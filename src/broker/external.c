/*
 * external - the broker is somebody else's: it runs already, with the protection that the channel's
 * mechanisms name, and nothing of it is touched. What it cannot tell (its processor time) is not
 * measured.
 *
 * Files are named as the hosts of the clients see them; `%c` in a name stands for client1 or
 * client2.
 */
#include "broker/external.h"

#include "model/topic.h"
#include "security/key_token.h"
#include "security/secret.h"
#include "security/tls.h"
#include "security/tls_context.h"
#include "transport/congestion.h"
#include "transport/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct external_settings {
    char *address;
    int64_t port;
    char *name, *alpn;
    char *ca, *certificate, *key, *key_passphrase;
    char *client_id, *data_topic, *credit_topic, *latency_topic, *telemetry_topic, *proof_topic;
    int64_t strict, max_inflight;
};

static int check_passphrase(const char *value, struct error *error) {
    return !*value || secret_path(value)
               ? 0
               : error_set(error, -EINVAL,
                           "a passphrase is never written here; expected file:PATH");
}

static int check_topic(const char *value, struct error *error) {
    return *value ? topic_check(value, error) : 0;
}

static const struct setting rows[] = {
    {"address", SETTING_TEXT, "",
     .help = "where the broker is reached: a name, or an address as 192.0.2.1 or [2001:db8::1]; "
             "empty: as hosts.address",
     .offset = offsetof(struct external_settings, address), .effect = SETTING_CONNECTS},
    {"port", SETTING_COUNT, "1883", "1", "65535", .help = "where it listens for this channel",
     .offset = offsetof(struct external_settings, port)},
    {"name", SETTING_TEXT, "",
     .help = "the host name that TLS asks for (SNI) and that the certificate must name; empty: as "
             "external.address",
     .offset = offsetof(struct external_settings, name)},
    {"alpn", SETTING_WORDS, "", .help = "protocols that TLS offers (ALPN), as mqtt; empty: none",
     .offset = offsetof(struct external_settings, alpn)},
    {"ca", SETTING_TEXT, "",
     .help = "file or folder of the CAs that the broker's certificate may be from; empty: our own",
     .offset = offsetof(struct external_settings, ca), .effect = SETTING_READS},
    {"certificate", SETTING_TEXT, "",
     .help = "file that a client shows, with certificate: /etc/bench/%c.crt; empty: our own",
     .offset = offsetof(struct external_settings, certificate), .effect = SETTING_READS},
    {"key", SETTING_TEXT, "", .help = "file of its key: /etc/bench/%c.key",
     .offset = offsetof(struct external_settings, key), .effect = SETTING_READS},
    {"key_passphrase", SETTING_TEXT, "",
     .help = "file:PATH, whose first line opens an encrypted key; empty: it is not encrypted",
     .offset = offsetof(struct external_settings, key_passphrase), .check = check_passphrase,
     .effect = SETTING_READS},
    {"client_id", SETTING_TEXT, "",
     .help =
         "the one identifier that the broker lets each client have, as dev-%c: all of its "
         "connections have it, one at a time; empty: client1 or client2, with a part of this run",
     .offset = offsetof(struct external_settings, client_id)},
    {"data_topic", SETTING_TEXT, "",
     .help = "where delivery publishes, when the broker permits no topic of each trial's own",
     .offset = offsetof(struct external_settings, data_topic), .check = check_topic},
    {"credit_topic", SETTING_TEXT, "", .help = "where delivery's subscriber gives credit",
     .offset = offsetof(struct external_settings, credit_topic), .check = check_topic},
    {"latency_topic", SETTING_TEXT, "",
     .help = "where latency publishes; empty: a topic of each trial's own",
     .offset = offsetof(struct external_settings, latency_topic), .check = check_topic},
    {"telemetry_topic", SETTING_TEXT, "",
     .help = "where telemetry is published on this channel; empty: telemetry.topic",
     .offset = offsetof(struct external_settings, telemetry_topic), .check = check_topic},
    {"proof_topic", SETTING_TEXT, "",
     .help = "where the wiretap's message is published; empty: bench/wiretap",
     .offset = offsetof(struct external_settings, proof_topic), .check = check_topic},
    {"max_inflight", SETTING_COUNT, "20", "1", "65535",
     .help = "messages of QoS 1 and 2 that the broker takes from a client before the first is "
             "acknowledged; a stock Mosquitto drops what is above 20",
     .offset = offsetof(struct external_settings, max_inflight)},
    {"strict", SETTING_CHOICE, "no", .choices = "no yes",
     .help = "no: versions, ciphers and groups that the broker takes beside those asked for are a "
             "remark; yes: they make trials void, as with a broker of our own",
     .offset = offsetof(struct external_settings, strict)},
};
static const struct setting_group group =
    SETTING_GROUP("external", SETTING_CHANNEL, rows, struct external_settings);

static const struct external_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* What is generated here it does not know, and what takes a program of ours it does not have. */
static int check_mechanism(const struct channel *channel, const struct mechanism *mechanism,
                           struct error *error) {
    const struct setting_group *its = mechanism->group;
    CLEANUP_FREE char *secret = NULL;
    const char *why = mechanism->own_broker ? mechanism->own_broker(channel) : NULL;

    if (why)
        return error_set(error, -EINVAL, "%s", why);
    if (!mechanism->broker_secret)
        return 0;
    secret = setting_format(setting_find(its, mechanism->broker_secret),
                            settings_get(&channel->settings, its));
    if (!text_equal(secret, "generated"))
        return 0;
    return error_set(error, -EINVAL,
                     "%s.%s: an external broker knows none that is generated here; right would be "
                     "file:PATH, with what it knows",
                     its->name, mechanism->broker_secret);
}

static int check(const struct channel *channel, struct error *error) {
    static const char *const several[] = {"client-id", "payload", "token", "acl"};
    const struct external_settings *settings = own(channel);
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        if (check_mechanism(channel, mechanism, error) < 0)
            return -EINVAL;
    if (*settings->ca && !channel_uses(channel, "tls"))
        return error_set(error, -EINVAL,
                         "external.ca: says something with tls only; use = "
                         "external tls");
    if (*settings->certificate && !channel_uses(channel, "certificate"))
        return error_set(error, -EINVAL,
                         "external.certificate: is shown with certificate only; "
                         "use = external tls certificate");
    if (*settings->certificate && tls_chain(channel).tokens != PKI_TOKENS_NONE)
        return error_set(error, -EINVAL,
                         "external.certificate: and external.key are files; leave them out, or "
                         "certificate.key_store = pkcs11");
    if ((*settings->name || *settings->alpn) && !channel_uses(channel, "tls") &&
        !channel_uses(channel, "psk"))
        return error_set(error, -EINVAL,
                         "external.%s: says something with tls only; use = external tls",
                         *settings->name ? "name" : "alpn");
    if (*settings->client_id && !client_config_tells_apart(settings->client_id))
        return error_set(error, -EINVAL,
                         "external.client_id: has no %%c, which is client1 or client2: both would "
                         "be one client, and each would end the other's connection");
    for (size_t i = 0; i < ARRAY_SIZE(several) && *settings->client_id; i++)
        if (channel_uses(channel, several[i]))
            return error_set(
                error, -EINVAL,
                "external.client_id: does not go with %s, whose proofs take clients of "
                "other identifiers",
                several[i]);
    if (*settings->data_topic && text_equal(settings->data_topic, settings->credit_topic))
        return error_set(error, -EINVAL,
                         "external.credit_topic: is external.data_topic, where the subscriber "
                         "would receive its own credit; take another");
    if (*settings->key_passphrase && !*settings->key)
        return error_set(error, -EINVAL,
                         "external.key_passphrase: goes together with external.key");
    if (key_token_is_uri(settings->key))
        return error_set(error, -EINVAL,
                         "external.key: is a file's path; keys in a token are for "
                         "brokers of ours (certificate.key_store)");
    if (!*settings->certificate != !*settings->key)
        return error_set(error, -EINVAL, "external.%s: goes together with external.%s",
                         *settings->key ? "key" : "certificate",
                         *settings->key ? "certificate" : "key");
    return 0;
}

static void replace_file(char **file, const char *pattern, enum party who) {
    if (!*pattern)
        return;
    free(*file);
    *file = client_config_fill_in(pattern, who);
}

/* Where it is reached from this host: as hosts.address, unless it has an address of its own. Those
 * of IPv6 may stand in brackets, as in an URI. */
static char *address_of(const struct external_settings *settings, const char *address) {
    size_t length = strlen(settings->address);

    if (length == 0)
        return text_copy(address);
    return *settings->address == '[' && settings->address[length - 1] == ']'
               ? text_format("%.*s", (int)length - 2, settings->address + 1)
               : text_copy(settings->address);
}

/* Identifiers and topics. Without one of its own a client has a part in its identifier that no
 * other run at this broker has, as the newer of two connections with the same ends the older. */
static void name_client(struct client_config *config, const struct channel *channel,
                        const struct external_settings *settings, enum party who) {
    unsigned char random[2] = {0};
    char digits[2 * sizeof(random) + 1];

    (void)!getrandom(random, sizeof(random), 0);
    text_hex(digits, random, sizeof(random));
    if (*settings->client_id) {
        free(config->client_id);
        config->client_id = client_config_fill_in(settings->client_id, who);
        config->one_session = 1;
    } else if (!channel_uses(channel, "client-id")) {
        client_config_name_session(config, digits);
    }
    text_replace(&config->data_topic, settings->data_topic);
    text_replace(&config->credit_topic, settings->credit_topic);
    text_replace(&config->latency_topic, settings->latency_topic);
    text_replace(&config->telemetry_topic, settings->telemetry_topic);
    text_replace(&config->proof_topic, settings->proof_topic);
}

static void client(const struct channel *channel, enum party who, struct client_config *config) {
    const struct external_settings *settings = own(channel);
    CLEANUP_FREE char *address = address_of(settings, config->address);
    const char *name = *settings->name ? settings->name : address;

    name_client(config, channel, settings, who);
    config->port = settings->port;
    config->max_inflight = settings->max_inflight;
    text_replace(&config->address, address);
    text_replace(&config->expected_host, name);
    text_replace(&config->server_name, tls_context_is_name(name) ? name : "");
    text_replace(&config->alpn, settings->alpn);
    config->tls.lenient = !settings->strict;
    replace_file(&config->tls.ca_file, settings->ca, who);
    replace_file(&config->tls.cert_file, settings->certificate, who);
    replace_file(&config->tls.key_file, settings->key, who);
    if (*settings->key_passphrase)
        replace_file(&config->tls.passphrase_file, secret_path(settings->key_passphrase), who);
}

static int check_files(const struct channel *channel, enum party who, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    client(channel, who, config);
    return tls_context_check_files(&config->tls, error);
}

static bool one_session(const struct channel *channel) {
    return *own(channel)->client_id;
}

static bool tolerates(const struct channel *channel) {
    return !own(channel)->strict;
}

static bool proves(const struct channel *channel, const struct proof *proof) {
    return !proof->own_broker && !(proof->own_ca && *own(channel)->certificate);
}

/* It runs: whether it accepts connections. */
static int start(struct broker **ret, struct bringup *bringup, const char *address,
                 const json_t *unused, json_t **ret_told, struct error *error) {
    static const struct transport_options options = {.timeout_ns = CLIENT_ANSWER_NS};
    const struct external_settings *settings = own(bringup->channel);
    CLEANUP_FREE char *reached = address_of(settings, address);
    CLEANUP_FD int fd = -1;
    int r = tcp_connect(&fd, reached, settings->port, &options, error);

    (void)ret;
    (void)unused;
    (void)ret_told;
    return r < 0 ? error_prefix(error, r, "the external broker") : 0;
}

static int usage(const struct channel *channel, struct broker *none, json_t **ret,
                 struct error *error) {
    CLEANUP_FREE char *congestion = congestion_list(own(channel)->port, NULL);

    (void)none;
    (void)error;
    *ret = json_pack("{s:s}", "congestion", congestion);
    return 0;
}

const struct broker_kind broker_external = {
    .group = &group,
    .help = "somebody else's broker, which runs already; its processor time is not measured",
    .check = check,
    .check_files = check_files,
    .client = client,
    .proves = proves,
    .tolerates = tolerates,
    .one_session = one_session,
    .causes = "alert 40|alert 70|alert 80|closed",
    .start = start,
    .usage = usage,
};
