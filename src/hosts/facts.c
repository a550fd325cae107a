#include "hosts/facts.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/place.h"
#include "base/process.h"
#include "hosts/network.h"
#include "hosts/peek.h"
#include "hosts/readings.h"
#include "mqtt/client.h"
#include "security/mechanism.h"
#include "security/tls_default.h"

#include <gnu/libc-version.h>
#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- single facts: each NULL when it cannot be read ---- */

static json_t *take_text(char *text) {
    json_t *value = text && *text ? json_string(text) : NULL; /* NULL, too, when it is not UTF-8 */

    free(text);
    return value;
}

static json_t *read_line(const char *path) {
    return take_text(peek_line(path));
}

static json_t *read_cpuinfo(const char *key) {
    return take_text(peek_key("/proc/cpuinfo", key, ':'));
}

static json_t *read_release(const char *key) {
    return take_text(peek_key("/etc/os-release", key, '='));
}

static json_t *read_host(const char *unused) {
    char name[256] = "";

    (void)unused;
    return gethostname(name, sizeof(name) - 1) == 0 ? take_text(text_copy(name)) : NULL;
}

static json_t *read_kernel(const char *unused) {
    struct utsname name;

    (void)unused;
    return uname(&name) == 0 ? take_text(text_copy(name.release)) : NULL;
}

static json_t *read_machine(const char *unused) {
    struct utsname name;

    (void)unused;
    return uname(&name) == 0 ? take_text(text_copy(name.machine)) : NULL;
}

/* 64-bit Arm kernels tell no name of the processor, only its numbers. */
static json_t *read_part(const char *unused) {
    CLEANUP_FREE char *implementer = peek_key("/proc/cpuinfo", "CPU implementer", ':');
    CLEANUP_FREE char *part = peek_key("/proc/cpuinfo", "CPU part", ':');

    (void)unused;
    return implementer && part
               ? take_text(text_format("Arm, implementer %s, part %s", implementer, part))
               : NULL;
}

/* The flags of x86 processors, the features of Arm's. */
static char *cpu_features(void) {
    char *flags = peek_key("/proc/cpuinfo", "flags", ':');

    return flags ? flags : peek_key("/proc/cpuinfo", "Features", ':');
}

/* Those that ciphers and hashes make use of. */
static json_t *read_features(const char *wanted) {
    CLEANUP_FREE char *all = cpu_features(), *found = text_copy("");
    const char *word;
    size_t length;

    while (all && (word = text_next_word(&wanted, &length))) {
        CLEANUP_FREE char *name = text_format("%.*s", (int)length, word);

        if (text_has_word(all, name))
            text_append(&found, " ", name);
    }
    return take_text(text_copy(found));
}

static json_t *read_feature(const char *wanted) {
    CLEANUP_FREE char *all = cpu_features();

    return all ? json_boolean(text_has_word(all, wanted)) : NULL;
}

/* Only that it is virtual can be read; that it is not cannot. */
static json_t *read_virtual(const char *wanted) {
    CLEANUP_FREE char *all = cpu_features();

    return all && text_has_word(all, wanted) ? json_true() : NULL;
}

static json_t *read_processors(const char *unused) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    (void)unused;
    return n > 0 ? json_integer(n) : NULL;
}

/* "16384 kB" */
static json_t *read_memory(const char *key) {
    CLEANUP_FREE char *value = peek_key("/proc/meminfo", key, ':');

    return value ? json_integer(strtoll(value, NULL, 10) / 1024) : NULL;
}

static json_t *read_mhz(const char *path) {
    double khz;

    return peek_number(path, &khz) ? json_real(khz / 1000) : NULL;
}

static json_t *read_openssl(const char *unused) {
    (void)unused;
    return take_text(text_copy(OpenSSL_version(OPENSSL_VERSION)));
}

/* What OpenSSL makes of the processor; OPENSSL_armcap and OPENSSL_ia32cap change it. */
static json_t *read_openssl_cpu(const char *unused) {
    (void)unused;
    return take_text(text_copy(OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS)));
}

/* As a client and a server of this host agree on it. */
static json_t *read_tls(const char *unused) {
    struct tls_session session;

    (void)unused;
    tls_default_meet(NULL, &session);
    return *session.version
               ? take_text(text_format("%s %s %s", session.version, session.cipher, session.group))
               : NULL;
}

static json_t *read_libmosquitto(const char *unused) {
    (void)unused;
    return take_text(mqtt_client_library_version(LIBRARY_MOSQUITTO));
}

static json_t *read_paho(const char *unused) {
    (void)unused;
    return take_text(mqtt_client_library_version(LIBRARY_PAHO));
}

static json_t *read_libc(const char *unused) {
    (void)unused;
    return take_text(text_format("glibc %s", gnu_get_libc_version()));
}

static json_t *read_constant(const char *text) {
    return take_text(text_copy(text));
}

/* The first line of what a program says when asked for its version. Not every one has an exit
 * status of 0 then. */
static json_t *ask_version(struct peek *peek, const char *name, const char *option) {
    const char *const argv[] = {name, option, NULL};
    CLEANUP_FREE char *output = NULL;

    if (peek_program(peek, &output, argv) < 0)
        return NULL;
    output[strcspn(output, "\n")] = '\0';
    return take_text(text_copy(output));
}

/* ---- which sources ---- */

static char *git_commit(struct peek *peek, const char *root) {
    /* The clone may be another user's: what is executed is from there anyway. */
    const char *const argv[] = {
        "git",      "-c",      "safe.directory=*", "-C",          root, "describe",
        "--always", "--dirty", "--abbrev=40",      "--exclude=*", NULL};
    CLEANUP_FREE char *clone = text_format("%s/.git", root), *commit = NULL;

    /* Without one of its own git would tell of a clone that the sources happen to lie in. */
    if (access(clone, F_OK) < 0 || peek_program(peek, &commit, argv) != 0)
        return NULL;
    commit[strcspn(commit, "\n")] = '\0';
    return *commit ? text_copy(commit) : NULL;
}

/* "COMMIT <text>" in the file that `bench deploy` leaves, or that an installation does. */
static char *deployed_commit(const char *root) {
    static const char label[] = "COMMIT ";
    CLEANUP_FREE char *deployed = text_format("%s/.deployed", root), *line = peek_line(deployed);

    if (!line) {
        CLEANUP_FREE char *installed = text_format("%s/commit", root);

        line = peek_line(installed);
    }
    if (!line)
        return NULL;
    return text_copy(strncmp(line, label, strlen(label)) == 0 ? line + strlen(label) : line);
}

static char *commit_of(struct peek *peek, const char *root) {
    char *commit = root && *root ? git_commit(peek, root) : NULL;

    return commit || !root || !*root ? commit : deployed_commit(root);
}

char *facts_commit(const char *root) {
    struct peek peek = peek_begin();

    return commit_of(&peek, root);
}

/* ---- the tables ---- */

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

#define CPUFREQ "/sys/devices/system/cpu/cpu0/cpufreq/"
#define IPV4    "/proc/sys/net/ipv4/"
#define CIPHER_FEATURES                                                                            \
    "aes vaes pclmulqdq vpclmulqdq sha_ni ssse3 avx avx2 avx512f bmi2 adx "                        \
    "neon asimd pmull sha1 sha2 sha3 sha512"

/* The first row of a name that can be read counts. */
struct fact {
    const char *name;
    json_t *(*read)(const char *argument);
    const char *argument;
};

static const struct fact facts_rows[] = {
    {"host", read_host, NULL},
    {"model", read_line, "/proc/device-tree/model"},
    {"model", read_line, "/sys/class/dmi/id/product_name"},
    {"virtual", read_virtual, "hypervisor"},
    {"processor", read_cpuinfo, "model name"},
    {"processor", read_part, NULL},
    {"processors", read_processors, NULL},
    {"aes_instructions", read_feature, "aes"},
    {"cpu_features", read_features, CIPHER_FEATURES},
    {"openssl_cpu", read_openssl_cpu, NULL},
    {"tls_by_default", read_tls, NULL},
    {"governor", read_line, CPUFREQ "scaling_governor"},
    {"frequency_min_mhz", read_mhz, CPUFREQ "scaling_min_freq"},
    {"frequency_max_mhz", read_mhz, CPUFREQ "scaling_max_freq"},
    {"memory_mib", read_memory, "MemTotal"},
    {"system", read_release, "PRETTY_NAME"},
    {"kernel", read_kernel, NULL},
    {"machine", read_machine, NULL},
    {"congestion_control", read_line, IPV4 "tcp_congestion_control"},
    {"congestion_controls", read_line, IPV4 "tcp_available_congestion_control"},
};

static const struct fact version_rows[] = {
    {"bench", read_constant, BENCH_VERSION},
    {"compiler", read_constant, COMPILER},
    {"libc", read_libc, NULL},
    {"openssl", read_openssl, NULL},
    {"libmosquitto", read_libmosquitto, NULL},
    {"paho", read_paho, NULL},
};

/* Asked beside the programs of the file. */
static const struct {
    const char *version, *name, *option;
} asked_rows[] = {
    {"mosquitto", "mosquitto", "-h"},
    {"iproute2", "tc", "-V"},
};

static const struct facts_program program_rows[] = {
    {"mosquitto", "mosquitto", "the broker under test", NEED_BROKER_HOST, NULL, NULL},
    {"ip", "iproute2", "which way the data takes", NEED_EVERY_HOST, NULL, NULL},
    {"tc", "iproute2", "the lab's shaped link", NEED_NOBODY, NULL, NULL},
    {"ssh", "openssh-client", "hosts elsewhere", NEED_NOBODY, NULL, NULL},
    {"iw", "iw", "what Wi-Fi does", NEED_NOBODY, NULL, NULL},
    {"vcgencmd", "raspi-utils", "throttling", NEED_NOBODY, "Raspberry Pi", NULL},
    {"wg", "wireguard-tools", "the mechanism tunnel", NEED_NOBODY, NULL, NULL},
    {"wireguard-go", "wireguard-go", "the mechanism tunnel, by a kernel without WireGuard",
     NEED_NOBODY, NULL, NULL},
};

/* "NAME PACKAGE NEED OPTION PURPOSE", which is cut into these; false when it is no row. */
static bool cut_program(struct facts_program *ret, char *line) {
    char *words[4], *rest = line;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = strtok_r(i ? NULL : line, " ", &rest);
        if (!words[i])
            return false;
    }
    *ret =
        (struct facts_program){.name = words[0],
                               .package = words[1],
                               .purpose = rest + strspn(rest, " "),
                               .need = text_equal(words[2], "driver") ? NEED_DRIVER : NEED_NOBODY,
                               .version = text_equal(words[3], "-") ? NULL : words[3]};
    return *line != '#';
}

void facts_programs_open(struct facts_programs *ret, const char *scripts) {
    CLEANUP_FREE char *path = text_format("%s/programs", scripts);
    size_t length;
    char *rest;

    *ret = (struct facts_programs){.n = 0};
    for (size_t i = 0; i < ARRAY_SIZE(program_rows); i++) {
        ret->rows = memory_room(ret->rows, ret->n, sizeof(*ret->rows));
        ret->rows[ret->n++] = program_rows[i];
    }
    if (file_read(path, 1 << 16, &ret->text, &length, NULL) < 0)
        return;
    rest = ret->text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        ret->rows = memory_room(ret->rows, ret->n, sizeof(*ret->rows));
        ret->n += cut_program(&ret->rows[ret->n], line);
    }
}

void facts_programs_close(struct facts_programs *programs) {
    free(programs->rows);
    free(programs->text);
}

/* The value (taken), unless there is none. */
static void put(json_t *object, const char *name, json_t *value) {
    if (value)
        (void)json_object_set_new(object, name, value);
}

static json_t *fill(json_t *object, const struct fact *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(object, rows[i].name))
            put(object, rows[i].name, rows[i].read(rows[i].argument));
    return object;
}

/* Which are there, and what version those have that are asked for it. */
static void put_programs(struct peek *peek, json_t *facts, const char *scripts) {
    CLEANUP(facts_programs_close) struct facts_programs programs;
    json_t *paths = json_object();
    json_t *versions = fill(json_object(), version_rows, ARRAY_SIZE(version_rows));

    for (size_t i = 0; i < ARRAY_SIZE(asked_rows); i++)
        put(versions, asked_rows[i].version,
            ask_version(peek, asked_rows[i].name, asked_rows[i].option));
    facts_programs_open(&programs, scripts);
    for (size_t i = 0; i < programs.n; i++) {
        const struct facts_program *program = &programs.rows[i];
        CLEANUP_FREE char *path = NULL;
        bool found = process_find(&path, program->name, NULL) == 0;

        (void)json_object_set_new(paths, program->name, found ? json_string(path) : json_null());
        if (program->version)
            put(versions, program->name, ask_version(peek, program->name, program->version));
    }
    (void)json_object_set_new(facts, "versions", versions);
    (void)json_object_set_new(facts, "programs", paths);
}

/* Of the mechanisms that not every host can have: how this one would, or what it lacks. */
static json_t *ask_mechanisms(void) {
    json_t *answers = json_object();

    for (size_t i = 0; i < n_mechanisms; i++) {
        CLEANUP_FREE char *how = NULL;
        struct error error = {""};
        bool there = mechanisms[i]->available && mechanisms[i]->available(&how, &error) == 0;

        if (mechanisms[i]->available)
            (void)json_object_set_new(answers, mechanisms[i]->group->name,
                                      json_sprintf("%s%s", there ? "possible: " : "not possible: ",
                                                   there ? how : error.text));
    }
    return answers;
}

json_t *facts_collect(const char *scripts, const char *address, const char *peer) {
    CLEANUP_FREE char *root = place_root();
    struct peek peek = peek_begin();
    json_t *facts = fill(json_object(), facts_rows, ARRAY_SIZE(facts_rows));
    json_t *network = *address ? network_collect(&peek, address, peer) : NULL;

    put(facts, "commit", take_text(commit_of(&peek, root)));
    put_programs(&peek, facts, scripts);
    (void)json_object_set_new(facts, "mechanisms", ask_mechanisms());
    (void)json_object_set_new(
        facts, "readings",
        readings_collect(&peek, json_string_value(json_object_get(network, "interface"))));
    put(facts, "network", network);
    return facts;
}

json_t *facts_pick(const char *names) {
    json_t *facts = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(facts_rows); i++)
        if (text_has_word(names, facts_rows[i].name))
            (void)fill(facts, &facts_rows[i], 1);
    return facts;
}

/* ---- identity: MAC address ---- */

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

/* ---- identity: serial number ---- */

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

json_t *facts_identity(const char *address) {
    struct peek peek = peek_begin();
    json_auto_t *network = *address ? network_collect(&peek, address, NULL) : NULL;
    json_t *identity = json_object();

    put_mac(identity, json_string_value(json_object_get(network, "interface")));
    put_serial(identity);
    return identity;
}
