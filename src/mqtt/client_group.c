#include "mqtt/client_group.h"

#include "base/clock.h"
#include "security/payload.h"
#include "security/tls_context.h"
#include "security/tls_identity.h"
#include "security/token.h"

#include <errno.h>
#include <linux/tcp.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HIGHEST_QOS 2
/* Taken from the kernel at once, begun at once, and taken from one connection at once, before the
 * others have their turn. */
#define EVENTS       256
#define BEGUN        64
#define TURN_PACKETS 64
/* Descriptors that a process needs for all else. */
#define OTHER_DESCRIPTORS 64
/* Each client is asked so often, in the time that it may be silent, whether a ping is due; a broker
 * waits one and a half times as long. */
#define ASKED_PER_KEEPALIVE 16
#define KEEPALIVE_MIN_S     5 /* libmosquitto's */
/* Not more often than that a group wakes up for pings alone. */
#define PING_STEP_NS (5 * NS_PER_MS)
/* Different reasons that are told apart. */
#define REASONS_MAX 64
#define REASON_SIZE 128

/* What clients have in common that differ in nothing but who they are. */
struct model {
    struct client_config *config; /* of the first of them */
    char *address;                /* numeric: the library looks a name up at each connection */
    SSL_CTX *context;             /* NULL: no TLS */
};

struct client {
    struct client_group *group;
    struct mosquitto *library;
    const struct model *model;
    const struct tls_identity *identity; /* the group's; NULL: none */
    struct client_config *config;        /* of those who make a token or seal; else NULL */
    struct payload_client *payload;      /* of this connection; NULL: clear */
    SSL_SESSION *session;                /* of the connection before; NULL: none */
    struct client *next, *previous;      /* in the list that it is in */
    struct list *list;                   /* NULL: in none */
    int64_t since_ns;                    /* in that list */
    int64_t up_ns;
    int broke_code, broke_error; /* of one that broke outside a run */
    uint32_t watched;            /* events that epoll was asked for; 0: not registered */
    uint8_t state;               /* enum client_state */
    uint8_t connack, farewell;
    uint8_t max_qos;
    bool answered; /* a CONNACK came */
    bool met;      /* the library knows where to connect */
    bool listens;  /* has subscribed */
    bool reckoned; /* what its connection carried is in the group's sums */
    bool calling;  /* the library calls back about it: it must not be made to write then */
};

/* In the order of time. */
struct list {
    struct client *first, *last;
    size_t n;
};

struct reason {
    char words[REASON_SIZE];
    int64_t count;
};

struct client_group {
    struct client_group_options options;
    char **addresses;
    struct client *clients;
    struct model **models;
    size_t n_models;
    struct tls_identity **identities;
    size_t n_identities;
    struct tls_turn turn;
    int epoll, wake_fd;
    bool coarse; /* this kernel waits for whole milliseconds only */
    bool stopped;
    struct list waiting, connecting, resting, broken;
    int64_t schedule_ns, scheduled; /* since when how many have begun by the rate */
    int64_t asked_ns;               /* until when clients were asked for pings */
    size_t asked;                   /* the next of them */
    struct client_group_counts counts;
    struct client_group_wire ended; /* connections that are no more */
    struct reason reasons[REASONS_MAX];
    size_t n_reasons;
    struct tls_session session;
    bool has_session;
};

static size_t number_of(const struct client *client) {
    return (size_t)(client - client->group->clients);
}

/* ---- lists ---- */

static void leave_list(struct client *client) {
    struct list *list = client->list;

    if (!list)
        return;
    *(client->previous ? &client->previous->next : &list->first) = client->next;
    *(client->next ? &client->next->previous : &list->last) = client->previous;
    client->next = client->previous = NULL;
    client->list = NULL;
    list->n--;
}

static void enter_list(struct client *client, struct list *list, int64_t now_ns) {
    leave_list(client);
    client->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = client;
    list->last = client;
    list->n++;
    client->list = list;
    client->since_ns = now_ns;
}

/* ---- what was carried ---- */

static void add_wire(const struct client *client, struct client_group_wire *sums) {
    int fd = client->library ? mosquitto_socket(client->library) : -1;
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    if (fd < 0 || client->reckoned || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return;
    sums->sent_bytes += (int64_t)(info.tcpi_bytes_sent - info.tcpi_bytes_retrans);
    sums->received_bytes += (int64_t)info.tcpi_bytes_received;
    sums->sent_segments += info.tcpi_segs_out;
    sums->received_segments += info.tcpi_segs_in;
}

/* Before its socket is closed. */
static void reckon(struct client *client) {
    add_wire(client, &client->group->ended);
    client->reckoned = true;
}

void client_group_wire(const struct client_group *group, struct client_group_wire *ret) {
    *ret = group->ended;
    for (size_t i = 0; i < group->options.n; i++)
        add_wire(&group->clients[i], ret);
}

/* ---- what the kernel is asked for ---- */

static uint32_t events_wanted(const struct client *client) {
    const SSL *ssl = client->state == CLIENT_CONNECTING && client->model->context
                         ? mosquitto_ssl_get(client->library)
                         : NULL;

    /* In a handshake the library says that it wants to write when it has long done so. From 2.0.19
     * on it begins the handshake with the first read or write: when TCP is connected. */
    if (ssl && SSL_in_init(ssl))
        return EPOLLRDHUP | (SSL_want_write(ssl) || SSL_in_before(ssl) ? EPOLLOUT : EPOLLIN);
    return EPOLLRDHUP | EPOLLIN | (mosquitto_want_write(client->library) ? EPOLLOUT : 0);
}

static void watch(struct client *client) {
    struct epoll_event event = {.events = events_wanted(client), .data.ptr = client};
    int what = client->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (event.events == client->watched)
        return;
    (void)epoll_ctl(client->group->epoll, what, mosquitto_socket(client->library), &event);
    client->watched = event.events;
}

static void unwatch(struct client *client) {
    int fd = mosquitto_socket(client->library);

    if (client->watched && fd >= 0)
        (void)epoll_ctl(client->group->epoll, EPOLL_CTL_DEL, fd, NULL);
    client->watched = 0;
}

/* Ends its connection by a reset, be it established or not, behind the library's back: that frees
 * what is left of it when it connects again, or is destroyed. */
static void cut(struct client *client) {
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int fd = mosquitto_socket(client->library);

    if (fd < 0)
        return;
    reckon(client);
    unwatch(client);
    (void)connect(fd, &nobody, sizeof(nobody));
}

/* ---- why it ended ---- */

/* What the library said, and what errno was then. */
struct ending {
    int code, error;
};

static void put_reason(const struct client *client, const struct ending *ending,
                       char ret[static REASON_SIZE]) {
    const struct tls_turn *turn = &client->group->turn;
    bool five = client->model->config->mqtt == MQTT_5;

    if (turn->alert >= 0)
        (void)snprintf(ret, REASON_SIZE, "alert %d %s", turn->alert,
                       SSL_alert_desc_string_long(turn->alert));
    else if (turn->verify != X509_V_OK)
        (void)snprintf(ret, REASON_SIZE, "verify %ld %s", turn->verify,
                       X509_verify_cert_error_string(turn->verify));
    else if (turn->alert_of_us >= 0)
        (void)snprintf(ret, REASON_SIZE, "this client's alert %d %s", turn->alert_of_us,
                       SSL_alert_desc_string_long(turn->alert_of_us));
    else if (client->answered && client->connack)
        (void)snprintf(ret, REASON_SIZE, "connack %d %s", client->connack,
                       five ? mosquitto_reason_string(client->connack)
                            : mosquitto_connack_string(client->connack));
    else if (client->farewell)
        (void)snprintf(ret, REASON_SIZE, "disconnect %d %s", client->farewell,
                       mosquitto_reason_string(client->farewell));
    else if (ending->code == MOSQ_ERR_KEEPALIVE)
        (void)snprintf(ret, REASON_SIZE, "no answer to a ping");
    else if (ending->code == MOSQ_ERR_ERRNO && ending->error && ending->error != EPROTO &&
             ending->error != ECONNRESET && ending->error != EPIPE)
        (void)snprintf(ret, REASON_SIZE, "tcp %d %s", ending->error, strerror(ending->error));
    else if (ending->code == MOSQ_ERR_ERRNO || ending->code == MOSQ_ERR_CONN_LOST ||
             ending->code == MOSQ_ERR_TLS)
        (void)snprintf(ret, REASON_SIZE, "closed");
    else
        (void)snprintf(ret, REASON_SIZE, "%s", mosquitto_strerror(ending->code));
}

static void count_reason(struct client_group *group, const char *reason) {
    char words[REASON_SIZE];
    size_t i = 0;

    (void)snprintf(words, sizeof(words), "%s", reason);
    while (i < group->n_reasons && !text_equal(group->reasons[i].words, words))
        i++;
    if (i == REASONS_MAX)
        i--;
    if (i == group->n_reasons) {
        (void)snprintf(group->reasons[i].words, REASON_SIZE, "%s",
                       i + 1 < REASONS_MAX ? words : "other reasons");
        group->n_reasons++;
    }
    group->reasons[i].count++;
}

json_t *client_group_reasons(const struct client_group *group) {
    json_t *reasons = json_object();

    for (size_t i = 0; i < group->n_reasons; i++)
        (void)json_object_set_new(reasons, group->reasons[i].words,
                                  json_integer(group->reasons[i].count));
    return reasons;
}

/* It was refused or lost, and the library has its socket closed or is not to use it any more. */
static void end_for(struct client *client, const char *reason) {
    struct client_group *group = client->group;
    bool was_up = client->state == CLIENT_UP;
    bool tries_again = group->options.retry_ns > 0;

    client->watched = 0;
    client->reckoned = true;
    *(was_up ? &group->counts.lost : &group->counts.refused) += 1;
    group->counts.up -= was_up;
    group->counts.failed += !tries_again;
    count_reason(group, reason);
    leave_list(client);
    client->state = tries_again ? CLIENT_WAITING : CLIENT_FAILED;
    if (tries_again)
        enter_list(client, &group->resting, clock_monotonic_ns());
    if (group->options.down)
        group->options.down(group->options.context, number_of(client), reason);
}

static void end(struct client *client, const struct ending *ending) {
    char reason[REASON_SIZE];

    put_reason(client, ending, reason);
    if (mosquitto_socket(client->library) >= 0)
        cut(client);
    end_for(client, reason);
}

/* ---- what the library tells ---- */

static void on_connect(struct mosquitto *library, void *user, int code, int flags,
                       const mosquitto_property *properties) {
    struct client *client = user;
    uint8_t max_qos;

    (void)library;
    (void)flags;
    if (mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &max_qos, false))
        client->max_qos = max_qos;
    client->up_ns = clock_monotonic_ns();
    client->answered = true;
    client->connack = (uint8_t)code;
    if (code)
        reckon(client);
}

static void on_subscribe(struct mosquitto *library, void *user, int id, int count,
                         const int *granted) {
    const struct client *client = user;
    const struct client_group_options *options = &client->group->options;

    (void)library;
    (void)id;
    if (options->subscribed)
        options->subscribed(options->context, number_of(client), count > 0 ? granted[0] : 128);
}

/* A publication that is refused (MQTT 5) is complete as well; in version 5 alone of this callback
 * one of QoS 2 is told of, too. */
static void on_publish(struct mosquitto *library, void *user, int id, int code,
                       const mosquitto_property *properties) {
    const struct client *client = user;
    const struct client_group_options *options = &client->group->options;

    (void)library;
    (void)id;
    (void)code;
    (void)properties;
    options->completed(options->context, number_of(client));
}

static void on_disconnect(struct mosquitto *library, void *user, int code) {
    struct client *client = user;

    (void)library;
    if (client->model->config->mqtt == MQTT_5 && code >= MQTT_RC_UNSPECIFIED)
        client->farewell = (uint8_t)code;
}

static void on_message(struct mosquitto *library, void *user,
                       const struct mosquitto_message *message) {
    struct client *client = user;
    struct client_group *group = client->group;
    const void *payload = message->payload;
    size_t length = (size_t)message->payloadlen;

    (void)library;
    if (client->payload &&
        !payload_client_open(client->payload, message->topic, &payload, &length)) {
        group->counts.rejected++;
        return;
    }
    if (group->options.message)
        group->options.message(group->options.context, number_of(client), message->topic, payload,
                               length);
}

/* ---- a client is up ---- */

static bool is_like(const struct tls_session *one, const struct tls_session *other) {
    return text_equal(one->version, other->version) && text_equal(one->cipher, other->cipher) &&
           text_equal(one->group, other->group);
}

static void look_at_tls(struct client *client, SSL *ssl) {
    struct client_group *group = client->group;
    struct tls_session session;

    (void)SSL_free_buffers(ssl); /* a ticket leaves one of 16 KiB */
    tls_context_session(ssl, &session);
    if (!group->has_session)
        group->session = session;
    group->has_session = true;
    group->counts.other_tls += !is_like(&session, &group->session);
    group->counts.resumed += SSL_session_reused(ssl) != 0;
    if (!client->model->config->tls.tickets)
        return;
    SSL_SESSION_free(client->session);
    client->session = tls_context_take_session(ssl);
}

static void come_up(struct client *client) {
    struct client_group *group = client->group;
    SSL *ssl = client->model->context ? mosquitto_ssl_get(client->library) : NULL;

    leave_list(client);
    client->state = CLIENT_UP;
    group->counts.up++;
    group->counts.accepted++;
    if (ssl)
        look_at_tls(client, ssl);
    if (group->options.up)
        group->options.up(group->options.context, number_of(client), client->up_ns);
}

/* ---- serving a connection ---- */

static void take_turn(struct client *client) {
    tls_turn_begin(&client->group->turn, client->identity, client->session);
    errno = 0;
}

static bool is_in_handshake(const struct client *client) {
    const SSL *ssl = client->model->context ? mosquitto_ssl_get(client->library) : NULL;

    return ssl && SSL_in_init(ssl);
}

/* The library takes one packet a call or goes on with the handshake. Of who has subscribed more are
 * likely to be there. */
static int take_in(struct client *client) {
    int most = client->listens ? TURN_PACKETS : 1, r = MOSQ_ERR_SUCCESS;

    client->calling = true;
    for (int i = 0; i < most && r == MOSQ_ERR_SUCCESS; i++) {
        errno = 0;
        r = mosquitto_loop_read(client->library, 1);
        if (r == MOSQ_ERR_SUCCESS && (errno == EAGAIN || mosquitto_socket(client->library) < 0))
            break;
    }
    client->calling = false;
    return r;
}

/* A broker that refuses a certificate says so behind the handshake, and closes: to write then would
 * be to lose its words. */
static bool is_answered_early(const struct client *client) {
    char byte;

    return client->state == CLIENT_CONNECTING && client->model->context &&
           recv(mosquitto_socket(client->library), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* What the library has queued. It would write by itself, were it not told that it has threads: a
 * CONNECT already before anybody could look for an answer. */
static int write_out(struct client *client) {
    int r;

    if (client->calling || is_in_handshake(client) || !mosquitto_want_write(client->library) ||
        is_answered_early(client))
        return MOSQ_ERR_SUCCESS;
    client->calling = true;
    r = mosquitto_loop_write(client->library, 1);
    client->calling = false;
    return r;
}

/* Whether a handshake is over of which the library does not say so: it takes a failure of the
 * kernel's for none. */
static bool is_stuck(const struct client *client) {
    const SSL *ssl = client->model->context ? mosquitto_ssl_get(client->library) : NULL;

    return ssl && SSL_in_init(ssl) && !SSL_in_before(ssl) &&
           SSL_get_error(ssl, -1) == SSL_ERROR_SYSCALL;
}

/* What the library has left when a call returned. */
static void settle(struct client *client, int code) {
    struct ending ending = {code, errno};

    if (code == MOSQ_ERR_SUCCESS && is_stuck(client))
        code = ending.code = MOSQ_ERR_ERRNO;
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(client->library) < 0) {
        end(client, &ending);
        return;
    }
    if (client->state == CLIENT_CONNECTING && client->answered) {
        come_up(client);
        if (client->state != CLIENT_UP) /* by what was called back */
            return;
    }
    watch(client);
}

/* Why TCP has not come to be, where the library would only see that TLS has not: 0 or an errno. */
static int connection_error(const struct client *client) {
    const SSL *ssl = client->model->context ? mosquitto_ssl_get(client->library) : NULL;
    socklen_t size = sizeof(int);
    int code = 0;

    if (!ssl || !SSL_in_before(ssl) ||
        getsockopt(mosquitto_socket(client->library), SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        return 0;
    return code;
}

static void serve(struct client *client, uint32_t events) {
    int r = MOSQ_ERR_SUCCESS, error;

    if (client->state != CLIENT_CONNECTING && client->state != CLIENT_UP)
        return;
    take_turn(client);
    error = events & EPOLLERR ? connection_error(client) : 0;
    if (error) {
        end(client, &(struct ending){MOSQ_ERR_ERRNO, error});
        return;
    }
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        reckon(client);
    if (events & ~(uint32_t)EPOLLOUT || is_in_handshake(client))
        r = take_in(client);
    if (r == MOSQ_ERR_SUCCESS && mosquitto_socket(client->library) >= 0)
        r = write_out(client);
    settle(client, r);
}

/* ---- connecting ---- */

static int renew(struct client *client, struct error *error) {
    struct credentials shown;
    int r;

    if (!client->config)
        return 0;
    if (client->payload)
        payload_client_free(client->payload);
    client->payload = NULL;
    r = payload_client_new(&client->payload, &client->config->payload, error);
    if (r < 0 || !*client->config->token_key)
        return r;
    r = credentials_now(&shown, client->config, error);
    if (r < 0)
        return r;
    (void)mosquitto_username_pw_set(client->library, shown.username, shown.password);
    OPENSSL_cleanse(shown.token, sizeof(shown.token));
    return 0;
}

static int connect_library(struct client *client) {
    const struct client_group *group = client->group;
    const struct client_group_options *options = &group->options;
    const char *own =
        options->n_addresses ? group->addresses[number_of(client) % options->n_addresses] : NULL;

    if (client->met)
        return mosquitto_reconnect_async(client->library);
    client->met = true;
    return mosquitto_connect_bind_async(client->library, client->model->address,
                                        (int)client->model->config->port, options->keepalive_s,
                                        own);
}

static void begin(struct client *client, int64_t now_ns) {
    struct client_group *group = client->group;
    struct error error;
    int r;

    group->counts.attempts++;
    client->state = CLIENT_CONNECTING;
    enter_list(client, &group->connecting, now_ns);
    client->answered = client->listens = client->reckoned = false;
    client->connack = client->farewell = 0;
    client->max_qos = HIGHEST_QOS;
    client->watched = 0;
    if (renew(client, &error) < 0) {
        end_for(client, error.text);
        return;
    }
    take_turn(client);
    r = connect_library(client);
    if (r == MOSQ_ERR_SUCCESS && !is_stuck(client))
        r = write_out(client);
    settle(client, r);
}

/* ---- whose turn it is ---- */

static int64_t due_ns(const struct client_group *group, int64_t nth) {
    int64_t rate = group->options.connect_rate;

    return group->schedule_ns + nth / rate * NS_PER_S + nth % rate * NS_PER_S / rate;
}

static void wait_for_turn(struct client *client, int64_t now_ns) {
    struct client_group *group = client->group;

    if (!group->waiting.first) { /* the schedule begins anew */
        group->schedule_ns = now_ns;
        group->scheduled = 0;
    }
    client->state = CLIENT_WAITING;
    enter_list(client, &group->waiting, now_ns);
}

void client_group_connect(struct client_group *group, size_t first, size_t count) {
    int64_t now_ns = clock_monotonic_ns();

    for (size_t i = first; i < first + count && i < group->options.n; i++) {
        struct client *client = &group->clients[i];

        if (client->state != CLIENT_IDLE && client->state != CLIENT_FAILED)
            continue;
        group->counts.failed -= client->state == CLIENT_FAILED;
        wait_for_turn(client, now_ns);
    }
}

static void end_resting(struct client_group *group, int64_t now_ns) {
    while (group->resting.first &&
           group->resting.first->since_ns + group->options.retry_ns <= now_ns)
        wait_for_turn(group->resting.first, now_ns);
}

static bool may_begin(const struct client_group *group) {
    return group->waiting.first && group->connecting.n < group->options.at_once;
}

static void begin_due(struct client_group *group, int64_t now_ns) {
    for (int i = 0; i < BEGUN && may_begin(group); i++) {
        if (group->options.connect_rate && due_ns(group, group->scheduled) > now_ns)
            return;
        group->scheduled++;
        begin(group->waiting.first, now_ns);
    }
}

/* ---- limits of time ---- */

static int64_t answer_ns(const struct client_group *group, const struct client *client) {
    return group->options.answer_ns ? group->options.answer_ns : client->model->config->answer_ns;
}

static void end_late(struct client_group *group, int64_t now_ns) {
    struct client *client;

    while ((client = group->connecting.first) &&
           client->since_ns + answer_ns(group, client) <= now_ns) {
        char reason[REASON_SIZE];

        (void)snprintf(reason, sizeof(reason), "no CONNACK within %g s",
                       (double)answer_ns(group, client) / (double)NS_PER_S);
        cut(client);
        end_for(client, reason);
    }
}

static int64_t asking_period_ns(const struct client_group *group) {
    return group->options.keepalive_s * NS_PER_S / ASKED_PER_KEEPALIVE;
}

static void ask_for_ping(struct client *client) {
    int r;

    if (client->state != CLIENT_UP)
        return;
    take_turn(client);
    r = mosquitto_loop_misc(client->library);
    if (r == MOSQ_ERR_SUCCESS)
        r = write_out(client);
    settle(client, r);
}

/* All clients in a period, evenly, so that pings do not come in bursts of ours. */
static void ask_for_pings(struct client_group *group, int64_t now_ns) {
    int64_t n = (int64_t)group->options.n, period_ns = asking_period_ns(group);
    int64_t step_ns = period_ns ? period_ns / n : 0, count;

    if (!period_ns || now_ns - group->asked_ns < PING_STEP_NS)
        return;
    if (now_ns - group->asked_ns > period_ns)
        group->asked_ns = now_ns - period_ns;
    count = step_ns ? (now_ns - group->asked_ns) / step_ns : n;
    group->asked_ns += count * step_ns;
    for (; count > 0; count--) {
        ask_for_ping(&group->clients[group->asked]);
        group->asked = (group->asked + 1) % (size_t)n;
    }
}

static int64_t earlier(int64_t one_ns, int64_t other_ns) {
    return one_ns < other_ns ? one_ns : other_ns;
}

/* When there is something to do at the latest. */
static int64_t next_ns(const struct client_group *group, int64_t now_ns, int64_t until_ns) {
    const struct client *resting = group->resting.first, *connecting = group->connecting.first;
    int64_t next = group->broken.first ? now_ns : until_ns;

    if (may_begin(group))
        next =
            earlier(next, group->options.connect_rate ? due_ns(group, group->scheduled) : now_ns);
    if (resting)
        next = earlier(next, resting->since_ns + group->options.retry_ns);
    if (connecting)
        next = earlier(next, connecting->since_ns + answer_ns(group, connecting));
    if (group->counts.up && asking_period_ns(group)) {
        int64_t step_ns = asking_period_ns(group) / (int64_t)group->options.n;

        next = earlier(next, group->asked_ns + (step_ns > PING_STEP_NS ? step_ns : PING_STEP_NS));
    }
    return next;
}

/* Those of which a publication has shown that they are lost. */
static void end_broken(struct client_group *group) {
    struct client *client;

    while ((client = group->broken.first)) {
        const struct ending ending = {client->broke_code, client->broke_error};

        take_turn(client);
        end(client, &ending);
    }
}

/* ---- the loop ---- */

static int await(struct client_group *group, struct epoll_event events[static EVENTS],
                 int64_t next) {
    int64_t left_ns = next - clock_monotonic_ns();
    struct timespec timeout;

    if (left_ns < 0)
        left_ns = 0;
    timeout = (struct timespec){left_ns / NS_PER_S, (long)(left_ns % NS_PER_S)};
    if (!group->coarse) {
        int n = epoll_pwait2(group->epoll, events, EVENTS, &timeout, NULL);

        if (n >= 0 || errno != ENOSYS)
            return n;
        group->coarse = true;
    }
    return epoll_wait(group->epoll, events, EVENTS,
                      (int)(left_ns / NS_PER_MS < 60000 ? left_ns / NS_PER_MS : 60000));
}

static int watch_wake(struct client_group *group, int wake_fd, struct error *error) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    if (wake_fd == group->wake_fd)
        return 0;
    if (group->wake_fd >= 0)
        (void)epoll_ctl(group->epoll, EPOLL_CTL_DEL, group->wake_fd, NULL);
    group->wake_fd = -1;
    if (wake_fd >= 0 && epoll_ctl(group->epoll, EPOLL_CTL_ADD, wake_fd, &event) < 0)
        return error_errno(error, -errno, "epoll of the descriptor that wakes it");
    group->wake_fd = wake_fd;
    return 0;
}

int client_group_run(struct client_group *group, int64_t until_ns, int wake_fd,
                     struct error *error) {
    struct epoll_event events[EVENTS];
    bool woken = false;
    int r = watch_wake(group, wake_fd, error);

    if (r < 0)
        return r;
    group->stopped = false;
    do {
        int64_t now_ns = clock_monotonic_ns();
        int n;

        end_broken(group);
        end_resting(group, now_ns);
        begin_due(group, now_ns);
        end_late(group, now_ns);
        ask_for_pings(group, now_ns);
        n = await(group, events, group->stopped ? 0 : next_ns(group, now_ns, until_ns));
        if (n < 0 && errno != EINTR)
            return error_errno(error, -errno, "epoll");
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                serve(events[i].data.ptr, events[i].events);
            else
                woken = true;
    } while (!woken && !group->stopped && clock_monotonic_ns() < until_ns);
    return 0;
}

void client_group_stop(struct client_group *group) {
    group->stopped = true;
}

/* ---- ending all ---- */

static void rest(struct client *client) {
    struct client_group *group = client->group;

    leave_list(client);
    group->counts.up -= client->state == CLIENT_UP;
    group->counts.failed -= client->state == CLIENT_FAILED;
    client->state = CLIENT_IDLE;
}

void client_group_drop(struct client_group *group) {
    for (size_t i = 0; i < group->options.n; i++) {
        cut(&group->clients[i]);
        rest(&group->clients[i]);
    }
}

static void send_away(struct client *client) {
    if (client->state == CLIENT_UP) {
        reckon(client);
        take_turn(client);
        (void)mosquitto_disconnect(client->library);
        (void)write_out(client); /* closes when it could be sent */
    }
    if (mosquitto_socket(client->library) >= 0)
        cut(client);
    client->watched = 0;
}

void client_group_leave(struct client_group *group) {
    for (size_t i = 0; i < group->options.n; i++) {
        send_away(&group->clients[i]);
        rest(&group->clients[i]);
    }
}

/* ---- making them ---- */

/* The library's own loop is woken by a pair of sockets, into which it writes a byte for each packet
 * and which takes two descriptors a client. The loop here needs none: when there are no descriptors
 * to be had, the library does without. */
static struct mosquitto *new_library(const char *client_id, struct client *client) {
    struct rlimit limit, none;
    struct mosquitto *library;
    int saved;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return mosquitto_new(client_id, true, client);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &none);
    library = mosquitto_new(client_id, true, client);
    saved = errno;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    errno = saved;
    return library ? library : mosquitto_new(client_id, true, client);
}

static void configure(struct client *client, const struct client_config *config) {
    struct mosquitto *library = client->library;

    mosquitto_connect_v5_callback_set(library, on_connect);
    mosquitto_subscribe_callback_set(library, on_subscribe);
    mosquitto_disconnect_callback_set(library, on_disconnect);
    mosquitto_message_callback_set(library, on_message);
    if (client->group->options.completed)
        mosquitto_publish_v5_callback_set(library, on_publish);
    (void)mosquitto_int_option(library, MOSQ_OPT_PROTOCOL_VERSION,
                               config->mqtt == MQTT_5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    (void)mosquitto_int_option(library, MOSQ_OPT_RECEIVE_MAXIMUM, UINT16_MAX); /* as its sibling */
    (void)mosquitto_int_option(library, MOSQ_OPT_TCP_NODELAY, 1);
    (void)mosquitto_threaded_set(library, true); /* see write_out() */
    if (config->inflight)
        (void)mosquitto_int_option(library, MOSQ_OPT_SEND_MAXIMUM, (int)config->inflight);
    if (*config->username && !*config->token_key)
        (void)mosquitto_username_pw_set(library, config->username, config->password);
    if (!client->model->context)
        return;
    (void)mosquitto_int_option(library, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    (void)mosquitto_void_option(library, MOSQ_OPT_SSL_CTX, client->model->context);
}

static bool is_same_tls(const struct tls_config *one, const struct tls_config *other) {
    return one->enabled == other->enabled && text_equal(one->ca_file, other->ca_file) &&
           one->min_version == other->min_version && one->max_version == other->max_version &&
           one->lenient == other->lenient && text_equal(one->ciphers, other->ciphers) &&
           text_equal(one->suites, other->suites) && text_equal(one->groups, other->groups) &&
           text_equal(one->signatures, other->signatures) && one->tickets == other->tickets &&
           tls_identity_is_alike(one, other);
}

/* But for who they are. */
static bool is_same(const struct client_config *one, const struct client_config *other) {
    return text_equal(one->address, other->address) && one->port == other->port &&
           text_equal(one->expected_host, other->expected_host) &&
           text_equal(one->server_name, other->server_name) && text_equal(one->alpn, other->alpn) &&
           one->mqtt == other->mqtt && one->answer_ns == other->answer_ns &&
           is_same_tls(&one->tls, &other->tls);
}

static int look_up(const char *name, char **ret, struct error *error) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char number[NI_MAXHOST];
    struct addrinfo *found;
    int r = getaddrinfo(name, NULL, &hints, &found);

    if (r == 0) {
        r = getnameinfo(found->ai_addr, found->ai_addrlen, number, sizeof(number), NULL, 0,
                        NI_NUMERICHOST);
        freeaddrinfo(found);
    }
    if (r)
        return error_set(error, -EHOSTUNREACH, "%s: %s", name, gai_strerror(r));
    *ret = text_copy(number);
    return 0;
}

static void free_model(struct model *model) {
    SSL_CTX_free(model->context);
    free(model->address);
    if (model->config)
        client_config_free(model->config);
    free(model);
}
DEFINE_CLEANUP(struct model *, free_model)

static int add_model(struct client_group *group, const struct client_config *config,
                     struct error *error) {
    CLEANUP(free_modelp) struct model *model = memory_new(1, sizeof(*model));
    int r;

    model->config = setting_block_copy(&client_config_group, config);
    model->config->inflight = config->inflight;
    r = look_up(config->address, &model->address, error);
    if (r == 0 && config->tls.enabled)
        r = tls_identity_context(&model->context, config, &group->turn, error);
    if (r < 0)
        return r;
    group->models = memory_room(group->models, group->n_models, sizeof(*group->models));
    group->models[group->n_models++] = model;
    model = NULL;
    return 0;
}

/* Loaded anew unless it is that of the client before. */
static int give_identity(struct client *client, const struct client_config *before,
                         const struct client_config *config, struct error *error) {
    struct client_group *group = client->group;
    struct tls_identity *identity = NULL;
    int r;

    if (!config->tls.enabled)
        return 0;
    if (before && before->tls.enabled && tls_identity_is_same(&before->tls, &config->tls)) {
        client->identity = (client - 1)->identity;
        return 0;
    }
    r = tls_identity_load(&identity, client->model->context, &config->tls, error);
    if (r < 0 || !identity)
        return r;
    group->identities =
        memory_room(group->identities, group->n_identities, sizeof(*group->identities));
    group->identities[group->n_identities++] = identity;
    client->identity = identity;
    return 0;
}

static int open_client(struct client *client, const struct client_config *before,
                       const struct client_config *config, struct error *error) {
    struct client_group *group = client->group;
    int r = 0;

    if (!group->n_models || !is_same(group->models[group->n_models - 1]->config, config))
        r = add_model(group, config, error);
    if (r < 0)
        return r;
    client->model = group->models[group->n_models - 1];
    r = give_identity(client, before, config, error);
    if (r < 0)
        return r;
    client->library = new_library(config->client_id, client);
    if (!client->library)
        return error_errno(error, -errno, "MQTT client '%s'", config->client_id);
    configure(client, config);
    if (*config->token_key || *config->payload.seals_with || *config->payload.opens_with)
        client->config = setting_block_copy(&client_config_group, config);
    return 0;
}

static int open_clients(struct client_group *group, struct error *error) {
    const struct client_group_options *options = &group->options;
    CLEANUP(client_config_freep) struct client_config *before = NULL;

    for (size_t i = 0; i < options->n; i++) {
        struct client_config *config = NULL;
        int r = options->config(options->context, i, &config, error);

        group->clients[i].group = group;
        if (r < 0)
            return r;
        r = open_client(&group->clients[i], before, config, error);
        if (before)
            client_config_free(before);
        before = config;
        if (r < 0)
            return r;
    }
    return 0;
}

static int raise_limit(size_t n, struct error *error) {
    rlim_t needed = n + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
        return 0;
    if (limit.rlim_max < needed)
        return error_set(error, -EMFILE,
                         "%zu clients take %llu descriptors of one process, which may have %llu: "
                         "%lld clients are possible; raise the hard limit (ulimit -Hn, or "
                         "LimitNOFILE of a service), or have more processes",
                         n, (unsigned long long)needed, (unsigned long long)limit.rlim_max,
                         (long long)limit.rlim_max - OTHER_DESCRIPTORS);
    limit.rlim_cur = needed;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? error_errno(error, -errno, "RLIMIT_NOFILE") : 0;
}

static void copy_addresses(struct client_group *group) {
    group->addresses = memory_new(group->options.n_addresses + 1, sizeof(*group->addresses));
    for (size_t i = 0; i < group->options.n_addresses; i++)
        group->addresses[i] = text_copy(group->options.addresses[i]);
    group->options.addresses = NULL;
}

static void init_library(void) {
    (void)mosquitto_lib_init();
}

int client_group_open(struct client_group **ret, const struct client_group_options *options,
                      struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CLEANUP(client_group_freep) struct client_group *group = NULL;
    int r;

    if (options->keepalive_s &&
        (options->keepalive_s < KEEPALIVE_MIN_S || options->keepalive_s > UINT16_MAX))
        return error_set(error, -EINVAL,
                         "keep-alive of %d s: libmosquitto has %d to %d s, or 0 for none",
                         options->keepalive_s, KEEPALIVE_MIN_S, UINT16_MAX);
    r = raise_limit(options->n, error);

    if (r < 0)
        return r;
    (void)pthread_once(&once, init_library);
    group = memory_new(1, sizeof(*group));
    group->options = *options;
    if (!group->options.at_once)
        group->options.at_once = CLIENT_GROUP_AT_ONCE;
    copy_addresses(group);
    group->clients = memory_new(options->n, sizeof(*group->clients));
    group->wake_fd = -1;
    group->asked_ns = clock_monotonic_ns();
    tls_turn_begin(&group->turn, NULL, NULL);
    group->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (group->epoll < 0)
        return error_errno(error, -errno, "epoll");
    r = open_clients(group, error);
    if (r < 0)
        return r;
    *ret = group;
    group = NULL;
    return 0;
}

static void close_client(struct client *client) {
    if (client->library) {
        send_away(client);
        mosquitto_destroy(client->library);
    }
    if (client->payload)
        payload_client_free(client->payload);
    if (client->config)
        client_config_free(client->config);
    SSL_SESSION_free(client->session);
}

void client_group_free(struct client_group *group) {
    for (size_t i = 0; i < group->options.n; i++)
        close_client(&group->clients[i]);
    for (size_t i = 0; i < group->n_models; i++)
        free_model(group->models[i]);
    for (size_t i = 0; i < group->n_identities; i++)
        tls_identity_free(group->identities[i]);
    for (size_t i = 0; i < group->options.n_addresses; i++)
        free(group->addresses[i]);
    if (group->epoll >= 0)
        (void)close(group->epoll);
    free(group->addresses);
    free(group->models);
    free(group->identities);
    free(group->clients);
    free(group);
}

/* ---- messages ---- */

static int check_up(const struct client *client, int qos, struct error *error) {
    if (client->state != CLIENT_UP)
        return error_set(error, -ENOTCONN, "client %zu is not connected", number_of(client));
    if (qos > client->max_qos)
        return error_set(error, -EPROTO,
                         "MQTT: the broker takes QoS %d at most, and QoS %d was asked for",
                         client->max_qos, qos);
    return 0;
}

static int say_failed(const struct client *client, const char *what, int code,
                      struct error *error) {
    return error_set(error, -ECONNRESET, "MQTT %s of client %zu: %s", what, number_of(client),
                     code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code));
}

/* Sends what was queued, when the kernel takes it. */
static int send_queued(struct client *client, const char *what, struct error *error) {
    int r = write_out(client);

    if (r != MOSQ_ERR_SUCCESS) {
        client->broke_code = r;
        client->broke_error = errno;
        client->watched = 0;
        enter_list(client, &client->group->broken, 0);
        return say_failed(client, what, r, error);
    }
    if (!client->calling && mosquitto_want_write(client->library) != !!(client->watched & EPOLLOUT))
        watch(client);
    return 0;
}

int client_group_subscribe(struct client_group *group, size_t which, const char *filter, int qos,
                           struct error *error) {
    struct client *client = &group->clients[which];
    int r = check_up(client, qos, error);

    if (r < 0)
        return r;
    client->listens = true;
    r = mosquitto_subscribe(client->library, NULL, filter, qos);
    return r == MOSQ_ERR_SUCCESS ? send_queued(client, "subscription", error)
                                 : say_failed(client, "subscription", r, error);
}

int client_group_publish(struct client_group *group, size_t which, const char *topic,
                         const void *payload, size_t length, int qos, struct error *error) {
    struct client *client = &group->clients[which];
    int r = check_up(client, qos, error);

    if (r == 0 && client->payload)
        r = payload_client_seal(client->payload, topic, &payload, &length, error);
    if (r < 0)
        return r;
    r = mosquitto_publish(client->library, NULL, topic, (int)length, payload, qos, false);
    return r == MOSQ_ERR_SUCCESS ? send_queued(client, "publication", error)
                                 : say_failed(client, "publication", r, error);
}

bool client_group_is_blocked(const struct client_group *group, size_t which) {
    const struct client *client = &group->clients[which];

    return client->state == CLIENT_UP && mosquitto_want_write(client->library);
}

/* ---- what is known of them ---- */

void client_group_count(const struct client_group *group, struct client_group_counts *ret) {
    *ret = group->counts;
    ret->connecting = (int64_t)group->connecting.n;
    ret->waiting = (int64_t)(group->waiting.n + group->resting.n);
}

enum client_state client_group_state(const struct client_group *group, size_t client) {
    return (enum client_state)group->clients[client].state;
}

int64_t client_group_up_ns(const struct client_group *group, size_t client) {
    return group->clients[client].up_ns;
}

const struct tls_session *client_group_session(const struct client_group *group) {
    return &group->session;
}
