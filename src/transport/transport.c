#include "transport/transport.h"

#include "base/clock.h"
#include "security/tls_context.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP4_HEADER_BYTES 20
#define IP6_HEADER_BYTES 40
#define TCP_HEADER_BYTES 20
#define TIMESTAMPS_BYTES 12 /* padded, as Linux sends them */
/* Saves the receiver two read(2) a record. In a buffer of ours each byte is copied once; OpenSSL's
 * own reading ahead moves all that it holds for each record. */
#define READ_BYTES (64 * 1024)

/* ---- TCP ---- */

static int tcp_send(struct transport *transport, const void *data, size_t length) {
    const char *next = data;

    while (length > 0) {
        ssize_t n = send(transport->fd, next, length, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        next += n;
        length -= (size_t)n;
    }
    return 0;
}

static ssize_t tcp_receive(struct transport *transport, void *data, size_t size) {
    ssize_t n;

    do
        n = recv(transport->fd, data, size, 0);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static void tcp_flush(struct transport *transport) {
    (void)transport; /* nothing is held back */
}

static void tcp_finish(struct transport *transport) {
    (void)shutdown(transport->fd, SHUT_WR);
}

const struct transport_ops tcp_ops = {tcp_send, tcp_receive, tcp_flush, tcp_finish};

int tcp_set_options(int fd, const struct transport_options *options, struct error *error) {
    struct timeval timeout = {.tv_sec = options->timeout_ns / NS_PER_S,
                              .tv_usec = options->timeout_ns % NS_PER_S / 1000};
    int send_buffer = (int)options->send_buffer_bytes,
        receive_buffer = (int)options->receive_buffer_bytes,
        not_sent = (int)options->not_sent_bytes, one = 1;
    const struct {
        int level, name;
        const void *value;
        socklen_t length;
        bool wanted;
    } rows[] = {
        {IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one), true},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent, sizeof(not_sent), not_sent > 0},
        {SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer), send_buffer > 0},
        {SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer), receive_buffer > 0},
        {SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout), options->timeout_ns > 0},
        {SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout), options->timeout_ns > 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].wanted &&
            setsockopt(fd, rows[i].level, rows[i].name, rows[i].value, rows[i].length) < 0)
            return error_errno(error, -errno, "setting socket option %d", rows[i].name);
    return 0;
}

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

static int resolve(struct addrinfo **ret, const char *address, int64_t port, int flags,
                   struct error *error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    char service[16];
    int code;

    (void)snprintf(service, sizeof(service), "%d", (int)port);
    code = getaddrinfo(address, service, &hints, ret);
    if (code != 0)
        return error_set(error, -EHOSTUNREACH, "address %s: %s", address, gai_strerror(code));
    return 0;
}

static int open_socket(int *ret, int family, const struct transport_options *options,
                       struct error *error) {
    *ret = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret < 0)
        return error_errno(error, -errno, "socket");
    return tcp_set_options(*ret, options, error);
}

int tcp_listen(int *ret, const char *address, const struct transport_options *options,
               int *ret_port, struct error *error) {
    CLEANUP(freeaddrinfop) struct addrinfo *info = NULL;
    CLEANUP_FD int fd = -1;
    struct sockaddr_storage bound;
    socklen_t length = sizeof(bound);
    int r = resolve(&info, address, 0, AI_PASSIVE, error);

    if (r < 0)
        return r;
    r = open_socket(&fd, info->ai_family, options, error);
    if (r < 0)
        return r;
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &length) < 0)
        return error_errno(error, -errno, "cannot listen on %s", address);
    *ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    *ret = fd;
    fd = -1;
    return 0;
}

int tcp_reach(int *ret, const struct tcp_address *address, const struct transport_options *options,
              struct error *error) {
    CLEANUP_FD int fd = -1;
    int r = open_socket(&fd, address->storage.ss_family, options, error);

    if (r < 0)
        return r;
    /* SO_SNDTIMEO, among the options, is the time limit of this too: errno is then EINPROGRESS. */
    if (connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0)
        return error_errno(error, errno == EINPROGRESS ? -ETIMEDOUT : -errno,
                           "cannot connect to %s port %d", address->name, (int)address->port);
    *ret = fd;
    fd = -1;
    return 0;
}

static void take_address(struct tcp_address *ret, const struct addrinfo *info) {
    memcpy(&ret->storage, info->ai_addr, info->ai_addrlen);
    ret->length = info->ai_addrlen;
}

/* A connection to the first of a name's addresses that accepts, which is *ret_address then. */
static int reach_any(int *ret, struct tcp_address *ret_address, const struct addrinfo *info,
                     const struct transport_options *options, struct error *error) {
    int r = -EHOSTUNREACH;

    for (; info && r < 0; info = info->ai_next) {
        take_address(ret_address, info);
        r = tcp_reach(ret, ret_address, options, error);
    }
    return r;
}

int tcp_resolve(struct tcp_address *ret, const char *address, int64_t port,
                const struct transport_options *options, struct error *error) {
    CLEANUP(freeaddrinfop) struct addrinfo *info = NULL;
    CLEANUP_FD int fd = -1;
    int r = resolve(&info, address, port, 0, error);

    if (r < 0)
        return r;
    *ret = (struct tcp_address){.name = address, .port = port};
    take_address(ret, info);
    return info->ai_next ? reach_any(&fd, ret, info, options, error) : 0;
}

int tcp_connect(int *ret, const char *address, int64_t port,
                const struct transport_options *options, struct error *error) {
    CLEANUP(freeaddrinfop) struct addrinfo *info = NULL;
    struct tcp_address to = {.name = address, .port = port};
    int r = resolve(&info, address, port, 0, error);

    return r < 0 ? r : reach_any(ret, &to, info, options, error);
}

/* Without options but time stamps, which the kernel sends with every segment or with none. */
static int64_t header_bytes(int fd, const struct tcp_info *info) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof(peer);
    bool version6;

    (void)getpeername(fd, (struct sockaddr *)&peer, &length);
    version6 = peer.ss_family == AF_INET6 &&
               !IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&peer)->sin6_addr);
    return (version6 ? IP6_HEADER_BYTES : IP4_HEADER_BYTES) + TCP_HEADER_BYTES +
           (info->tcpi_options & TCPI_OPT_TIMESTAMPS ? TIMESTAMPS_BYTES : 0);
}

int tcp_read_counters(int fd, struct tcp_counters *ret) {
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return -errno;
    *ret = (struct tcp_counters){
        .retransmits = info.tcpi_total_retrans,
        .segments_out = info.tcpi_segs_out,
        .segments_in = info.tcpi_segs_in,
        .data_segments = info.tcpi_data_segs_out,
        /* Not tcpi_bytes_acked, which counts the SYN. */
        .bytes_sent = (int64_t)(info.tcpi_bytes_sent - info.tcpi_bytes_retrans),
        .bytes_waiting = info.tcpi_notsent_bytes,
        .bytes_acked = (int64_t)info.tcpi_bytes_acked,
        .bytes_received = (int64_t)info.tcpi_bytes_received,
        .mss = info.tcpi_snd_mss,
        .header_bytes = header_bytes(fd, &info),
        .rtt_ms = info.tcpi_rtt / 1e3,
        .rtt_min_ms = info.tcpi_min_rtt / 1e3,
    };
    return 0;
}

/* ---- TLS ---- */

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

/* ---- either ---- */

static int start(struct transport **ret, int fd, SSL_CTX *context, bool server,
                 const struct transport_options *options, struct error *error) {
    CLEANUP(transport_freep) struct transport *transport = memory_new(1, sizeof(*transport));

    *transport = (struct transport){.ops = &tcp_ops, .fd = fd};
    if (context) {
        int r = tls_start(transport, context, server, options, error);

        if (r < 0)
            return r;
    }
    *ret = transport;
    transport = NULL;
    return 0;
}

int transport_connect(struct transport **ret, const struct client_config *config, SSL_CTX *context,
                      const struct transport_options *options, struct error *error) {
    int fd, r = tcp_connect(&fd, config->address, config->port, options, error);

    return r < 0 ? r : start(ret, fd, context, false, options, error);
}

int transport_accept(struct transport **ret, int listener, SSL_CTX *context,
                     const struct transport_options *options, struct error *error) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), r;

    if (fd < 0)
        return error_errno(error, -errno, "accept");
    r = tcp_set_options(fd, options, error);
    if (r < 0) {
        memory_close_fdp(&fd);
        return r;
    }
    return start(ret, fd, context, true, options, error);
}

void transport_free(struct transport *transport) {
    SSL_free(transport->ssl);
    memory_close_fdp(&transport->fd);
    free(transport);
}

void transport_session(const struct transport *transport, struct tls_session *ret) {
    *ret = (struct tls_session){.version = ""};
    if (transport->ssl)
        tls_context_session(transport->ssl, ret);
}

int transport_receive_all(struct transport *transport, void *data, size_t length) {
    char *next = data;

    while (length > 0) {
        ssize_t n = transport->ops->receive(transport, next, length);

        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
        next += n;
        length -= (size_t)n;
    }
    return 0;
}

SSL_SESSION *transport_take_session(const struct transport *transport) {
    return transport->ssl ? tls_context_take_session(transport->ssl) : NULL;
}

bool transport_resumed(const struct transport *transport) {
    return transport->ssl && SSL_session_reused(transport->ssl);
}
