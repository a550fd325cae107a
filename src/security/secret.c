#include "security/secret.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_PREFIX "file:"
#define MAX_RANDOM  64

const char *secret_path(const char *source) {
    size_t prefix = strlen(FILE_PREFIX);

    return strncmp(source, FILE_PREFIX, prefix) == 0 && source[prefix] ? source + prefix : NULL;
}

int secret_check(const char *value, struct error *error) {
    if (text_equal(value, "generated") || secret_path(value))
        return 0;
    return error_set(error, -EINVAL,
                     "a secret is never written here; right would be `generated` or "
                     "file:PATH");
}

char *secret_derive(const char *secret, const char *mechanism, int64_t member, size_t bytes) {
    CLEANUP_FREE char *whose = text_format("%s %lld", mechanism, (long long)member);
    unsigned char code[EVP_MAX_MD_SIZE];
    char *digits = memory_new(2 * bytes + 1, 1);

    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)whose,
              strlen(whose), code, NULL))
        abort(); /* libcrypto without SHA-256, or without memory */
    text_hex(digits, code, bytes);
    OPENSSL_cleanse(code, sizeof(code));
    return digits;
}

void secret_free(char *secret) {
    OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

int secret_read(const char *path, char **ret, struct error *error) {
    CLEANUP(fclosep) FILE *file = NULL;
    CLEANUP(secret_freep) char *line = NULL;
    json_auto_t *text = NULL;
    struct stat status;
    size_t size = 0;
    ssize_t length;
    int r;

    r = file_check_private(path, error);
    if (r < 0)
        return r;
    if (stat(path, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, -EINVAL, "%s is no regular file", path);
    file = fopen(path, "re");
    if (!file)
        return error_errno(error, -errno, "%s", path);
    length = getline(&line, &size, file);
    if (length < 0) { /* the buffer is there, and no text */
        free(line);
        line = NULL;
        return error_set(error, -EINVAL, "%s holds nothing; an empty first line is an empty secret",
                         path);
    }
    if (length > 0 && strlen(line) < (size_t)length)
        return error_set(error, -EINVAL,
                         "%s has a NUL byte, which no client library takes; a text in UTF-16 has "
                         "them: save it as UTF-8",
                         path);
    memmove(line, line + file_mark_bytes(line), strlen(line + file_mark_bytes(line)) + 1);
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line && fgetc(file) != EOF)
        return error_set(error, -EINVAL, "the first line of %s is empty, and others follow", path);
    if (strlen(line) > SECRET_MAX_BYTES)
        return error_set(error, -EINVAL, "the first line of %s is longer than %d bytes", path,
                         SECRET_MAX_BYTES);
    text = json_string(line);
    if (!text)
        return error_set(error, -EINVAL, "%s is no UTF-8 text", path);
    *ret = line;
    line = NULL;
    return 0;
}

static int read_source(const char *source, const char *mechanism, size_t shortest, char **ret,
                       struct error *error) {
    const char *path = secret_path(source);
    int r = secret_read(path, ret, error);

    if (r < 0)
        return error_prefix(error, r, "%s.secret", mechanism);
    if (strlen(*ret) >= shortest)
        return 0;
    return error_set(error, -EINVAL, "%s.secret: the first line of %s is shorter than %zu bytes",
                     mechanism, path, shortest);
}

int secret_check_file(const char *source, const char *mechanism, size_t shortest,
                      struct error *error) {
    CLEANUP(secret_freep) char *secret = NULL;

    if (!secret_path(source))
        return 0;
    return read_source(source, mechanism, shortest, &secret, error);
}

static int make_secret(size_t random_bytes, const char *mechanism, char **ret,
                       struct error *error) {
    unsigned char random[MAX_RANDOM];

    if (RAND_bytes(random, (int)random_bytes) != 1)
        return error_set(error, -EIO, "no random numbers for a %s", mechanism);
    *ret = memory_new(2 * random_bytes + 1, 1);
    text_hex(*ret, random, random_bytes);
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
                 const char *source, size_t random_bytes, size_t shortest, struct error *error) {
    CLEANUP(secret_freep) char *secret = NULL;
    int r = secret_path(source) ? read_source(source, mechanism, shortest, &secret, error)
                                : make_secret(random_bytes, mechanism, &secret, error);

    if (r < 0)
        return r;
    secret_put(issuer, mechanism, channel, json_string(secret));
    return 0;
}

const char *secret_find(const struct bringup *bringup, const char *mechanism, const char *part) {
    const json_t *issued =
        json_object_get(json_object_get(bringup->secrets, mechanism), bringup->channel->name);
    const char *secret = json_string_value(part ? json_object_get(issued, part) : issued);

    return secret ? secret : "";
}
