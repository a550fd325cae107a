/*
 * transport - a byte stream as the measured connection has it: TCP, or TLS as a client_config says.
 *
 * One set of calls for both, so that a probe's loop is the same line for line and only the price of
 * the protocol differs. Sockets are blocking; a stream belongs to one thread. Nothing here
 * allocates once a stream is open, except what OpenSSL does inside.
 */
#ifndef BENCH_TRANSPORT_TRANSPORT_H
#define BENCH_TRANSPORT_TRANSPORT_H

#include "base/error.h"
#include "base/memory.h"
#include "model/client_config.h"
#include "model/trial.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct transport;

/* How a kind of stream works; the table is the only thing that differs between TCP and TLS. */
struct transport_ops {
    /* Sends all of it (gathered records may wait for more to come): 0 or a negative errno. */
    int (*send)(struct transport *transport, const void *data, size_t length);
    /* What is there, at least a byte: its length, 0 at the end, or a negative errno. */
    ssize_t (*receive)(struct transport *transport, void *data, size_t size);
    /* Sends what was gathered until now. */
    void (*flush)(struct transport *transport);
    /* Tells the peer that nothing more will be sent. */
    void (*finish)(struct transport *transport);
};

struct transport {
    const struct transport_ops *ops;
    int fd;
    SSL *ssl; /* NULL for TCP */
};

/* Socket options; 0 leaves the kernel's own. */
struct transport_options {
    int64_t send_buffer_bytes, receive_buffer_bytes;
    int64_t not_sent_bytes; /* TCP_NOTSENT_LOWAT: how much unsent data the kernel may hold */
    int64_t timeout_ns;     /* of connecting, of a handshake, of each send and receive */
    int64_t gather_bytes;   /* TLS: records are gathered into sends of this size; 0: a send each */
    SSL_SESSION *resume;    /* TLS: what transport_take_session() gave; NULL: a full handshake */
};

/* Connects to config's address and port, and makes the handshake when config has TLS, under a
 * context of tls_context_client() (NULL for TCP). The stream is the caller's. */
int transport_connect(struct transport **ret, const struct client_config *config, SSL_CTX *context,
                      const struct transport_options *options, struct error *error);
/* Takes the next connection of a listening socket, under a tls_context_server() or NULL. */
int transport_accept(struct transport **ret, int listener, SSL_CTX *context,
                     const struct transport_options *options, struct error *error);
void transport_free(struct transport *transport);
DEFINE_CLEANUP(struct transport *, transport_free)

/* Receives exactly `length` bytes: 0, -ECONNRESET when the peer ends first, or a negative errno. */
int transport_receive_all(struct transport *transport, void *data, size_t length);

/* What was negotiated; empty for TCP. */
void transport_session(const struct transport *transport, struct tls_session *ret);

/* What a later connection of this client can resume, or NULL when the server has given nothing (or
 * nothing yet: with TLS 1.3 it comes with the first answer); the caller's, SSL_SESSION_free() ends
 * it. A ticket of TLS 1.3 is good for one connection, which gets a new one. */
SSL_SESSION *transport_take_session(const struct transport *transport);
/* Whether this connection has resumed the session that it was to. */
bool transport_resumed(const struct transport *transport);

/* ---- for the two kinds of stream, and for sockets that others opened ---- */

extern const struct transport_ops tcp_ops;
/* Puts TLS on a connected stream: the handshake of either side. Of the options, `gather_bytes` and
 * `resume` are looked at. */
int tls_start(struct transport *transport, SSL_CTX *context, bool server,
              const struct transport_options *options, struct error *error);

/* A socket that listens on address and a free port, which *ret_port tells. */
int tcp_listen(int *ret, const char *address, const struct transport_options *options,
               int *ret_port, struct error *error);
/* A connected socket, to the first of a name's addresses that accepts. The error names address and
 * port. */
int tcp_connect(int *ret, const char *address, int64_t port,
                const struct transport_options *options, struct error *error);
/* The same in two steps, for who connects again and again: names are looked up once, and where one
 * has several addresses each is tried, with the options' time limit. */
struct tcp_address {
    const char *name; /* borrowed, for messages */
    int64_t port;
    struct sockaddr_storage storage;
    socklen_t length;
};
int tcp_resolve(struct tcp_address *ret, const char *address, int64_t port,
                const struct transport_options *options, struct error *error);
int tcp_reach(int *ret, const struct tcp_address *address, const struct transport_options *options,
              struct error *error);
int tcp_set_options(int fd, const struct transport_options *options, struct error *error);

/* What the kernel knows of a connection (TCP_INFO, Linux). Bytes are payload of TCP; from segments
 * and bytes the bytes on the wire can only be estimated. */
struct tcp_counters {
    int64_t retransmits, segments_out, segments_in;
    int64_t data_segments; /* of segments_out, those with payload; those sent again, too */
    int64_t bytes_sent;    /* without those sent again */
    int64_t bytes_waiting; /* written to the socket, and not sent yet */
    int64_t bytes_acked;   /* the SYN too, which counts as one */
    int64_t bytes_received;
    int64_t mss, header_bytes; /* payload of a full segment; IP and TCP headers of each */
    double rtt_ms, rtt_min_ms;
};
int tcp_read_counters(int fd, struct tcp_counters *ret);

#endif
