#include "security/tls_context.h"

#include "security/pem_file.h"
#include "security/tls_algorithms.h"
#include "security/tls_shared_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

#define ALPN_BYTES 512 /* of all protocols that a client offers */

static int set_files(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    int r = *tls->ca_file ? pem_file_load_ca(context, tls->ca_file, error) : 0;

    if (r < 0 || !*tls->cert_file)
        return r;
    return pem_file_load_pair(context, tls->cert_file, tls->key_file, tls->passphrase_file, error);
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
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(method);
    int r;

    if (!context)
        return error_set(error, -ENOMEM, "TLS: %s", openssl_reason());
    r = tls_algorithms_set(context, tls, error);
    if (r == 0)
        r = set_files(context, tls, error);
    if (r == 0)
        r = tls_shared_key_set(context, tls, error);
    if (r < 0)
        return r;
    set_resumption(context, tls);
    *ret = context;
    context = NULL;
    return 0;
}

/* ---- whom a client means ---- */

static int expect_host(SSL_CTX *context, const char *host, struct error *error) {
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    int ok = tls_context_is_name(host) ? X509_VERIFY_PARAM_set1_host(param, host, 0)
                                       : X509_VERIFY_PARAM_set1_ip_asc(param, host);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return ok == 1 ? 0 : error_set(error, -EINVAL, "'%s' is no address and no host name", host);
}

/* Each protocol behind a byte with its length, as ALPN has them on the wire. */
static int write_protocols(const char *protocols, unsigned char wire[static ALPN_BYTES],
                           unsigned *ret_length, struct error *error) {
    unsigned length = 0;

    for (const char *next = protocols + strspn(protocols, " "); *next; next += strspn(next, " ")) {
        size_t name = strcspn(next, " ");

        if (name > UINT8_MAX || length + 1 + name > ALPN_BYTES)
            return error_set(error, -EINVAL, "ALPN: '%s' is too long", protocols);
        wire[length++] = (unsigned char)name;
        memcpy(wire + length, next, name);
        length += (unsigned)name;
        next += name;
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

/* Where a context keeps the name that its clients ask for. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int name_index;

static void free_name(void *context, void *name, CRYPTO_EX_DATA *data, int index, long number,
                      void *argument) {
    (void)context;
    (void)data;
    (void)index;
    (void)number;
    (void)argument;
    free(name);
}

static void make_index(void) {
    name_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_name);
}

void tls_context_ask_for(SSL *ssl, SSL_CTX *context) {
    const char *name = SSL_CTX_get_ex_data(context, name_index);

    (void)SSL_set_tlsext_host_name(ssl, name);
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
    (void)pthread_once(&once, make_index);
    if (*config->server_name)
        (void)SSL_CTX_set_ex_data(context, name_index, text_copy(config->server_name));
    SSL_CTX_set_info_callback(context, correct_name);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    *ret = context;
    context = NULL;
    return 0;
}

bool tls_context_is_name(const char *host) {
    unsigned char address[sizeof(struct in6_addr)];

    return *host && inet_pton(AF_INET, host, address) != 1 &&
           inet_pton(AF_INET6, host, address) != 1;
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

int tls_context_check(const struct tls_config *tls, int auth, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r = build(&context, TLS_client_method(), tls, error);

    return r == 0 ? tls_algorithms_check(context, tls, auth, error) : r;
}

void tls_context_session(SSL *ssl, struct tls_session *ret) {
    const char *group = SSL_group_to_name(ssl, SSL_get_negotiated_group(ssl));

    (void)snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(ssl));
    (void)snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(ssl));
    (void)snprintf(ret->group, sizeof(ret->group), "%s", group ? group : "");
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
