/* hosts/room: what of descriptors, ports, memory and processes is left, in a folder that stands for
 * the root. run/room: how many members these have room for, what is short first, what helps. */
#include "hosts/control_group.h"
#include "hosts/room.h"
#include "run/room.h"

#include "base/jsonline.h"
#include "workshop.h"

#include <errno.h>
#include <sys/resource.h>

/* ---- what a host has ---- */

static void assert_amount(const char *root, const char *name, int64_t expected) {
    json_auto_t *room = room_collect(root);

    assert_int_equal(jsonline_integer(room, name, -1), expected);
}

static void test_descriptors(void **state) {
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_amount("/nonexistent", "descriptors",
                  limit.rlim_max == RLIM_INFINITY ? -1 : (int64_t)limit.rlim_max);
}

/* Ports of the range, each once, but for those of a connection that has ended (06). */
static void test_ports(void **state) {
    CLEANUP(workshop_removep) char *root = workshop_make();

    (void)state;
    assert_amount(root, "ports", -1);
    workshop_put(root, "/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    workshop_put(root, "/proc/self/net/tcp",
                 "  sl  local_address rem_address   st tx_queue rx_queue\n"
                 "   0: 0100007F:8000 00000000:0000 0A 00000000:00000000\n"
                 "   1: 0100007F:8001 0100007F:8000 01 00000000:00000000\n"
                 "   2: 0100007F:8002 0100007F:8000 06 00000000:00000000\n"
                 "   3: 0100007F:07E8 00000000:0000 0A 00000000:00000000\n"
                 "  10: 0200007F:8001 0100007F:8000 01 00000000:00000000\n");
    workshop_put(
        root, "/proc/self/net/tcp6",
        "   0: 00000000000000000000000000000000:EE47 00000000000000000000000000000000:0000 0A\n"
        "   1: 00000000000000000000000000000000:EE48 00000000000000000000000000000000:0000 0A\n");
    assert_amount(root, "ports", 28232);
    assert_amount(root, "ports_taken", 3);
}

/* Of which network these are. */
static void test_network(void **state) {
    CLEANUP(workshop_removep) char *root = workshop_make();
    CLEANUP_FREE char *link = text_format("%s/proc/self/ns/net", root);
    json_auto_t *nothing = room_collect(root), *room = NULL;

    (void)state;
    assert_null(jsonline_text(nothing, "network", NULL));
    workshop_put(root, "/proc/self/ns/pid", "");
    assert_int_equal(symlink("net:[4026531840]", link), 0);
    room = room_collect(root);
    assert_string_equal(jsonline_text(room, "network", ""), "net:[4026531840]");
}

static void test_memory(void **state) {
    CLEANUP(workshop_removep) char *root = workshop_make();

    (void)state;
    assert_amount(root, "memory_bytes", -1);
    workshop_put(root, "/proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable:    3000000 kB\n");
    assert_amount(root, "memory_bytes", INT64_C(3000000) * 1024);
    /* A group above this process's that is tighter than the machine; files it can give back. */
    workshop_put(root, "/proc/self/cgroup", "0::/pod/one\n");
    workshop_put(root, "/sys/fs/cgroup/pod/one/memory.max", "max\n");
    workshop_put(root, "/sys/fs/cgroup/pod/one/memory.current", "500\n");
    workshop_put(root, "/sys/fs/cgroup/pod/memory.max", "1000000\n");
    workshop_put(root, "/sys/fs/cgroup/pod/memory.current", "700000\n");
    workshop_put(root, "/sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 200000\nother 3\n");
    assert_amount(root, "memory_bytes", 500000);
    /* Version 1; what it has for no limit is more than the machine has. */
    workshop_put(root, "/proc/self/cgroup", "4:memory:/pod\n");
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "9223372036854771712\n");
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.usage_in_bytes", "700000\n");
    assert_amount(root, "memory_bytes", INT64_C(3000000) * 1024);
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "900000\n");
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.stat", "total_inactive_file 1000\n");
    assert_amount(root, "memory_bytes", 201000);
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.usage_in_bytes", "950000\n");
    assert_amount(root, "memory_bytes", 0);
}

static void test_processes(void **state) {
    CLEANUP(workshop_removep) char *root = workshop_make();

    (void)state;
    workshop_put(root, "/proc/sys/kernel/pid_max", "100\n");
    assert_amount(root, "processes", 100);
    workshop_put(root, "/proc/self/cgroup", "0::/\n");
    workshop_put(root, "/sys/fs/cgroup/pids.max", "64\n");
    workshop_put(root, "/sys/fs/cgroup/pids.current", "14\n");
    assert_amount(root, "processes", 50);
}

/* ---- the group in which memory is counted ---- */

static void assert_group(const char *root, const char *name, double bytes) {
    double taken = -1;
    CLEANUP_FREE char *group = control_group_memory(root, &taken);
    CLEANUP_FREE char *expected = text_format("%s%s", root, name ? name : "");

    if (!name) {
        assert_null(group);
        return;
    }
    assert_non_null(group);
    assert_string_equal(group, expected);
    assert_true(taken == bytes);
}

static void test_group(void **state) {
    CLEANUP(workshop_removep) char *root = workshop_make();

    (void)state;
    assert_group(root, NULL, 0);
    workshop_put(root, "/proc/self/cgroup", "0::/pod/one\n");
    workshop_put(root, "/sys/fs/cgroup/pod/one/memory.current", "500\n");
    assert_group(root, "/sys/fs/cgroup/pod/one", 500);
    /* One that does not count memory. */
    workshop_put(root, "/proc/self/cgroup", "0::/pod/one/session\n");
    workshop_put(root, "/sys/fs/cgroup/pod/one/session/cgroup.procs", "1\n");
    assert_group(root, "/sys/fs/cgroup/pod/one", 500);
    /* The top is the whole machine, or in a container its own. */
    workshop_put(root, "/proc/self/cgroup", "0::/\n");
    assert_group(root, NULL, 0);
    workshop_put(root, "/sys/fs/cgroup/memory.current", "700\n");
    assert_group(root, "/sys/fs/cgroup", 700);
    /* Version 1, whose top does not tell; below it the groups of a container may not be seen. */
    workshop_put(root, "/proc/self/cgroup", "4:memory:/pod\n");
    workshop_put(root, "/sys/fs/cgroup/memory/memory.usage_in_bytes", "800\n");
    assert_group(root, NULL, 0);
    workshop_put(root, "/sys/fs/cgroup/memory/pod/memory.usage_in_bytes", "900\n");
    assert_group(root, "/sys/fs/cgroup/memory/pod", 900);
    assert_true(control_group_holds("/a", "/a"));
    assert_true(control_group_holds("/a", "/a/b"));
    assert_false(control_group_holds("/a", "/ab"));
    assert_false(control_group_holds("/a/b", "/a"));
}

/* ---- whether it is enough ---- */

/* As a host of two cores has it. */
#define ROOM(descriptors, ports, memory_bytes, processes)                                          \
    json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "descriptors", (json_int_t)(descriptors), "ports",      \
              (json_int_t)(ports), "ports_taken", (json_int_t)32, "memory_bytes",                  \
              (json_int_t)(memory_bytes), "processes", (json_int_t)(processes), "cores",           \
              (json_int_t)2)
#define GIB INT64_C(1073741824)

static const struct room_fleet plain = {.clients = 10000};

/* The most that fits: no more are refused, one more is, with these words. */
static void assert_most(struct room_fleet fleet, const struct room_share *shares, size_t n,
                        int64_t most, const char *words) {
    CLEANUP_FREE char *numbers = text_format("room for %lld members", (long long)most);
    struct error error = {""};

    fleet.clients = most;
    if (most && room_check(&fleet, shares, n, &error) != 0)
        fail_msg("%s", error.text);
    fleet.clients = most + 1;
    assert_int_equal(room_check(&fleet, shares, n, &error), -ENOSPC);
    if (!strstr(error.text, numbers) || !strstr(error.text, words))
        fail_msg("'%s' and '%s' are not both in: %s", numbers, words, error.text);
}

static void test_one_host(void **state) {
    const struct {
        int64_t descriptors, ports, memory_bytes, processes;
        bool tls;
        int64_t most;
        const char *words;
    } cases[] = {
        {20000, 28232, 16 * GIB, 1000, false, 19680, "the broker may have 20000 descriptors"},
        {200000, 28232, 16 * GIB, 1000, false, 27944, "28200 ports are left at each of its 1 addr"},
        {10000, 28232, 16 * GIB, 1000, false, 9680, "the broker may have 10000 descriptors"},
        {20000, 28232, GIB / 8, 1000, false, 10922, "each member of the fleet takes about 12 KiB"},
        {20000, 28232, GIB, 1000, true, 9362, "each member of the fleet takes about 112 KiB"},
        {20000, 28232, 16 * GIB, 20, false, 0, "20 processes may still be started"},
        {60, 28232, 16 * GIB, 1000, false, 0, "raise the hard limit there"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_auto_t *room =
            ROOM(cases[i].descriptors, cases[i].ports, cases[i].memory_bytes, cases[i].processes);
        const struct room_share share = {.spec = "local",
                                         .machine = "one",
                                         .broker = true,
                                         .publisher = true,
                                         .addresses = 1,
                                         .room = room};
        struct room_fleet fleet = {.tls = cases[i].tls};

        assert_most(fleet, &share, 1, cases[i].most, cases[i].words);
    }
}

/* Members are shared alike: the smallest host says how many there can be on each. */
static void test_several_hosts(void **state) {
    json_auto_t *broker = ROOM(100000, 28232, 64 * GIB, 1000);
    json_auto_t *large = ROOM(10000, 28232, 16 * GIB, 1000);
    json_auto_t *small = ROOM(20000, 1032, 16 * GIB, 1000);
    struct room_share shares[] = {
        {.spec = "ssh://a", .machine = "a", .broker = true, .addresses = 1, .room = broker},
        {.spec = "ssh://b", .machine = "b", .publisher = true, .addresses = 1, .room = large},
        {.spec = "ssh://c", .machine = "c", .publisher = true, .addresses = 1, .room = small},
    };
    struct room_fleet lab = {.lab = true};

    (void)state;
    assert_most(plain, shares, 3, 2 * 744,
                "Host ssh://c: 1000 ports are left at each of its 1 addr");
    shares[2].addresses = 3;
    assert_most(lab, shares, 3, 2 * 3 * 744,
                "its 3 addresses, 256 of them for other connections than members'; widen "
                "net.ipv4.ip_local_port_range there (sysctl), give it more addresses (--set "
                "lab.addresses=N)");
    shares[2].room = large;
    assert_most(plain, shares, 3, 2 * 2 * 9936, "Host ssh://b: 2 processes may have 10000");
    shares[0].room = large;
    assert_most(plain, shares, 3, 10000 - 320, "Host ssh://a: the broker may have 10000 descr");
    /* A broker of somebody else's. */
    assert_most(plain, shares + 1, 2, 2 * 2 * 9936, "Host ssh://b: 2 processes may have 10000");
}

/* What several hosts of one machine take of its memory is one sum. */
static void test_one_machine(void **state) {
    json_auto_t *room = ROOM(1000000, 60032, GIB, 1000);
    struct room_share shares[] = {
        {.spec = "lab:a", .machine = "one", .broker = true, .addresses = 9, .room = room},
        {.spec = "lab:b", .machine = "one", .publisher = true, .addresses = 9, .room = room},
        {.spec = "lab:c", .machine = "one", .publisher = true, .addresses = 9, .room = room},
    };
    struct room_fleet tls = {.tls = true};

    (void)state;
    assert_most(tls, shares, 3, 9362, "Host lab:a: 1.0 GiB of memory are left");
    shares[1].machine = shares[2].machine = "another";
    assert_most(tls, shares, 3, GIB / (70 << 10), "have members on another host");
    shares[2].machine = "a third";
    assert_most(tls, shares, 3, GIB / (42 << 10), "have the broker on another host");
    shares[0].broker = false;
    assert_most(tls, shares, 3, GIB / (35 << 10), "have members on another host");
}

/* Hosts in one network have its ports together. */
static void test_one_network(void **state) {
    json_auto_t *broker = ROOM(100000, 28232, 64 * GIB, 1000);
    json_auto_t *here = ROOM(100000, 2288, 64 * GIB, 1000);
    json_auto_t *there = ROOM(100000, 2288, 64 * GIB, 1000);
    struct room_share shares[] = {
        {.spec = "local", .machine = "a", .broker = true, .addresses = 1, .room = broker},
        {.spec = "exec:b", .machine = "b", .publisher = true, .addresses = 1, .room = here},
        {.spec = "exec:c", .machine = "b", .publisher = true, .addresses = 1, .room = here},
    };

    (void)state;
    (void)json_object_set_new(here, "network", json_string("net:[1]"));
    (void)json_object_set_new(there, "network", json_string("net:[2]"));
    assert_most(plain, shares, 3, 2000, "which 2 hosts share");
    shares[2].room = there;
    assert_most(plain, shares, 3, 4000, "Host exec:b: 2256 ports are left at each of its 1 addr");
    shares[2].room = here;
    shares[2].machine = "c"; /* by chance its network has that number */
    assert_most(plain, shares, 3, 4000, "Host exec:b: 2256 ports are left at each of its 1 addr");
}

/* Connections of the broker, of one process, and from one address. */
static void test_subscribers(void **state) {
    json_auto_t *small = ROOM(4000, 4288, 64 * GIB, 1000);
    json_auto_t *large = ROOM(100000, 60032, 64 * GIB, 1000);
    struct room_share shares[] = {
        {.spec = "a",
         .machine = "a",
         .broker = true,
         .subscriber = true,
         .addresses = 1,
         .room = small},
        {.spec = "b", .machine = "b", .publisher = true, .addresses = 1, .room = large},
    };
    struct room_fleet fleet = {.subscribers = 1000};

    (void)state;
    assert_most(fleet, shares, 2, 4000 - 320 - 1000, "Host a: the broker may have 4000 descr");
    shares[0].broker = false;
    assert_most(fleet, shares, 2, 60000 - 256, "Host b: 60000 ports are left");
    fleet.subscribers = 4000 - 64;
    assert_most(fleet, shares, 2, 60000 - 256, "Host b: 60000 ports are left");
    fleet.subscribers++;
    assert_most(fleet, shares, 2, 0,
                "Host a: a process may have 4000 descriptors, and each of 3937");
    (void)json_object_del(small, "descriptors");
    fleet.subscribers = 4000;
    assert_most(fleet, shares, 2, 60000 - 256, "Host b: 60000 ports are left");
    fleet.subscribers++;
    assert_most(fleet, shares, 2, 0, "Host a: 4256 ports are left at each of its 1 address, 4257");
    shares[0].room = large;
    shares[1].machine = "a";
    assert_most(fleet, shares, 2, 60000 - 4257, "1 address, 4257 of them for other connections");
}

/* What is not known limits nothing; members on every host there must be. */
static void test_nothing_known(void **state) {
    json_auto_t *room = json_object();
    const struct room_share shares[] = {
        {.spec = "a", .machine = "a", .broker = true, .publisher = true, .room = room},
        {.spec = "b", .machine = "b", .publisher = true, .addresses = 1, .room = room},
    };
    struct room_fleet fleet = {.clients = INT64_C(1000000)};
    struct error error = {""};

    (void)state;
    assert_int_equal(room_check(&fleet, shares, 2, &error), 0);
    fleet.clients = 2;
    assert_int_equal(room_check(&fleet, shares, 2, &error), 0);
    fleet.clients = 1;
    assert_int_equal(room_check(&fleet, shares, 2, &error), -EINVAL);
    assert_non_null(strstr(error.text, "1 members cannot be on 2 publishers' hosts"));
}

static void test_room_processes(void **state) {
    (void)state;
    assert_int_equal(room_processes(2, 1000), 2);
    assert_int_equal(room_processes(64, 1000), WORKERS_OF_HOST_MAX);
    assert_int_equal(room_processes(4, 6), 3);
    assert_int_equal(room_processes(4, 7), 3);
    assert_int_equal(room_processes(4, 1), 1);
    assert_int_equal(room_processes(0, 3), 1);
    assert_int_equal(room_processes(2, 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),    cmocka_unit_test(test_ports),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_processes),
        cmocka_unit_test(test_one_host),       cmocka_unit_test(test_several_hosts),
        cmocka_unit_test(test_one_machine),    cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_room_processes), cmocka_unit_test(test_group),
        cmocka_unit_test(test_network),        cmocka_unit_test(test_one_network),
        cmocka_unit_test(test_subscribers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
