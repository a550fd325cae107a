/*
 * connect - connecting to the broker again and again: how often a second, and what each costs.
 *
 * Its loop is one client that connects to the broker again and again, one connection after the
 * other, and its books: what each step of the way took, and what it put on the wire.
 *
 * A connection is timed from the first call for a socket to the broker's CONNACK. Then the client
 * says DISCONNECT and begins the next one, as any client that comes back at once; it closes its end
 * of the first when the broker has closed, which it does meanwhile. Since the broker closes first,
 * what TCP remembers of a closed connection for a minute (TIME_WAIT) takes no port of the client's,
 * however many connections there are; and no more than one is on its way out.
 */
#ifndef BENCH_PROBES_CONNECT_H
#define BENCH_PROBES_CONNECT_H

#include "base/histogram.h"
#include "probes/probe.h"
#include "transport/packet.h"
#include "transport/transport.h"

extern const struct probe probe_connect;

/* Sums over all connections of the window. */
struct connect_sums {
    int64_t tcp_ns, tls_ns, mqtt_ns;
    int64_t sent_bytes, received_bytes;         /* payload of TCP, up to and with the CONNACK */
    int64_t tls_sent_bytes, tls_received_bytes; /* of these, all but the two packets' records */
    int64_t handshake_bytes; /* of TLS, both ways, when the client takes it for done */
};

struct connect_loop {
    const struct client_config *client; /* all but the books are set by connect_loop_open() */
    SSL_CTX *context;
    struct tcp_address address;
    struct transport_options options;
    bool resumes;
    const _Atomic bool *measuring; /* whether what happens now counts */
    struct packet packet;
    struct tls_session session; /* of the first connection, whose handshake was full */
    int64_t record_overhead;    /* of a TLS record, in bytes; -1: not known */
    int leaving_fd;             /* of the connection before, until the broker has closed; -1 */
    int64_t made;               /* connections, those that do not count included */
    struct connect_sums sums;
    struct histogram total; /* nanoseconds of each connection */
};

/* Makes the first connection, which does not count. client and context (NULL: no TLS) are borrowed
 * until connect_loop_close(). With `resumes`, every later connection under TLS resumes the session
 * of the one before it. The error is the reason of a refusal. */
int connect_loop_open(struct connect_loop *loop, const struct client_config *client,
                      SSL_CTX *context, bool resumes, const _Atomic bool *measuring,
                      struct error *error);
void connect_loop_close(struct connect_loop *loop);

/* stream->run of one whose context is a struct connect_loop. */
int connect_loop_run(struct stream *stream);

/* Adds the books of another loop. */
void connect_loop_add(struct connect_loop *loop, const struct connect_loop *other);

#endif
