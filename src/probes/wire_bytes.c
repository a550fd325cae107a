#include "probes/wire_bytes.h"

#include "transport/overhead.h"

/* Of all sockets of which the kernel tells: how many these are. Sums; mss and header_bytes, which
 * they share, are those of the last, and of the round trips rtt_min_ms is the smallest. */
static size_t look(const int *fds, size_t n_fds, struct tcp_counters *ret) {
    struct tcp_counters sum = {0}, one;
    size_t n = 0;

    for (size_t i = 0; i < n_fds; i++) {
        if (tcp_read_counters(fds[i], &one) < 0)
            continue;
        sum.retransmits += one.retransmits;
        sum.segments_out += one.segments_out;
        sum.segments_in += one.segments_in;
        sum.data_segments += one.data_segments;
        sum.bytes_sent += one.bytes_sent;
        sum.bytes_waiting += one.bytes_waiting;
        sum.mss = one.mss;
        sum.header_bytes = one.header_bytes;
        sum.rtt_ms += one.rtt_ms;
        if (n == 0 || one.rtt_min_ms < sum.rtt_min_ms)
            sum.rtt_min_ms = one.rtt_min_ms;
        n++;
    }
    *ret = sum;
    return n;
}

void wire_bytes_put_tcp(struct worker_context *worker, const int *fds, size_t n_fds) {
    struct tcp_counters sum;
    size_t n = look(fds, n_fds, &sum);

    if (!n)
        return;
    worker_metric(worker, "retransmits", (double)sum.retransmits);
    worker_metric(worker, "segments_out", (double)sum.segments_out);
    worker_metric(worker, "segments_in", (double)sum.segments_in);
    worker_metric(worker, "tcp_bytes_sent", (double)sum.bytes_sent);
    worker_metric(worker, "rtt", sum.rtt_ms / (double)n);
    worker_metric(worker, "rtt_min", sum.rtt_min_ms);
}

/* What still waits to be sent is written all the same. */
static int64_t written(const struct tcp_counters *counters) {
    return counters->bytes_sent + counters->bytes_waiting;
}

void wire_bytes_begin(struct wire_bytes *wire, const int *fds, size_t n_fds) {
    *wire = (struct wire_bytes){.fds = fds, .n_fds = n_fds};
    wire->known = look(fds, n_fds, &wire->before) == n_fds;
}

void wire_bytes_put(const struct wire_bytes *wire, struct worker_context *worker,
                    int64_t payload_bytes, int64_t tcp_bytes) {
    double payload = (double)payload_bytes;
    struct tcp_counters after;
    int64_t sent, segments;

    if (!wire->known || payload_bytes <= 0 || look(wire->fds, wire->n_fds, &after) < wire->n_fds)
        return;
    sent = written(&after) - written(&wire->before);
    segments = (after.data_segments - after.retransmits) -
               (wire->before.data_segments - wire->before.retransmits);
    worker_metric(worker, "tcp_per_payload", (double)sent / payload);
    worker_metric(worker, "wire_per_payload",
                  (double)(sent + segments * after.header_bytes) / payload);
    if (tcp_bytes < 0)
        return;
    worker_metric(worker, "tcp_per_payload_theory", (double)tcp_bytes / payload);
    if (after.mss > 0)
        worker_metric(worker, "wire_per_payload_theory",
                      (double)overhead_packets(tcp_bytes, after.mss, after.header_bytes) / payload);
}
