/* password - user name and password in CONNECT; anonymous clients are refused. */
#include "security/password.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct password_settings {
    char *user, *secret;
};

/* As Mosquitto 2.0 hashes: $7$, PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt. */
#define ROUNDS       101
#define SALT_BYTES   12
#define HASH_BYTES   64
#define SECRET_BYTES 12
#define MIN_SECRET   8
#define MAX_SECRET   128

static int check_user(const char *value, struct error *error) {
    if (!*value || *value == '#' || strchr(value, ':'))
        return error_set(error, -EINVAL,
                         "'%s' cannot be a user name: empty, a ':' in it, or a '#' in front",
                         value);
    return 0;
}

/* Only a place is a permitted value, so that no password can end up in a resolved scenario. */
static int check_secret(const char *value, struct error *error) {
    if (strcmp(value, "generated") == 0 || (strncmp(value, "file:", 5) == 0 && value[5]))
        return 0;
    return error_set(error, -EINVAL,
                     "a secret is never written here; right would be `generated` or "
                     "file:PATH");
}

static const struct setting rows[] = {
    {"user", SETTING_TEXT, "User1", .help = "the name both clients log in with",
     .offset = offsetof(struct password_settings, user), .check = check_user},
    {"secret", SETTING_TEXT, "generated",
     .help = "`generated`: made anew for each run; or file:PATH",
     .offset = offsetof(struct password_settings, secret), .check = check_secret},
};
static const struct setting_group group =
    SETTING_GROUP("password", SETTING_CHANNEL, rows, struct password_settings);

static const struct password_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static const char *secret_of(const struct bringup *bringup) {
    const char *secret = json_string_value(
        json_object_get(json_object_get(bringup->secrets, group.name), bringup->channel->name));

    return secret ? secret : "";
}

/* The first line of a file. */
static int read_secret(const char *path, char secret[MAX_SECRET], struct error *error) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    json_auto_t *text = NULL;
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0)
        return error_errno(error, -errno, "password.secret: %s", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(error, -EACCES, "password.secret: %s can be read by others; chmod 600 it",
                         path);
    if (!S_ISREG(status.st_mode) || !fgets(secret, MAX_SECRET, file))
        return error_set(error, -EINVAL, "password.secret: %s holds no password", path);
    if (!strchr(secret, '\n') && fgetc(file) != EOF)
        return error_set(error, -EINVAL, "password.secret: the first line of %s is too long", path);
    secret[strcspn(secret, "\r\n")] = '\0';
    text = json_string(secret);
    if (!text)
        return error_set(error, -EINVAL, "password.secret: %s is no UTF-8 text", path);
    if (strlen(secret) < MIN_SECRET)
        return error_set(error, -EINVAL,
                         "password.secret: the first line of %s is shorter than %d bytes: the "
                         "wiretap would find it by chance",
                         path, MIN_SECRET);
    return 0;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct password_settings *settings = own(channel);
    unsigned char random[SECRET_BYTES];
    char secret[MAX_SECRET] = "";
    json_t *all = json_object_get(issuer->secrets, group.name);
    int r = 0;

    if (strncmp(settings->secret, "file:", 5) == 0)
        r = read_secret(settings->secret + 5, secret, error);
    else if (RAND_bytes(random, sizeof(random)) != 1)
        r = error_set(error, -EIO, "no random numbers for a password");
    else
        text_hex(secret, random, sizeof(random));
    if (r < 0)
        return r;
    if (!all) {
        all = json_object();
        (void)json_object_set_new(issuer->secrets, group.name, all);
    }
    (void)json_object_set_new(all, channel->name, json_string(secret));
    OPENSSL_cleanse(secret, sizeof(secret));
    return 0;
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
    text_replace(&config->username, own(bringup->channel)->user);
    text_replace(&config->password, secret_of(bringup));
}

static void as_anonymous(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->username, "");
    text_replace(&config->password, "");
}

static void with_wrong_password(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    free(config->password);
    config->password = text_format("not %s", secret_of(bringup));
}

static const struct proof proofs[] = {
    {"anonymous-refused", "a client that gives no name is turned away", as_anonymous,
     "connack 5|connack 4", NULL},
    {"wrong-password-refused", "the right name with a wrong password is turned away",
     with_wrong_password, "connack 5|connack 4", NULL},
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
