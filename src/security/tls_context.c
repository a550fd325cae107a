#include "security/tls_context.h"

#include "base/suggestion.h"
#include "security/pem_file.h"
#include "security/tls_signature.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define ALPN_BYTES      512 /* of all protocols that a client offers */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const struct {
    int protocol;
    const char *name;
} versions[] = {
    [TLS_1_1] = {TLS1_1_VERSION, "TLSv1.1"},
    [TLS_1_2] = {TLS1_2_VERSION, "TLSv1.2"},
    [TLS_1_3] = {TLS1_3_VERSION, "TLSv1.3"},
};

const char *tls_version_name(int64_t version) {
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

/* A context with these ciphers, in which they are looked up and under which nothing connects; NULL
 * when OpenSSL does not know them. */
static SSL_CTX *new_list(const char *ciphers) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX *ret = NULL;

    if (context && SSL_CTX_set_cipher_list(context, ciphers) == 1) {
        ret = context;
        context = NULL;
    }
    ERR_clear_error();
    return ret;
}

static const SSL_CIPHER *find(STACK_OF(SSL_CIPHER) * ciphers, const char *name) {
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (text_equal(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)), name))
            return sk_SSL_CIPHER_value(ciphers, i);
    return NULL;
}

/* Suites of TLS 1.3 are in every context's list, whatever was asked for. */
bool tls_has_cipher(const char *ciphers, const char *names) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *list = new_list(ciphers);
    bool has = false;
    char *name;

    while (list && !has && (name = next_name(&names))) {
        const SSL_CIPHER *cipher = find(SSL_CTX_get_ciphers(list), name);

        has = cipher && !text_equal(SSL_CIPHER_get_version(cipher), versions[TLS_1_3].name);
        free(name);
    }
    return has;
}

bool tls_exchanges_in_group(const char *ciphers, bool each) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *list = new_list(*ciphers ? ciphers : "DEFAULT");
    STACK_OF(SSL_CIPHER) *all = list ? SSL_CTX_get_ciphers(list) : NULL;
    int n_in_group = 0, n_others = 0;

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        int exchange = SSL_CIPHER_get_kx_nid(sk_SSL_CIPHER_value(all, i));
        bool in_group = exchange == NID_kx_ecdhe || exchange == NID_kx_ecdhe_psk;

        n_in_group += in_group;
        n_others += !in_group && exchange != NID_kx_any; /* suites of TLS 1.3 are in every list */
    }
    return n_in_group && !(each && n_others);
}

static bool has_name(const char *list, const char *name,
                     bool is_same(const char *one, const char *other)) {
    bool has = false;
    char *one;

    while (!has && (one = next_name(&list))) {
        has = is_same(one, name);
        free(one);
    }
    return has;
}

bool tls_has_suite(const char *suites, const char *name) {
    return has_name(suites, name, text_equal);
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

bool tls_has_group(const char *groups, const char *name) {
    return has_name(groups, name, is_same_group);
}

/* Names that OpenSSL has from 3.5 on, all of TLS 1.3. */
struct later {
    const char *what;
    int (*set)(SSL_CTX *context, const char *list);
    const char *names[8];
};

static int set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

static int set_signatures(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_sigalgs_list(context, list);
}

static const struct later later_groups = {"ML-KEM",
                                          set_groups,
                                          {"X25519MLKEM768", "SecP256r1MLKEM768",
                                           "SecP384r1MLKEM1024", "MLKEM512", "MLKEM768",
                                           "MLKEM1024"}};
static const struct later later_signatures = {
    "ML-DSA", set_signatures, {"mldsa44", "mldsa65", "mldsa87"}};

static bool is_later(const struct later *later, const char *name) {
    for (size_t i = 0; later->names[i]; i++)
        if (strcasecmp(name, later->names[i]) == 0)
            return true;
    return false;
}

bool tls_has_post_quantum_group(const char *groups) {
    for (size_t i = 0; later_groups.names[i]; i++)
        if (tls_has_group(groups, later_groups.names[i]))
            return true;
    return false;
}

bool tls_has_classical_signature(const char *signatures) {
    bool has = false;
    char *name;

    while (!has && (name = next_name(&signatures))) {
        has = !is_later(&later_signatures, name);
        free(name);
    }
    return has;
}

static bool is_here(int set(SSL_CTX *context, const char *list), const char *name) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool here = context && set(context, name) == 1;

    ERR_clear_error();
    return here;
}

/* The list without those that are there in later releases only, or as it is; the caller's. */
static char *without_later(const struct later *later, const char *list) {
    CLEANUP_FREE char *rest = text_copy("");
    const char *cursor = list;
    bool lacking = false;
    char *name, *ret;

    while ((name = next_name(&cursor))) {
        if (!is_later(later, name) || is_here(later->set, name))
            text_append(&rest, ":", name);
        else
            lacking = true;
        free(name);
    }
    ret = lacking ? rest : text_copy(list);
    if (lacking)
        rest = NULL;
    return ret;
}

int tls_possible(const char *groups, const char *signatures, struct error *error) {
    CLEANUP_FREE char *groups_here = without_later(&later_groups, groups);
    CLEANUP_FREE char *signatures_here = without_later(&later_signatures, signatures);

    if (!text_equal(groups_here, groups))
        return openssl_lacks(error, later_groups.what);
    return text_equal(signatures_here, signatures) ? 0
                                                   : openssl_lacks(error, later_signatures.what);
}

/* What a user may choose from here; the caller's. */
static char *known_names(const char *classical, const struct later *later) {
    char *known = text_copy(""), *name;

    while ((name = next_name(&classical))) {
        if (is_here(later->set, name))
            text_append(&known, " ", name);
        free(name);
    }
    for (size_t i = 0; later->names[i]; i++)
        if (is_here(later->set, later->names[i]))
            text_append(&known, " ", later->names[i]);
    return known;
}

bool tls_has_signature(const char *signatures, const char *name) {
    return has_name(signatures, name, text_equal);
}

const char *tls_asked(const char *setting) {
    return text_equal(setting, TLS_BY_HOST) ? "" : setting;
}

void tls_settle(char **setting, bool own_broker, const char *pinned) {
    if (!**setting)
        text_replace(setting, own_broker ? pinned : TLS_BY_HOST);
}

/* A cipher of TLS 1.2 that was asked for may exchange keys in no group. */
static bool allows_group(const struct tls_config *tls, int64_t version,
                         const struct tls_session *session) {
    if (!*tls->groups || tls_has_group(tls->groups, session->group))
        return true;
    return version == TLS_1_2 && *tls->ciphers && !*session->group &&
           !tls_exchanges_in_group(session->cipher, false);
}

/* An end that has not signed has nothing that could be another. */
static bool allows_signature(const struct tls_config *tls, const char *signature) {
    return !*tls->signatures || !*signature || tls_has_signature(tls->signatures, signature);
}

bool tls_allows(const struct tls_config *tls, const struct tls_session *session) {
    int64_t version = tls->min_version;

    while (version <= tls->max_version && !text_equal(versions[version].name, session->version))
        version++;
    if (version > tls->max_version)
        return false;
    if (version == TLS_1_3 && *tls->suites && !tls_has_suite(tls->suites, session->cipher))
        return false;
    if (version == TLS_1_2 && *tls->ciphers && !tls_has_cipher(tls->ciphers, session->cipher))
        return false;
    return allows_group(tls, version, session) && allows_signature(tls, session->signature) &&
           allows_signature(tls, session->client_signature);
}

/* ---- the broker's side ---- */

void tls_broker_lines(const struct tls_config *tls, FILE *lines) {
    fprintf(lines, "tls_version %s\n", tls->min_version == TLS_1_3 ? "tlsv1.3" : "tlsv1.2");
    if (*tls->ciphers)
        fprintf(lines, "ciphers %s\n", tls->ciphers);
    if (*tls->suites)
        fprintf(lines, "ciphers_tls1.3 %s\n", tls->suites);
}

/* Whether this OpenSSL may compress certificates (RFC 8879, from 3.2 on, where it is built so), as
 * clients do that a broker lets. Never here: releases that do not must measure the same. */
static bool compresses(void) {
    return OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 2;
}

void tls_broker_openssl(const struct tls_config *tls, FILE *lines) {
    CLEANUP_FREE char *options = text_copy("");

    fprintf(lines, "MaxProtocol = %s\n", tls_version_name(tls->max_version));
    if (*tls->groups)
        fprintf(lines, "Groups = %s\n", tls->groups);
    if (*tls->signatures)
        fprintf(lines, "SignatureAlgorithms = %s\n", tls->signatures);
    if (!tls->tickets) /* for TLS 1.3, where the option makes tickets stand for a cache */
        fprintf(lines, "NumTickets = 0\n");
    if (compresses())
        text_append(&options, ",", "-TxCertificateCompression,-RxCertificateCompression");
    if (!tls->tickets)
        text_append(&options, ",", "-SessionTicket");
    if (*options) /* one line: the last counts */
        fprintf(lines, "Options = %s\n", options);
}

/* ---- what a context keeps ---- */

struct kept {
    char *server_name; /* that its clients ask for; NULL: none */
    char *identity;    /* under which both ends know the key; NULL: there is none */
    unsigned char key[TLS_KEY_MAX];
    size_t key_length;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int kept_index; /* in OpenSSL's terms */

static void free_kept(void *context, void *data, CRYPTO_EX_DATA *all, int index, long number,
                      void *argument) {
    struct kept *kept = data;

    (void)context;
    (void)all;
    (void)index;
    (void)number;
    (void)argument;
    if (!kept)
        return;
    free(kept->server_name);
    free(kept->identity);
    OPENSSL_cleanse(kept, sizeof(*kept));
    free(kept);
}

static void make_index(void) {
    kept_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_kept);
}

static struct kept *kept_by(const SSL_CTX *context) {
    return SSL_CTX_get_ex_data(context, kept_index);
}

/* NULL: OpenSSL has the reason. */
static SSL_CTX *new_context(const SSL_METHOD *method) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(method);
    struct kept *kept = memory_new(1, sizeof(*kept));
    SSL_CTX *ret = context;

    (void)pthread_once(&once, make_index);
    if (!context || SSL_CTX_set_ex_data(context, kept_index, kept) != 1) {
        free(kept);
        return NULL;
    }
    context = NULL;
    return ret;
}

/* ---- shared keys ---- */

/* How long the key is, or 0, by which OpenSSL gives up. */
static unsigned give(const struct kept *kept, unsigned char *ret, unsigned size) {
    if (kept->key_length > size)
        return 0;
    memcpy(ret, kept->key, kept->key_length);
    return (unsigned)kept->key_length;
}

static unsigned as_client(SSL *ssl, const char *hint, char *identity, unsigned identity_size,
                          unsigned char *ret_key, unsigned key_size) {
    const struct kept *kept = kept_by(SSL_get_SSL_CTX(ssl));

    (void)hint;
    if (strlen(kept->identity) >= identity_size)
        return 0;
    (void)snprintf(identity, identity_size, "%s", kept->identity);
    return give(kept, ret_key, key_size);
}

static unsigned as_server(SSL *ssl, const char *identity, unsigned char *ret_key,
                          unsigned key_size) {
    const struct kept *kept = kept_by(SSL_get_SSL_CTX(ssl));

    return text_equal(identity, kept->identity) ? give(kept, ret_key, key_size) : 0;
}

bool tls_key_is_good(const char *digits) {
    size_t length = strlen(digits);

    return length % 2 == 0 && length >= (size_t)TLS_KEY_MIN * 2 &&
           length <= (size_t)TLS_KEY_MAX * 2 && strspn(digits, "0123456789abcdefABCDEF") == length;
}

/* Lets either side of a context speak with tls->psk_key as tls->psk_identity; nothing when that is
 * empty. The context has a copy of its own, wiped when it is freed. */
static int set_shared_key(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    struct kept *kept = kept_by(context);

    if (!*tls->psk_identity)
        return 0;
    if (!tls_key_is_good(tls->psk_key) ||
        OPENSSL_hexstr2buf_ex(kept->key, sizeof(kept->key), &kept->key_length, tls->psk_key,
                              '\0') != 1)
        return error_set(error, -EINVAL, "the shared key is not %d to %d hexadecimal digits",
                         TLS_KEY_MIN * 2, TLS_KEY_MAX * 2);
    kept->identity = text_copy(tls->psk_identity);
    SSL_CTX_set_psk_client_callback(context, as_client);
    SSL_CTX_set_psk_server_callback(context, as_server);
    return 0;
}

/* ---- contexts ---- */

/* Whether each name of a list is known by itself, and the list as a whole: OpenSSL leaves out names
 * that it does not know. Operators of cipher lists ("!aNULL", "@SECLEVEL=1") are looked at with the
 * whole. */
static bool takes(SSL_CTX *context, const char *list, int set(SSL_CTX *context, const char *)) {
    const char *cursor = list;
    bool known = true;
    char *name;

    while (known && (name = next_name(&cursor))) {
        known = strchr("!-+@", *name) || set(context, name) == 1;
        free(name);
    }
    return known && set(context, list) == 1;
}

/* OpenSSL 3.5 has marks in its lists by which unknown names are left out, and groups preferred:
 * what they stand for is not the same everywhere. */
static bool is_plain(const char *list) {
    return strspn(list, NAME_CHARACTERS ":") == strlen(list);
}

static int refuse_suites(const char *suites, struct error *error) {
    static const char known[] = "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, "
                                "TLS_AES_128_GCM_SHA256, TLS_AES_128_CCM_SHA256";
    CLEANUP_FREE char *meant = suggestion_of_list(suites, known);

    return error_set(error, -EINVAL,
                     "tls.suites: '%s' are no suites of this OpenSSL%s; known are %s", suites,
                     meant, known);
}

static int refuse_groups(const struct tls_config *tls, struct error *error) {
    CLEANUP_FREE char *known =
        known_names("X25519:P-256:P-384:P-521:X448:ffdhe2048:ffdhe3072", &later_groups);
    CLEANUP_FREE char *meant = suggestion_of_list(tls->groups, known);

    return error_set(error, -EINVAL,
                     "%s.groups: '%s' are no groups of this OpenSSL%s; right would be names "
                     "separated by colons, of: %s",
                     section(tls), tls->groups, meant, known);
}

static int refuse_signatures(const char *signatures, struct error *error) {
    CLEANUP_FREE char *known =
        known_names("ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:"
                    "ed448:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
                    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512",
                    &later_signatures);
    CLEANUP_FREE char *meant = suggestion_of_list(signatures, known);

    return error_set(error, -EINVAL,
                     "tls.signatures: '%s' are no signature schemes of this OpenSSL%s; right would "
                     "be different names separated by colons, of: %s",
                     signatures, meant, known);
}

/* Of TLS 1.2; the caller's. */
static char *known_ciphers(bool by_key) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = new_list(by_key ? "PSK" : "ALL");
    STACK_OF(SSL_CIPHER) *ciphers = context ? SSL_CTX_get_ciphers(context) : NULL;
    char *known = text_copy("");

    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));

        if (strncmp(name, "TLS_", 4) != 0)
            text_append(&known, " ", name);
    }
    return known;
}

static int refuse_ciphers(const char *ciphers, const struct tls_config *tls, struct error *error) {
    bool by_key = *tls->psk_identity;
    CLEANUP_FREE char *known = known_ciphers(by_key);
    CLEANUP_FREE char *meant = suggestion_of_list(ciphers, known);

    return error_set(error, -EINVAL,
                     "%s.ciphers: '%s' is no cipher list of this OpenSSL%s; `openssl ciphers -s "
                     "-tls1_2%s` shows what it knows",
                     section(tls), ciphers, meant, by_key ? " -psk PSK" : "");
}

static int set_algorithms(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    /* OpenSSL 3 speaks TLS 1.1 only below its usual level; only a proof ever asks for it. */
    const char *ciphers = tls->max_version < TLS_1_2 ? "DEFAULT:@SECLEVEL=0" : tls->ciphers;
    int64_t oldest = tls->lenient && tls->min_version > TLS_1_2 ? TLS_1_2 : tls->min_version;
    int r = 0;

    if (SSL_CTX_set_min_proto_version(context, versions[oldest].protocol) != 1 ||
        SSL_CTX_set_max_proto_version(context, versions[tls->max_version].protocol) != 1)
        r = error_set(error, -EINVAL, "TLS versions: %s", openssl_reason());
    else if (*ciphers && !takes(context, ciphers, SSL_CTX_set_cipher_list))
        r = refuse_ciphers(ciphers, tls, error);
    else if (*tls->suites && !takes(context, tls->suites, SSL_CTX_set_ciphersuites))
        r = refuse_suites(tls->suites, error);
    else if (*tls->groups && (!is_plain(tls->groups) || set_groups(context, tls->groups) != 1))
        r = refuse_groups(tls, error);
    else if (*tls->signatures &&
             (!is_plain(tls->signatures) || set_signatures(context, tls->signatures) != 1))
        r = refuse_signatures(tls->signatures, error);
    ERR_clear_error();
    return r;
}

static int set_files(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    int r = *tls->ca_file ? pem_file_load_ca(context, tls->ca_file, error) : 0;

    if (r < 0 || !*tls->cert_file)
        return r;
    return pem_file_load_pair(context, tls->cert_file, tls->key_file, tls->passphrase_file, error);
}

int tls_context_check_files(const struct tls_config *tls, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    return context ? set_files(context, tls, error)
                   : error_set(error, -ENOMEM, "TLS: %s", openssl_reason());
}

/* Sessions are kept by whoever resumes them, never in a cache of a context. Without tickets a
 * server of TLS 1.3 must be told twice: it would give tickets that stand for its cache. */
static void set_resumption(SSL_CTX *context, const struct tls_config *tls) {
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (tls->tickets)
        return;
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(context, 0);
}

static int build(SSL_CTX **ret, const SSL_METHOD *method, const struct tls_config *tls,
                 struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = new_context(method);
    int r;

    if (!context)
        return error_set(error, -ENOMEM, "TLS: %s", openssl_reason());
    r = set_algorithms(context, tls, error);
    if (r == 0)
        r = set_files(context, tls, error);
    if (r == 0)
        r = set_shared_key(context, tls, error);
    if (r < 0)
        return r;
    set_resumption(context, tls);
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION |
                                           SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
    *ret = context;
    context = NULL;
    return 0;
}

/* ---- whom a client means ---- */

/* An interface behind a link-local address is each host's own, and in no certificate. */
static char *without_interface(const char *host) {
    return text_format("%.*s", (int)(strchr(host, ':') ? strcspn(host, "%") : strlen(host)), host);
}

static int expect_host(SSL_CTX *context, const char *host, struct error *error) {
    CLEANUP_FREE char *certified = without_interface(host);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    int ok = tls_context_is_name(host) ? X509_VERIFY_PARAM_set1_host(param, host, 0)
                                       : X509_VERIFY_PARAM_set1_ip_asc(param, certified);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return ok == 1 ? 0 : error_set(error, -EINVAL, "'%s' is no address and no host name", host);
}

/* Each protocol behind a byte with its length, as ALPN has them on the wire. */
static int write_protocols(const char *protocols, unsigned char wire[static ALPN_BYTES],
                           unsigned *ret_length, struct error *error) {
    const char *cursor = protocols, *word;
    unsigned length = 0;
    size_t name;

    while ((word = text_next_word(&cursor, &name))) {
        if (name > UINT8_MAX || length + 1 + name > ALPN_BYTES)
            return error_set(error, -EINVAL, "ALPN: '%s' is too long", protocols);
        wire[length++] = (unsigned char)name;
        memcpy(wire + length, word, name);
        length += (unsigned)name;
    }
    *ret_length = length;
    return 0;
}

/* On a context, or on one connection. */
static int offer_protocols(SSL_CTX *context, SSL *ssl, const char *protocols, struct error *error) {
    unsigned char wire[ALPN_BYTES];
    unsigned length;
    int r = write_protocols(protocols, wire, &length, error);

    if (r < 0 || length == 0)
        return r;
    return (context ? SSL_CTX_set_alpn_protos(context, wire, length)
                    : SSL_set_alpn_protos(ssl, wire, length)) == 0
               ? 0
               : error_set(error, -EINVAL, "ALPN: %s", openssl_reason());
}

void tls_context_ask_for(SSL *ssl, SSL_CTX *context) {
    (void)SSL_set_tlsext_host_name(ssl, kept_by(context)->server_name);
}

/* libmosquitto asks for the address that it connects to, also where that is none to ask for. */
static void correct_name(const SSL *ssl, int where, int value) {
    (void)value;
    if (where & SSL_CB_HANDSHAKE_START && SSL_get_state(ssl) == TLS_ST_BEFORE)
        tls_context_ask_for((SSL *)(uintptr_t)ssl, SSL_get_SSL_CTX(ssl));
}

int tls_context_client(SSL_CTX **ret, const struct client_config *config, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r = build(&context, TLS_client_method(), &config->tls, error);

    if (r < 0)
        return r;
    r = *config->expected_host ? expect_host(context, config->expected_host, error) : 0;
    if (r < 0)
        return r;
    r = offer_protocols(context, NULL, config->alpn, error);
    if (r < 0)
        return r;
    if (*config->server_name)
        kept_by(context)->server_name = text_copy(config->server_name);
    SSL_CTX_set_info_callback(context, correct_name);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    *ret = context;
    context = NULL;
    return 0;
}

bool tls_context_is_name(const char *host) {
    CLEANUP_FREE char *number = without_interface(host);
    unsigned char address[sizeof(struct in6_addr)];

    return *host && inet_pton(AF_INET, number, address) != 1 &&
           inet_pton(AF_INET6, number, address) != 1;
}

/* A certificate, its chain and its key, from where they were loaded. */
static bool show_as(SSL *ssl, SSL_CTX *model) {
    STACK_OF(X509) *chain = NULL;

    return !SSL_CTX_get0_certificate(model) ||
           (SSL_use_certificate(ssl, SSL_CTX_get0_certificate(model)) == 1 &&
            SSL_use_PrivateKey(ssl, SSL_CTX_get0_privatekey(model)) == 1 &&
            SSL_CTX_get0_chain_certs(model, &chain) == 1 && SSL_set1_chain(ssl, chain) == 1);
}

int tls_context_impose(SSL *ssl, SSL_CTX *model, const struct client_config *config,
                       struct error *error) {
    const struct tls_config *tls = &config->tls;

    tls_context_ask_for(ssl, model);
    SSL_set_security_level(ssl, SSL_CTX_get_security_level(model));
    (void)SSL_set_options(ssl, SSL_CTX_get_options(model));
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(model)) != 1 ||
        SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(model)) != 1 ||
        (*tls->ciphers && SSL_set_cipher_list(ssl, tls->ciphers) != 1) ||
        (*tls->suites && SSL_set_ciphersuites(ssl, tls->suites) != 1) ||
        (*tls->groups && SSL_set1_groups_list(ssl, tls->groups) != 1) ||
        (*tls->signatures && SSL_set1_sigalgs_list(ssl, tls->signatures) != 1) ||
        X509_VERIFY_PARAM_set1(SSL_get0_param(ssl), SSL_CTX_get0_param(model)) != 1 ||
        SSL_set1_verify_cert_store(ssl, SSL_CTX_get_cert_store(model)) != 1 || !show_as(ssl, model))
        return error_set(error, -EINVAL, "TLS: %s", openssl_reason());
    return offer_protocols(NULL, ssl, config->alpn, error);
}

/* A certificate is refused when it is on the list, and also when the list has expired. */
static int look_for_revoked(SSL_CTX *context, const char *path, struct error *error) {
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1 ||
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) != 1)
        return error_set(error, -EINVAL, "%s: %s", path, openssl_reason());
    return 0;
}

int tls_context_server(SSL_CTX **ret, const struct client_config *config, struct error *error) {
    static const unsigned char id[] = "bench";
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r = build(&context, TLS_server_method(), &config->tls, error);

    if (r == 0 && *config->tls.crl_file)
        r = look_for_revoked(context, config->tls.crl_file, error);
    if (r < 0)
        return r;
    /* With certificates of clients, OpenSSL resumes no session of a server without a name. */
    (void)SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
    (void)SSL_CTX_set_dh_auto(context, 1); /* as Mosquitto does */
    if (config->tls.require_peer)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    *ret = context;
    context = NULL;
    return 0;
}

/* ---- before anything starts ---- */

/* Each that is asked for by its own name: what an alias stands for may be less than it says. */
static int check_names(STACK_OF(SSL_CIPHER) * usable, const struct tls_config *tls,
                       const char *setting, const char *list, struct error *error) {
    bool by_suite = text_equal(setting, "suites");
    int r = 0;
    char *name;

    while (r == 0 && (name = next_name(&list))) {
        bool by_name = by_suite || tls_has_cipher(name, name);

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

/* One cipher of TLS 1.2 at least must go with the certificates; with a shared key, all must. */
static int check_auth(STACK_OF(SSL_CIPHER) * usable, const struct tls_config *tls, int auth,
                      struct error *error) {
    bool by_key = auth == NID_auth_psk, has = false;

    for (int i = 0; i < sk_SSL_CIPHER_num(usable); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(usable, i);

        if (SSL_CIPHER_get_auth_nid(cipher) == auth)
            has = true;
        else if (by_key)
            return error_set(error, -EINVAL,
                             "psk.ciphers: %s needs a certificate; right would be ones like "
                             "ECDHE-PSK-CHACHA20-POLY1305",
                             SSL_CIPHER_get_name(cipher));
    }
    if (has || tls->max_version > TLS_1_2)
        return 0;
    return error_set(error, -EINVAL, "%s.ciphers: none of '%s' goes with %s; right would be %s",
                     section(tls), tls->ciphers,
                     by_key ? "a shared key alone" : "certificates of this tls.key_type",
                     by_key                 ? "ECDHE-PSK-CHACHA20-POLY1305"
                     : auth == NID_auth_rsa ? "ones with RSA"
                                            : "ones with ECDSA");
}

int tls_context_check(const struct tls_config *wanted, int auth, struct error *error) {
    CLEANUP_FREE char *groups = without_later(&later_groups, wanted->groups);
    CLEANUP_FREE char *signatures = without_later(&later_signatures, wanted->signatures);
    struct tls_config here = *wanted, *tls = &here;
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    CLEANUP(SSL_freep) SSL *ssl = NULL;
    STACK_OF(SSL_CIPHER) * usable;
    int r;

    here.groups = groups;
    here.signatures = signatures;
    r = build(&context, TLS_client_method(), tls, error);
    if (r < 0)
        return r;
    ssl = SSL_new(context);
    usable = ssl ? SSL_get1_supported_ciphers(ssl) : NULL;
    r = check_names(usable, tls, "suites", tls->suites, error);
    if (r == 0)
        r = check_names(usable, tls, "ciphers", tls->ciphers, error);
    if (r == 0)
        r = check_auth(usable, tls, auth, error);
    sk_SSL_CIPHER_free(usable);
    ERR_clear_error();
    return r;
}

/* ---- connections ---- */

void tls_context_session(SSL *ssl, struct tls_session *ret) {
    const char *group = SSL_group_to_name(ssl, SSL_get_negotiated_group(ssl));

    (void)snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(ssl));
    (void)snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(ssl));
    (void)snprintf(ret->group, sizeof(ret->group), "%s", group ? group : "");
    tls_signature_of(ssl, true, ret->signature, sizeof(ret->signature));
    tls_signature_of(ssl, false, ret->client_signature, sizeof(ret->client_signature));
}

/* A copy: the end of a connection without a farewell spoils the session that is its own. */
SSL_SESSION *tls_context_take_session(SSL *ssl) {
    SSL_SESSION *session = SSL_get0_session(ssl);

    return session && SSL_SESSION_has_ticket(session) && SSL_SESSION_is_resumable(session)
               ? SSL_SESSION_dup(session)
               : NULL;
}

int tls_context_offer_session(SSL *ssl, SSL_SESSION *session, struct error *error) {
    return SSL_set_session(ssl, session) == 1
               ? 0
               : error_set(error, -EINVAL, "resuming a TLS session: %s", openssl_reason());
}
