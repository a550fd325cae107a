#include "base/clock.h"
#include "base/file.h"
#include "security/pki_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT_BYTES (1024 * 1024) /* far above any key or certificate */
/* How long another is waited for; the keys that it makes may take a small board a while. */
#define LOCK_NS (60 * NS_PER_S)

void pki_secret_free(char *secret) {
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

static const char *const whose[] = {
    [PKI_TOKENS_CLIENTS] = "clients", [PKI_TOKENS_BROKER] = "broker", [PKI_TOKENS_ALL] = "all"};

char *pki_store(const char *folder, const struct pki_chain *chain) {
    bool mixed = chain->ca_key_type && !text_equal(chain->ca_key_type, chain->key_type);
    CLEANUP_FREE char *types = text_format("%s%s%s", chain->key_type, mixed ? "-by-" : "",
                                           mixed ? chain->ca_key_type : "");
    CLEANUP_FREE char *name = text_copy(text_equal(types, PKI_DEFAULT_KEY_TYPE) ? "" : types);

    if (chain->tokens) {
        CLEANUP_FREE char *tokens = text_format("pkcs11-%s-%s", whose[chain->tokens],
                                                chain->token ? chain->token : "softhsm");

        text_append(&name, "-", tokens);
    }
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            *c = '-';
    return *name ? text_format("%s/%s", folder, name) : text_copy(folder);
}

/* Of a file that may not be opened: whose it is, or the folder above it. */
static int refuse(const char *path, int code, struct error *error) {
    CLEANUP_FREE char *place = text_copy(path);
    struct stat status;

    if (code != -EACCES)
        return error_errno(error, code, "%s", path);
    for (char *slash; stat(place, &status) < 0 && (slash = strrchr(place, '/')); *slash = '\0')
        ;
    if (status.st_uid == geteuid())
        return error_errno(error, code, "%s", path);
    return error_set(error, code,
                     "%s: %s; %s is %s's, as after sudo: sudo chown -R \"$(id -un)\" the folder of "
                     "certificates, or take another (--certs DIR)",
                     path, strerror(EACCES), place, status.st_uid ? "another user" : "root");
}

int pki_make_folder(const char *path, struct error *error) {
    struct stat status;

    if ((mkdir(path, 0700) < 0 && errno != EEXIST) || stat(path, &status) < 0)
        return refuse(path, -errno, error);
    return S_ISDIR(status.st_mode) ? 0 : error_errno(error, -ENOTDIR, "%s", path);
}

/* A run blocks its signals and reads them elsewhere: while one waits here, nobody does. */
static bool is_interrupted(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;

    (void)sigpending(&pending);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sigismember(&pending, signals[i]) == 1)
            return true;
    return false;
}

int pki_lock(const char *folder, const char *name, int *ret_fd, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + LOCK_NS;
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_PRIVATE);

    if (fd < 0)
        return refuse(path, -errno, error);
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_errno(error, -errno, "%s", path);
        if (is_interrupted())
            return error_set(error, -EINTR, "interrupted");
        if (clock_monotonic_ns() > deadline)
            return error_set(error, -EBUSY,
                             "%s: another bench has been making certificates there for %d s; let "
                             "it end first, or answer what it asks",
                             path, (int)(LOCK_NS / NS_PER_S));
        clock_sleep_until(clock_monotonic_ns() + 20 * NS_PER_MS);
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int pki_read(const char *path, char **ret, struct error *error) {
    size_t length;
    int r;

    *ret = NULL;
    r = file_read(path, FILE_LIMIT_BYTES, ret, &length, error);
    if (r == -EBADMSG || r == -EFBIG || r == -EISDIR)
        return error_set(error, -EBADMSG, "%s: no ordinary file of a reasonable size", path);
    if (r == -EACCES)
        return refuse(path, r, error);
    return r == -ENOENT ? 0 : r;
}

int pki_update(const char *path, const char *text, struct error *error) {
    CLEANUP_FREE char *present = NULL;
    int r = pki_read(path, &present, error);

    if (r < 0)
        return r;
    return text_equal(present, text) ? 0 : file_replace(path, PKI_PUBLIC_MODE, text, error);
}

/* ---- showing a store ---- */

/* CA first, then in the order in which they are made. */
static const struct {
    const char *folder, *name;
} shown[] = {
    {"ca", "ca"},           {"broker", "broker"},   {"client1", "client1"},
    {"client2", "client2"}, {"proof", "expired"},   {"proof", "other-ca"},
    {"proof", "revoked"},   {"proof", "classical"}, {"proof", "stranger"},
};

static char *name_text(const X509_NAME *name) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        text = pki_bio_text(bio);
    return text ? text : text_copy("");
}

/* Nanoseconds end in the year 2262, certificates may not. */
static int64_t saturated_ns(int64_t time_s) {
    if (time_s > INT64_MAX / NS_PER_S)
        return INT64_MAX;
    return time_s < INT64_MIN / NS_PER_S ? INT64_MIN : time_s * NS_PER_S;
}

static int describe(struct pki_entry *entry, const char *name, const char *path, const char *pem,
                    struct error *error) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(pem);
    const EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
    int64_t not_before_s, not_after_s;

    if (!key || !pki_times(certificate, &not_before_s, &not_after_s)) {
        ERR_clear_error();
        return error_set(error, -EBADMSG, "%s: this is no certificate", path);
    }
    *entry = (struct pki_entry){
        .name = text_copy(name),
        .issuer = name_text(X509_get_issuer_name(certificate)),
        .key_type = text_copy(pki_key_type_of(key)),
        .not_after_ns = saturated_ns(not_after_s),
        .addresses = pki_addresses_text(certificate),
    };
    return 0;
}

int pki_list(const char *store, struct pki_entry **ret, size_t *ret_n, struct error *error) {
    struct pki_entry *entries = memory_new(ARRAY_SIZE(shown), sizeof(*entries));
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(shown) && r == 0; i++) {
        CLEANUP_FREE char *path =
            text_format("%s/%s/%s.crt", store, shown[i].folder, shown[i].name);
        CLEANUP_FREE char *pem = NULL;

        r = pki_read(path, &pem, error);
        if (r == 0 && !pem) {
            free(path);
            path = text_format("%s/ca/%s.crt", store, shown[i].name);
            r = pki_read(path, &pem, error);
        }
        if (r == 0 && pem)
            r = describe(&entries[n++], shown[i].name, path, pem, error);
    }
    if (r < 0) {
        pki_list_free(entries, n);
        return r;
    }
    *ret = entries;
    *ret_n = n;
    return 0;
}

void pki_list_free(struct pki_entry *entries, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(entries[i].name);
        free(entries[i].issuer);
        free(entries[i].key_type);
        free(entries[i].addresses);
    }
    free(entries);
}
