/* count_messages PORT - prints the client_config of a client of that port on 127.0.0.1, as JSON.
 *
 * count_messages PORT QOS WARMUP SECONDS TOPIC - subscribes to that topic at that broker and counts
 * what comes, whoever publishes it. Says "ready" when subscribed; with the first message the
 * warm-up begins, which does not count, then "begin", and at the end "done MESSAGES/S". A
 * publisher of ours gets its credits meanwhile. See scripts/compare-peers. */
#include "base/clock.h"
#include "mqtt/client.h"

#include <stdlib.h>

#define TURN_MS 100
/* An eighth of a window of 2 MiB or 8192 messages, whichever is less: as a subscriber of ours. */
#define CREDIT_BYTES    (256 * 1024)
#define CREDIT_MESSAGES 1024

struct counter {
    struct mqtt_client *client;
    int64_t n, credited;
    struct error error;
};

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    struct counter *counter = context;

    int64_t due;

    (void)topic;
    (void)payload;
    counter->n++;
    due = counter->n - counter->credited;
    if (due < CREDIT_MESSAGES && due * (int64_t)length < CREDIT_BYTES)
        return;
    counter->credited = counter->n;
    (void)mqtt_client_publish(counter->client, "bench/peers/credit", &counter->n,
                              sizeof(counter->n), 0, &counter->error);
}

/* Turns until the instant; before that, until there is a message at all. */
static int count_until(struct counter *counter, int64_t instant_ns) {
    int r = 0;

    while (r == 0 && (instant_ns ? clock_monotonic_ns() < instant_ns : counter->n == 0))
        r = mqtt_client_turn(counter->client, TURN_MS, &counter->error);
    return r;
}

static int count(struct counter *counter, double warmup, double seconds) {
    int64_t start_ns, before;
    int r = count_until(counter, 0);

    if (r == 0)
        r = count_until(counter, clock_monotonic_ns() + (int64_t)(warmup * 1e9));
    puts("begin");
    start_ns = clock_monotonic_ns();
    before = counter->n;
    if (r == 0)
        r = count_until(counter, start_ns + (int64_t)(seconds * 1e9));
    printf("done %.1f\n",
           (double)(counter->n - before) * 1e9 / (double)(clock_monotonic_ns() - start_ns));
    return r;
}

int main(int argc, char **argv) {
    static struct counter counter;
    struct client_config *config = setting_block_new(&client_config_group);
    int r;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "counter");
    config->port = argc > 1 ? atoi(argv[1]) : 0;
    if (argc == 2) {
        json_auto_t *json = setting_block_to_json(&client_config_group, config);

        (void)json_dumpf(json, stdout, JSON_COMPACT);
    }
    if (argc != 6) {
        client_config_free(config);
        return argc == 2 ? 0 : 2;
    }
    r = mqtt_client_connect(&counter.client, config, take_message, &counter, &counter.error);
    if (r == 0)
        r = mqtt_client_subscribe(counter.client, argv[5], atoi(argv[2]), &counter.error);
    if (r == 0) {
        puts("ready");
        r = count(&counter, atof(argv[3]), atof(argv[4]));
    }
    if (r < 0)
        fprintf(stderr, "%s\n", counter.error.text);
    if (counter.client)
        mqtt_client_free(counter.client);
    client_config_free(config);
    return r < 0 ? 1 : 0;
}
