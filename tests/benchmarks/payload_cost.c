/* payload_cost PORT BYTES PAIRS - what it costs a publisher to seal its payloads with AES-128-GCM:
 * publishes messages of so many bytes to the broker on that port of 127.0.0.1, in short turns in
 * clear and sealed, always one of each, and prints the medians of the processor time a message,
 * "CLEAR SEALED" in nanoseconds. See payload-cost, which calls it. */
#include "base/clock.h"
#include "base/memory.h"
#include "mqtt/client.h"
#include "security/seal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN_NS   (20 * NS_PER_MS)
#define MAX_PAIRS 10000
#define TOPIC     "bench/1-1/data"

static int64_t cpu_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static _Noreturn void fail(const struct error *error) {
    fprintf(stderr, "payload_cost: %s\n", error->text);
    exit(1);
}

static struct mqtt_client *connect_as(const char *name, const char *port, const char *secret) {
    struct client_config *config = setting_block_new(&client_config_group);
    struct mqtt_client *client = NULL;
    struct error error;

    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, name);
    text_replace(&config->payload.seals_with, secret);
    config->payload.cipher = SEAL_AES_128_GCM;
    config->payload.key = SEAL_SHARED;
    config->port = strtoll(port, NULL, 10);
    if (mqtt_client_connect(&client, config, NULL, NULL, &error) < 0)
        fail(&error);
    client_config_free(config);
    return client;
}

/* As the publisher of a delivery does: until something waits to be sent. */
static double take_turn(struct mqtt_client *client, const unsigned char *payload, size_t length) {
    int64_t start_ns = cpu_ns(), end_ns = clock_monotonic_ns() + TURN_NS, n = 0;
    struct error error;

    while (clock_monotonic_ns() < end_ns) {
        for (int i = 0; i < 16; i++, n++)
            if (mqtt_client_publish(client, TOPIC, payload, length, 0, &error) < 0)
                fail(&error);
        while (mqtt_client_wants_write(client))
            if (mqtt_client_turn(client, 100, &error) < 0)
                fail(&error);
    }
    return (double)(cpu_ns() - start_ns) / (double)n;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
    qsort(values, n, sizeof(*values), compare);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

int main(int argc, char **argv) {
    static double clear_ns[MAX_PAIRS], sealed_ns[MAX_PAIRS];
    struct mqtt_client *clear, *sealed;
    CLEANUP_FREE unsigned char *payload = NULL;
    size_t length, n;

    if (argc != 4)
        return 2;
    length = strtoul(argv[2], NULL, 10);
    n = strtoul(argv[3], NULL, 10);
    n = n < 1 ? 1 : n > MAX_PAIRS ? MAX_PAIRS : n;
    payload = memory_new(length + 1, 1);
    clear = connect_as("clear", argv[1], "");
    sealed = connect_as("sealed", argv[1], "a secret for a measurement");
    (void)take_turn(clear, payload, length);
    (void)take_turn(sealed, payload, length);
    for (size_t i = 0; i < n; i++) {
        clear_ns[i] = take_turn(clear, payload, length);
        sealed_ns[i] = take_turn(sealed, payload, length);
    }
    printf("%.1f %.1f\n", median(clear_ns, n), median(sealed_ns, n));
    mqtt_client_free(clear);
    mqtt_client_free(sealed);
    return 0;
}
