/*
 * client-id - each client has an identifier of its own, and the broker lets in only those that are
 * registered, and their sessions (client_id_scheme.h), by a plugin of ours.
 *
 * The driver decides on the identifiers before the run, after asking the hosts where need be, and
 * sends them with what else is issued: so the broker's host knows those of both clients.
 */
#include "security/broker_file.h"
#include "security/client_id_scheme.h"
#include "security/mechanism.h"
#include "security/secret.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

enum form { FORM_UUID, FORM_MAC, FORM_SERIAL, FORM_NAME };

struct client_id_settings {
    int64_t form; /* enum form */
};

#define UUID_BYTES 16

static const struct setting rows[] = {
    {"form", SETTING_CHOICE, "uuid", .choices = "uuid mac serial name",
     .help = "what identifiers are: a UUID made for each run; the MAC address or serial number of "
             "the client's host (client2's with .2 behind it where both are on one); or client1 "
             "and client2",
     .offset = offsetof(struct client_id_settings, form)},
};
static const struct setting_group group =
    SETTING_GROUP("client-id", SETTING_CHANNEL, rows, struct client_id_settings);

/* ---- issue ---- */

static int make_uuid(char **ret, struct error *error) {
    unsigned char random[UUID_BYTES];
    char hex[2 * UUID_BYTES + 1];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return error_set(error, -EIO, "no random numbers for an identifier");
    random[6] = (unsigned char)((random[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    random[8] = (unsigned char)((random[8] & 0x3f) | 0x80); /* and its variant */
    text_hex(hex, random, sizeof(random));
    *ret = text_format("%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return 0;
}

static int make(const struct issuer *issuer, enum form form, enum party party, char **ret,
                struct error *error) {
    switch (form) {
    case FORM_UUID:
        return make_uuid(ret, error);
    case FORM_NAME:
        *ret = text_copy(party_name(party));
        return 0;
    case FORM_MAC:
    case FORM_SERIAL:
        break;
    }
    return issuer->identify(issuer->context, party, form == FORM_MAC ? "mac" : "serial", ret,
                            error);
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct client_id_settings *settings = settings_get(&channel->settings, &group);
    enum form form = (enum form)settings->form;
    CLEANUP_FREE char *id1 = NULL, *id2 = NULL;
    int r = make(issuer, form, PARTY_CLIENT1, &id1, error);

    if (r == 0)
        r = make(issuer, form, PARTY_CLIENT2, &id2, error);
    if (r < 0)
        return r == -ENODATA ? error_prefix(error, r, "client-id.form") : r;
    if (text_equal(id1, id2))
        text_append(&id2, ".", "2");
    secret_put(
        issuer, group.name, channel->name,
        json_pack("{s:s,s:s}", party_name(PARTY_CLIENT1), id1, party_name(PARTY_CLIENT2), id2));
    return 0;
}

/* ---- bring-up ---- */

/* As issued; borrowed. Where nothing was, its name. */
static const char *id_of(const struct bringup *bringup, enum party who) {
    const char *id = secret_find(bringup, group.name, party_name(who));

    return *id ? id : party_name(who);
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    int r = broker_file_plugin(lines, "client_id", error);

    if (r < 0)
        return r;
    if (bringup->fleet)
        fprintf(lines, "plugin_opt_members %lld\n", (long long)bringup->fleet->clients);
    return broker_file_write(bringup, lines, "plugin_opt_registered", "registered", error,
                             "%s\n%s\n", id_of(bringup, PARTY_CLIENT1),
                             id_of(bringup, PARTY_CLIENT2));
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    if (who != PARTY_BROKER)
        text_replace(&config->client_id, id_of(bringup, who));
}

/* ---- proofs ---- */

static bool is_registered(const struct bringup *bringup, const char *id) {
    return client_id_belongs(id_of(bringup, PARTY_CLIENT1), id) ||
           client_id_belongs(id_of(bringup, PARTY_CLIENT2), id);
}

/* Of the right form, but for its last character that of nobody. */
static void as_unknown(struct client_config *config, const struct bringup *bringup) {
    CLEANUP_FREE char *id = text_copy(id_of(bringup, PARTY_CLIENT2));

    for (const char *digit = "0123456789abcdef"; *digit && is_registered(bringup, id); digit++)
        id[strlen(id) - 1] = *digit;
    text_replace(&config->client_id, id);
}

static void as_prefix(struct client_config *config, const struct bringup *bringup) {
    const char *id = id_of(bringup, PARTY_CLIENT2);

    free(config->client_id);
    config->client_id = text_format("%.*s", (int)strlen(id) - 1, id);
}

static void as_longer(struct client_config *config, const struct bringup *bringup) {
    free(config->client_id);
    config->client_id = text_format("%s0", id_of(bringup, PARTY_CLIENT2));
}

static void as_unknown_member(struct client_config *config, const struct bringup *bringup) {
    free(config->client_id);
    config->client_id = fleet_member_name(id_of(bringup, PARTY_CLIENT2), bringup->fleet->clients);
}

#define REFUSED "connack 5|connack 135" /* of MQTT 3.1.1, of 5 */

static const struct proof proofs[] = {
    {.name = "unknown-identifier-refused",
     .help = "an identifier that differs from client2's by one character is turned away",
     .alter = as_unknown,
     .causes = REFUSED},
    {.name = "identifier-prefix-refused",
     .help = "client2's identifier without its last character is turned away",
     .alter = as_prefix,
     .causes = REFUSED},
    {.name = "longer-identifier-refused",
     .help = "client2's identifier with a character more, which is no session's, is turned away",
     .alter = as_longer,
     .causes = REFUSED},
    {.name = "unknown-member-refused",
     .help = "the first number beyond the fleet's, behind client2's identifier, is turned away",
     .fleet = true,
     .alter = as_unknown_member,
     .causes = REFUSED},
};

const struct mechanism mechanism_client_id = {
    .group = &group,
    .help = "unique client identifiers; the broker lets in those that are registered",
    .issue = issue,
    .broker = broker,
    .party = party,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
