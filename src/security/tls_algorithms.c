#include "security/tls_algorithms.h"

#include "security/openssl.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>
#include <strings.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const struct {
    int protocol;
    const char *name;
} versions[] = {
    [TLS_1_1] = {TLS1_1_VERSION, "TLSv1.1"},
    [TLS_1_2] = {TLS1_2_VERSION, "TLSv1.2"},
    [TLS_1_3] = {TLS1_3_VERSION, "TLSv1.3"},
};

const char *tls_algorithms_version_name(int64_t version) {
    return versions[version].name;
}

/* Whose settings they are: no other mechanism has a shared key. */
static const char *section(const struct tls_config *tls) {
    return *tls->psk_identity ? "psk" : "tls";
}

/* The next name of a list, in memory of its own, or NULL; *cursor goes on. */
static char *next_name(const char **cursor) {
    const char *list = *cursor + strspn(*cursor, ": ,");
    size_t length = strcspn(list, ": ,");

    *cursor = list + length;
    return length ? strndup(list, length) : NULL;
}

/* ---- lists ---- */

/* Algorithms are looked up in it, and nothing connects under it; may be NULL. */
static SSL_CTX *new_context(void) {
    return SSL_CTX_new(TLS_client_method());
}

static const SSL_CIPHER *find(STACK_OF(SSL_CIPHER) * ciphers, const char *name) {
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (text_equal(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)), name))
            return sk_SSL_CIPHER_value(ciphers, i);
    return NULL;
}

static bool is_newest(const SSL_CIPHER *cipher) {
    return text_equal(SSL_CIPHER_get_version(cipher), versions[TLS_1_3].name);
}

/* Suites of TLS 1.3 are in every context's list, whatever was asked for. */
bool tls_algorithms_has_cipher(const char *ciphers, const char *name) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = new_context();
    bool known = context && SSL_CTX_set_cipher_list(context, ciphers) == 1;
    const SSL_CIPHER *cipher = known ? find(SSL_CTX_get_ciphers(context), name) : NULL;

    ERR_clear_error();
    return cipher && !is_newest(cipher);
}

bool tls_algorithms_has_exchange(const char *ciphers, int exchange) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = new_context();
    bool known = *ciphers && context && SSL_CTX_set_cipher_list(context, ciphers) == 1, has = false;
    STACK_OF(SSL_CIPHER) *all = known ? SSL_CTX_get_ciphers(context) : NULL;

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
        has = has || SSL_CIPHER_get_kx_nid(sk_SSL_CIPHER_value(all, i)) == exchange;
    ERR_clear_error();
    return has;
}

bool tls_algorithms_has_suite(const char *suites, const char *name) {
    bool has = false;
    char *one;

    while (!has && (one = next_name(&suites))) {
        has = text_equal(one, name);
        free(one);
    }
    return has;
}

static int group_nid(const char *name) {
    int nid = EC_curve_nist2nid(name);

    if (nid == NID_undef && strcasecmp(name, "secp256r1") == 0)
        nid = NID_X9_62_prime256v1; /* RFC 8422's name, which OpenSSL's objects do not know */
    return nid == NID_undef ? OBJ_sn2nid(name) : nid;
}

static bool is_same_group(const char *one, const char *other) {
    int nid = group_nid(one);

    return strcasecmp(one, other) == 0 || (nid != NID_undef && nid == group_nid(other));
}

bool tls_algorithms_has_group(const char *groups, const char *name) {
    bool has = false;
    char *one;

    while (!has && (one = next_name(&groups))) {
        has = is_same_group(one, name);
        free(one);
    }
    return has;
}

/* ---- into a context ---- */

/* Whether each name of a list is known by itself: OpenSSL leaves out those that are not. Operators
 * of cipher lists ("!aNULL", "@SECLEVEL=1") are looked at with the whole list. */
static bool all_known(SSL_CTX *context, const char *list, int set(SSL_CTX *context, const char *)) {
    bool known = true;
    char *name;

    while (known && (name = next_name(&list))) {
        known = strchr("!-+@", *name) || set(context, name) == 1;
        free(name);
    }
    return known;
}

static int set_versions(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    int64_t oldest = tls->lenient && tls->min_version > TLS_1_2 ? TLS_1_2 : tls->min_version;

    if (SSL_CTX_set_min_proto_version(context, versions[oldest].protocol) != 1 ||
        SSL_CTX_set_max_proto_version(context, versions[tls->max_version].protocol) != 1)
        return error_set(error, -EINVAL, "TLS versions: %s", openssl_reason());
    return 0;
}

static int set_ciphers(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    /* OpenSSL 3 speaks TLS 1.1 only below its usual level; only a proof ever asks for it. */
    const char *ciphers = tls->max_version < TLS_1_2 ? "DEFAULT:@SECLEVEL=0" : tls->ciphers;
    bool ok = !*ciphers || (all_known(context, ciphers, SSL_CTX_set_cipher_list) &&
                            SSL_CTX_set_cipher_list(context, ciphers) == 1);

    ERR_clear_error();
    return ok ? 0
              : error_set(error, -EINVAL,
                          "%s.ciphers: '%s' is no cipher list of this OpenSSL; `openssl ciphers "
                          "-s -tls1_2%s` shows what it knows",
                          section(tls), ciphers, *tls->psk_identity ? " -psk PSK" : "");
}

static int set_suites(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    bool ok = !*tls->suites || (all_known(context, tls->suites, SSL_CTX_set_ciphersuites) &&
                                SSL_CTX_set_ciphersuites(context, tls->suites) == 1);

    ERR_clear_error();
    return ok ? 0
              : error_set(error, -EINVAL,
                          "tls.suites: '%s' are no suites of this OpenSSL; known are "
                          "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, "
                          "TLS_AES_128_GCM_SHA256, TLS_AES_128_CCM_SHA256",
                          tls->suites);
}

/* OpenSSL 3.5 has marks in its lists by which unknown names are left out, and groups preferred:
 * what they stand for is not the same everywhere. */
static int set_groups(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    bool plain = strspn(tls->groups, NAME_CHARACTERS ":") == strlen(tls->groups);
    bool ok = !*tls->groups || (plain && SSL_CTX_set1_groups_list(context, tls->groups) == 1);

    ERR_clear_error();
    return ok ? 0
              : error_set(error, -EINVAL,
                          "%s.groups: '%s' are no groups of this OpenSSL; right would be names "
                          "separated by colons, as X25519:P-256",
                          section(tls), tls->groups);
}

int tls_algorithms_set(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    int r = set_versions(context, tls, error);

    if (r == 0)
        r = set_ciphers(context, tls, error);
    if (r == 0)
        r = set_suites(context, tls, error);
    return r == 0 ? set_groups(context, tls, error) : r;
}

/* ---- before anything starts ---- */

/* Each that is asked for by its own name: what an alias stands for may be less than it says. */
static int check_names(STACK_OF(SSL_CIPHER) * usable, const struct tls_config *tls,
                       const char *setting, const char *list, struct error *error) {
    bool by_suite = text_equal(setting, "suites");
    int r = 0;
    char *name;

    while (r == 0 && (name = next_name(&list))) {
        bool by_name = by_suite || tls_algorithms_has_cipher(name, name);

        if (by_name && !find(usable, name))
            r = error_set(
                error, -EINVAL,
                "%s.%s: '%s' is there, but may not be used at this OpenSSL's security "
                "level; leave it out, or lower the level by %s@SECLEVEL=0%s",
                section(tls), setting, name, by_suite ? "tls.ciphers = DEFAULT:" : "adding :",
                by_suite && tls->min_version > TLS_1_2 ? " and tls.min_version = 1.2" : "");
        free(name);
    }
    return r;
}

static bool has_auth(STACK_OF(SSL_CIPHER) * usable, int auth) {
    for (int i = 0; i < sk_SSL_CIPHER_num(usable); i++)
        if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(usable, i)) == auth)
            return true;
    return false;
}

static const SSL_CIPHER *find_other_auth(STACK_OF(SSL_CIPHER) * usable, int auth) {
    for (int i = 0; i < sk_SSL_CIPHER_num(usable); i++)
        if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(usable, i)) != auth)
            return sk_SSL_CIPHER_value(usable, i);
    return NULL;
}

static int check_auth(STACK_OF(SSL_CIPHER) * usable, const struct tls_config *tls, int auth,
                      struct error *error) {
    static const struct {
        int auth;
        const char *remedy;
    } known[] = {
        {NID_auth_ecdsa, "certificates of this tls.key_type; right would be ones with ECDSA"},
        {NID_auth_rsa, "certificates of this tls.key_type; right would be ones with RSA"},
        {NID_auth_psk, "a shared key alone; right would be ECDHE-PSK-CHACHA20-POLY1305"},
    };

    const SSL_CIPHER *other = auth == NID_auth_psk ? find_other_auth(usable, auth) : NULL;

    if (other)
        return error_set(error, -EINVAL,
                         "psk.ciphers: %s needs a certificate; right would be ones like "
                         "ECDHE-PSK-CHACHA20-POLY1305",
                         SSL_CIPHER_get_name(other));
    if (tls->max_version > TLS_1_2 || has_auth(usable, auth))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].auth == auth)
            return error_set(error, -EINVAL, "%s.ciphers: none of '%s' goes with %s", section(tls),
                             tls->ciphers, known[i].remedy);
    return -EINVAL;
}

int tls_algorithms_check(SSL_CTX *context, const struct tls_config *tls, int auth,
                         struct error *error) {
    CLEANUP(SSL_freep) SSL *ssl = SSL_new(context);
    STACK_OF(SSL_CIPHER) *usable = ssl ? SSL_get1_supported_ciphers(ssl) : NULL;
    int r = check_names(usable, tls, "suites", tls->suites, error);

    if (r == 0)
        r = check_names(usable, tls, "ciphers", tls->ciphers, error);
    if (r == 0)
        r = check_auth(usable, tls, auth, error);
    sk_SSL_CIPHER_free(usable);
    ERR_clear_error();
    return r;
}

/* ---- afterwards ---- */

bool tls_algorithms_allow(const struct tls_config *tls, const struct tls_session *session) {
    int64_t version = tls->min_version;

    while (version <= tls->max_version && !text_equal(versions[version].name, session->version))
        version++;
    if (version > tls->max_version)
        return false;
    if (version == TLS_1_3 && *tls->suites &&
        !tls_algorithms_has_suite(tls->suites, session->cipher))
        return false;
    if (version == TLS_1_2 && *tls->ciphers &&
        !tls_algorithms_has_cipher(tls->ciphers, session->cipher))
        return false;
    return !*tls->groups || tls_algorithms_has_group(tls->groups, session->group);
}
