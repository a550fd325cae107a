#include "security/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_PREFIX "file:"
#define MIN_SECRET  8
#define MAX_SECRET  128
#define MAX_RANDOM  64

int secret_check(const char *value, struct error *error) {
    if (text_equal(value, "generated") ||
        (strncmp(value, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 && value[strlen(FILE_PREFIX)]))
        return 0;
    return error_set(error, -EINVAL,
                     "a secret is never written here; right would be `generated` or "
                     "file:PATH");
}

/* The first line of a file. */
static int read_secret(const char *path, const char *mechanism, char secret[MAX_SECRET],
                       struct error *error) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    json_auto_t *text = NULL;
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0)
        return error_errno(error, -errno, "%s.secret: %s", mechanism, path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(error, -EACCES, "%s.secret: %s can be read by others; chmod 600 it",
                         mechanism, path);
    if (!S_ISREG(status.st_mode) || !fgets(secret, MAX_SECRET, file))
        return error_set(error, -EINVAL, "%s.secret: %s holds no %s", mechanism, path, mechanism);
    if (!strchr(secret, '\n') && fgetc(file) != EOF)
        return error_set(error, -EINVAL, "%s.secret: the first line of %s is too long", mechanism,
                         path);
    secret[strcspn(secret, "\r\n")] = '\0';
    text = json_string(secret);
    if (!text)
        return error_set(error, -EINVAL, "%s.secret: %s is no UTF-8 text", mechanism, path);
    if (strlen(secret) < MIN_SECRET)
        return error_set(error, -EINVAL,
                         "%s.secret: the first line of %s is shorter than %d bytes: the "
                         "wiretap would find it by chance",
                         mechanism, path, MIN_SECRET);
    return 0;
}

static int make_secret(size_t random_bytes, const char *mechanism, char secret[MAX_SECRET],
                       struct error *error) {
    unsigned char random[MAX_RANDOM];

    if (RAND_bytes(random, (int)random_bytes) != 1)
        return error_set(error, -EIO, "no random numbers for a %s", mechanism);
    text_hex(secret, random, random_bytes);
    OPENSSL_cleanse(random, sizeof(random));
    return 0;
}

void secret_put(struct issuer *issuer, const char *mechanism, const char *channel, json_t *value) {
    json_t *all = json_object_get(issuer->secrets, mechanism);

    if (!all) {
        all = json_object();
        (void)json_object_set_new(issuer->secrets, mechanism, all);
    }
    (void)json_object_set_new(all, channel, value);
}

int secret_issue(struct issuer *issuer, const char *mechanism, const char *channel,
                 const char *source, size_t random_bytes, struct error *error) {
    char secret[MAX_SECRET] = "";
    int r = strncmp(source, FILE_PREFIX, strlen(FILE_PREFIX)) == 0
                ? read_secret(source + strlen(FILE_PREFIX), mechanism, secret, error)
                : make_secret(random_bytes, mechanism, secret, error);

    if (r < 0)
        return r;
    secret_put(issuer, mechanism, channel, json_string(secret));
    OPENSSL_cleanse(secret, sizeof(secret));
    return 0;
}

const char *secret_find(const struct bringup *bringup, const char *mechanism, const char *part) {
    const json_t *issued =
        json_object_get(json_object_get(bringup->secrets, mechanism), bringup->channel->name);
    const char *secret = json_string_value(part ? json_object_get(issued, part) : issued);

    return secret ? secret : "";
}
