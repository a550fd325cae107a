#include "hosts/wifi.h"

#include "base/memory.h"
#include "hosts/peek.h"

#include <string.h>

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

json_t *wifi_collect(const char *interface) {
    const char *const link[] = {"iw", "dev", interface, "link", NULL};
    const char *const power[] = {"iw", "dev", interface, "get", "power_save", NULL};
    CLEANUP_FREE char *link_text = NULL, *power_text = NULL;
    json_auto_t *wifi = json_object();

    if (peek_program(&link_text, link) == 0)
        wifi_parse_link(wifi, link_text);
    if (link_text && peek_program(&power_text, power) == 0)
        wifi_parse_power_save(wifi, power_text);
    read_proc(wifi, interface);
    return json_object_size(wifi) ? json_incref(wifi) : NULL;
}
