#include "security/pem_file.h"

#include "security/key_token.h"
#include "security/secret.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>
#include <sys/stat.h>

/* Of a larger file, only so much is looked at to say what it is. */
#define LOOK_BYTES (256 * 1024)

enum wanted { WANTED_CA, WANTED_CERTIFICATE, WANTED_KEY, N_WANTED };

static const char *const wanted_words[] = {
    [WANTED_CA] = "certificates of CAs in PEM",
    [WANTED_CERTIFICATE] = "a certificate in PEM",
    [WANTED_KEY] = "a private key in PEM",
};

/* ---- what it is ---- */

/* Something that a file may be, how it is told, and what makes each wanted thing of it: commands
 * with %s for the file's path, or words. NULL: it cannot be had from that. */
struct kind {
    const char *words;
    const char *label; /* of a block of PEM: a part of what follows "-----BEGIN " */
    bool (*is)(const unsigned char *data, long length); /* else, by its bytes */
    const char *help[N_WANTED];
    unsigned usable; /* as what it may be wanted: bits of enum wanted */
};

/* By the mark that whatever writes it puts in front. */
static bool is_utf16(const unsigned char *data, long length) {
    return length > 1 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
}

static bool is_encrypted_key(const unsigned char *data, long length) {
    const char *text = (const char *)data;

    (void)length;
    return strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY") || strstr(text, "4,ENCRYPTED");
}

/* Whether one of libcrypto's readers of DER takes it for its own. */
#define DEFINE_IS_DER(name, type, read)                                                            \
    static bool name(const unsigned char *data, long length) {                                     \
        type *object = read(NULL, &data, length);                                                  \
        bool is = object != NULL;                                                                  \
                                                                                                   \
        type##_free(object);                                                                       \
        ERR_clear_error();                                                                         \
        return is;                                                                                 \
    }

DEFINE_IS_DER(is_der_certificate, X509, d2i_X509)
DEFINE_IS_DER(is_der_request, X509_REQ, d2i_X509_REQ)
DEFINE_IS_DER(is_pkcs12, PKCS12, d2i_PKCS12)
DEFINE_IS_DER(is_der_key, EVP_PKEY, d2i_AutoPrivateKey)
DEFINE_IS_DER(is_der_encrypted_key, X509_SIG, d2i_X509_SIG)

#define DECRYPT "set external.key_passphrase = file:PATH; or openssl pkey -in %s -out PLAIN.key"
#define SIGNED  "the CA makes a certificate of it: take the one that it has sent back"
#define SWAPPED "are certificate and key exchanged?"

/* The first that fits; what a file of several blocks is said to be is its first block. */
static const struct kind kinds[] = {
    {"UTF-16 text", .is = is_utf16,
     .help = {"iconv -f UTF-16 -t UTF-8 %s >NEW.pem", "iconv -f UTF-16 -t UTF-8 %s >NEW.pem",
              "iconv -f UTF-16 -t UTF-8 %s >NEW.pem"}},
    {"a certificate request (CSR)", "CERTIFICATE REQUEST", .help = {NULL, SIGNED, SWAPPED}},
    {"a certificate", "CERTIFICATE", .help = {NULL, NULL, SWAPPED},
     .usable = 1u << WANTED_CA | 1u << WANTED_CERTIFICATE},
    {"an encrypted private key", .is = is_encrypted_key, .help = {NULL, SWAPPED, DECRYPT}},
    {"a private key of OpenSSH", "OPENSSH PRIVATE KEY",
     .help = {NULL, NULL, "cp %s NEW.key && ssh-keygen -p -m PKCS8 -f NEW.key"}},
    {"a private key", "PRIVATE KEY", .help = {NULL, SWAPPED, NULL}, .usable = 1u << WANTED_KEY},
    {"a public key", "PUBLIC KEY", .help = {NULL}},
    {"a PKCS#7 bundle", "PKCS7",
     .help = {"openssl pkcs7 -in %s -print_certs -out NEW.pem",
              "openssl pkcs7 -in %s -print_certs -out NEW.pem", NULL}},
    {"a certificate in DER", .is = is_der_certificate,
     .help = {"openssl x509 -inform DER -in %s -out NEW.pem",
              "openssl x509 -inform DER -in %s -out NEW.pem", NULL}},
    {"a certificate request (CSR) in DER", .is = is_der_request, .help = {NULL, SIGNED, SWAPPED}},
    {"a PKCS#12 file", .is = is_pkcs12,
     .help = {"openssl pkcs12 -in %s -cacerts -nokeys -out NEW.pem",
              "openssl pkcs12 -in %s -clcerts -nokeys -out NEW.pem",
              "openssl pkcs12 -in %s -nocerts -nodes -out NEW.key"}},
    {"a private key in DER", .is = is_der_key,
     .help = {NULL, NULL, "openssl pkey -inform DER -in %s -out NEW.key"}},
    {"an encrypted private key in DER", .is = is_der_encrypted_key,
     .help = {NULL, NULL, "openssl pkcs8 -inform DER -in %s -out NEW.key"}},
};

static bool has_block(const char *text, const char *label) {
    const char *begin = strstr(text, "-----BEGIN ");
    const char *end = begin ? strpbrk(begin, "\r\n") : NULL;
    const char *found = begin ? strstr(begin, label) : NULL;

    return found && (!end || found < end);
}

static const struct kind *find_kind(const unsigned char *data, long length) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].is ? kinds[i].is(data, length) : has_block((const char *)data, kinds[i].label))
            return &kinds[i];
    return NULL;
}

/* Says what it is that cannot be used as what was wanted. */
static int refuse(const char *path, const struct kind *kind, enum wanted wanted,
                  struct error *error) {
    const char *format = kind ? kind->help[wanted] : NULL;
    CLEANUP_FREE char *help = NULL;
    const char *place = format ? strstr(format, "%s") : NULL;

    if (format)
        help = place ? text_format("%.*s%s%s", (int)(place - format), format, path, place + 2)
                     : text_copy(format);
    return error_set(error, -EINVAL, "%s is %s; expected %s%s%s", path,
                     kind ? kind->words : "neither PEM nor DER", wanted_words[wanted],
                     help ? ": " : "", help ? help : "");
}

/* ---- reading ---- */

static int cannot_open(const char *path, int code, struct error *error) {
    if (code == -ENOENT && *path == '~')
        return error_set(error, -EINVAL,
                         "%s: no such file; no shell replaces the ~, write $HOME out", path);
    return error_set(error, -EINVAL, "%s: %s", path, strerror(-code));
}

/* The beginning of a regular file, with a zero behind it. */
static int look(const char *path, enum wanted wanted, unsigned char **ret, long *ret_length,
                struct error *error) {
    CLEANUP(fclosep) FILE *file = NULL;
    struct stat status;

    if (stat(path, &status) < 0)
        return cannot_open(path, -errno, error);
    if (!S_ISREG(status.st_mode))
        return error_set(error, -EINVAL, "%s is %s; expected %s", path,
                         S_ISDIR(status.st_mode) ? "a folder" : "no regular file",
                         wanted_words[wanted]);
    file = fopen(path, "re");
    if (!file)
        return cannot_open(path, -errno, error);
    *ret = memory_new(LOOK_BYTES + 1, 1);
    *ret_length = (long)fread(*ret, 1, LOOK_BYTES, file);
    if (ferror(file))
        return cannot_open(path, -EIO, error);
    return *ret_length > 0
               ? 0
               : error_set(error, -EINVAL, "%s is empty; expected %s", path, wanted_words[wanted]);
}

static bool is_locked(const char *path) {
    CLEANUP_FREE unsigned char *data = NULL;
    long length = 0;

    return look(path, WANTED_KEY, &data, &length, NULL) == 0 && is_encrypted_key(data, length);
}

/* Why libcrypto could not use the file. */
static int explain(const char *path, enum wanted wanted, struct error *error) {
    CLEANUP_FREE char *reason = text_copy(openssl_reason());
    CLEANUP_FREE unsigned char *data = NULL;
    const struct kind *kind;
    long length = 0;
    int r = look(path, wanted, &data, &length, error);

    if (r < 0)
        return r;
    kind = find_kind(data, length);
    OPENSSL_cleanse(data, (size_t)length);
    if (kind && kind->usable & 1u << wanted)
        return error_set(error, -EINVAL, "%s: %s cannot be read: %s", path, kind->words, reason);
    return refuse(path, kind, wanted, error);
}

/* OpenSSL's pem_password_cb. Without a passphrase it says that there is none, where the default
 * would ask on the terminal. */
static int answer_passphrase(char *buffer, int size, int writing, void *passphrase) {
    size_t length = passphrase ? strlen(passphrase) : 0;

    (void)writing;
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(buffer, passphrase, length);
    return (int)length;
}

/* ---- loading ---- */

/* As `openssl rehash` makes them: 8 digits, a dot and a number. */
static int is_hashed(const struct dirent *entry) {
    size_t digits = strspn(entry->d_name, "0123456789abcdef");

    return digits == 8 && entry->d_name[8] == '.' &&
           strspn(entry->d_name + 9, "0123456789") == strlen(entry->d_name + 9);
}

static bool has_hashes(const char *path) {
    struct dirent **found = NULL;
    int n = scandir(path, &found, is_hashed, NULL);

    for (int i = 0; i < n; i++)
        free(found[i]);
    free(found);
    return n > 0;
}

int pem_file_load_ca(SSL_CTX *context, const char *path, struct error *error) {
    struct stat status;
    bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

    if (folder && SSL_CTX_load_verify_dir(context, path) == 1 && has_hashes(path))
        return 0;
    ERR_clear_error();
    if (folder)
        return error_set(error, -EINVAL,
                         "%s: no certificate in this folder is under the name that OpenSSL looks "
                         "for; openssl rehash %s",
                         path, path);
    return SSL_CTX_load_verify_file(context, path) == 1 ? 0 : explain(path, WANTED_CA, error);
}

static int load_from_token(SSL_CTX *context, const char *certificate, const char *uri,
                           struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = key_token_load(uri, &key, error);

    if (r < 0)
        return r;
    return SSL_CTX_use_PrivateKey(context, key) == 1
               ? 0
               : error_set(error, -EINVAL, "%s is not the key of the certificate in %s: %s", uri,
                           certificate, openssl_reason());
}

int pem_file_load_pair(SSL_CTX *context, const char *certificate, const char *key,
                       const char *passphrase, struct error *error) {
    CLEANUP(secret_freep) char *words = NULL;
    bool loaded;
    int r, reason;

    if (*passphrase) {
        r = secret_read(passphrase, &words, error);
        if (r < 0)
            return error_prefix(error, r, "external.key_passphrase");
        if (!*words)
            return error_set(error, -EINVAL, "%s holds no passphrase", passphrase);
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return explain(certificate, WANTED_CERTIFICATE, error);
    if (key_token_is_uri(key))
        return load_from_token(context, certificate, key, error);
    SSL_CTX_set_default_passwd_cb(context, answer_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, words);
    loaded = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    reason = ERR_GET_REASON(ERR_peek_last_error());
    if (!loaded && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)) {
        ERR_clear_error();
        return error_set(error, -EINVAL, "%s is not the key of the certificate in %s", key,
                         certificate);
    }
    if (!loaded && words && is_locked(key)) {
        ERR_clear_error();
        return error_set(error, -EINVAL, "%s: the passphrase in %s does not open it", key,
                         passphrase);
    }
    if (!loaded)
        return explain(key, WANTED_KEY, error);
    if (SSL_CTX_check_private_key(context) != 1)
        return error_set(error, -EINVAL, "%s is not the key of the certificate in %s: %s", key,
                         certificate, openssl_reason());
    return 0;
}
