#include "hosts/facts.h"

#include "base/memory.h"
#include "base/process.h"
#include "mqtt/client.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void put(json_t *facts, const char *key, const char *value) {
    if (value && *value)
        (void)json_object_set_new(facts, key, json_string(value));
}

/* The first line of a file (which may be a device tree's, ended by a zero byte). */
static void put_file(json_t *facts, const char *key, const char *path) {
    FILE *file = fopen(path, "re");
    char line[256] = "";

    if (!file)
        return;
    if (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        put(facts, key, line);
    }
    (void)fclose(file);
}

/* "Key : value" of a file like /proc/cpuinfo; the value belongs to the caller, NULL when absent. */
static char *lookup(const char *path, const char *key) {
    FILE *file = fopen(path, "re");
    char line[4096], *value = NULL;
    size_t length = strlen(key);

    while (file && !value && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, key, length) == 0 && colon &&
            line + length + strspn(line + length, " \t") == colon) {
            colon[1 + strcspn(colon + 1, "\n")] = '\0';
            value = text_copy(colon + 1 + strspn(colon + 1, " \t"));
        }
    }
    if (file)
        (void)fclose(file);
    return value;
}

static void put_processor(json_t *facts) {
    CLEANUP_FREE char *model = lookup("/proc/cpuinfo", "model name");
    CLEANUP_FREE char *flags = lookup("/proc/cpuinfo", "flags");
    CLEANUP_FREE char *features = lookup("/proc/cpuinfo", "Features");
    CLEANUP_FREE char *memory = lookup("/proc/meminfo", "MemTotal");

    put_file(facts, "model", "/proc/device-tree/model");
    put(facts, "processor", model);
    if (flags || features)
        (void)json_object_set_new(facts, "aes_instructions",
                                  json_boolean(text_has_word(flags ? flags : features, "aes")));
    (void)json_object_set_new(facts, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    put(facts, "memory", memory);
    put_file(facts, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    put_file(facts, "clock_khz", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
    put_file(facts, "temperature_millicelsius", "/sys/class/thermal/thermal_zone0/temp");
}

static void put_kernel(json_t *facts) {
    struct utsname name;

    if (uname(&name) < 0)
        return;
    put(facts, "kernel", name.release);
    put(facts, "machine", name.machine);
    put_file(facts, "congestion_control", "/proc/sys/net/ipv4/tcp_congestion_control");
    put_file(facts, "congestion_controls", "/proc/sys/net/ipv4/tcp_available_congestion_control");
}

/* The first line that a program prints when asked for its version. */
static void put_program(json_t *facts, const char *name, const char *option) {
    CLEANUP_FREE char *path = NULL, *output = NULL;

    if (process_find(&path, name, NULL) < 0)
        return;
    {
        const char *argv[] = {path, option, NULL};

        if (process_run(argv, &output, NULL) < 0 || !output)
            return;
    }
    output[strcspn(output, "\n")] = '\0';
    put(facts, name, output);
}

static void put_versions(json_t *facts) {
    CLEANUP_FREE char *library = mqtt_client_library_version();

    put(facts, "bench", BENCH_VERSION);
    put(facts, "compiler", __VERSION__);
    put(facts, "openssl", OpenSSL_version(OPENSSL_VERSION));
    put(facts, "libmosquitto", library);
    put_program(facts, "mosquitto", "-h");
    put_program(facts, "gnuplot", "--version");
}

static bool is_address(const struct sockaddr *found, const char *address) {
    unsigned char wanted[sizeof(struct in6_addr)];

    if (!found)
        return false;
    if (found->sa_family == AF_INET && inet_pton(AF_INET, address, wanted) == 1)
        return memcmp(&((const struct sockaddr_in *)(const void *)found)->sin_addr, wanted,
                      sizeof(struct in_addr)) == 0;
    if (found->sa_family == AF_INET6 && inet_pton(AF_INET6, address, wanted) == 1)
        return memcmp(&((const struct sockaddr_in6 *)(const void *)found)->sin6_addr, wanted,
                      sizeof(struct in6_addr)) == 0;
    return false;
}

/* The interface that has the measured address, when it is one of this host's. */
static void put_interface(json_t *facts, const char *address) {
    struct ifaddrs *all = NULL;

    if (getifaddrs(&all) < 0)
        return;
    for (struct ifaddrs *one = all; one; one = one->ifa_next) {
        CLEANUP_FREE char *mtu = text_format("/sys/class/net/%s/mtu", one->ifa_name);
        CLEANUP_FREE char *speed = text_format("/sys/class/net/%s/speed", one->ifa_name);

        if (!is_address(one->ifa_addr, address))
            continue;
        put(facts, "interface", one->ifa_name);
        put_file(facts, "interface_mtu", mtu);
        put_file(facts, "interface_speed_mbit_s", speed);
        break;
    }
    freeifaddrs(all);
}

json_t *facts_collect(const char *address) {
    json_t *facts = json_object();
    char host[256] = "";

    (void)gethostname(host, sizeof(host) - 1);
    put(facts, "host", host);
    put_processor(facts);
    put_kernel(facts);
    put_interface(facts, address);
    put_versions(facts);
    return facts;
}
