/*
 * external - the broker is somebody else's: it runs already, with the protection that the other
 * mechanisms of the channel name, and nothing of it is touched. What it cannot tell (its processor
 * time) is not measured.
 *
 * Files are named as the hosts of the clients see them; `%c` in a name stands for client1 or
 * client2.
 */
#include "security/external.h"

#include <errno.h>

struct external_settings {
    char *address;
    int64_t port;
    char *ca, *certificate, *key;
};

static const struct setting rows[] = {
    {"address", SETTING_TEXT, "",
     .help = "where the broker is reached, and whom its certificate must name; empty: as "
             "hosts.address",
     .offset = offsetof(struct external_settings, address)},
    {"port", SETTING_COUNT, "1883", "1", "65535", .help = "where it listens for this channel",
     .offset = offsetof(struct external_settings, port)},
    {"ca", SETTING_TEXT, "",
     .help = "file of the CA that the broker's certificate is from; empty: our own",
     .offset = offsetof(struct external_settings, ca)},
    {"certificate", SETTING_TEXT, "",
     .help = "file that a client shows, with certificate: /etc/bench/%c.crt; empty: our own",
     .offset = offsetof(struct external_settings, certificate)},
    {"key", SETTING_TEXT, "", .help = "file of its key: /etc/bench/%c.key",
     .offset = offsetof(struct external_settings, key)},
};
static const struct setting_group group =
    SETTING_GROUP("external", SETTING_CHANNEL, rows, struct external_settings);

static const struct external_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

bool external_is_used(const struct channel *channel) {
    return channel_uses(channel, group.name);
}

const char *external_address(const struct channel *channel, const char *address) {
    return *own(channel)->address ? own(channel)->address : address;
}

int64_t external_port(const struct channel *channel) {
    return own(channel)->port;
}

bool external_knows_our_ca(const struct channel *channel) {
    return !external_is_used(channel) || !*own(channel)->certificate;
}

int external_check_secret(const struct channel *channel, const char *setting, const char *secret,
                          struct error *error) {
    if (!external_is_used(channel) || !text_equal(secret, "generated"))
        return 0;
    return error_set(error, -EINVAL,
                     "%s: an external broker knows none that is generated here; right would be "
                     "file:PATH, with what it knows",
                     setting);
}

static int check(const struct channel *channel, struct error *error) {
    const struct external_settings *settings = own(channel);

    if (*settings->ca && !channel_uses(channel, "tls"))
        return error_set(error, -EINVAL,
                         "external.ca: says something with tls only; use = "
                         "external tls");
    if (*settings->certificate && !channel_uses(channel, "certificate"))
        return error_set(error, -EINVAL,
                         "external.certificate: is shown with certificate only; "
                         "use = external tls certificate");
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

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    const struct external_settings *settings = own(bringup->channel);

    if (who == PARTY_BROKER || bringup->direct)
        return;
    config->port = settings->port;
    if (*settings->address) {
        text_replace(&config->address, settings->address);
        text_replace(&config->expected_host, settings->address);
    }
    replace_file(&config->tls.ca_file, settings->ca, who);
    replace_file(&config->tls.cert_file, settings->certificate, who);
    replace_file(&config->tls.key_file, settings->key, who);
}

const struct mechanism mechanism_external = {
    .group = &group,
    .help = "somebody else's broker, which runs already; its processor time is not measured",
    .check = check,
    .party = party,
};
