#include "hosts/readings.h"

#include "base/memory.h"

#include <string.h>

/* ---- the radio link ---- */

/* Lines of `iw dev IF link`, and what they are called here. */
static const struct {
    const char *label, *key;
} link_lines[] = {
    {"freq:", "frequency_mhz"},
    {"signal:", "signal_dbm"},
    {"rx bitrate:", "rx_bit_rate_mbit_s"},
    {"tx bitrate:", "bit_rate_mbit_s"},
};

static void take_line(json_t *wifi, const char *line) {
    line += strspn(line, " \t");
    for (size_t i = 0; i < ARRAY_SIZE(link_lines); i++) {
        size_t length = strlen(link_lines[i].label);
        char *end;
        double value;

        if (strncmp(line, link_lines[i].label, length) != 0)
            continue;
        value = strtod(line + length, &end);
        if (end != line + length)
            (void)json_object_set_new(wifi, link_lines[i].key, json_real(value));
    }
}

void wifi_parse_link(json_t *wifi, const char *text) {
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        take_line(wifi, line);
    }
}

void wifi_parse_power_save(json_t *wifi, const char *text) {
    static const char label[] = "Power save:";
    const char *cursor = strstr(text, label), *word;
    size_t length;

    if (!cursor)
        return;
    cursor += strlen(label);
    word = text_next_word(&cursor, &length);
    if (word)
        (void)json_object_set_new(wifi, "power_save", json_stringn(word, length));
}

/* " wlan0: 0000   70.  -40.  -256 ...": status, quality, level, noise. */
void wifi_parse_proc(json_t *wifi, const char *text, const char *interface) {
    CLEANUP_FREE char *label = text_format("%s:", interface);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        double quality, level;

        line += *line == '\n';
        line += strspn(line, " ");
        if (strncmp(line, label, strlen(label)) != 0)
            continue;
        /* Without a minus sign it is not in dBm but in steps of the driver's own. */
        if (sscanf(line + strlen(label), "%*x %lf %lf", &quality, &level) == 2 && level < 0 &&
            !json_object_get(wifi, "signal_dbm"))
            (void)json_object_set_new(wifi, "signal_dbm", json_real(level));
        return;
    }
}

static void read_proc(json_t *wifi, const char *interface) {
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/net/wireless", "re");
    char text[4096] = "";

    if (!file)
        return;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    wifi_parse_proc(wifi, text, interface);
}

json_t *wifi_collect(struct peek *peek, const char *interface) {
    const char *const link[] = {"iw", "dev", interface, "link", NULL};
    const char *const power[] = {"iw", "dev", interface, "get", "power_save", NULL};
    CLEANUP_FREE char *link_text = NULL, *power_text = NULL;
    json_auto_t *wifi = json_object();

    if (peek_program(peek, &link_text, link) == 0)
        wifi_parse_link(wifi, link_text);
    if (link_text && peek_program(peek, &power_text, power) == 0)
        wifi_parse_power_save(wifi, power_text);
    read_proc(wifi, interface);
    return json_object_size(wifi) ? json_incref(wifi) : NULL;
}

/* ---- all that changes ---- */

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

/* Where the numbers come from; the arguments are those of the table. */

static bool read_file(struct peek *peek, const char *path, const char *unused, double *ret) {
    (void)peek;
    (void)unused;
    return peek_number(path, ret);
}

static bool read_cpuinfo(struct peek *peek, const char *key, const char *unused, double *ret) {
    CLEANUP_FREE char *value = peek_key("/proc/cpuinfo", key, ':');
    char *end = value;

    (void)peek;
    (void)unused;
    if (value)
        *ret = strtod(value, &end);
    return end != value;
}

/* The processor's own zone where there is one by that name; another may be any sensor's. */
static bool read_thermal(struct peek *peek, const char *types, const char *unused, double *ret) {
    (void)peek;
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
static bool read_vcgencmd(struct peek *peek, const char *order, const char *label, double *ret) {
    CLEANUP_FREE char *first = text_copy(order), *text = NULL;
    char *blank = strchr(first, ' ');
    const char *const argv[] = {"vcgencmd", first, blank ? blank + 1 : NULL, NULL};

    if (blank)
        *blank = '\0';
    return peek_program(peek, &text, argv) == 0 && readings_parse_vcgencmd(text, label, ret);
}

/* A metric's first row that can be read counts. */
static const struct {
    const char *metric, *unit;
    bool (*read)(struct peek *peek, const char *argument, const char *label, double *ret);
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

json_t *readings_collect(struct peek *peek, const char *interface) {
    json_t *readings = json_object();
    json_auto_t *wifi = interface && *interface ? wifi_collect(peek, interface) : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        double value;

        if (!json_object_get(readings, sources[i].metric) &&
            sources[i].read(peek, sources[i].argument, sources[i].label, &value))
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
