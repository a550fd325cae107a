/*
 * pki_internal - what the files of the pki share: its keys, names, times and signatures
 * (pki_x509.c), the files of a store (pki_store.c), and who holds a certificate (pki_party.c). The
 * CA's side puts them together (pki_ca.c).
 *
 * The steps of figure 5 speak PEM text, because a party takes its own (key, request, installation)
 * on another machine than the CA (signing). Times are int64_t seconds since 1970 UTC (`_s`),
 * because X.509 has no finer ones and reaches beyond what nanoseconds do.
 */
#ifndef BENCH_SECURITY_PKI_INTERNAL_H
#define BENCH_SECURITY_PKI_INTERNAL_H

#include "base/file.h"
#include "security/openssl.h"
#include "security/pki.h"

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define PKI_PUBLIC_MODE 0644

#define DAY_S INT64_C(86400)

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_CRL *, X509_CRL_free)
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free)

/* ---- pki_x509.c: keys, names, times ---- */

/* "what: OpenSSL's reason", and an empty error queue; -EPROTO. */
int pki_openssl_error(struct error *error, const char *what);

/* Of each kind: the object in a text, NULL when the text is NULL or holds nothing of the kind, and
 * then nothing is left in the error queue; its text; the same text without what stood around it,
 * NULL as before. */
X509 *pki_parse_certificate(const char *pem);
X509_REQ *pki_parse_request(const char *pem);
X509_CRL *pki_parse_crl(const char *pem);
int pki_certificate_pem(const X509 *certificate, char **ret, struct error *error);
int pki_request_pem(const X509_REQ *request, char **ret, struct error *error);
int pki_crl_pem(const X509_CRL *list, char **ret, struct error *error);
char *pki_pure_certificate(const char *pem);
char *pki_pure_request(const char *pem);
char *pki_pure_crl(const char *pem);
/* passphrase NULL: only a key that needs none. ret_asked (may be NULL): it needs one. */
EVP_PKEY *pki_parse_key(const char *pem, const char *passphrase, bool *ret_asked);

/* A copy of the text in a memory BIO, NULL when it is empty. */
char *pki_bio_text(BIO *bio);

/* A word of PKI_KEY_TYPES, or OpenSSL's name of the type. */
const char *pki_key_type_of(const EVP_PKEY *key);
bool pki_has_key_type(const EVP_PKEY *key, const char *key_type); /* key may be NULL */

/* The alternative names for a list of addresses, each once. */
int pki_addresses_parse(const char *addresses, GENERAL_NAMES **ret, struct error *error);
char *pki_addresses_text(const X509 *certificate);
/* Whether the certificate has these names and no others. */
bool pki_addresses_equal(const X509 *certificate, const GENERAL_NAMES *addresses);

/* False when it is no proper time. */
bool pki_time_read(const ASN1_TIME *time, int64_t *ret_s);
bool pki_times(const X509 *certificate, int64_t *ret_not_before_s, int64_t *ret_not_after_s);

/* Whether the issuer signed it. */
bool pki_is_signed_by(X509 *certificate, X509 *issuer);
bool pki_crl_is_of(X509_CRL *list, X509 *issuer);

/* ---- pki_x509.c: figure 5 ---- */

enum pki_role {
    PKI_CA,
    PKI_SERVER,
    PKI_CLIENT,
};

/* What a certificate shall say. */
struct pki_profile {
    const char *common_name;
    enum pki_role role;
    const GENERAL_NAMES *addresses; /* of a server, else NULL */
    int64_t not_before_s, not_after_s;
};

/* Who signs; owns both. */
struct pki_authority {
    X509 *certificate;
    EVP_PKEY *key;
};
void pki_authority_clear(struct pki_authority *authority);

/* Steps 1 and 2: a key, and as PEM (PKCS#8), under the passphrase (AES-256-CBC) when it is not
 * NULL. */
int pki_make_key(const char *key_type, const char *passphrase, EVP_PKEY **ret, char **ret_pem,
                 struct error *error);
/* A certificate for the key, signed by the issuer; without a certificate of the issuer's by itself,
 * which is step 1 of a CA. */
int pki_certify(const struct pki_authority *issuer, const struct pki_profile *profile,
                EVP_PKEY *key, X509 **ret, struct error *error);
/* Step 3: a request for the name, made from the party's key. */
int pki_make_request(EVP_PKEY *key, const char *common_name, char **ret_pem, struct error *error);
/* Step 4: the CA signs. The request must be for the profile's name and prove that the party has
 * the key; all else in the certificate is the profile's, cut to the life of the CA. */
int pki_sign_request(const struct pki_authority *authority, const char *request_pem,
                     const struct pki_profile *profile, char **ret_pem, struct error *error);
/* The list that revokes that one certificate, good from a day before now until to_s, or until the
 * CA ends. */
int pki_sign_list(const struct pki_authority *authority, const char *revoked_pem, int64_t now_s,
                  int64_t to_s, char **ret_pem, struct error *error);

/* Whether the request's own signature is right and it asks for this name and nothing more. */
bool pki_request_is_for(const X509_REQ *request, const char *common_name);

/* ---- pki_party.c ---- */

/* Who holds a certificate. */
struct pki_holder {
    const char *name, *folder, *common_name;
    const char *authority; /* the file that the signing CA's certificate is kept in, or NULL */
    const char *revoked;   /* the file that its list of revoked certificates is kept in, or NULL */
    enum pki_role role;
    bool party;     /* the CA keeps a copy */
    bool expired;   /* on purpose */
    bool classical; /* its key is of PKI_DEFAULT_KEY_TYPE: only where that is another kind of key */
};
/* The CA of the store signs for all but the stranger; its list names the revoked one. */
enum {
    PKI_BROKER,
    PKI_CLIENT1,
    PKI_CLIENT2,
    PKI_EXPIRED,
    PKI_REVOKED,
    PKI_CLASSICAL,
    PKI_STRANGER
};
#define PKI_N_HOLDERS (PKI_STRANGER + 1)
extern const struct pki_holder pki_holders[PKI_N_HOLDERS];

/* Of what type the holder's key is in a store of such chains; NULL: nobody holds that there. */
const char *pki_holder_key_type(const struct pki_holder *holder, const struct pki_chain *chain);

/* ---- pki_ca.c ---- */

/* The CA of a store that pki_ensure() has made; the certificate is filled in. */
int pki_authority_open(const struct pki_options *options, struct pki_authority *ret,
                       struct error *error);
/* And its key, for which the passphrase is asked for, unless it is there. */
int pki_authority_open_key(const struct pki_options *options, struct pki_authority *authority,
                           struct error *error);

/* ---- pki_store.c ---- */

/* Wipes and frees a text. */
void pki_secret_free(char *secret);
DEFINE_CLEANUP(char *, pki_secret_free)

/* An existing folder is good. */
int pki_make_folder(const char *path, struct error *error);
/* Waits for a minute until nobody else has that lock of the root folder, or until a signal is there
 * that ends a run; closing *ret_fd gives it back. */
int pki_lock(const char *folder, const char *name, int *ret_fd, struct error *error);
/* The whole file, wiped by the caller when it is secret. A missing file gives 0 and NULL. */
int pki_read(const char *path, char **ret, struct error *error);
/* Replaces the file, but leaves a file alone that holds this text already. */
int pki_update(const char *path, const char *text, struct error *error);

#endif
