#include "hosts/identity.h"

#include "base/memory.h"
#include "hosts/network.h"

#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

/* ---- MAC address ---- */

/* The text of an Ethernet address: "" when the interface has none. */
static void format_mac(const struct ifaddrs *interface, char ret[18]) {
    const struct sockaddr_ll *link = (const void *)interface->ifa_addr;
    static const unsigned char zero[6];
    const unsigned char *a = link->sll_addr;

    *ret = '\0';
    if (link->sll_halen == sizeof(zero) && memcmp(a, zero, sizeof(zero)) != 0)
        (void)snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
                       a[5]);
}

static void put_mac(json_t *identity, const char *wanted) {
    struct ifaddrs *all = NULL;
    char found[18] = "", mac[18];

    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_PACKET)
            continue;
        format_mac(one, mac);
        if (*mac && (!*found || text_equal(one->ifa_name, wanted)))
            memcpy(found, mac, sizeof(found));
    }
    freeifaddrs(all);
    if (*found)
        (void)json_object_set_new(identity, "mac", json_string(found));
}

/* ---- serial number ---- */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* What manufacturers leave in the place of one has blanks in it, or is one of these. */
static bool is_serial(const char *text) {
    static const char *const none[] = {"None", "NONE", "none", "Default", "Unknown", "0"};

    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        if (text_equal(text, none[i]))
            return false;
    return *text && !text[strspn(text, LETTERS)];
}

static void put_serial(json_t *identity) {
    static const char *const places[] = {"/proc/device-tree/serial-number", /* a Raspberry Pi */
                                         "/sys/class/dmi/id/product_serial"};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        CLEANUP(fclosep) FILE *file = fopen(places[i], "re");
        char text[65] = "";

        if (!file || fread(text, 1, sizeof(text) - 1, file) == 0)
            continue;
        text[strcspn(text, "\r\n")] = '\0';
        if (!is_serial(text))
            continue;
        (void)json_object_set_new(identity, "serial", json_string(text));
        return;
    }
}

json_t *identity_collect(const char *address) {
    json_auto_t *network = *address ? network_collect(address, NULL) : NULL;
    json_t *identity = json_object();

    put_mac(identity, json_string_value(json_object_get(network, "interface")));
    put_serial(identity);
    return identity;
}
