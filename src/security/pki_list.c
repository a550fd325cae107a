#include "security/pki.h"

#include "base/clock.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/err.h>

/* CA first, then in the order in which they are made. */
static const struct {
    const char *folder, *name;
} shown[] = {
    {"ca", "ca"},         {"broker", "broker"},  {"client1", "client1"}, {"client2", "client2"},
    {"proof", "expired"}, {"proof", "other-ca"}, {"proof", "revoked"},   {"proof", "stranger"},
};

static char *name_text(const X509_NAME *name) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        text = pki_bio_text(bio);
    return text ? text : text_copy("");
}

static char *fingerprint_text(const X509 *certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *text;

    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return text_copy("");
    text = memory_new((size_t)length * 3 + 1, 1);
    for (unsigned i = 0; i < length; i++)
        (void)snprintf(text + (size_t)i * 3, 4, "%02X:", digest[i]);
    text[(size_t)length * 3 - 1] = '\0';
    return text;
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

    if (!key || pki_times(certificate, &not_before_s, &not_after_s) < 0) {
        ERR_clear_error();
        return error_set(error, -EBADMSG, "%s: this is no certificate", path);
    }
    *entry = (struct pki_entry){
        .name = text_copy(name),
        .path = text_copy(path),
        .subject = name_text(X509_get_subject_name(certificate)),
        .issuer = name_text(X509_get_issuer_name(certificate)),
        .key_type = text_copy(pki_key_type_of(key)),
        .not_before_ns = saturated_ns(not_before_s),
        .not_after_ns = saturated_ns(not_after_s),
        .addresses = pki_addresses_text(certificate),
        .fingerprint = fingerprint_text(certificate),
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
            r = describe(&entries[n], shown[i].name, path, pem, error);
        if (r == 0 && pem)
            n++;
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
        free(entries[i].path);
        free(entries[i].subject);
        free(entries[i].issuer);
        free(entries[i].key_type);
        free(entries[i].addresses);
        free(entries[i].fingerprint);
    }
    free(entries);
}
