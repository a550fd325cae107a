#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int mosquitto_plugin_version(int count, const int *versions) {
    for (int i = 0; i < count; i++)
        if (versions[i] == MOSQ_PLUGIN_VERSION)
            return MOSQ_PLUGIN_VERSION;
    return -1;
}

const char *plugin_option(const struct mosquitto_opt *options, int count, const char *key) {
    for (int i = 0; i < count; i++)
        if (strcmp(options[i].key, key) == 0 && options[i].value)
            return options[i].value;
    return "";
}

const char *plugin_only_option(const char *plugin, const struct mosquitto_opt *options, int count,
                               const char *key) {
    const char *value = NULL;

    for (int i = 0; i < count; i++) {
        if (strcmp(options[i].key, key) != 0) {
            mosquitto_log_printf(MOSQ_LOG_ERR,
                                 "Error: %s plugin: there is no plugin_opt_%s; right would be "
                                 "plugin_opt_%s",
                                 plugin, options[i].key, key);
            return NULL;
        }
        value = options[i].value;
    }
    if (!value)
        mosquitto_log_printf(MOSQ_LOG_ERR, "Error: %s plugin: plugin_opt_%s is missing", plugin,
                             key);
    return value;
}

int plugin_first_line(const char *path, char *ret, size_t size) {
    FILE *file = fopen(path, "re");
    int r = file ? 0 : -errno;

    *ret = '\0';
    if (file && !fgets(ret, (int)size, file))
        r = -ENODATA;
    if (file)
        (void)fclose(file);
    ret[strcspn(ret, "\n")] = '\0';
    return r;
}
