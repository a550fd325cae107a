#include "hosts/readings.h"

#include "base/memory.h"
#include "hosts/peek.h"
#include "hosts/wifi.h"

#include <string.h>

bool readings_parse_vcgencmd(const char *text, const char *label, double *ret) {
    size_t length = strlen(label);
    const char *number = strchr(text, '=');
    char *end;
    double value;

    if (strncmp(text, label, length) != 0 || !strchr("=(", text[length]) || !number)
        return false;
    value = strtod(number + 1, &end); /* hexadecimal numbers, too */
    if (end == number + 1)
        return false;
    *ret = value;
    return true;
}

/* ---- where the numbers come from; the arguments are those of the table ---- */

static bool read_file(const char *path, const char *unused, double *ret) {
    (void)unused;
    return peek_number(path, ret);
}

static bool read_cpuinfo(const char *key, const char *unused, double *ret) {
    CLEANUP_FREE char *value = peek_key("/proc/cpuinfo", key, ':');
    char *end = value;

    (void)unused;
    if (value)
        *ret = strtod(value, &end);
    return end != value;
}

/* The processor's own zone where there is one by that name; another may be any sensor's. */
static bool read_thermal(const char *types, const char *unused, double *ret) {
    (void)unused;
    for (int i = 0; i < 32; i++) {
        CLEANUP_FREE char *name = text_format("/sys/class/thermal/thermal_zone%d/type", i);
        CLEANUP_FREE char *path = text_format("/sys/class/thermal/thermal_zone%d/temp", i);
        CLEANUP_FREE char *type = peek_line(name);

        if (type && text_has_word(types, type))
            return peek_number(path, ret);
    }
    return false;
}

/* An order of one word or two. */
static bool read_vcgencmd(const char *order, const char *label, double *ret) {
    CLEANUP_FREE char *first = text_copy(order), *text = NULL;
    char *blank = strchr(first, ' ');
    const char *const argv[] = {"vcgencmd", first, blank ? blank + 1 : NULL, NULL};

    if (blank)
        *blank = '\0';
    return peek_program(&text, argv) == 0 && readings_parse_vcgencmd(text, label, ret);
}

/* A metric's first row that can be read counts. */
static const struct {
    const char *metric, *unit;
    bool (*read)(const char *argument, const char *label, double *ret);
    const char *argument, *label;
    double scale; /* to the unit */
} sources[] = {
    {"cpu_frequency", "MHz", read_file, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
     NULL, 1e-3},
    {"cpu_frequency", "MHz", read_cpuinfo, "cpu MHz", NULL, 1},
    {"temperature", "C", read_thermal, "cpu-thermal cpu_thermal soc-thermal x86_pkg_temp", NULL,
     1e-3},
    {"temperature", "C", read_file, "/sys/class/thermal/thermal_zone0/temp", NULL, 1e-3},
    {"throttled", "bits", read_vcgencmd, "get_throttled", "throttled", 1},
    {"arm_frequency", "MHz", read_vcgencmd, "measure_clock arm", "frequency", 1e-6},
    {"core_temperature", "C", read_vcgencmd, "measure_temp", "temp", 1},
    {"load", "processes", read_file, "/proc/loadavg", NULL, 1},
};

/* The same of a radio link. */
static const struct {
    const char *metric, *unit, *key;
} radio[] = {
    {"wifi_signal", "dBm", "signal_dbm"},
    {"wifi_bit_rate", "Mbit/s", "bit_rate_mbit_s"},
};

json_t *readings_collect(const char *interface) {
    json_t *readings = json_object();
    json_auto_t *wifi = interface && *interface ? wifi_collect(interface) : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        double value;

        if (!json_object_get(readings, sources[i].metric) &&
            sources[i].read(sources[i].argument, sources[i].label, &value))
            (void)json_object_set_new(
                readings, sources[i].metric,
                json_pack("{s:f,s:s}", "value", value * sources[i].scale, "unit", sources[i].unit));
    }
    for (size_t i = 0; i < ARRAY_SIZE(radio); i++) {
        json_t *value = json_object_get(wifi, radio[i].key);

        if (value)
            (void)json_object_set_new(
                readings, radio[i].metric,
                json_pack("{s:O,s:s}", "value", value, "unit", radio[i].unit));
    }
    return readings;
}
