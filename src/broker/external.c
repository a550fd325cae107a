/*
 * external - the broker is somebody else's: it runs already, with the protection that the channel's
 * mechanisms name, and nothing of it is touched. What it cannot tell (its processor time) is not
 * measured.
 *
 * Files are named as the hosts of the clients see them; `%c` in a name stands for client1 or
 * client2.
 */
#include "broker/external.h"

#include "transport/congestion.h"
#include "transport/transport.h"

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

static void client(const struct channel *channel, enum party who, struct client_config *config) {
    const struct external_settings *settings = own(channel);

    config->port = settings->port;
    if (*settings->address) {
        text_replace(&config->address, settings->address);
        text_replace(&config->expected_host, settings->address);
    }
    replace_file(&config->tls.ca_file, settings->ca, who);
    replace_file(&config->tls.cert_file, settings->certificate, who);
    replace_file(&config->tls.key_file, settings->key, who);
}

static bool proves(const struct channel *channel, const struct proof *proof) {
    return !proof->own_broker && !(proof->own_ca && *own(channel)->certificate);
}

/* It runs: whether it accepts connections. */
static int start(struct broker **ret, struct bringup *bringup, const char *address,
                 const json_t *unused, json_t **ret_told, struct error *error) {
    static const struct transport_options options = {.timeout_ns = CLIENT_ANSWER_NS};
    const struct external_settings *settings = own(bringup->channel);
    CLEANUP_FD int fd = -1;
    int r = tcp_connect(&fd, *settings->address ? settings->address : address, settings->port,
                        &options, error);

    (void)ret;
    (void)unused;
    (void)ret_told;
    return r < 0 ? error_prefix(error, r, "the external broker") : 0;
}

static int usage(const struct channel *channel, struct broker *none, json_t **ret,
                 struct error *error) {
    CLEANUP_FREE char *congestion = congestion_list(own(channel)->port);

    (void)none;
    (void)error;
    *ret = json_pack("{s:s}", "congestion", congestion);
    return 0;
}

const struct broker_kind broker_external = {
    .group = &group,
    .help = "somebody else's broker, which runs already; its processor time is not measured",
    .check = check,
    .client = client,
    .proves = proves,
    .start = start,
    .usage = usage,
};
