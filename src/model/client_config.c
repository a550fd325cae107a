#include "model/client_config.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct client_config, member)

static const struct setting rows[] = {
    {"address", SETTING_RAW, "", AT(address)},
    {"port", SETTING_COUNT, "0", "0", "65535", AT(port)},
    {"outer_address", SETTING_RAW, "", AT(outer_address)},
    {"expected_host", SETTING_RAW, "", AT(expected_host)},
    {"server_name", SETTING_RAW, "", AT(server_name)},
    {"alpn", SETTING_RAW, "", AT(alpn)},
    {"client_id", SETTING_RAW, "", AT(client_id)},
    {"one_session", SETTING_CHOICE, "no", .choices = "no yes", AT(one_session)},
    {"username", SETTING_RAW, "", AT(username)},
    {"password", SETTING_RAW, "", AT(password)},
    {"token_key", SETTING_RAW, "", AT(token_key)},
    {"mqtt", SETTING_CHOICE, "3.1.1", .choices = MQTT_VERSION_WORDS, AT(mqtt)},
    {"tls.enabled", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.enabled)},
    {"tls.ca_file", SETTING_RAW, "", AT(tls.ca_file)},
    {"tls.cert_file", SETTING_RAW, "", AT(tls.cert_file)},
    {"tls.key_file", SETTING_RAW, "", AT(tls.key_file)},
    {"tls.passphrase_file", SETTING_RAW, "", AT(tls.passphrase_file)},
    {"tls.require_peer", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.require_peer)},
    {"tls.crl_file", SETTING_RAW, "", AT(tls.crl_file)},
    {"tls.psk_identity", SETTING_RAW, "", AT(tls.psk_identity)},
    {"tls.psk_key", SETTING_RAW, "", AT(tls.psk_key)},
    {"tls.min_version", SETTING_CHOICE, "1.2", .choices = TLS_VERSION_WORDS, AT(tls.min_version)},
    {"tls.max_version", SETTING_CHOICE, "1.3", .choices = TLS_VERSION_WORDS, AT(tls.max_version)},
    {"tls.lenient", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.lenient)},
    {"tls.ciphers", SETTING_RAW, "", AT(tls.ciphers)},
    {"tls.suites", SETTING_RAW, "", AT(tls.suites)},
    {"tls.groups", SETTING_RAW, "", AT(tls.groups)},
    {"tls.signatures", SETTING_RAW, "", AT(tls.signatures)},
    {"tls.tickets", SETTING_CHOICE, "no", .choices = "no yes", AT(tls.tickets)},
    {"payload.cipher", SETTING_CHOICE, "aes-128-gcm", .choices = PAYLOAD_CIPHER_WORDS,
     AT(payload.cipher)},
    {"payload.key", SETTING_CHOICE, "shared", .choices = PAYLOAD_KEY_WORDS, AT(payload.key)},
    {"payload.seals_with", SETTING_RAW, "", AT(payload.seals_with)},
    {"payload.opens_with", SETTING_RAW, "", AT(payload.opens_with)},
    {"data_topic", SETTING_RAW, "", AT(data_topic)},
    {"credit_topic", SETTING_RAW, "", AT(credit_topic)},
    {"latency_topic", SETTING_RAW, "", AT(latency_topic)},
    {"telemetry_topic", SETTING_RAW, "", AT(telemetry_topic)},
    {"proof_topic", SETTING_RAW, "", AT(proof_topic)},
    {"max_inflight", SETTING_COUNT, "0", "0", "65535", AT(max_inflight)},
    {"loss", SETTING_PERCENT, "0%", "0%", "90%", AT(loss_ppm)},
    {"answer", SETTING_DURATION, CLIENT_ANSWER, CLIENT_ANSWER, "1h", AT(answer_ns)},
};
const struct setting_group client_config_group =
    SETTING_GROUP("client", SETTING_INTERNAL, rows, struct client_config);

bool client_config_is_enclosed(const struct client_config *config) {
    return *config->outer_address && !text_equal(config->outer_address, config->address);
}

void client_config_name_session(struct client_config *config, const char *session) {
    CLEANUP_FREE char *longer = text_format("%s-%s", config->client_id, session);

    if (!config->one_session)
        text_replace(&config->client_id, longer);
}

void client_config_log_in(struct client_config *config, const char *username,
                          const char *password) {
    char *new_username = text_copy(username), *new_password = text_copy(password);

    free(config->username);
    free(config->password);
    config->username = new_username;
    config->password = new_password;
    text_replace(&config->token_key, "");
}

char *client_config_fill_in(const char *pattern, enum party party) {
    char *text = text_copy("");

    while (*pattern) {
        size_t plain = strcspn(pattern, "%");
        bool named = pattern[plain] == '%' && pattern[plain + 1] == 'c';
        bool escaped = pattern[plain] == '%' && !named;
        CLEANUP_FREE char *piece = text_format("%.*s%s%s", (int)plain, pattern,
                                               named ? party_name(party) : "", escaped ? "%" : "");

        text_append(&text, "", piece);
        pattern += plain + (named ? 2 : escaped && pattern[plain + 1] == '%' ? 2 : escaped);
    }
    return text;
}

bool client_config_tells_apart(const char *pattern) {
    for (; (pattern = strchr(pattern, '%')); pattern += 1 + (pattern[1] == '%'))
        if (pattern[1] == 'c')
            return true;
    return false;
}
