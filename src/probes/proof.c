#include "probes/proof.h"

#include "base/clock.h"
#include "broker/broker.h"
#include "mqtt/client.h"
#include "probes/wiretap.h"
#include "security/cause.h"
#include "security/mechanism.h"
#include "security/secret.h"
#include "security/tls_context.h"
#include "security/token.h"
#include "transport/attempt.h"

#include <errno.h>
#include <string.h>

/* ---- what an act of a mechanism can do ---- */

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

/* ---- the proofs ---- */

/* Found in what passes on the wire unless something hides it. */
#define MARKER "wiretap-marker-5c0ffee5"
#define TRIES  3

struct examiner {
    struct worker_context *worker;
    struct bringup bringup;
    struct client_config *right; /* client2's, at the broker client1's, under an id of its own */
    bool accepted;               /* the right client, before */
    struct tls_session session;
    enum mqtt_version mqtt; /* that the broker has answered in */
    json_t *rows;
};

/* How a row of proofs.csv is made of what was seen. */
typedef void put_row_fn(struct examiner *examiner, const char *proof, const char *expected,
                        const char *observed, const char *cause, bool held);

static void put_verdict(struct examiner *examiner, const char *proof, const char *expected,
                        const char *observed, const char *cause, const char *verdict) {
    (void)json_array_append_new(
        examiner->rows, json_pack("{s:s,s:s,s:s,s:s,s:s}", "proof", proof, "expected", expected,
                                  "observed", observed, "cause", cause, "verdict", verdict));
}

static void put_row(struct examiner *examiner, const char *proof, const char *expected,
                    const char *observed, const char *cause, bool held) {
    put_verdict(examiner, proof, expected, observed, cause, held ? "held" : "broken");
}

/* Of how the broker is configured, where that is not ours to say. */
static void put_configured(struct examiner *examiner, const char *proof, const char *expected,
                           const char *observed, const char *cause, bool held) {
    const struct channel *channel = examiner->bringup.channel;
    const struct broker_kind *kind = broker_kind_of(channel);
    bool tolerated = kind->tolerates && kind->tolerates(channel) && examiner->accepted;

    put_verdict(examiner, proof, expected, observed, cause,
                held        ? "held"
                : tolerated ? "remark"
                            : "broken");
}

/* What may be meant by a refusal of the right client, where a broker says it in a number at most.
 * Of CONNACK's codes, that of MQTT 3.1.1 stands before that of 5. */
static const struct {
    const char *causes, *without_tls, *with_tls;
} refusals[] = {
    {"connack 1|connack 132", "it may not speak this version of MQTT (channel.NAME.mqtt)", NULL},
    {"connack 2|connack 133", "the identifier is rejected (external.client_id)", NULL},
    {"connack 4|connack 5|connack 134|connack 135",
     "not authorised: a name, a password or an identifier that it does not know", NULL},
    {"closed", "is this a port with TLS, or a broker that wants another version of MQTT?",
     "is this a port without TLS, or a broker that wants another version of MQTT?"},
    {"alert 70", NULL, "it speaks none of these TLS versions (tls.min_version, tls.max_version)"},
    {"alert 40", NULL, "it shares no cipher or group, or wants a certificate of the client"},
    {"alert 116", NULL, "it wants a certificate of the client (use = ... tls certificate)"},
    {"alert 112", NULL, "it does not know the host name (external.name)"},
    {"alert 120", NULL, "it takes none of these protocols (external.alpn)"},
};

/* The cause with what it may mean: the caller's. */
static char *explain(const struct client_config *client, const struct attempt *attempt) {
    const char *words = NULL;

    if (*attempt->mismatch)
        return text_format("%s: expected %s; %s", attempt->cause, client->expected_host,
                           attempt->mismatch);
    for (size_t i = 0; i < ARRAY_SIZE(refusals) && !words; i++)
        if (cause_among(refusals[i].causes, attempt->cause))
            words = client->tls.enabled && refusals[i].with_tls ? refusals[i].with_tls
                                                                : refusals[i].without_tls;
    if (!words)
        return text_copy(attempt->cause);
    return text_format("%s to %s: %s", attempt->cause, client->client_id, words);
}

/* When there is no answer at all, something else is out of order than the channel's protection, and
 * nothing can be said of that. */
static int prove_accepted(struct examiner *examiner, const char *name, struct error *error) {
    CLEANUP_FREE char *cause = NULL;
    struct attempt attempt;
    int r = attempt_make(examiner->right, NULL, &attempt, error);

    if (r == 0 && !attempt.accepted && strncmp(attempt.cause, "tcp ", 4) == 0)
        r = error_errno(error, -ECONNREFUSED, "cannot connect to %s port %d",
                        examiner->right->address, (int)examiner->right->port);
    if (r < 0)
        return error_prefix(error, r, "%s", name);
    if (!attempt.accepted)
        cause = explain(examiner->right, &attempt);
    put_row(examiner, name, "accepted", attempt.accepted ? "accepted" : "refused",
            cause ? cause : attempt.cause, attempt.accepted);
    examiner->accepted = attempt.accepted;
    if (attempt.accepted) {
        examiner->session = attempt.session;
        examiner->mqtt = attempt.mqtt;
    }
    return 0;
}

/* The words of a refusal may get lost: a broker that has closed on what we sent meanwhile does not
 * send them again, but resets. Then nothing is known but that nobody got in, and it is asked once
 * more; the causes that count stay the same. */
static int try_until_told(const struct client_config *config, struct attempt *ret,
                          struct error *error) {
    int r = 0;

    for (int i = 0; i < TRIES; i++) {
        r = attempt_make(config, NULL, ret, error);
        if (r < 0 || ret->accepted || !text_equal(ret->cause, "closed"))
            break;
    }
    return r;
}

static void prove_refused(struct examiner *examiner, const struct proof *proof) {
    const char *others = broker_kind_of(examiner->bringup.channel)->causes;
    CLEANUP_FREE char *all =
        text_format("%s%s%s", proof->causes, others ? "|" : "", others ? others : "");
    CLEANUP_FREE char *causes = cause_words(all, examiner->right->mqtt);
    CLEANUP_FREE char *expected = text_format("refused: %s", causes);
    struct client_config *altered = setting_block_copy(&client_config_group, examiner->right);
    put_row_fn *put = proof->configured ? put_configured : put_row;
    struct attempt attempt;
    struct error error;

    proof->alter(altered, &examiner->bringup);
    if (try_until_told(altered, &attempt, &error) < 0)
        put_row(examiner, proof->name, expected, "no answer", error.text, false);
    else
        put(examiner, proof->name, expected, attempt.accepted ? "accepted" : "refused",
            attempt.cause, !attempt.accepted && cause_among(causes, attempt.cause));
    client_config_free(altered);
}

static void prove_by_act(struct examiner *examiner, const struct proof *proof) {
    struct proof_setup setup = proof_setup(&examiner->bringup, examiner->right);
    struct proof_seen seen = {.held = false};
    put_row_fn *put = proof->configured ? put_configured : put_row;
    struct error error;

    setup.at_broker = proof->at_broker;
    if (proof->act(&setup, &seen, &error) < 0)
        put_row(examiner, proof->name, proof->causes, "no answer", error.text, false);
    else
        put(examiner, proof->name, proof->causes, seen.observed, seen.cause, seen.held);
}

static bool is_made(const struct channel *channel, const struct proof *proof, bool at_broker) {
    const struct broker_kind *kind = broker_kind_of(channel);

    return proof->at_broker == at_broker && (!proof->applies || proof->applies(channel)) &&
           (!kind->proves || kind->proves(channel, proof));
}

/* All that are made on this host. */
static void prove_mechanisms(struct examiner *examiner, bool at_broker) {
    const struct channel *channel = examiner->bringup.channel;
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        for (size_t i = 0; i < mechanism->n_proofs; i++) {
            const struct proof *proof = &mechanism->proofs[i];

            if (!is_made(channel, proof, at_broker) || (proof->fleet && !examiner->bringup.fleet))
                continue;
            if (proof->act)
                prove_by_act(examiner, proof);
            else
                prove_refused(examiner, proof);
        }
}

/* What was asked for: the versions, and what must be among the lists that are not empty. */
static char *asked_text(const struct tls_config *tls) {
    const char *const lists[] = {tls->suites, tls->ciphers, tls->groups, tls->signatures};
    char *text = text_format("%s to %s", tls_version_name(tls->min_version),
                             tls_version_name(tls->max_version));

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (*lists[i])
            text_append(&text, " ", lists[i]);
    return text;
}

static void prove_negotiated(struct examiner *examiner) {
    const struct tls_config *tls = &examiner->right->tls;
    const struct tls_session *session = &examiner->session;
    CLEANUP_FREE char *expected = asked_text(tls);
    CLEANUP_FREE char *observed =
        text_format("%s %s%s%s%s%s", session->version, session->cipher, *session->group ? " " : "",
                    session->group, *session->signature ? " " : "", session->signature);

    if (tls->enabled)
        put_configured(examiner, "negotiated-as-asked", expected, observed, "",
                       tls_allows(tls, session));
}

/* 3.1.1 needs no proof: its clients would not understand another answer. */
static void prove_version(struct examiner *examiner) {
    static const char *const names[] = {[MQTT_3_1_1] = "MQTT 3.1.1", [MQTT_5] = "MQTT 5"};
    const struct client_config *right = examiner->right;

    if (right->mqtt != MQTT_3_1_1)
        put_row(examiner, "mqtt-as-asked", names[right->mqtt], names[examiner->mqtt], "",
                examiner->mqtt == right->mqtt);
}

/* One text that passes the wire: it is seen exactly when nothing of the channel hides it. */
static void prove_sight(struct examiner *examiner, const struct wiretap *wiretap, const char *name,
                        const char *text, bool hidden, const char *cause) {
    bool expected = !hidden && !examiner->right->tls.enabled, seen = wiretap_saw(wiretap, text);

    put_row(examiner, name, expected ? "visible" : "absent", seen ? "visible" : "absent", cause,
            seen == expected);
}

/* What is looked for on the wire, where the broker lets it be published. */
static struct attempt_message marked(const struct client_config *client) {
    return (struct attempt_message){*client->proof_topic ? client->proof_topic : "bench/wiretap",
                                    MARKER};
}

/* Logs in through the wiretap and publishes; what has passed is known afterwards. */
static int pass_wiretap(struct client_config *tapped, struct wiretap **ret_wiretap,
                        struct attempt *ret_attempt, struct error *error) {
    const struct attempt_message message = marked(tapped);
    int r = credentials_settle(tapped, error);

    if (r < 0)
        return r;
    r = wiretap_start(ret_wiretap, tapped->address, tapped->port, error);
    if (r < 0)
        return r;
    text_replace(&tapped->address, WIRETAP_ADDRESS);
    tapped->port = wiretap_port(*ret_wiretap);
    r = attempt_make(tapped, &message, ret_attempt, error);
    wiretap_finish(*ret_wiretap);
    return r;
}

/* A shorter one would be found by chance. */
static bool is_looked_for(const char *password) {
    return strlen(password) >= SECRET_FOUND_BYTES;
}

static void prove_wiretap(struct examiner *examiner) {
    CLEANUP(client_config_freep)
    struct client_config *tapped = setting_block_copy(&client_config_group, examiner->right);
    CLEANUP(wiretap_freep) struct wiretap *wiretap = NULL;
    CLEANUP_FREE char *cause = NULL;
    struct attempt attempt;
    struct error error;
    int r = pass_wiretap(tapped, &wiretap, &attempt, &error);

    if (r < 0 || !attempt.accepted) {
        put_row(examiner, "wiretap-payload", "accepted", "no answer",
                r < 0 ? error.text : attempt.cause, false);
        return;
    }
    cause = text_format("%lld bytes passed%s", (long long)wiretap_bytes(wiretap),
                        *tapped->password && !is_looked_for(tapped->password)
                            ? "; so short a password was not looked for"
                            : "");
    prove_sight(examiner, wiretap, "wiretap-payload", MARKER, *tapped->payload.seals_with, cause);
    if (is_looked_for(tapped->password))
        prove_sight(examiner, wiretap, "wiretap-password", tapped->password, false, cause);
}

/* The same while the link below the tunnel is looked at, for the marker and the password. */
static int pass_capture(struct client_config *tapped, struct capture **ret_capture,
                        struct attempt *ret_attempt, struct error *error) {
    const struct attempt_message message = marked(tapped);
    int r = credentials_settle(tapped, error);
    const char *const texts[] = {MARKER, tapped->password};

    if (r < 0)
        return r;
    r = capture_open(ret_capture, tapped->outer_address, error);
    if (r < 0)
        return r;
    r = attempt_make(tapped, &message, ret_attempt, error);
    if (r < 0)
        return r;
    return capture_finish(*ret_capture, texts, is_looked_for(tapped->password) ? 2 : 1, error);
}

/* Of a channel inside a tunnel: nothing may be read on the link below, where the tunnel's own
 * datagrams are seen pass. */
static void prove_enclosed(struct examiner *examiner) {
    static const char *const names[] = {"wiretap-payload", "wiretap-password"};
    CLEANUP(client_config_freep)
    struct client_config *tapped = setting_block_copy(&client_config_group, examiner->right);
    CLEANUP(capture_freep) struct capture *capture = NULL;
    struct attempt attempt = {.accepted = false};
    struct error error = {""};
    int r = pass_capture(tapped, &capture, &attempt, &error);

    for (size_t i = 0; i < (is_looked_for(tapped->password) ? 2 : 1); i++) {
        bool known = r == 0 && attempt.accepted && capture_datagrams(capture) > 0;
        bool seen = r == 0 && capture_saw(capture, i);
        CLEANUP_FREE char *cause =
            r < 0 ? text_copy(error.text)
                  : text_format("%lld datagrams of the tunnel, and a control in clear",
                                (long long)capture_datagrams(capture));

        put_row(examiner, names[i], "absent",
                seen    ? "visible"
                : known ? "absent"
                        : "no answer",
                attempt.accepted ? cause
                : r < 0          ? error.text
                                 : attempt.cause,
                known && !seen);
    }
}

static int prove_all(struct examiner *examiner, struct error *error) {
    int r = prove_accepted(examiner, "accepted-before", error);

    if (r < 0)
        return r;
    prove_version(examiner);
    prove_negotiated(examiner);
    prove_mechanisms(examiner, false);
    if (client_config_is_enclosed(examiner->right))
        prove_enclosed(examiner);
    else
        prove_wiretap(examiner);
    /* A refusal counts only while the right client is let in: before, and still. */
    return prove_accepted(examiner, "accepted-after", error);
}

static int run(struct worker_context *worker, struct error *error) {
    CLEANUP(channel_clear) struct channel channel = {0};
    struct examiner examiner = {.worker = worker, .right = worker->client, .rows = json_array()};
    int r;

    (void)json_object_set_new(worker->result, "proofs", examiner.rows);
    r = role_bringup(worker, &channel, &examiner.bringup, error);
    if (r < 0)
        return r;
    client_config_name_session(examiner.right, "proof");
    if (worker->role == &role_proof_at_broker) {
        prove_mechanisms(&examiner, true);
        return worker_report(worker, error);
    }
    r = prove_all(&examiner, error);
    if (r < 0)
        return r;
    worker_put_tls(worker, &examiner.session);
    return worker_report(worker, error);
}

const struct role role_proof = {.name = "proof", .party = PARTY_CLIENT2, .run = run};
const struct role role_proof_at_broker = {
    .name = "proof-at-broker", .party = PARTY_CLIENT1, .run = run};

bool proof_is_at_broker(const struct channel *channel) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        for (size_t i = 0; i < mechanism->n_proofs; i++)
            if (is_made(channel, &mechanism->proofs[i], true))
                return true;
    return false;
}
