#include "security/tls_signature.h"

#ifdef SSL_get0_peer_signature_name

static const char *scheme_of(SSL *ssl, bool peers) {
    const char *name = NULL;
    long r = peers ? SSL_get0_peer_signature_name(ssl, &name) : SSL_get0_signature_name(ssl, &name);

    return r == 1 && name ? name : "";
}

#else /* before OpenSSL 3.5 */

static const struct {
    int type, digest, key;
    const char *name;
} schemes[] = {
    {EVP_PKEY_EC, NID_sha256, EVP_PKEY_EC, "ecdsa_secp256r1_sha256"},
    {EVP_PKEY_EC, NID_sha384, EVP_PKEY_EC, "ecdsa_secp384r1_sha384"},
    {EVP_PKEY_EC, NID_sha512, EVP_PKEY_EC, "ecdsa_secp521r1_sha512"},
    {EVP_PKEY_EC, NID_sha1, EVP_PKEY_EC, "ecdsa_sha1"},
    {EVP_PKEY_ED25519, NID_undef, EVP_PKEY_ED25519, "ed25519"},
    {EVP_PKEY_ED448, NID_undef, EVP_PKEY_ED448, "ed448"},
    {EVP_PKEY_RSA_PSS, NID_sha256, EVP_PKEY_RSA, "rsa_pss_rsae_sha256"},
    {EVP_PKEY_RSA_PSS, NID_sha384, EVP_PKEY_RSA, "rsa_pss_rsae_sha384"},
    {EVP_PKEY_RSA_PSS, NID_sha512, EVP_PKEY_RSA, "rsa_pss_rsae_sha512"},
    {EVP_PKEY_RSA_PSS, NID_sha256, EVP_PKEY_RSA_PSS, "rsa_pss_pss_sha256"},
    {EVP_PKEY_RSA_PSS, NID_sha384, EVP_PKEY_RSA_PSS, "rsa_pss_pss_sha384"},
    {EVP_PKEY_RSA_PSS, NID_sha512, EVP_PKEY_RSA_PSS, "rsa_pss_pss_sha512"},
    {EVP_PKEY_RSA, NID_sha256, EVP_PKEY_RSA, "rsa_pkcs1_sha256"},
    {EVP_PKEY_RSA, NID_sha384, EVP_PKEY_RSA, "rsa_pkcs1_sha384"},
    {EVP_PKEY_RSA, NID_sha512, EVP_PKEY_RSA, "rsa_pkcs1_sha512"},
    {EVP_PKEY_RSA, NID_sha1, EVP_PKEY_RSA, "rsa_pkcs1_sha1"},
};

static const char *scheme_of(SSL *ssl, bool peers) {
    X509 *certificate = peers ? SSL_get0_peer_certificate(ssl) : SSL_get_certificate(ssl);
    int key = certificate ? EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) : NID_undef;
    int type, digest = NID_undef;

    if ((peers ? SSL_get_peer_signature_type_nid(ssl, &type)
               : SSL_get_signature_type_nid(ssl, &type)) != 1)
        return "";
    (void)(peers ? SSL_get_peer_signature_nid(ssl, &digest) : SSL_get_signature_nid(ssl, &digest));
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        if (schemes[i].type == type && schemes[i].digest == digest && schemes[i].key == key)
            return schemes[i].name;
    return "unknown";
}

#endif

void tls_signature_of(SSL *ssl, bool servers, char *ret, size_t size) {
    (void)snprintf(ret, size, "%s", scheme_of(ssl, servers != (SSL_is_server(ssl) == 1)));
}
