#include "security/tls_context.h"

#include "security/tls_algorithms.h"
#include "security/tls_shared_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static int set_files(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    if (*tls->ca_file && SSL_CTX_load_verify_file(context, tls->ca_file) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->ca_file, openssl_reason());
    if (!*tls->cert_file)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert_file) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->cert_file, openssl_reason());
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->key_file, openssl_reason());
    return 0;
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

static int expect_host(SSL_CTX *context, const char *host, struct error *error) {
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    unsigned char address[sizeof(struct in6_addr)];
    bool is_address =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    int ok = is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                        : X509_VERIFY_PARAM_set1_host(param, host, 0);

    return ok == 1 ? 0 : error_set(error, -EINVAL, "'%s' is no address and no host name", host);
}

int tls_context_client(SSL_CTX **ret, const struct client_config *config, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r = build(&context, TLS_client_method(), &config->tls, error);

    if (r == 0 && *config->expected_host)
        r = expect_host(context, config->expected_host, error);
    if (r < 0)
        return r;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    *ret = context;
    context = NULL;
    return 0;
}

int tls_context_impose(SSL *ssl, SSL_CTX *model, const struct tls_config *tls,
                       struct error *error) {
    SSL_set_security_level(ssl, SSL_CTX_get_security_level(model));
    (void)SSL_set_options(ssl, SSL_CTX_get_options(model));
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(model)) != 1 ||
        SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(model)) != 1 ||
        (*tls->ciphers && SSL_set_cipher_list(ssl, tls->ciphers) != 1) ||
        (*tls->suites && SSL_set_ciphersuites(ssl, tls->suites) != 1) ||
        (*tls->groups && SSL_set1_groups_list(ssl, tls->groups) != 1) ||
        X509_VERIFY_PARAM_set1(SSL_get0_param(ssl), SSL_CTX_get0_param(model)) != 1)
        return error_set(error, -EINVAL, "TLS: %s", openssl_reason());
    return 0;
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
