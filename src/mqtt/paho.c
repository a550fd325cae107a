/* Paho C, by its asynchronous interface, the one of its two that keeps many messages on their way.
 *
 * It sends and receives in threads of its own. What they tell is kept, and a bell (an eventfd) is
 * rung that the client's poll() hears; its next turn takes it over. */
#include "base/clock.h"
#include "mqtt/library.h"
#include "security/tls_context.h"

#include <MQTTAsync.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Messages handed over and not complete at which it is time to wait: many enough for its threads,
 * and each search of its lists is as long as they are. */
#define BACKLOG        1024
#define MAX_BUFFERED   (1 << 20)
#define ROOM_NS        (10 * NS_PER_S)
#define LOSS_TURNS     20
#define LOSS_TURN_MS   50
#define LEAVE_NS       (2 * NS_PER_S)
#define LEAVE_MS       1000
#define FIRST_MESSAGES 256
#define SOCKETS_MAX    64
#define WHY_SIZE       160

/* TLS of one client. */
struct paho_tls {
    MQTTAsync_SSLOptions options;
    char *psk_identity, *psk_key;
    struct tls_session session;
};

struct message {
    char *topic;
    MQTTAsync_message *message;
};

struct inbox {
    struct message *messages;
    size_t n, size;
};

/* `own` of an mqtt_client. */
struct paho {
    MQTTAsync handle;
    struct paho_tls tls;
    bool has_tls, five; /* five: MQTT 5, which has callbacks of its own */
    int bell, socket;
    int64_t answer_ns;           /* how long the broker may take */
    int64_t published, inflight; /* inflight: of QoS 1 and 2, before the first is acknowledged */
    struct inbox taken;          /* the client's, while it is handed over */
    /* What the library's threads tell. */
    _Atomic bool rung, lost, left;
    _Atomic int connack, suback; /* -1 until it comes */
    _Atomic int max_qos;         /* -1 where it is not told */
    _Atomic int64_t completed;
    pthread_mutex_t lock; /* of the rest */
    struct inbox incoming;
    char why[WHY_SIZE]; /* it was lost */
};

static struct paho *own_of(const struct mqtt_client *client) {
    return client->own;
}

/* ---- TLS ---- */

/* TLS as a client_config asks for it, in a library that takes file names and a list of ciphers
 * only, and tells nothing of what was negotiated.
 *
 * Paho C uses the same OpenSSL in the same process. OpenSSL tells of each context and connection
 * that is made (CRYPTO_get_ex_new_index(3)) and of the steps of a handshake
 * (SSL_CTX_set_info_callback(3)): at its start the connection is made as asked for, at its end what
 * came of it is read. A login is watched at a time.
 */

/* The login under way, and what was seen of it, by the library's threads. */
struct login {
    const struct client_config *config; /* NULL: none is */
    SSL_CTX *model;                     /* a context as asked for */
    SSL_CTX *made;                      /* the library's, borrowed: only compared with */
    bool imposed, done;
    struct tls_session session;
    struct error error;
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t login_lock = PTHREAD_MUTEX_INITIALIZER; /* of login */
static struct login login;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool hooked;

/* Once, at the start: tickets begin and end handshakes, too. A connection that cannot be made as
 * asked for must not come about: it is left no version to speak. */
static void impose(SSL *ssl) {
    login.imposed = true;
    if (tls_context_impose(ssl, login.model, login.config, &login.error) < 0)
        (void)SSL_set_max_proto_version(ssl, SSL3_VERSION);
}

static void look_on(const SSL *ssl, int where, int code) {
    (void)code;
    (void)pthread_mutex_lock(&login_lock);
    if (login.config && SSL_get_SSL_CTX(ssl) == login.made) {
        if (where & SSL_CB_HANDSHAKE_START && !login.imposed)
            impose((SSL *)(uintptr_t)ssl);
        if (where & SSL_CB_HANDSHAKE_DONE && !login.done) {
            tls_context_session((SSL *)(uintptr_t)ssl, &login.session);
            login.done = true;
        }
    }
    (void)pthread_mutex_unlock(&login_lock);
}

static void see_context(void *context, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                        void *argument) {
    (void)pointer;
    (void)data;
    (void)index;
    (void)number;
    (void)argument;
    (void)pthread_mutex_lock(&login_lock);
    if (login.config)
        login.made = context;
    (void)pthread_mutex_unlock(&login_lock);
}

/* The library has set up its context by now, its own info callback included, which only logs. */
static void see_connection(void *ssl, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                           void *argument) {
    (void)ssl;
    (void)pointer;
    (void)data;
    (void)index;
    (void)number;
    (void)argument;
    (void)pthread_mutex_lock(&login_lock);
    if (login.config && login.made)
        SSL_CTX_set_info_callback(login.made, look_on);
    (void)pthread_mutex_unlock(&login_lock);
}

static unsigned give_key(const char *hint, char *identity, unsigned identity_size,
                         unsigned char *key, unsigned key_size, void *context) {
    const struct paho_tls *tls = context;
    size_t length;

    (void)hint;
    if (strlen(tls->psk_identity) >= identity_size ||
        OPENSSL_hexstr2buf_ex(key, key_size, &length, tls->psk_key, '\0') != 1)
        return 0;
    (void)snprintf(identity, identity_size, "%s", tls->psk_identity);
    return (unsigned)length;
}

static void hook(void) {
    hooked =
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL, see_context, NULL, NULL) >= 0 &&
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, NULL, see_connection, NULL, NULL) >= 0;
}

/* Around a login of the library's: what it negotiates is made as config asks. The end is -EIO when
 * no handshake was seen, or it could not be made as asked; else tls->session is known. */
static int begin_tls(const struct client_config *config, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *model = NULL;
    int r;

    (void)pthread_once(&once, hook);
    if (!hooked)
        return error_set(error, -EIO, "Paho C: OpenSSL does not tell of its connections");
    r = tls_context_client(&model, config, error);
    if (r < 0)
        return r;
    (void)pthread_mutex_lock(&one_at_a_time);
    (void)pthread_mutex_lock(&login_lock);
    login = (struct login){.config = config, .model = model};
    (void)pthread_mutex_unlock(&login_lock);
    model = NULL;
    return 0;
}

static int end_tls(struct paho_tls *tls, struct error *error) {
    struct login seen;

    (void)pthread_mutex_lock(&login_lock);
    seen = login;
    login = (struct login){.config = NULL};
    (void)pthread_mutex_unlock(&login_lock);
    (void)pthread_mutex_unlock(&one_at_a_time);
    SSL_CTX_free(seen.model);
    if (*seen.error.text)
        return error_set(error, -EIO, "Paho C: %s", seen.error.text);
    if (!seen.imposed || !seen.done)
        return error_set(error, -EIO, "Paho C: no TLS handshake was seen to its end");
    tls->session = seen.session;
    return 0;
}

/* Fills in the options; their texts are borrowed from config. */
static void open_tls(struct paho_tls *tls, const struct client_config *config) {
    *tls = (struct paho_tls){.options = MQTTAsync_SSLOptions_initializer};
    tls->options.disableDefaultTrustStore = 1; /* whom it trusts and what it shows is imposed */
    if (!*config->tls.psk_identity)
        return;
    tls->psk_identity = text_copy(config->tls.psk_identity);
    tls->psk_key = text_copy(config->tls.psk_key);
    tls->options.ssl_psk_cb = give_key;
    tls->options.ssl_psk_context = tls;
}

static void close_tls(struct paho_tls *tls) {
    free(tls->psk_identity);
    if (tls->psk_key)
        OPENSSL_cleanse(tls->psk_key, strlen(tls->psk_key));
    free(tls->psk_key);
}

/* ---- in the library's threads ---- */

/* Once until somebody has looked: a write for each message would be dear. */
static void ring(struct paho *paho) {
    uint64_t one = 1;

    if (!atomic_exchange(&paho->rung, true))
        (void)!write(paho->bell, &one, sizeof(one));
}

static void lose(struct paho *paho, const char *words) {
    (void)pthread_mutex_lock(&paho->lock);
    if (!*paho->why)
        (void)snprintf(paho->why, sizeof(paho->why), "%s", words);
    (void)pthread_mutex_unlock(&paho->lock);
    atomic_store(&paho->lost, true);
    ring(paho);
}

static int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message) {
    struct paho *paho = context;
    struct inbox *inbox = &paho->incoming;

    (void)topic_length; /* 0 but for topics with a NUL in them, which MQTT forbids */
    (void)pthread_mutex_lock(&paho->lock);
    if (inbox->n == inbox->size) {
        inbox->size = inbox->size ? inbox->size * 2 : FIRST_MESSAGES;
        inbox->messages = memory_resize(inbox->messages, inbox->size, sizeof(*inbox->messages));
    }
    inbox->messages[inbox->n++] = (struct message){topic, message};
    (void)pthread_mutex_unlock(&paho->lock);
    ring(paho);
    return 1;
}

static void on_lost(void *context, char *cause) {
    lose(context, cause ? cause : "connection lost");
}

static void on_sent_away(void *context, MQTTProperties *properties, enum MQTTReasonCodes code) {
    CLEANUP_FREE char *words =
        text_format("the broker ended the connection: %s", MQTTReasonCode_toString(code));

    (void)properties;
    lose(context, words);
}

static void tell(struct paho *paho, _Atomic int *answer, int code) {
    atomic_store(answer, code);
    ring(paho);
}

static void on_connected(void *context, MQTTAsync_successData *data) {
    (void)data;
    tell(context, &((struct paho *)context)->connack, 0);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data) {
    struct paho *paho = context;

    if (data && MQTTProperties_hasProperty(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_QOS))
        atomic_store(&paho->max_qos, MQTTProperties_getNumericValue(&data->properties,
                                                                    MQTTPROPERTY_CODE_MAXIMUM_QOS));
    tell(context, &((struct paho *)context)->connack, 0);
}

/* Codes of the broker are positive, of the library negative. */
static void refuse(struct paho *paho, int code, const char *words) {
    if (code > 0)
        tell(paho, &paho->connack, code);
    else
        lose(paho, words ? words : MQTTAsync_strerror(code));
}

static void on_refused(void *context, MQTTAsync_failureData *data) {
    refuse(context, data ? data->code : MQTTASYNC_FAILURE, data ? data->message : NULL);
}

/* The broker's reason stands in either, by the version of the library. */
static void on_refused5(void *context, MQTTAsync_failureData5 *data) {
    int code = !data                  ? MQTTASYNC_FAILURE
               : data->reasonCode > 0 ? (int)data->reasonCode
                                      : data->code;

    refuse(context, code, data ? data->message : NULL);
}

static void on_subscribed(void *context, MQTTAsync_successData *data) {
    tell(context, &((struct paho *)context)->suback, data ? data->alt.qos : 0);
}

static void on_subscribed5(void *context, MQTTAsync_successData5 *data) {
    tell(context, &((struct paho *)context)->suback, data ? (int)data->reasonCode : 0);
}

static void on_unsubscribed(void *context, MQTTAsync_failureData *data) {
    (void)data;
    tell(context, &((struct paho *)context)->suback, 128);
}

static void on_unsubscribed5(void *context, MQTTAsync_failureData5 *data) {
    (void)data;
    tell(context, &((struct paho *)context)->suback, 128);
}

/* A publication that is refused (MQTT 5) is complete as well. */
static void complete(struct paho *paho) {
    (void)atomic_fetch_add(&paho->completed, 1);
    ring(paho);
}

static void on_published(void *context, MQTTAsync_successData *data) {
    (void)data;
    complete(context);
}

static void on_published5(void *context, MQTTAsync_successData5 *data) {
    (void)data;
    complete(context);
}

static void on_unpublished(void *context, MQTTAsync_failureData *data) {
    (void)data;
    complete(context);
}

static void on_unpublished5(void *context, MQTTAsync_failureData5 *data) {
    (void)data;
    complete(context);
}

static void on_left(void *context, MQTTAsync_successData *data) {
    (void)data;
    atomic_store(&((struct paho *)context)->left, true);
    ring(context);
}

static void on_stayed(void *context, MQTTAsync_failureData *data) {
    (void)data;
    on_left(context, NULL);
}

/* ---- in the client's thread ---- */

static int await_bell(struct paho *paho, int timeout_ms, struct error *error) {
    struct pollfd poller = {.fd = paho->bell, .events = POLLIN};
    uint64_t times;
    int r = poll(&poller, 1, timeout_ms);

    if (r < 0 && errno != EINTR)
        return error_errno(error, -errno, "poll");
    if (r > 0)
        (void)!read(paho->bell, &times, sizeof(times));
    atomic_store(&paho->rung, false);
    return 0;
}

static void empty(struct inbox *inbox) {
    for (size_t i = 0; i < inbox->n; i++) {
        MQTTAsync_freeMessage(&inbox->messages[i].message);
        MQTTAsync_free(inbox->messages[i].topic);
    }
    inbox->n = 0;
}

static void hand_over(struct mqtt_client *client) {
    struct paho *paho = client->own;
    struct inbox inbox;

    (void)pthread_mutex_lock(&paho->lock);
    inbox = paho->incoming;
    paho->incoming = paho->taken;
    (void)pthread_mutex_unlock(&paho->lock);
    paho->taken = inbox;
    for (size_t i = 0; i < inbox.n; i++)
        mqtt_library_take(client, inbox.messages[i].topic, inbox.messages[i].message->payload,
                          (size_t)inbox.messages[i].message->payloadlen,
                          inbox.messages[i].message->qos);
    empty(&paho->taken);
}

static int explain_loss(struct paho *paho, const char *what, struct error *error) {
    int r;

    (void)pthread_mutex_lock(&paho->lock);
    r = error_set(error, -ECONNRESET, "MQTT %s: %s", what, paho->why);
    (void)pthread_mutex_unlock(&paho->lock);
    return r;
}

/* ---- the connection ---- */

static int rejected(int code, const char *what, struct error *error) {
    const char *words = MQTTAsync_strerror(code);

    return error_set(error, -ECONNRESET, "MQTT %s: %s", what, words ? words : "Paho C refuses it");
}

static void set_login(MQTTAsync_connectOptions *options, struct paho *paho,
                      const struct credentials *shown) {
    options->keepAliveInterval = MQTT_KEEPALIVE_S;
    options->connectTimeout = (int)(paho->answer_ns / NS_PER_S);
    options->maxInflight = (int)paho->inflight;
    if (*shown->username) {
        options->username = shown->username;
        options->password = shown->password;
    }
    if (paho->has_tls)
        options->ssl = &paho->tls.options;
    if (!paho->five)
        options->MQTTVersion = MQTTVERSION_3_1_1;
    options->context = paho;
    options->onSuccess = paho->five ? NULL : on_connected;
    options->onFailure = paho->five ? NULL : on_refused;
    options->onSuccess5 = paho->five ? on_connected5 : NULL;
    options->onFailure5 = paho->five ? on_refused5 : NULL;
}

/* Waits for the answer here already: TLS and the socket are to be looked at then. */
static int log_in(struct paho *paho, const struct credentials *shown, struct error *error) {
    MQTTAsync_connectOptions three = MQTTAsync_connectOptions_initializer,
                             five = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions *options = paho->five ? &five : &three;
    int64_t deadline = clock_monotonic_ns() + paho->answer_ns;
    int r;

    set_login(options, paho, shown);
    r = MQTTAsync_connect(paho->handle, options);
    if (r != MQTTASYNC_SUCCESS)
        return rejected(r, "connection", error);
    while (atomic_load(&paho->connack) < 0 && !atomic_load(&paho->lost)) {
        if (clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no CONNACK within %d s",
                             (int)(paho->answer_ns / NS_PER_S));
        r = await_bell(paho, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    return atomic_load(&paho->connack) < 0 ? explain_loss(paho, "connection", error) : 0;
}

/* ---- its socket, of which it tells nobody ---- */

/* This process's connections to a port, by their numbers in the kernel. */
struct sockets {
    ino_t inodes[SOCKETS_MAX];
    int fds[SOCKETS_MAX];
    size_t n;
};

static int peer_port(int fd) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);

    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
        return -1;
    return peer.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&peer)->sin_port)
           : peer.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&peer)->sin6_port)
                                        : -1;
}

static void list_sockets(struct sockets *ret, int port) {
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    ret->n = 0;
    while (folder && ret->n < SOCKETS_MAX && (entry = readdir(folder))) {
        int fd = atoi(entry->d_name);
        struct stat facts;

        if (entry->d_name[0] == '.' || peer_port(fd) != port || fstat(fd, &facts) < 0)
            continue;
        ret->inodes[ret->n] = facts.st_ino;
        ret->fds[ret->n++] = fd;
    }
    if (folder)
        (void)closedir(folder);
}

/* The descriptor of one that was not there before, or -1. */
static int find_new_socket(const struct sockets *before, int port) {
    struct sockets now;

    list_sockets(&now, port);
    for (size_t i = 0; i < now.n; i++) {
        bool known = false;

        for (size_t j = 0; j < before->n; j++)
            known = known || before->inodes[j] == now.inodes[i];
        if (!known)
            return now.fds[i];
    }
    return -1;
}

/* By itself the library leaves Nagle's algorithm on, which delays what is acknowledged by 40 ms. A
 * connection that is lost already is none any more, of which the library is about to tell. */
static int look_at_socket(struct paho *paho, const struct sockets *before, int64_t port,
                          struct error *error) {
    int one = 1;

    paho->socket = find_new_socket(before, (int)port);
    if (paho->socket >= 0 &&
        setsockopt(paho->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0)
        return 0;
    for (int i = 0; i < LOSS_TURNS && !atomic_load(&paho->lost); i++)
        if (await_bell(paho, LOSS_TURN_MS, NULL) < 0)
            break;
    return atomic_load(&paho->lost) ? explain_loss(paho, "connection", error)
                                    : error_set(error, -EIO, "Paho C: its connection is not found");
}

static int connect_client(struct mqtt_client *client, const struct client_config *config,
                          const struct credentials *shown, bool again, struct error *error) {
    struct paho *paho = own_of(client);
    struct sockets before;
    int r, seen = 0;

    (void)again;
    atomic_store(&paho->connack, -1);
    atomic_store(&paho->max_qos, -1);
    atomic_store(&paho->lost, false);
    atomic_store(&paho->left, false);
    *paho->why = '\0';
    list_sockets(&before, (int)config->port);
    r = paho->has_tls ? begin_tls(config, error) : 0;
    if (r < 0)
        return r;
    r = log_in(paho, shown, error);
    if (paho->has_tls)
        seen = end_tls(&paho->tls, r < 0 ? NULL : error);
    if (r == 0)
        r = seen;
    if (r == 0 && atomic_load(&paho->connack) == 0)
        r = look_at_socket(paho, &before, config->port, error);
    if (atomic_load(&paho->max_qos) >= 0)
        client->max_qos = atomic_load(&paho->max_qos);
    client->connack = atomic_load(&paho->connack);
    return r;
}

static void leave(struct mqtt_client *client) {
    struct paho *paho = own_of(client);
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    int64_t deadline = clock_monotonic_ns() + LEAVE_NS;

    options.timeout = LEAVE_MS;
    options.context = paho;
    options.onSuccess = on_left;
    options.onFailure = on_stayed;
    atomic_store(&paho->left, false);
    if (MQTTAsync_disconnect(paho->handle, &options) != MQTTASYNC_SUCCESS)
        return;
    while (!atomic_load(&paho->left) && clock_monotonic_ns() < deadline)
        if (await_bell(paho, clock_poll_ms(deadline), NULL) < 0)
            return;
}

/* ---- making one ---- */

static char *make_uri(const struct client_config *config) {
    bool colons = strchr(config->address, ':') != NULL;

    return text_format("%s://%s%s%s:%d", config->tls.enabled ? "ssl" : "tcp", colons ? "[" : "",
                       config->address, colons ? "]" : "", (int)config->port);
}

static int create(struct paho *paho, const struct client_config *config, struct error *error) {
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    CLEANUP_FREE char *uri = make_uri(config);
    int r;

    options.maxBufferedMessages = MAX_BUFFERED;
    options.MQTTVersion = paho->five ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    r = MQTTAsync_createWithOptions(&paho->handle, uri, config->client_id,
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (r == MQTTASYNC_SUCCESS)
        r = MQTTAsync_setCallbacks(paho->handle, paho, on_lost, on_message, NULL);
    if (r == MQTTASYNC_SUCCESS && paho->five)
        r = MQTTAsync_setDisconnected(paho->handle, paho, on_sent_away);
    return r == MQTTASYNC_SUCCESS ? 0 : rejected(r, "client", error);
}

static int open_client(struct mqtt_client *client, const struct client_config *config,
                       struct error *error) {
    struct paho *paho = memory_new(1, sizeof(*paho));

    client->own = paho;
    paho->socket = -1;
    (void)pthread_mutex_init(&paho->lock, NULL);
    paho->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (paho->bell < 0)
        return error_errno(error, -errno, "eventfd");
    paho->five = config->mqtt == MQTT_5;
    paho->answer_ns = config->answer_ns;
    paho->inflight = config->inflight ? config->inflight : UINT16_MAX;
    paho->has_tls = config->tls.enabled;
    if (paho->has_tls)
        open_tls(&paho->tls, config);
    return create(paho, config, error);
}

/* Behind the last of its clients the library ends its threads, which takes it tenths of a second.
 * It would be worse to keep it: a thread of its that has nothing to receive hears of the next
 * connection only after a second. */
static void close_client(struct mqtt_client *client) {
    struct paho *paho = own_of(client);

    if (!paho)
        return;
    if (paho->handle) {
        leave(client);
        MQTTAsync_destroy(&paho->handle);
    }
    empty(&paho->incoming);
    free(paho->incoming.messages);
    free(paho->taken.messages);
    if (paho->has_tls)
        close_tls(&paho->tls);
    if (paho->bell >= 0)
        (void)close(paho->bell);
    (void)pthread_mutex_destroy(&paho->lock);
    free(paho);
}

/* ---- messages ---- */

static int subscribe(struct mqtt_client *client, const char *topic, int qos, struct error *error) {
    struct paho *paho = own_of(client);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    int r;

    options.context = paho;
    options.onSuccess = paho->five ? NULL : on_subscribed;
    options.onFailure = paho->five ? NULL : on_unsubscribed;
    options.onSuccess5 = paho->five ? on_subscribed5 : NULL;
    options.onFailure5 = paho->five ? on_unsubscribed5 : NULL;
    atomic_store(&paho->suback, -1);
    r = MQTTAsync_subscribe(paho->handle, topic, qos, &options);
    return r == MQTTASYNC_SUCCESS ? 0 : rejected(r, "subscription", error);
}

/* The library's thread that sends sleeps on when an acknowledgement makes room, up to a second: it
 * is given nothing that it cannot send at once. */
static int wait_for_room(struct paho *paho, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + ROOM_NS;
    bool waited = false;
    int r = 0;

    while (r == 0 && paho->published - atomic_load(&paho->completed) >= paho->inflight) {
        if (atomic_load(&paho->lost))
            return explain_loss(paho, "connection", error);
        if (clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no acknowledgement within %d s",
                             (int)(ROOM_NS / NS_PER_S));
        r = await_bell(paho, clock_poll_ms(deadline), error);
        waited = true;
    }
    if (waited) /* for the turn that follows */
        ring(paho);
    return r;
}

static int publish(struct mqtt_client *client, const char *topic, const void *payload,
                   size_t length, int qos, struct error *error) {
    struct paho *paho = own_of(client);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    int r = qos > 0 ? wait_for_room(paho, error) : 0;

    if (r < 0)
        return r;
    options.context = paho;
    options.onSuccess = paho->five ? NULL : on_published;
    options.onFailure = paho->five ? NULL : on_unpublished;
    options.onSuccess5 = paho->five ? on_published5 : NULL;
    options.onFailure5 = paho->five ? on_unpublished5 : NULL;
    r = MQTTAsync_send(paho->handle, topic, (int)length, payload, qos, 0, &options);
    if (r != MQTTASYNC_SUCCESS)
        return rejected(r, "publication", error);
    paho->published++;
    return 0;
}

static bool wants_write(const struct mqtt_client *client) {
    return own_of(client)->published - client->completed >= BACKLOG;
}

static int turn(struct mqtt_client *client, int timeout_ms, struct error *error) {
    struct paho *paho = own_of(client);
    bool lost;
    int r = await_bell(paho, timeout_ms, error);

    if (r < 0)
        return r;
    lost = atomic_load(&paho->lost); /* what came before that is not */
    hand_over(client);
    client->completed = atomic_load(&paho->completed);
    client->connack = atomic_load(&paho->connack);
    client->suback = atomic_load(&paho->suback);
    return lost ? explain_loss(paho, "connection", error) : 0;
}

/* ---- what is known of it ---- */

static int bell_of(const struct mqtt_client *client) {
    return own_of(client)->bell;
}

static int socket_of(const struct mqtt_client *client) {
    return own_of(client)->socket;
}

static void session(const struct mqtt_client *client, struct tls_session *ret) {
    *ret = own_of(client)->tls.session;
}

static const char *refusal(const struct mqtt_client *client) {
    static const char *const words[] = {"",
                                        "unacceptable protocol version",
                                        "identifier rejected",
                                        "server unavailable",
                                        "bad user name or password",
                                        "not authorised"};
    const char *reason = client->mqtt == MQTT_5
                             ? MQTTReasonCode_toString((enum MQTTReasonCodes)client->connack)
                         : (size_t)client->connack < ARRAY_SIZE(words) ? words[client->connack]
                                                                       : NULL;

    return reason ? reason : "for a reason that Paho C does not know";
}

static char *version(void) {
    const MQTTAsync_nameValue *info = MQTTAsync_getVersionInfo();

    for (; info && info->name; info++)
        if (text_equal(info->name, "Version"))
            return text_copy(info->value);
    return text_copy("unknown");
}

static const struct mqtt_library library = {
    .open = open_client,
    .close = close_client,
    .connect = connect_client,
    .leave = leave,
    .subscribe = subscribe,
    .publish = publish,
    .wants_write = wants_write,
    .turn = turn,
    .fd = bell_of,
    .socket = socket_of,
    .session = session,
    .refusal = refusal,
    .version = version,
};

const struct mqtt_library *const mqtt_library_paho = &library;
