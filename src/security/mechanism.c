#include "security/mechanism.h"

#include "security/secret.h"
#include "security/tls_context.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
/* One a line, in the order of their hooks. */
const struct mechanism *const mechanisms[] = {
    &mechanism_tls,
    &mechanism_certificate,
    &mechanism_psk,
    &mechanism_client_id, /* judges clients first: what others vouch for it would not see */
    &mechanism_password,
    &mechanism_acl,   /* goes by the names that the others give */
    &mechanism_token, /* judges clients last: whom it knows it vouches for (plugin/token.c) */
    &mechanism_payload,
    &mechanism_tunnel,
};
/* clang-format on */
const size_t n_mechanisms = ARRAY_SIZE(mechanisms);

static const struct setting certificates_rows[] = {
    {"validity", SETTING_DURATION, "365d", "1d", "7300d", .help = "of every certificate made",
     .offset = offsetof(struct certificates_settings, validity_ns)},
    {"renew_before", SETTING_DURATION, "12h", "1min", "3650d",
     .help = "with less left than this, a certificate is renewed",
     .offset = offsetof(struct certificates_settings, renew_before_ns)},
};
const struct setting_group certificates_group = SETTING_GROUP(
    "certificates", SETTING_SCENARIO, certificates_rows, struct certificates_settings);

const struct mechanism *mechanism_next(const struct channel *channel, size_t *cursor) {
    while (*cursor < n_mechanisms) {
        const struct mechanism *mechanism = mechanisms[(*cursor)++];

        if (channel_uses(channel, mechanism->group->name))
            return mechanism;
    }
    return NULL;
}

/* The first of the words that the channel uses, or does not use; the caller's, or NULL. */
static char *first_word(const struct channel *channel, const char *words, bool used) {
    const char *cursor = words, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        char *name = strndup(word, length);

        if (channel_uses(channel, name) == used)
            return name;
        free(name);
    }
    return NULL;
}

/* What cannot be is said before what is lacking. */
int mechanism_check_channel(const struct channel *channel, struct error *error) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor))) {
        CLEANUP_FREE char *other = first_word(channel, mechanism->conflicts, true);

        if (other)
            return error_set(error, -EINVAL, "use: %s and %s exclude each other; leave one out",
                             mechanism->group->name, other);
    }
    cursor = 0;
    while ((mechanism = mechanism_next(channel, &cursor))) {
        CLEANUP_FREE char *lacking = first_word(channel, mechanism->needs, false);
        int r = 0;

        if (lacking)
            return error_set(error, -EINVAL, "use: %s needs %s as well", mechanism->group->name,
                             lacking);
        if (mechanism->check)
            r = mechanism->check(channel, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int mechanism_possible(const struct channel *channel, enum place place, bool executes,
                       struct error *error) {
    const struct mechanism *mechanism;
    size_t cursor = 0;
    int r = 0;

    while (r == 0 && (mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->possible)
            r = mechanism->possible(channel, place, executes, error);
    return r;
}

int mechanism_check_clocks(const struct channel *channel, int64_t apart_ns, struct error *error) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->clocks_apart_ns && apart_ns > mechanism->clocks_apart_ns(channel))
            return error_set(error, -EINVAL,
                             "the hosts' clocks are %.1f s apart, more than %s of channel %s can "
                             "stand; set them (timedatectl set-ntp true)",
                             (double)apart_ns / 1e9, mechanism->group->name, channel->name);
    return 0;
}

int mechanism_issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct mechanism *mechanism;
    size_t cursor = 0;
    int r = 0;

    if (issuer->renew_before_ns >= issuer->validity_ns)
        return error_set(error, -EINVAL, "[certificates] renew_before: must be less than validity");
    while (r == 0 && (mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->issue)
            r = mechanism->issue(channel, issuer, error);
    return r;
}

char *mechanism_address(const struct channel *channel) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->address)
            return mechanism->address(channel);
    return NULL;
}

bool mechanism_prepares(const struct channel *channel) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->prepare)
            return true;
    return false;
}

int mechanism_check_files(const struct channel *channel, struct error *error) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor))) {
        const struct setting *row = setting_find(mechanism->group, "secret");
        CLEANUP_FREE char *source =
            row ? setting_format(row, settings_get(&channel->settings, mechanism->group))
                : text_copy("");
        int r =
            secret_check_file(source, mechanism->group->name, mechanism->shortest_secret, error);

        if (r < 0)
            return r;
    }
    return 0;
}

struct client_config *mechanism_client_config(const struct bringup *bringup, enum party party,
                                              const char *address, int64_t port) {
    struct client_config *config = setting_block_new(&client_config_group);
    const struct mechanism *mechanism;
    size_t cursor = 0;

    text_replace(&config->address, address);
    text_replace(&config->expected_host, address);
    text_replace(&config->server_name, tls_context_is_name(address) ? address : "");
    text_replace(&config->client_id, party_name(party));
    config->port = port;
    config->mqtt = channel_own(bringup->channel)->mqtt;
    config->loss_ppm = channel_own(bringup->channel)->loss_ppm;
    while ((mechanism = mechanism_next(bringup->channel, &cursor)))
        if (mechanism->party)
            mechanism->party(bringup, party, config);
    return config;
}

void mechanism_make_reader(const struct bringup *bringup, struct client_config *config) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(bringup->channel, &cursor)))
        if (mechanism->reader)
            mechanism->reader(bringup, config);
}
