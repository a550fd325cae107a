#include "transport/transport.h"

#include "security/tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* Saves the receiver two read(2) a record. In a buffer of ours each byte is copied once; OpenSSL's
 * own reading ahead moves all that it holds for each record. */
#define READ_BYTES (64 * 1024)

/* The errno that fits a failed call; a failure inside TLS is -EPROTO. */
static int failure(SSL *ssl, int n) {
    int saved = errno, code = SSL_get_error(ssl, n);

    if (code == SSL_ERROR_SYSCALL && saved)
        return -saved;
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return -ETIMEDOUT; /* the sockets are blocking: their time limit has passed */
    if (code == SSL_ERROR_SYSCALL ||
        ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
        ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return -ECONNRESET; /* the peer left without a farewell; an alert may have failed since */
    return -EPROTO;
}

/* The same of a stream that is open. What OpenSSL has queued of it must not explain the next call.
 */
static int stream_failure(SSL *ssl, int n) {
    int r = failure(ssl, n);

    ERR_clear_error();
    return r;
}

static int tls_send(struct transport *transport, const void *data, size_t length) {
    int n = SSL_write(transport->ssl, data, (int)length);

    return n > 0 ? 0 : stream_failure(transport->ssl, n);
}

static ssize_t tls_receive(struct transport *transport, void *data, size_t size) {
    int n = SSL_read(transport->ssl, data, (int)size);

    if (n > 0)
        return n;
    return SSL_get_error(transport->ssl, n) == SSL_ERROR_ZERO_RETURN
               ? 0
               : stream_failure(transport->ssl, n);
}

static void tls_flush(struct transport *transport) {
    if (BIO_flush(SSL_get_wbio(transport->ssl)) <= 0)
        ERR_clear_error();
}

static void tls_finish(struct transport *transport) {
    tls_flush(transport);
    (void)SSL_shutdown(transport->ssl);
    (void)shutdown(transport->fd, SHUT_WR);
}

static const struct transport_ops tls_ops = {tls_send, tls_receive, tls_flush, tls_finish};

/* A socket behind a buffer for what is read or, if it writes, for what is written, which is sent
 * whenever the buffer is full. NULL: no memory. */
static BIO *open_buffer(int fd, bool writes, int64_t bytes) {
    BIO *buffer = BIO_new(BIO_f_buffer()), *socket = BIO_new_socket(fd, BIO_NOCLOSE);

    if (buffer && socket &&
        (writes ? BIO_set_write_buffer_size(buffer, bytes)
                : BIO_set_read_buffer_size(buffer, bytes)) == 1)
        return BIO_push(buffer, socket);
    BIO_free(buffer);
    BIO_free(socket);
    return NULL;
}

static int set_buffers(struct transport *transport, int64_t gather_bytes, struct error *error) {
    BIO *in = open_buffer(transport->fd, false, READ_BYTES);
    BIO *out = gather_bytes > 0 ? open_buffer(transport->fd, true, gather_bytes)
                                : BIO_new_socket(transport->fd, BIO_NOCLOSE);

    SSL_set_bio(transport->ssl, in, out); /* frees them with itself */
    return in && out ? 0 : error_set(error, -ENOMEM, "no memory to buffer TLS records");
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
    return error_set(error, n, "TLS handshake: %s", openssl_reason());
}

int tls_start(struct transport *transport, SSL_CTX *context, bool server,
              const struct transport_options *options, struct error *error) {
    int r;

    transport->ssl = SSL_new(context);
    if (!transport->ssl)
        return error_set(error, -ENOMEM, "TLS: %s", openssl_reason());
    r = set_buffers(transport, options->gather_bytes, error);
    if (r < 0)
        return r;
    if (!server)
        tls_context_ask_for(transport->ssl, context);
    if (options->resume) {
        r = tls_context_offer_session(transport->ssl, options->resume, error);
        if (r < 0)
            return r;
    }
    r = handshake(transport, server, error);
    if (r < 0)
        return r;
    transport->ops = &tls_ops;
    return 0;
}
