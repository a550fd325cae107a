#include "model/client_config.h"

#define AT(member) .offset = offsetof(struct client_config, member)

static const struct setting rows[] = {
    {"address", SETTING_RAW, "", AT(address)},
    {"port", SETTING_COUNT, "0", "0", "65535", AT(port)},
    {"outer_address", SETTING_RAW, "", AT(outer_address)},
    {"expected_host", SETTING_RAW, "", AT(expected_host)},
    {"client_id", SETTING_RAW, "", AT(client_id)},
    {"username", SETTING_RAW, "", AT(username)},
    {"password", SETTING_RAW, "", AT(password)},
    {"tls.enabled", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.enabled)},
    {"tls.ca_file", SETTING_RAW, "", AT(tls.ca_file)},
    {"tls.cert_file", SETTING_RAW, "", AT(tls.cert_file)},
    {"tls.key_file", SETTING_RAW, "", AT(tls.key_file)},
    {"tls.require_peer", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.require_peer)},
    {"tls.min_version", SETTING_CHOICE, "1.2", .choices = TLS_VERSION_WORDS, AT(tls.min_version)},
    {"tls.max_version", SETTING_CHOICE, "1.3", .choices = TLS_VERSION_WORDS, AT(tls.max_version)},
    {"tls.ciphers", SETTING_RAW, "", AT(tls.ciphers)},
    {"tls.suites", SETTING_RAW, "", AT(tls.suites)},
    {"tls.groups", SETTING_RAW, "", AT(tls.groups)},
    {"loss", SETTING_PERCENT, "0%", "0%", "90%", AT(loss_ppm)},
};
const struct setting_group client_config_group =
    SETTING_GROUP("client", SETTING_INTERNAL, rows, struct client_config);

bool client_config_is_enclosed(const struct client_config *config) {
    return *config->outer_address && !text_equal(config->outer_address, config->address);
}

void client_config_name_session(struct client_config *config, const char *session) {
    CLEANUP_FREE char *party = config->client_id;

    config->client_id = text_format("%s-%s", party, session);
}
