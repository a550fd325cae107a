#include "hosts/relay.h"

#include "base/clock.h"
#include "base/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ANSWER_NS (10 * NS_PER_S)

/* The kernel's ring of what has come: it must hold what comes while the relay does not run. */
#define RING_FRAME   2048
#define RING_BLOCK   (1 << 16)
#define RING_FRAMES  4096
#define RING_BYTES   ((size_t)RING_FRAMES * RING_FRAME)
#define SLOT_BYTES   1536
#define BATCH        64
#define MAX_AGE_NS   NS_PER_S /* of what is found in the ring; the wall clock may have been set */
#define MEASURING_NS (50 * NS_PER_MS)
#define MEASURINGS   4

/* ---- one direction ---- */

struct counters {
    int64_t carried, lost, dropped, overrun, late;
};

/* An interface of the relay, as a packet socket with a ring for what comes. */
struct end {
    int fd; /* -1: gone */
    char *ring;
    unsigned next;
};

struct direction {
    struct end *from, *to;
    struct lab_settings shape;
    int64_t free_ns;     /* when the rate's bucket will be empty no more: behind the last frame */
    int64_t last_due_ns; /* of the last frame that was let in */
    uint64_t random;
    struct counters counters;
    /* Those on their way, in order: slot i is (first + i) % RELAY_SLOTS. */
    unsigned first, n;
    int64_t due_ns[RELAY_SLOTS];
    uint16_t length[RELAY_SLOTS];
    unsigned char slots[RELAY_SLOTS][SLOT_BYTES];
};

/* xorshift64*, Vigna 2016. */
static uint64_t draw(struct direction *direction, uint64_t below) {
    uint64_t x = direction->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    direction->random = x;
    return (x * UINT64_C(2685821657736338717) >> 16) % below;
}

/* Nanoseconds that so many bytes take at the rate; of the largest queue they are 2e18 bit ns. */
static int64_t span_ns(const struct direction *direction, int64_t bytes) {
    return bytes * 8 * NS_PER_S / direction->shape.rate_bit_s;
}

/* When a frame that comes at this instant has passed the rate; -1: the queue is full. A bucket that
 * has been filled since free_ns lets a burst pass at once. */
static int64_t pass_rate(struct direction *direction, int64_t at_ns, size_t length) {
    const struct lab_settings *shape = &direction->shape;
    int64_t begin_ns = at_ns - span_ns(direction, shape->burst_bytes);

    if (direction->free_ns - at_ns > span_ns(direction, shape->queue_bytes - (int64_t)length))
        return -1;
    if (direction->free_ns > begin_ns)
        begin_ns = direction->free_ns;
    direction->free_ns = begin_ns + span_ns(direction, (int64_t)length);
    return direction->free_ns > at_ns ? direction->free_ns : at_ns;
}

/* Lets a frame in, or knows why not. */
static void admit(struct direction *direction, const unsigned char *frame, size_t length,
                  int64_t at_ns) {
    const struct lab_settings *shape = &direction->shape;
    unsigned slot = (direction->first + direction->n) % RELAY_SLOTS;
    int64_t due_ns = at_ns;

    if (direction->n == RELAY_SLOTS || length > SLOT_BYTES) {
        direction->counters.overrun++;
        return;
    }
    if (shape->rate_bit_s)
        due_ns = pass_rate(direction, at_ns, length);
    if (due_ns < 0) {
        direction->counters.dropped++;
        return;
    }
    if (shape->loss_ppm && draw(direction, 1000000) < (uint64_t)shape->loss_ppm) {
        direction->counters.lost++;
        return;
    }
    due_ns += shape->delay_ns;
    if (shape->jitter_ns)
        due_ns += (int64_t)draw(direction, (uint64_t)shape->jitter_ns + 1);
    if (due_ns < direction->last_due_ns)
        due_ns = direction->last_due_ns;
    direction->last_due_ns = direction->due_ns[slot] = due_ns;
    direction->length[slot] = (uint16_t)length;
    memcpy(direction->slots[slot], frame, length);
    direction->n++;
}

/* Takes all that has come; the kernel has dated it by the wall clock, which `ahead_ns` is ahead. */
static void take(struct direction *direction, int64_t now_ns, int64_t ahead_ns) {
    struct end *end = direction->from;

    for (unsigned i = 0; i < RING_FRAMES; i++) {
        char *place = end->ring + (size_t)end->next * RING_FRAME;
        struct tpacket2_hdr *header = (struct tpacket2_hdr *)(void *)place;
        int64_t at_ns;

        if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            return;
        at_ns = header->tp_sec * NS_PER_S + header->tp_nsec - ahead_ns;
        if (llabs(now_ns - at_ns) > MAX_AGE_NS)
            at_ns = now_ns;
        admit(direction, (unsigned char *)place + header->tp_mac, header->tp_snaplen, at_ns);
        __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        end->next = (end->next + 1) % RING_FRAMES;
    }
}

/* Sends up to a batch of what is due; returns whether there may be more. */
static bool send_batch(struct direction *direction, int64_t now_ns) {
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    unsigned n = 0;
    int sent;

    for (; n < direction->n && n < BATCH; n++) {
        unsigned slot = (direction->first + n) % RELAY_SLOTS;

        if (direction->due_ns[slot] > now_ns)
            break;
        pieces[n] = (struct iovec){direction->slots[slot], direction->length[slot]};
        messages[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[n], .msg_iovlen = 1}};
    }
    if (!n)
        return false;
    sent = direction->to->fd < 0 ? -1 : sendmmsg(direction->to->fd, messages, n, 0);
    if (sent < 0) { /* the first of them cannot be sent: the receiver is not there */
        direction->counters.overrun++;
        sent = 1;
    } else {
        direction->counters.carried += sent;
        for (unsigned i = 0; i < (unsigned)sent; i++)
            direction->counters.late +=
                now_ns - direction->due_ns[(direction->first + i) % RELAY_SLOTS] > RELAY_LATE_NS;
    }
    direction->n -= (unsigned)sent;
    direction->first = direction->n ? (direction->first + (unsigned)sent) % RELAY_SLOTS : 0;
    return true;
}

/* ---- both ---- */

struct link {
    struct end ends[2];
    struct direction *directions[2];
    int timer_fd;
    bool laid;
};

/* Memory that is there only where it is used. */
static struct direction *direction_new(struct end *from, struct end *to) {
    struct direction *direction = mmap(NULL, sizeof(*direction), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (direction == MAP_FAILED)
        return NULL;
    direction->from = from;
    direction->to = to;
    (void)!getrandom(&direction->random, sizeof(direction->random), 0);
    direction->random |= 1;
    return direction;
}

static int end_open(struct end *end, const char *interface, struct error *error) {
    struct tpacket_req request = {.tp_block_size = RING_BLOCK,
                                  .tp_block_nr = RING_BYTES / RING_BLOCK,
                                  .tp_frame_size = RING_FRAME,
                                  .tp_frame_nr = RING_FRAMES};
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    int version = TPACKET_V2, on = 1;

    /* No protocol before the ring is there: nothing may come in another way. */
    *end = (struct end){.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (end->fd < 0 ||
        setsockopt(end->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(end->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
        setsockopt(end->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
        setsockopt(end->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
        return error_errno(error, -errno, "a packet socket");
    end->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, end->fd, 0);
    if (end->ring == MAP_FAILED)
        return error_errno(error, -errno, "a packet socket's ring");
    if (bind(end->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return error_errno(error, -errno, "interface %s", interface);
    return 0;
}

static void end_close(struct end *end) {
    if (end->ring && end->ring != MAP_FAILED)
        (void)munmap(end->ring, RING_BYTES);
    memory_close_fdp(&end->fd);
    end->ring = NULL;
}

/* The kernel's count of what did not fit into its ring; asking sets it back. */
static void count_overruns(struct link *link) {
    for (int i = 0; i < 2; i++) {
        struct tpacket_stats stats = {.tp_drops = 0};
        socklen_t size = sizeof(stats);

        if (link->ends[i].fd >= 0 &&
            getsockopt(link->ends[i].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
            link->directions[i]->counters.overrun += stats.tp_drops;
    }
}

/* Carries on what has come and what is due, and returns when the next is; INT64_MAX: not known. */
static int64_t carry(struct link *link) {
    /* In this order: what holds us up between the two makes a frame late, never early. */
    int64_t wall_ns = clock_realtime_ns(), now_ns = clock_monotonic_ns();
    int64_t ahead_ns = wall_ns - now_ns, next_ns = INT64_MAX;

    for (int i = 0; i < 2; i++) {
        struct direction *direction = link->directions[i];

        if (direction->from->ring)
            take(direction, now_ns, ahead_ns);
        while (send_batch(direction, now_ns))
            ;
        if (direction->n && direction->due_ns[direction->first] < next_ns)
            next_ns = direction->due_ns[direction->first];
    }
    return next_ns;
}

/* Waits for frames, for the next that is due, or for the other descriptor; whether that has
 * something. */
static bool attend(struct link *link, int64_t next_ns, int other_fd) {
    struct itimerspec timer = {.it_value = {0, 0}};
    struct pollfd pollers[4] = {{other_fd, POLLIN, 0},
                                {link->timer_fd, POLLIN, 0},
                                {link->ends[0].fd, POLLIN, 0},
                                {link->ends[1].fd, POLLIN, 0}};

    if (next_ns != INT64_MAX)
        timer.it_value = (struct timespec){next_ns / NS_PER_S, next_ns % NS_PER_S};
    (void)timerfd_settime(link->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
    if (poll(pollers, ARRAY_SIZE(pollers), -1) < 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (pollers[2 + i].revents & POLLERR) /* its host has ended */
            end_close(&link->ends[i]);
    return pollers[0].revents != 0;
}

/* ---- its own limit ----
 *
 * A thread floods it from both sides with the largest frames, over interfaces that are made for
 * this alone. */

struct flood {
    int fds[2];
    _Atomic bool stop;
};

static void *flood(void *context) {
    struct flood *source = context;
    static unsigned char frame[RELAY_FRAME_BYTES] = {2, 0, 0, 0, 0, 1,    2,
                                                     0, 0, 0, 0, 2, 0x88, 0xb5};
    struct iovec piece = {frame, sizeof(frame)};
    struct mmsghdr messages[BATCH];

    for (unsigned i = 0; i < BATCH; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};
    for (unsigned side = 0; !atomic_load_explicit(&source->stop, memory_order_relaxed); side ^= 1)
        (void)sendmmsg(source->fds[side], messages, BATCH, 0);
    return NULL;
}

/* Frames a second of each direction, while the other has as many. A busy machine can only make them
 * fewer. */
static int64_t carry_flood(struct link *link) {
    const struct counters *a = &link->directions[0]->counters, *b = &link->directions[1]->counters;
    int64_t most = 0;

    for (int i = 0; i < MEASURINGS; i++) {
        int64_t begin_ns = clock_monotonic_ns(), now_ns, frames = -a->carried - b->carried;

        do {
            (void)carry(link);
            now_ns = clock_monotonic_ns();
        } while (now_ns - begin_ns < MEASURING_NS);
        frames += a->carried + b->carried;
        if (frames / 2 * NS_PER_S / (now_ns - begin_ns) > most)
            most = frames / 2 * NS_PER_S / (now_ns - begin_ns);
    }
    return most;
}

/* Sockets that send there, and hear nothing. */
static int flood_open(struct flood *source, struct error *error) {
    static const char *const interfaces[] = {"flood", "sink"};

    for (int i = 0; i < 2; i++) {
        struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                      .sll_ifindex = (int)if_nametoindex(interfaces[i])};

        source->fds[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(source->fds[i], (struct sockaddr *)&address, sizeof(address)) < 0)
            return error_errno(error, -errno, "interface %s", interfaces[i]);
    }
    return 0;
}

static int measure(struct link *link, int64_t *ret_frames_s, struct error *error) {
    static const char *const interfaces[] = {"flood", "one", "two", "sink"};
    struct flood source = {.fds = {-1, -1}};
    pthread_t thread;
    int r = program_run(error, "ip link add flood type veth peer name one");

    if (r == 0)
        r = program_run(error, "ip link add two type veth peer name sink");
    for (size_t i = 0; i < ARRAY_SIZE(interfaces) && r == 0; i++)
        r = program_run(error, "ip link set %s addrgenmode none up", interfaces[i]);
    if (r == 0)
        r = end_open(&link->ends[0], "one", error);
    if (r == 0)
        r = end_open(&link->ends[1], "two", error);
    if (r == 0)
        r = flood_open(&source, error);
    if (r < 0)
        return r;
    r = -pthread_create(&thread, NULL, flood, &source);
    if (r < 0)
        return error_errno(error, r, "a thread");
    *ret_frames_s = carry_flood(link);
    atomic_store(&source.stop, true);
    (void)pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) {
        memory_close_fdp(&source.fds[i]);
        end_close(&link->ends[i]);
        link->directions[i]->n = link->directions[i]->first = 0;
        link->directions[i]->counters = (struct counters){.carried = 0};
    }
    r = program_run(error, "ip link delete flood");
    return r == 0 ? program_run(error, "ip link delete two") : r;
}

/* ---- the process ---- */

static int lay(struct link *link, struct error *error) {
    static const char *const names[] = {RELAY_END_BROKER, RELAY_END_PUBLISHER};

    for (int i = 0; i < 2 && !link->laid; i++) {
        int r = program_run(error, "ip link set %s addrgenmode none up", names[i]);

        if (r == 0)
            r = end_open(&link->ends[i], names[i], error);
        if (r < 0)
            return r;
    }
    link->laid = true;
    return 0;
}

/* What is on its way still arrives as it was to; the bucket is full again. */
static int obey_shape(struct link *link, const json_t *order, json_t **ret, struct error *error) {
    void *settings;
    int r = setting_block_from_json(&lab_group, json_object_get(order, "shape"), &settings, error);

    if (r < 0)
        return r;
    r = lay(link, error);
    for (int i = 0; i < 2 && r == 0; i++) {
        link->directions[i]->shape = *(struct lab_settings *)settings;
        link->directions[i]->free_ns = 0;
    }
    if (r == 0)
        *ret = setting_block_to_json(&lab_group, &link->directions[0]->shape);
    setting_block_free(&lab_group, settings);
    return r;
}

static json_t *tell_counters(struct link *link) {
    const struct counters *a = &link->directions[0]->counters, *b = &link->directions[1]->counters;

    count_overruns(link);
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I}", "carried", (json_int_t)(a->carried + b->carried), "lost",
        (json_int_t)(a->lost + b->lost), "dropped", (json_int_t)(a->dropped + b->dropped),
        "overrun", (json_int_t)(a->overrun + b->overrun), "late", (json_int_t)(a->late + b->late));
}

/* Obeys what has come on stdin: false at its end. */
static bool obey(struct link *link, struct jsonline_reader *orders) {
    struct error error;
    json_t *order;

    if (jsonline_fill(orders, &error) <= 0)
        return false;
    while (jsonline_next(orders, &order, &error) > 0) {
        json_t *answer = NULL;

        if (!json_object_get(order, "shape"))
            answer = tell_counters(link);
        else if (obey_shape(link, order, &answer, &error) < 0)
            answer = json_pack("{s:o}", "error", jsonline_words(error.text));
        json_decref(order);
        if (jsonline_send(STDOUT_FILENO, answer, &error) < 0)
            return false;
    }
    return true;
}

static int open_link(struct link *link, struct error *error) {
    link->directions[0] = direction_new(&link->ends[0], &link->ends[1]);
    link->directions[1] = direction_new(&link->ends[1], &link->ends[0]);
    link->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!link->directions[0] || !link->directions[1] || link->timer_fd < 0)
        return error_errno(error, -errno, "a relay");
    if (unshare(CLONE_NEWNET) < 0)
        return error_errno(error, -errno, "a network namespace for the relay");
    /* Woken in time, where that may be asked for. */
    (void)prctl(PR_SET_TIMERSLACK, 1);
    (void)setpriority(PRIO_PROCESS, 0, -20);
    return 0;
}

int relay_main(void) {
    static struct link link = {.ends = {{.fd = -1}, {.fd = -1}}, .timer_fd = -1};
    CLEANUP(jsonline_clearp) struct jsonline_reader orders;
    struct error error;
    int64_t frames_s = 0, next_ns;
    int r = open_link(&link, &error);

    jsonline_init(&orders, STDIN_FILENO);
    if (r == 0)
        r = measure(&link, &frames_s, &error);
    if (r < 0) {
        (void)jsonline_send(STDOUT_FILENO, json_pack("{s:o}", "error", jsonline_words(error.text)),
                            NULL);
        return 1;
    }
    (void)jsonline_send(STDOUT_FILENO, json_pack("{s:I}", "frames_s", (json_int_t)frames_s), NULL);
    do
        next_ns = carry(&link);
    while (!attend(&link, next_ns, STDIN_FILENO) || obey(&link, &orders));
    return 0;
}

/* ---- the agent's side ---- */

/* The next line it says; the caller's. */
static int hear(struct relay *relay, json_t **ret, struct error *error) {
    json_t *line;
    int r = jsonline_wait(&relay->lines, -1, clock_monotonic_ns() + ANSWER_NS, &line, error);
    const char *words;

    if (r < 0)
        return error_prefix(error, r, "the link's relay");
    words = jsonline_text(line, "error", NULL);
    if (words)
        r = error_set(error, -EIO, "the link's relay: %s", words);
    *ret = r < 0 ? NULL : json_incref(line);
    json_decref(line);
    return r;
}

int relay_start(struct relay *ret, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();
    const char *const argv[] = {"bench", "relay", NULL};
    const struct process_options options = {.program = program,
                                            .argv = argv,
                                            .in = PROCESS_PIPE,
                                            .out = PROCESS_PIPE,
                                            .err = PROCESS_KEEP};
    json_auto_t *line = NULL;
    int r = process_start(&ret->process, &options, error);

    if (r < 0)
        return r;
    jsonline_init(&ret->lines, ret->process.out_fd);
    r = hear(ret, &line, error);
    ret->frames_s = jsonline_integer(line, "frames_s", 0);
    ret->bit_s = ret->frames_s * RELAY_FRAME_BYTES * 8;
    return r;
}

void relay_stop(struct relay *relay) {
    if (!relay->process.pid)
        return;
    memory_close_fdp(&relay->process.in_fd);
    process_stop(&relay->process);
    jsonline_clear(&relay->lines);
}

char *relay_end(struct relay *relay) {
    struct process_end end = {.status = SIGKILL}; /* it is to end, if it has not yet */

    (void)process_reap_soon(&relay->process, &end);
    return process_end_text(end.status);
}

static int ask(struct relay *relay, json_t *order, json_t **ret, struct error *error) {
    int r = jsonline_send(relay->process.in_fd, order, error);

    return r < 0 ? error_prefix(error, r, "the link's relay") : hear(relay, ret, error);
}

int relay_shape(struct relay *relay, const struct lab_settings *settings, json_t **ret,
                struct error *error) {
    return ask(relay, json_pack("{s:o}", "shape", setting_block_to_json(&lab_group, settings)), ret,
               error);
}

int relay_look(struct relay *relay, json_t **ret, struct error *error) {
    return ask(relay, json_object(), ret, error);
}

int relay_check(const struct lab_settings *settings, int64_t limit_bit_s, struct error *error) {
    int64_t longest_ns = settings->delay_ns + settings->jitter_ns;
    double rate = (double)(settings->rate_bit_s ? settings->rate_bit_s : limit_bit_s);
    double frames = rate * (double)longest_ns / 8e9 / RELAY_FRAME_BYTES;

    if (settings->rate_bit_s)
        frames += (double)settings->queue_bytes / RELAY_FRAME_BYTES;
    if (settings->rate_bit_s > limit_bit_s)
        return error_set(error, -EOPNOTSUPP,
                         "lab.rate: the relay that delay, jitter and loss take carries %lld "
                         "Mbit/s each way here, less than %.0f Mbit/s",
                         (long long)(limit_bit_s / 1000000), rate / 1e6); /* rounded down */
    if (settings->rate_bit_s && frames > RELAY_SLOTS)
        return error_set(error, -EOPNOTSUPP,
                         "lab.delay, lab.rate and lab.queue: %.0f frames would be on their way "
                         "at once, and the relay holds %d; choose less of one of them",
                         frames, RELAY_SLOTS);
    return 0;
}
