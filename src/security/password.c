/* password - user name and password in CONNECT; anonymous clients are refused. */
#include "security/password.h"

#include "security/broker_file.h"
#include "security/secret.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

struct password_settings {
    char *user, *secret;
};

/* As Mosquitto 2.0 hashes: $7$, PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt. */
#define ROUNDS       101
#define SALT_BYTES   12
#define HASH_BYTES   64
#define SECRET_BYTES 12

static const struct setting rows[] = {
    {"user", SETTING_TEXT, "User1",
     .help = "the name the clients log in with; %c in it is client1 or client2, and then each has "
             "a generated password of its own; %% is a %",
     .offset = offsetof(struct password_settings, user)},
    {"secret", SETTING_TEXT, "generated",
     .help = "`generated`: made anew for each run; or file:PATH",
     .offset = offsetof(struct password_settings, secret), .check = secret_check,
     .effect = SETTING_READS},
};
static const struct setting_group group =
    SETTING_GROUP("password", SETTING_CHANNEL, rows, struct password_settings);

static const struct password_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* What Mosquitto's password file cannot hold. */
static const char *other_broker(const struct channel *channel) {
    const char *user = own(channel)->user;

    return *user == '#' || strchr(user, ':')
               ? "password.user: our broker takes no name with a ':' in it, or a '#' in front"
               : NULL;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    return secret_issue(issuer, group.name, channel->name, own(channel)->secret, SECRET_BYTES, 0,
                        error);
}

static const char *secret_of(const struct bringup *bringup) {
    return secret_find(bringup, group.name, NULL);
}

int password_hash(const char *secret, char ret[PASSWORD_HASH_SIZE], struct error *error) {
    unsigned char salt[SALT_BYTES], hash[HASH_BYTES];
    char salt_text[SALT_BYTES * 2], hash_text[HASH_BYTES * 2];

    if (RAND_bytes(salt, sizeof(salt)) != 1 ||
        PKCS5_PBKDF2_HMAC(secret, (int)strlen(secret), salt, sizeof(salt), ROUNDS, EVP_sha512(),
                          sizeof(hash), hash) != 1)
        return error_set(error, -EIO, "the password cannot be hashed");
    (void)EVP_EncodeBlock((unsigned char *)salt_text, salt, sizeof(salt));
    (void)EVP_EncodeBlock((unsigned char *)hash_text, hash, sizeof(hash));
    (void)snprintf(ret, PASSWORD_HASH_SIZE, "$7$%d$%s$%s", ROUNDS, salt_text, hash_text);
    return 0;
}

/* ---- who logs in as whom ---- */

static bool is_for_each(const struct channel *channel) {
    return client_config_tells_apart(own(channel)->user);
}

static char *user_of(const struct channel *channel, enum party who) {
    return client_config_fill_in(own(channel)->user, who);
}

/* The password of a client; the caller's. What was generated is the seed of one for each: neither
 * can be told from the other. What comes from a file is sent as it is. */
static char *password_of(const struct bringup *bringup, enum party who) {
    const char *secret = secret_of(bringup);
    CLEANUP_FREE char *seed = text_format("%s %s", secret, party_name(who));
    unsigned char digest[EVP_MAX_MD_SIZE];
    char *password;

    if (!is_for_each(bringup->channel) || !text_equal(own(bringup->channel)->secret, "generated") ||
        EVP_Digest(seed, strlen(seed), digest, NULL, EVP_sha256(), NULL) != 1)
        return text_copy(secret);
    password = memory_new(2 * SECRET_BYTES + 1, 1);
    text_hex(password, digest, SECRET_BYTES);
    return password;
}

static int write_line(FILE *text, const char *user, const char *password, struct error *error) {
    char hash[PASSWORD_HASH_SIZE];
    int r = password_hash(password, hash, error);

    if (r == 0)
        fprintf(text, "%s:%s\n", user, hash);
    return r;
}

static int write_login(FILE *text, const struct bringup *bringup, enum party who,
                       struct error *error) {
    CLEANUP_FREE char *user = user_of(bringup->channel, who);
    CLEANUP_FREE char *password = password_of(bringup, who);

    return write_line(text, user, password, error);
}

/* A member's name and password; the caller's. */
static void name_member(const struct bringup *bringup, int64_t member, char **ret_user,
                        char **ret_password) {
    CLEANUP_FREE char *user = user_of(bringup->channel, PARTY_CLIENT2);

    *ret_user = fleet_member_name(user, member);
    *ret_password = secret_derive(secret_of(bringup), group.name, member, SECRET_BYTES);
}

static int write_members(FILE *text, const struct bringup *bringup, struct error *error) {
    int r = 0;

    for (int64_t i = 0; i < bringup->fleet->clients && r == 0; i++) {
        CLEANUP_FREE char *user = NULL, *password = NULL;

        name_member(bringup, i, &user, &password);
        r = write_line(text, user, password, error);
    }
    return r;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    int r = write_login(stream, bringup, PARTY_CLIENT1, error);

    if (r == 0 && is_for_each(bringup->channel))
        r = write_login(stream, bringup, PARTY_CLIENT2, error);
    if (r == 0 && bringup->fleet)
        r = write_members(stream, bringup, error);
    (void)fclose(stream);
    if (r < 0)
        return r;
    return broker_file_write(bringup, lines, "password_file", "passwords", error, "%s", text);
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    CLEANUP_FREE char *user = NULL, *password = NULL;

    if (who == PARTY_BROKER)
        return;
    user = user_of(bringup->channel, who);
    password = password_of(bringup, who);
    client_config_log_in(config, user, password);
}

static void member(const struct bringup *bringup, int64_t number, struct client_config *config) {
    CLEANUP_FREE char *user = NULL, *password = NULL;

    name_member(bringup, number, &user, &password);
    client_config_log_in(config, user, password);
}

static void as_anonymous(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    client_config_log_in(config, "", "");
}

static void with_wrong_password(struct client_config *config, const struct bringup *bringup) {
    CLEANUP_FREE char *user = user_of(bringup->channel, PARTY_CLIENT2);
    CLEANUP_FREE char *right = password_of(bringup, PARTY_CLIENT2);
    CLEANUP_FREE char *wrong =
        text_format("%c%s", *right == 'x' ? 'y' : 'x', *right ? right + 1 : "");

    client_config_log_in(config, user, wrong);
}

static void as_unknown_member(struct client_config *config, const struct bringup *bringup) {
    member(bringup, bringup->fleet->clients, config);
}

static const struct proof proofs[] = {
    {.name = "anonymous-refused",
     .help = "a client that gives no name is turned away",
     .alter = as_anonymous,
     .causes = "connack 5|connack 4"},
    {.name = "wrong-password-refused",
     .help = "the right name with a wrong password is turned away",
     .alter = with_wrong_password,
     .causes = "connack 5|connack 4"},
    {.name = "unknown-member-refused",
     .help = "the first number beyond the fleet's is turned away, with the password that it would "
             "have",
     .fleet = true,
     .alter = as_unknown_member,
     .causes = "connack 5|connack 4"},
};

const struct mechanism mechanism_password = {
    .group = &group,
    .help = "user name and password in CONNECT; nobody anonymous",
    .no_anonymous = true,
    .broker_secret = "secret",
    .other_broker = other_broker,
    .issue = issue,
    .broker = broker,
    .party = party,
    .member = member,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
