/* password - user name and password in CONNECT; anonymous clients are refused. */
#include "security/password.h"

#include "security/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

struct password_settings {
    char *user, *secret;
};

/* As Mosquitto 2.0 hashes: $7$, PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt. */
#define ROUNDS       101
#define SALT_BYTES   12
#define HASH_BYTES   64
#define SECRET_BYTES 12

static int check_user(const char *value, struct error *error) {
    if (!*value || *value == '#' || strchr(value, ':'))
        return error_set(error, -EINVAL,
                         "'%s' cannot be a user name: empty, a ':' in it, or a '#' in front",
                         value);
    return 0;
}

static const struct setting rows[] = {
    {"user", SETTING_TEXT, "User1", .help = "the name both clients log in with",
     .offset = offsetof(struct password_settings, user), .check = check_user},
    {"secret", SETTING_TEXT, "generated",
     .help = "`generated`: made anew for each run; or file:PATH",
     .offset = offsetof(struct password_settings, secret), .check = secret_check},
};
static const struct setting_group group =
    SETTING_GROUP("password", SETTING_CHANNEL, rows, struct password_settings);

static const struct password_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    return secret_issue(issuer, group.name, channel->name, own(channel)->secret, SECRET_BYTES,
                        error);
}

static const char *secret_of(const struct bringup *bringup) {
    return secret_find(bringup, group.name);
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

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/passwords", bringup->folder);
    char hash[PASSWORD_HASH_SIZE];
    int r = password_hash(secret_of(bringup), hash, error);
    CLEANUP_FD int fd = -1;

    if (r < 0)
        return r;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s:%s\n", own(bringup->channel)->user, hash) < 0)
        return error_errno(error, -errno, "%s", path);
    fprintf(lines, "password_file %s\n", path);
    return 0;
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    if (who == PARTY_BROKER)
        return;
    client_config_log_in(config, own(bringup->channel)->user, secret_of(bringup));
}

static void as_anonymous(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    client_config_log_in(config, "", "");
}

static void with_wrong_password(struct client_config *config, const struct bringup *bringup) {
    CLEANUP_FREE char *wrong = text_format("not %s", secret_of(bringup));

    client_config_log_in(config, own(bringup->channel)->user, wrong);
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
};

const struct mechanism mechanism_password = {
    .group = &group,
    .help = "user name and password in CONNECT; nobody anonymous",
    .no_anonymous = true,
    .issue = issue,
    .broker = broker,
    .party = party,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
