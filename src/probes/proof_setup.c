#include "probes/proof_setup.h"

#include "base/clock.h"
#include "mqtt/client.h"
#include "transport/attempt.h"

#include <errno.h>
#include <string.h>

static int connect_as(const struct client_config *config, bool *ret_accepted,
                      char ret_cause[PROOF_TEXT_SIZE], struct error *error) {
    struct attempt attempt;
    int r = attempt_make(config, NULL, &attempt, error);

    if (r < 0)
        return r;
    *ret_accepted = attempt.accepted;
    (void)snprintf(ret_cause, PROOF_TEXT_SIZE, "%s", attempt.cause);
    return 0;
}

static int resume_as(const struct client_config *config, bool *ret_ticket, bool *ret_resumed,
                     char ret_cause[PROOF_TEXT_SIZE], struct error *error) {
    struct attempt attempt;
    int r = attempt_resume(config, ret_ticket, &attempt, error);

    if (r < 0)
        return r;
    *ret_resumed = attempt.accepted && attempt.resumed;
    (void)snprintf(ret_cause, PROOF_TEXT_SIZE, "%s", attempt.cause);
    return 0;
}

/* ---- exchange ---- */

/* What the watcher has seen so far. */
struct watch {
    const char *sentinel, *expected;
    struct proof_exchange_result *result;
};

static void note(void *context, const char *topic, const void *payload, size_t length) {
    struct watch *watch = context;

    if (text_equal(topic, watch->sentinel)) {
        watch->result->sentinel = true;
        return;
    }
    watch->result->arrived++;
    if (watch->expected && length == strlen(watch->expected) &&
        memcmp(payload, watch->expected, length) == 0)
        watch->result->intact++;
}

/* Publishes and turns until the broker has taken it. */
static int publish(struct mqtt_client *client, const struct proof_message *message, int qos,
                   struct error *error) {
    int64_t before = mqtt_client_completed(client);
    int r = (message->raw ? mqtt_client_publish_raw : mqtt_client_publish)(
        client, message->topic, message->payload, message->length, qos, error);

    if (r < 0)
        return r;
    r = mqtt_client_flush(client, before + 1, CLIENT_ANSWER_NS, error);
    return r == -ETIMEDOUT ? error_prefix(error, r, "%s", message->topic) : r;
}

static int publish_all(struct mqtt_client *client, const struct proof_exchange *exchange,
                       struct error *error) {
    const struct proof_message sentinel = {
        .topic = exchange->sentinel, .payload = "sentinel", .length = strlen("sentinel")};

    for (size_t i = 0; i < exchange->n_messages; i++) {
        int r = publish(client, &exchange->messages[i], exchange->qos, error);

        if (r < 0)
            return r;
    }
    return publish(client, &sentinel, exchange->qos, error);
}

/* A subscription that is refused is an answer, too. */
static int subscribe(struct mqtt_client *client, const struct proof_exchange *exchange,
                     bool *ret_refused, struct error *error) {
    int r = mqtt_client_subscribe(client, exchange->filter, exchange->qos, error);

    *ret_refused = r == -EACCES;
    if (r < 0 && r != -EACCES)
        return r;
    return mqtt_client_subscribe(client, exchange->sentinel, exchange->qos, error);
}

static int make_exchange(const struct proof_exchange *exchange, struct proof_exchange_result *ret,
                         struct error *error) {
    CLEANUP(mqtt_client_freep) struct mqtt_client *watcher = NULL;
    CLEANUP(mqtt_client_freep) struct mqtt_client *publisher = NULL;
    struct watch watch = {exchange->sentinel, exchange->expected, ret};
    int64_t deadline;
    int r = mqtt_client_connect(&watcher, exchange->watcher, note, &watch, error);

    if (r < 0)
        return r;
    *ret = (struct proof_exchange_result){.refused = false};
    r = subscribe(watcher, exchange, &ret->refused, error);
    if (r < 0)
        return r;
    r = mqtt_client_connect(&publisher, exchange->publisher, NULL, NULL, error);
    if (r < 0)
        return r;
    r = publish_all(publisher, exchange, error);
    if (r < 0)
        return r;
    deadline = clock_monotonic_ns() + CLIENT_ANSWER_NS;
    while (!ret->sentinel && clock_monotonic_ns() < deadline) {
        r = mqtt_client_turn(watcher, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    memcpy(ret->rejected, mqtt_client_rejected(watcher), sizeof(ret->rejected));
    return 0;
}

/* ---- ask ---- */

static void keep_answer(void *context, const char *topic, const void *payload, size_t length) {
    char **answer = context;

    (void)topic;
    if (!*answer)
        *answer = strndup(payload ? payload : "", length);
}

static int ask(const struct client_config *config, const struct proof_message *request,
               const char *answers, char **ret_answer, struct error *error) {
    CLEANUP(mqtt_client_freep) struct mqtt_client *client = NULL;
    CLEANUP_FREE char *answer = NULL;
    int64_t deadline = clock_monotonic_ns() + CLIENT_ANSWER_NS;
    int r = mqtt_client_connect(&client, config, keep_answer, &answer, error);

    if (r < 0)
        return r;
    r = mqtt_client_subscribe(client, answers, 1, error);
    if (r < 0)
        return r;
    r = publish(client, request, 1, error);
    if (r < 0)
        return r;
    while (!answer) {
        if (clock_monotonic_ns() > deadline)
            return error_set(error, -ETIMEDOUT, "no answer on %s", answers);
        r = mqtt_client_turn(client, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    *ret_answer = answer;
    answer = NULL;
    return 0;
}

struct proof_setup proof_setup(const struct bringup *bringup, const struct client_config *right) {
    return (struct proof_setup){.bringup = bringup,
                                .right = right,
                                .connect = connect_as,
                                .resume = resume_as,
                                .exchange = make_exchange,
                                .ask = ask};
}
