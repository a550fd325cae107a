/* probes/wiretap: which packets are taken for the tunnel's own. (What it sees on a link:
 * tests/system/tunnel.t.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/wiretap.h"

#include <string.h>

/* An IP packet with a UDP header (8 bytes, not looked at) and a payload of 32 bytes. */
struct packet {
    unsigned char bytes[128];
    size_t length;
};

static struct packet make(int version, unsigned char protocol, unsigned char type) {
    size_t header = version == 6 ? 40 : 20;
    struct packet packet = {.length = header + 8 + 32};

    packet.bytes[0] = version == 6 ? 0x60 : 0x45;
    packet.bytes[version == 6 ? 6 : 9] = protocol;
    packet.bytes[header + 8] = type;
    return packet;
}

static bool is_taken(struct packet packet) {
    return capture_is_wireguard(packet.bytes, packet.length);
}

static void test_types(void **state) {
    struct packet other = make(4, 17, 4);

    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        for (unsigned char type = 1; type <= 4; type++)
            assert_true(is_taken(make(version, 17, type)));
        assert_false(is_taken(make(version, 17, 0)));
        assert_false(is_taken(make(version, 17, 5)));
        assert_false(is_taken(make(version, 6, 4))); /* TCP */
    }
    other.bytes[0] = 0x55; /* an IP version of its own */
    assert_false(is_taken(other));
}

static void test_reserved_bytes(void **state) {
    struct packet packet = make(4, 17, 4);

    (void)state;
    packet.bytes[20 + 8 + 3] = 1;
    assert_false(is_taken(packet));
}

/* IPv4 options move the payload. */
static void test_options(void **state) {
    struct packet packet = make(4, 17, 0);

    (void)state;
    packet.bytes[0] = 0x47;
    packet.bytes[28 + 8] = 4;
    assert_true(is_taken(packet));
}

static void test_cut_off(void **state) {
    struct packet packet = make(4, 17, 4), longest = make(4, 17, 4);

    (void)state;
    for (packet.length = 0; packet.length < 20 + 8 + 4; packet.length++)
        assert_false(is_taken(packet));
    assert_true(is_taken(packet));
    longest.bytes[0] = 0x4f; /* a header that is longer than all of it */
    longest.length = 30;
    assert_false(is_taken(longest));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_reserved_bytes),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
