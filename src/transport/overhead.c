#include "transport/overhead.h"

#include "base/memory.h"
#include "model/client_config.h"

#include <string.h>

#define RECORD_HEADER_BYTES 5
#define RECORD_MAX_BYTES    16384 /* of plaintext */
#define ALERT_BYTES         2
#define PUBREL_BYTES        4 /* type, remaining length, packet identifier */

/* In this order: CCM8 is a CCM. */
static const struct {
    const char *part;   /* of the cipher's name */
    int64_t nonce, tag; /* an explicit nonce is in TLS 1.2 only */
} ciphers[] = {
    {"CHACHA20", 0, 16}, {"GCM", 8, 16}, {"CCM8", 8, 8}, {"CCM_8", 8, 8}, {"CCM", 8, 16},
};

int64_t overhead_record(const char *version, const char *cipher) {
    bool newest = text_equal(version, "TLSv1.3");

    if (!*version)
        return 0;
    if (!newest && !text_equal(version, "TLSv1.2"))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
        if (strstr(cipher, ciphers[i].part))
            return RECORD_HEADER_BYTES + ciphers[i].tag + (newest ? 1 : ciphers[i].nonce);
    return -1;
}

int64_t overhead_written(int64_t length, int64_t record_overhead) {
    int64_t records = (length + RECORD_MAX_BYTES - 1) / RECORD_MAX_BYTES;

    return length + records * record_overhead;
}

int64_t overhead_farewell(int64_t record_overhead) {
    return record_overhead > 0 ? ALERT_BYTES + record_overhead : 0;
}

int64_t overhead_message(int64_t payload, int64_t topic, int qos, int64_t mqtt,
                         int64_t record_overhead) {
    int64_t properties = mqtt == MQTT_5 ? 1 : 0, digits = 1, bytes;
    int64_t remaining = 2 + topic + (qos > 0 ? 2 : 0) + properties + payload;

    for (int64_t rest = remaining / 128; rest > 0; rest /= 128)
        digits++;
    bytes = overhead_written(1 + digits + remaining, record_overhead);
    return qos < 2 ? bytes : bytes + overhead_written(PUBREL_BYTES, record_overhead);
}

int64_t overhead_packets(int64_t tcp_bytes, int64_t mss, int64_t header_bytes) {
    return tcp_bytes + (tcp_bytes + mss - 1) / mss * header_bytes;
}
