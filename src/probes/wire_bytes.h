/*
 * wire_bytes - what a sender's connections send per byte of payload, beside what the formulas of
 * transport/overhead.h say.
 *
 * The kernel's counters are read twice, before the first byte of a trial's payload and after the
 * last one has arrived: never in the measured time. Handshakes lie before, repeated segments are
 * taken out. Bytes of TCP are exact; headers of IP and TCP are reckoned from the number of
 * segments.
 */
#ifndef BENCH_PROBES_WIRE_BYTES_H
#define BENCH_PROBES_WIRE_BYTES_H

#include "probes/worker_context.h"
#include "transport/transport.h"

struct wire_bytes {
    const int *fds; /* borrowed, and open until the end */
    size_t n_fds;
    struct tcp_counters before; /* sums */
    bool known;                 /* this kernel has the counters */
};

/* Looks at connected sockets, before their stream begins. */
void wire_bytes_begin(struct wire_bytes *wire, const int *fds, size_t n_fds);

/* Looks again, after all has been sent, and adds the rows of METRICS_OF_WIRE to the result:
 * payload_bytes have been carried, and by formula that takes tcp_bytes of TCP (negative: there is
 * no formula, and no row of theory). */
void wire_bytes_put(const struct wire_bytes *wire, struct worker_context *worker,
                    int64_t payload_bytes, int64_t tcp_bytes);

/* Adds the rows of METRICS_OF_TCP for a set of sockets: sums, and the mean round trip. */
void wire_bytes_put_tcp(struct worker_context *worker, const int *fds, size_t n_fds);

/* Rows of a table, to be put into those of probes. */
/* clang-format off */
/* What the kernel has counted of a connection when the measured time ends, warm-up included. */
#define METRICS_OF_TCP                                                                             \
    {"retransmits", "segments", METRIC_LOWER, false, "segments sent again, so far"},               \
    {"segments_out", "segments", METRIC_NONE, false, "segments sent, so far"},                     \
    {"segments_in", "segments", METRIC_NONE, false, "segments received, so far"},                  \
    {"tcp_bytes_sent", "B", METRIC_NONE, false, "TCP payload sent so far, without repeats"},       \
    {"rtt", "ms", METRIC_LOWER, false, "round-trip time, as the kernel smooths it"},               \
    {"rtt_min", "ms", METRIC_LOWER, false, "smallest round-trip time so far"}
#define METRICS_OF_WIRE                                                                            \
    {"tcp_per_payload", "B/B", METRIC_LOWER, false,                                                \
     "bytes of TCP (TLS records, MQTT headers) per byte of payload, warm-up included; without "    \
     "the handshake and what was sent again; of the sender's hop"},                                \
    {"tcp_per_payload_theory", "B/B", METRIC_NONE, false,                                          \
     "the same by formula; none for ciphers that pad (CBC)"},                                      \
    {"wire_per_payload", "B/B", METRIC_LOWER, false,                                               \
     "estimate: that and the IP and TCP headers of the data segments that were sent; no "          \
     "Ethernet headers, no acknowledgements"},                                                     \
    {"wire_per_payload_theory", "B/B", METRIC_NONE, false,                                         \
     "the same by formula, were every segment full"}
/* clang-format on */

#endif
