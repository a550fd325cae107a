#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- beginning and end ---- */

/* A module that is loaded; each `plugin` line of the configuration makes one. */
struct instance {
    mosquitto_plugin_id_t *id;
    max_align_t own[];
};

int mosquitto_plugin_version(int count, const int *versions) {
    for (int i = 0; i < count; i++)
        if (versions[i] == MOSQ_PLUGIN_VERSION)
            return MOSQ_PLUGIN_VERSION;
    return -1;
}

static void discard(struct instance *instance) {
    plugin.clear(instance->own);
    free(instance);
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **ret_data, struct mosquitto_opt *options,
                          int count) {
    struct instance *instance = calloc(1, sizeof(*instance) + plugin.own_bytes);
    int r;

    if (!instance)
        return MOSQ_ERR_NOMEM;
    instance->id = id;
    r = plugin.load(instance->own, options, count);
    if (r == MOSQ_ERR_SUCCESS)
        r = mosquitto_callback_register(id, plugin.event, plugin.on_event, NULL, instance->own);
    if (r == MOSQ_ERR_SUCCESS)
        *ret_data = instance;
    else
        discard(instance);
    return r;
}

int mosquitto_plugin_cleanup(void *data, struct mosquitto_opt *options, int count) {
    struct instance *instance = data;

    (void)options;
    (void)count;
    if (!instance)
        return MOSQ_ERR_SUCCESS;
    (void)mosquitto_callback_unregister(instance->id, plugin.event, plugin.on_event, NULL);
    discard(instance);
    return MOSQ_ERR_SUCCESS;
}

/* ---- options and files ---- */

int plugin_complain(const char *what, const char *why) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: %s: %s: %s", plugin.title, what, why);
    return MOSQ_ERR_INVAL;
}

const char *plugin_option(const struct mosquitto_opt *options, int count, const char *key) {
    for (int i = 0; i < count; i++)
        if (strcmp(options[i].key, key) == 0 && options[i].value)
            return options[i].value;
    return "";
}

const char *plugin_only_option(const struct mosquitto_opt *options, int count, const char *key,
                               const char *other) {
    const char *value = NULL;

    for (int i = 0; i < count; i++) {
        if (other && strcmp(options[i].key, other) == 0)
            continue;
        if (strcmp(options[i].key, key) != 0) {
            mosquitto_log_printf(MOSQ_LOG_ERR,
                                 "Error: %s: there is no plugin_opt_%s; right would be "
                                 "plugin_opt_%s",
                                 plugin.title, options[i].key, key);
            return NULL;
        }
        value = options[i].value;
    }
    if (!value)
        mosquitto_log_printf(MOSQ_LOG_ERR, "Error: %s: plugin_opt_%s is missing", plugin.title,
                             key);
    return value;
}

char *plugin_read_file(const char *path, size_t max_bytes) {
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(max_bytes) : NULL;
    size_t length = text ? fread(text, 1, max_bytes, file) : 0;

    if (text && (ferror(file) || length == max_bytes)) {
        free(text);
        text = NULL;
        errno = ferror(file) ? EIO : EFBIG;
    }
    if (text)
        text[length] = '\0';
    if (file)
        (void)fclose(file);
    return text;
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
