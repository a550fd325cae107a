#include "probes/wire_bytes.h"

#include "transport/overhead.h"

/* The sums over all sockets; mss and header_bytes, which they share, are those of the last. */
static bool look(const struct wire_bytes *wire, struct tcp_counters *ret) {
    struct tcp_counters sum = {0}, one;

    for (size_t i = 0; i < wire->n_fds; i++) {
        if (tcp_read_counters(wire->fds[i], &one) < 0)
            return false;
        sum.retransmits += one.retransmits;
        sum.data_segments += one.data_segments;
        /* What still waits is written all the same. */
        sum.bytes_sent += one.bytes_sent + one.bytes_waiting;
        sum.mss = one.mss;
        sum.header_bytes = one.header_bytes;
    }
    *ret = sum;
    return true;
}

void wire_bytes_begin(struct wire_bytes *wire, const int *fds, size_t n_fds) {
    *wire = (struct wire_bytes){.fds = fds, .n_fds = n_fds};
    wire->known = look(wire, &wire->before);
}

void wire_bytes_put(const struct wire_bytes *wire, struct worker_context *worker,
                    int64_t payload_bytes, int64_t tcp_bytes) {
    double payload = (double)payload_bytes;
    struct tcp_counters after;
    int64_t sent, segments;

    if (!wire->known || payload_bytes <= 0 || !look(wire, &after))
        return;
    sent = after.bytes_sent - wire->before.bytes_sent;
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
