/* network: what `ip` says of a route, and whether two hosts' ways fit together. */
#include "hosts/network.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "emulator.h"
#include "workshop.h"

#include <fcntl.h>
#include <sched.h>

#define PI_A "ssh://pi@pi-a"

/* JSON with ' in place of ". */
static json_t *json_of(const char *text) {
    CLEANUP_FREE char *quoted = text_copy(text);
    json_t *value;

    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    value = json_loads(quoted, 0, NULL);
    if (!value)
        fail_msg("no JSON: %s", text);
    return value;
}

static void test_routes(void **state) {
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"[{'dst':'198.51.100.7','gateway':'192.0.2.1','dev':'eth0','prefsrc':'192.0.2.2',"
         "'flags':[],'uid':0,'cache':[]}]",
         "{'gateway':'192.0.2.1','interface':'eth0','source':'192.0.2.2'}"},
        {"[{'type':'local','dst':'127.0.0.1','dev':'lo','prefsrc':'127.0.0.1','flags':[],'uid':0,"
         "'cache':['local']}]",
         "{'interface':'lo','source':'127.0.0.1'}"},
        {"[{'dst':'192.0.2.7','from':'192.0.2.5','dev':'wlan0','flags':[],'uid':0,'cache':[]}]",
         "{'interface':'wlan0'}"},
        {"[{},{'dst':'192.0.2.7','via':{'family':'inet6','host':'fe80::1'},'dev':'eth0'}]",
         "{'gateway':'fe80::1','interface':'eth0'}"},
        {"[]", "{}"},
        {"{'dev':'eth0'}", "{}"},
        {"[{'dev':7}]", "{}"},
    };
    json_auto_t *nothing = json_object();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_auto_t *in = json_of(cases[i].text), *expected = json_of(cases[i].expected);
        json_auto_t *route = json_object();
        CLEANUP_FREE char *text = json_dumps(in, 0);

        network_parse_route(route, text);
        if (!json_equal(route, expected))
            fail_msg("%s", cases[i].text);
    }
    network_parse_route(nothing, "RTNETLINK answers: Network is unreachable\n");
    network_parse_route(nothing, "");
    assert_int_equal(json_object_size(nothing), 0);
}

/* Two Raspberry Pis with one cable between them: all is well. */
#define OWN                                                                                        \
    "'own_addresses':[{'interface':'lo','address':'127.0.0.1'},"                                   \
    "{'interface':'eth0','address':'192.0.2.1'},{'interface':'wlan0','address':'192.0.2.5'}]"
#define BROKER(rest)                                                                               \
    "{'machine':'a','address':'192.0.2.1','own':true,'interface':'eth0'," OWN rest "}"
#define BACK ",'way_back':{'address':'192.0.2.7','interface':'eth0'}"
#define PUBLISHER                                                                                  \
    "{'machine':'b','address':'192.0.2.1','own':false,'interface':'eth0','source':'192.0.2.7'}"

struct case_of_two {
    const char *broker, *publisher, *message; /* NULL: they fit */
};

static const struct case_of_two cases_of_two[] = {
    {BROKER(BACK), PUBLISHER, NULL},
    /* One host in both places, also by two names: there is nothing to cross. */
    {BROKER(""), NULL, NULL},
    {BROKER(""), "{'machine':'a','address':'192.0.2.1','own':true,'interface':'eth0'}", NULL},
    {"{'machine':'a','address':'127.0.0.1','own':true,'interface':'lo'}", NULL, NULL},
    /* Behind '%' stands each host's own interface. */
    {"{'machine':'a','address':'fe80::1%eth0','own':true,'interface':'eth0','way_back':{'address':"
     "'fe80::2','interface':'eth0'}}",
     "{'machine':'b','address':'fe80::1%wlan0','own':false,'interface':'wlan0'}", NULL},

    {"{'machine':'a','unresolved':'Name or service not known'}", PUBLISHER,
     "hosts.address cannot be resolved on " PI_A ": Name or service not known; write the number"},
    {BROKER(BACK), "{'machine':'b','unresolved':'Name or service not known'}",
     "hosts.address cannot be resolved on local: Name or service not known; write the number"},
    {"{'machine':'a','address':'192.0.2.9','own':false,'interface':'eth0'," OWN "}", PUBLISHER,
     "hosts.address 192.0.2.9 is no address of the broker's host " PI_A
     ", which has: 192.0.2.1 (eth0), 192.0.2.5 (wlan0); name the one that the data shall take"},
    {"{'machine':'a','address':'127.0.1.1','own':true,'interface':'lo'}", PUBLISHER,
     "hosts.address means 127.0.1.1 on " PI_A " but 192.0.2.1 on local; write the number in place "
     "of the name"},
    {"{'machine':'a','address':'127.0.0.1','own':true,'interface':'lo'," OWN "}",
     "{'machine':'b','address':'127.0.0.1','own':true,'interface':'lo'}",
     "hosts.address 127.0.0.1 stays within local: the probes would not cross the network; name one "
     "of the addresses of " PI_A ": 192.0.2.1 (eth0), 192.0.2.5 (wlan0)"},
    {BROKER(BACK), "{'machine':'b','address':'192.0.2.1','own':false,'interface':'lo'}",
     "hosts.address 192.0.2.1 stays within local: the probes would not cross the network; name one "
     "of the addresses of " PI_A ": 192.0.2.1 (eth0), 192.0.2.5 (wlan0)"},
    {BROKER(BACK),
     "{'machine':'b','address':'192.0.2.1','own':false,"
     "'no_route':'RTNETLINK answers: Network is unreachable'}",
     "local has no way to hosts.address 192.0.2.1: RTNETLINK answers: Network is unreachable"},
    /* Ethernet and Wi-Fi in one subnet. */
    {BROKER(",'way_back':{'address':'192.0.2.7','interface':'wlan0'}"), PUBLISHER,
     "hosts.address 192.0.2.1 belongs to eth0 of " PI_A ", but what it answers local (192.0.2.7) "
     "leaves through wlan0: the data would take two links, as when Ethernet and Wi-Fi are in one "
     "subnet; take the address of wlan0 instead (192.0.2.5 (wlan0)), or take wlan0 down there"},
    {BROKER(",'way_back':{'address':'192.0.2.7','no_route':'no way'}"), PUBLISHER,
     PI_A " has no way back from hosts.address 192.0.2.1 to 192.0.2.7 of local: no way"},
    {BROKER(""), PUBLISHER,
     PI_A " has no way back from hosts.address 192.0.2.1 to ? of local: it was not looked up"},
};

static void test_two_hosts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases_of_two); i++) {
        const struct case_of_two *one = &cases_of_two[i];
        json_auto_t *broker = json_of(one->broker);
        json_auto_t *publisher = one->publisher ? json_of(one->publisher) : NULL;
        struct error error = {""};
        int r = network_check(broker, publisher, PI_A, "local", &error);

        assert_string_equal(error.text, one->message ? one->message : "");
        assert_int_equal(r, one->message ? -EINVAL : 0);
    }
}

/* On the machine of the test. */
static void test_here(void **state) {
    struct peek peek = peek_begin();
    json_auto_t *own = network_collect(&peek, "127.0.0.1", "127.0.0.1");
    json_auto_t *any = network_collect(&peek, "127.9.9.9", NULL),
                *none = network_collect(&peek, "x.invalid", NULL);
    const json_t *back = json_object_get(own, "way_back");
    struct error error = {""};

    (void)state;
    assert_true(json_is_true(json_object_get(own, "own")));
    assert_has(jsonline_text(own, "route", ""), "127.0.0.1 dev lo");
    assert_string_equal(jsonline_text(own, "source", ""), "127.0.0.1");
    assert_string_equal(jsonline_text(back, "interface", ""), "lo");
    assert_has(jsonline_text(own, "machine", ""), " net:[");
    assert_true(json_number_value(json_object_get(own, "round_trip_ms")) > 0);
    assert_int_equal(network_check(own, own, "local", "local", &error), 0);
    assert_true(json_is_true(json_object_get(any, "own"))); /* Debian's 127.0.1.1 */
    assert_string_equal(jsonline_text(any, "interface", ""), "lo");
    assert_non_null(json_object_get(none, "unresolved"));
    assert_int_equal(network_check(none, NULL, "local", "local", &error), -EINVAL);
}

static bool put_file(const char *path, const char *text) {
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* An empty network of our own, as root or in a user namespace in which we seem to be root. */
static bool leave_network(void) {
    CLEANUP_FREE char *map = text_format("0 %d 1\n", (int)getuid());

    if (getuid() == 0 && unshare(CLONE_NEWNET) == 0)
        return true;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put_file("/proc/self/setgroups", "deny") &&
           put_file("/proc/self/uid_map", map);
}

/* The real thing, as far as a test machine can: two interfaces in one subnet. The last test: there
 * is no way back into the network that we came from. */
static void test_two_interfaces(void **state) {
    struct peek peek = peek_begin();
    const char *const argv[] = {
        "/bin/sh", "-ec",
        "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up\n"
        "for name in eth0 wlan0; do ip link add $name type veth peer name far-$name; done\n"
        "ip address add 198.51.100.1/24 dev eth0; ip address add 198.51.100.5/24 dev wlan0\n"
        "for name in eth0 wlan0; do ip link set $name mtu 1234 up; ip link set far-$name up; done",
        NULL};
    json_auto_t *publisher = json_of("{'machine':'b','address':'198.51.100.5','own':false,"
                                     "'interface':'eth0','source':'198.51.100.7'}");
    json_auto_t *before = network_collect(&peek, "127.0.0.1", NULL);
    json_auto_t *good = NULL, *bad = NULL, *nowhere = NULL;
    CLEANUP_FREE char *output = NULL;
    struct error error = {""};

    (void)state;
    if (!leave_network() || process_run(argv, NULL, 60 * NS_PER_S, &output, NULL) != 0)
        skip();
    good = network_collect(&peek, "198.51.100.1", "198.51.100.7");
    bad = network_collect(&peek, "198.51.100.5", "198.51.100.7");
    nowhere = network_collect(&peek, "203.0.113.1", NULL);
    assert_string_not_equal(jsonline_text(good, "machine", ""),
                            jsonline_text(before, "machine", ""));
    assert_string_equal(jsonline_text(good, "interface", ""), "eth0");
    assert_int_equal(jsonline_integer(good, "mtu", 0), 1234);
    if (!under_emulator("qemu-user hands on no SIOCETHTOOL")) {
        assert_int_equal(jsonline_integer(good, "speed_mbit_s", 0), 10000); /* veth: always */
        assert_has(jsonline_text(good, "offloads", ""), "tso");
    }
    assert_string_equal(jsonline_text(bad, "interface", ""), "wlan0");
    assert_int_equal(network_check(bad, publisher, PI_A, "local", &error), -EINVAL);
    assert_has(error.text, "hosts.address 198.51.100.5 belongs to wlan0 of " PI_A);
    assert_has(error.text, "leaves through eth0");
    assert_has(error.text, "instead (198.51.100.1 (eth0))");
    (void)json_object_set_new(publisher, "address", json_string("198.51.100.1"));
    assert_int_equal(network_check(good, publisher, PI_A, "local", &error), 0);
    assert_true(json_is_false(json_object_get(nowhere, "own")));
    assert_has(jsonline_text(nowhere, "no_route", ""), "unreachable");
    assert_null(json_object_get(nowhere, "round_trip_ms"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_two_hosts),
        cmocka_unit_test(test_here),
        cmocka_unit_test(test_two_interfaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
