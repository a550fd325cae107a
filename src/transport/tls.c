#include "transport/transport.h"

#include "security/tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* One record is at most 16 KiB of plaintext; a large buffer saves the receiver a read(2) a record.
 */
#define READ_AHEAD_BYTES (128 * 1024)

/* The errno that fits a failed call; a failure inside TLS is -EPROTO. */
static int failure(SSL *ssl, int n) {
    int saved = errno, code = SSL_get_error(ssl, n);

    if (code == SSL_ERROR_SYSCALL && saved)
        return -saved;
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return -ETIMEDOUT; /* the sockets are blocking: their time limit has passed */
    if (code == SSL_ERROR_SYSCALL ||
        ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return -ECONNRESET; /* the peer left without a farewell */
    return -EPROTO;
}

static int tls_send(struct transport *transport, const void *data, size_t length) {
    int n = SSL_write(transport->ssl, data, (int)length);

    return n > 0 ? 0 : failure(transport->ssl, n);
}

static ssize_t tls_receive(struct transport *transport, void *data, size_t size) {
    int n = SSL_read(transport->ssl, data, (int)size);

    if (n > 0)
        return n;
    return SSL_get_error(transport->ssl, n) == SSL_ERROR_ZERO_RETURN ? 0
                                                                     : failure(transport->ssl, n);
}

static void tls_flush(struct transport *transport) {
    (void)BIO_flush(SSL_get_wbio(transport->ssl));
}

static void tls_finish(struct transport *transport) {
    tls_flush(transport);
    (void)SSL_shutdown(transport->ssl);
    (void)shutdown(transport->fd, SHUT_WR);
}

static const struct transport_ops tls_ops = {tls_send, tls_receive, tls_flush, tls_finish};

/* Puts a buffer between records and socket, which is sent whenever it is full. */
static int start_gathering(struct transport *transport, int64_t gather_bytes, struct error *error) {
    BIO *buffer = BIO_new(BIO_f_buffer());

    if (!buffer || BIO_set_write_buffer_size(buffer, gather_bytes) != 1) {
        BIO_free(buffer);
        return error_set(error, -ENOMEM, "no memory to gather TLS records");
    }
    SSL_set0_wbio(transport->ssl, BIO_push(buffer, BIO_new_socket(transport->fd, BIO_NOCLOSE)));
    return 0;
}

static int handshake(struct transport *transport, bool server, struct error *error) {
    SSL *ssl = transport->ssl;
    int n = server ? SSL_accept(ssl) : SSL_connect(ssl);
    long verified = SSL_get_verify_result(ssl);

    if (n == 1)
        return 0;
    if (verified != X509_V_OK)
        return error_set(error, -EPROTO, "TLS handshake: certificate of the peer: %s",
                         X509_verify_cert_error_string(verified));
    n = failure(ssl, n); /* before the queue of errors, which it looks at, is emptied */
    return error_set(error, n, "TLS handshake: %s", tls_context_reason());
}

int tls_start(struct transport *transport, SSL_CTX *context, bool server,
              const struct transport_options *options, struct error *error) {
    int r = 0;

    transport->ssl = SSL_new(context);
    if (!transport->ssl || SSL_set_fd(transport->ssl, transport->fd) != 1)
        return error_set(error, -ENOMEM, "TLS: %s", tls_context_reason());
    SSL_set_default_read_buffer_len(transport->ssl, READ_AHEAD_BYTES);
    SSL_set_read_ahead(transport->ssl, 1);
    if (options->gather_bytes > 0)
        r = start_gathering(transport, options->gather_bytes, error);
    if (r == 0 && options->resume)
        r = tls_context_offer_session(transport->ssl, options->resume, error);
    if (r == 0)
        r = handshake(transport, server, error);
    if (r == 0)
        transport->ops = &tls_ops;
    return r;
}
