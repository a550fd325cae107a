#include "security/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

const char *tls_context_reason(void) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "no reason given";
}

static int protocol(int64_t version) {
    static const int protocols[] = {
        [TLS_1_1] = TLS1_1_VERSION, [TLS_1_2] = TLS1_2_VERSION, [TLS_1_3] = TLS1_3_VERSION};

    return protocols[version];
}

/* Whether each name of a list is known by itself: OpenSSL leaves out those that are not. Operators
 * of cipher lists ("!aNULL", "@SECLEVEL=1") are looked at with the whole list. */
static bool all_known(SSL_CTX *context, const char *list, int set(SSL_CTX *context, const char *)) {
    while (*list) {
        size_t length = strcspn(list, ": ,");
        CLEANUP_FREE char *name = strndup(list, length);

        if (*name && !strchr("!-+@", *name) && set(context, name) != 1)
            return false;
        list += length + (list[length] != '\0');
    }
    return true;
}

static int set_algorithms(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    /* OpenSSL 3 speaks TLS 1.1 only below its usual level; only a proof ever asks for it. */
    const char *ciphers = tls->max_version < TLS_1_2 ? "DEFAULT:@SECLEVEL=0" : tls->ciphers;
    bool ok;

    if (SSL_CTX_set_min_proto_version(context, protocol(tls->min_version)) != 1 ||
        SSL_CTX_set_max_proto_version(context, protocol(tls->max_version)) != 1)
        return error_set(error, -EINVAL, "TLS versions: %s", tls_context_reason());
    ok = (!*ciphers || (all_known(context, ciphers, SSL_CTX_set_cipher_list) &&
                        SSL_CTX_set_cipher_list(context, ciphers) == 1));
    ERR_clear_error();
    if (!ok)
        return error_set(error, -EINVAL, "tls.ciphers: '%s' is no cipher list of this OpenSSL",
                         ciphers);
    ok = !*tls->suites || (all_known(context, tls->suites, SSL_CTX_set_ciphersuites) &&
                           SSL_CTX_set_ciphersuites(context, tls->suites) == 1);
    ERR_clear_error();
    if (!ok)
        return error_set(error, -EINVAL,
                         "tls.suites: '%s' are no suites of this OpenSSL; known are "
                         "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, "
                         "TLS_AES_128_GCM_SHA256, TLS_AES_128_CCM_SHA256",
                         tls->suites);
    ok = !*tls->groups || SSL_CTX_set1_groups_list(context, tls->groups) == 1;
    ERR_clear_error();
    if (!ok)
        return error_set(error, -EINVAL, "tls.groups: '%s' are no groups of this OpenSSL",
                         tls->groups);
    return 0;
}

static int set_files(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    if (*tls->ca_file && SSL_CTX_load_verify_file(context, tls->ca_file) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->ca_file, tls_context_reason());
    if (!*tls->cert_file)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert_file) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->cert_file, tls_context_reason());
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return error_set(error, -EINVAL, "%s: %s", tls->key_file, tls_context_reason());
    return 0;
}

/* Sessions are kept by whoever resumes them, never in a cache of a context. Without tickets a
 * server of TLS 1.3 must be told twice: it would give tickets that stand for its cache. */
static void set_resumption(SSL_CTX *context, const struct tls_config *tls) {
    static const unsigned char id[] = "bench";

    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* With certificates of clients, OpenSSL resumes no session of a context without a name. */
    (void)SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
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
        return error_set(error, -ENOMEM, "TLS: %s", tls_context_reason());
    r = set_algorithms(context, tls, error);
    if (r == 0)
        r = set_files(context, tls, error);
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

int tls_context_server(SSL_CTX **ret, const struct client_config *config, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r = build(&context, TLS_server_method(), &config->tls, error);

    if (r < 0)
        return r;
    if (config->tls.require_peer)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    *ret = context;
    context = NULL;
    return 0;
}

int tls_context_check(const struct tls_config *tls, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    return context ? set_algorithms(context, tls, error)
                   : error_set(error, -ENOMEM, "TLS: %s", tls_context_reason());
}

void tls_context_session(SSL *ssl, struct tls_session *ret) {
    const char *group = SSL_group_to_name(ssl, SSL_get_negotiated_group(ssl));

    (void)snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(ssl));
    (void)snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(ssl));
    (void)snprintf(ret->group, sizeof(ret->group), "%s", group ? group : "");
}

SSL_SESSION *tls_context_take_session(SSL *ssl) {
    SSL_SESSION *session = SSL_get1_session(ssl);

    if (session && SSL_SESSION_has_ticket(session) && SSL_SESSION_is_resumable(session))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

int tls_context_offer_session(SSL *ssl, SSL_SESSION *session, struct error *error) {
    return SSL_set_session(ssl, session) == 1
               ? 0
               : error_set(error, -EINVAL, "resuming a TLS session: %s", tls_context_reason());
}
