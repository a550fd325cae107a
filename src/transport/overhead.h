/*
 * overhead - how many bytes a protocol adds to a payload, by formula. Pure arithmetic.
 *
 * Sources: TLS 1.3 RFC 8446, 5.2 (header 5, content type 1, tag); TLS 1.2 RFC 5246, 6.2.3.3 (header
 * 5, explicit nonce, tag) with RFC 5288 (GCM: nonce 8, tag 16), RFC 6655 and 7251 (CCM: nonce 8,
 * tag 16, or 8 of CCM_8), RFC 7905 (ChaCha20-Poly1305: nonce 0, tag 16); MQTT 3.1.1, 2.2.3 and 3.3;
 * MQTT 5, 3.3.2.3.
 */
#ifndef BENCH_TRANSPORT_OVERHEAD_H
#define BENCH_TRANSPORT_OVERHEAD_H

#include <stdint.h>

/* What a TLS record adds to what is in it, by OpenSSL's names of version and cipher ("TLSv1.3",
 * "TLS_AES_256_GCM_SHA384"). 0 without TLS (an empty version); -1 when it is not fixed (CBC, which
 * pads) or not known here. */
int64_t overhead_record(const char *version, const char *cipher);

/* Bytes of TCP for `length` bytes that are written at once: whole records of at most 16384 bytes
 * and a last one, each longer by record_overhead >= 0. */
int64_t overhead_written(int64_t length, int64_t record_overhead);

/* Of the alert with which a TLS sender ends its stream; 0 without TLS. */
int64_t overhead_farewell(int64_t record_overhead);

/* Bytes of TCP that a publisher sends for one message with a payload and a topic of these lengths,
 * each packet written at once: the PUBLISH, and the PUBREL of QoS 2. In this enum mqtt_version: 5
 * adds the length of the properties, of which there are none. */
int64_t overhead_message(int64_t payload, int64_t topic, int qos, int64_t mqtt,
                         int64_t record_overhead);

/* Bytes of IP packets that carry so many bytes of TCP in full segments of mss > 0 bytes, each with
 * header_bytes of IP and TCP. */
int64_t overhead_packets(int64_t tcp_bytes, int64_t mss, int64_t header_bytes);

#endif
