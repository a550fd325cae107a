#include "model/scenario_loader.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

/* ---- assignments ---- */

void assignments_add(struct assignments *assignments, char *place, char *path, const char *value) {
    assignments->list =
        memory_room(assignments->list, assignments->count, sizeof(*assignments->list));
    assignments->list[assignments->count++] = (struct assignment){place, path, text_copy(value)};
}

void assignments_clear(struct assignments *assignments) {
    for (size_t i = 0; i < assignments->count; i++) {
        free(assignments->list[i].place);
        free(assignments->list[i].path);
        free(assignments->list[i].value);
    }
    free(assignments->list);
    *assignments = (struct assignments){NULL, 0};
}

const struct assignment *assignments_find(const struct assignments *assignments, const char *path) {
    for (size_t i = assignments->count; i-- > 0;)
        if (text_equal(assignments->list[i].path, path))
            return &assignments->list[i];
    return NULL;
}

static bool is_of_command_line(const struct assignment *assignment) {
    return strncmp(assignment->place, "--", 2) == 0;
}

bool is_left_out(const struct loader *loader, const struct assignment *said, const char *path,
                 const char *name) {
    const struct assignment *last = assignments_find(&loader->given, path);

    if (!last || !is_of_command_line(last) || is_of_command_line(said) ||
        text_has_word(last->value, name))
        return false;
    for (size_t i = 0; i < loader->given.count; i++)
        if (text_equal(loader->given.list[i].path, path) &&
            text_has_word(loader->given.list[i].value, name))
            return true;
    return false;
}

int blame_setting(struct loader *loader, const char *path, int code) {
    const struct assignment *assignment = assignments_find(&loader->given, path);

    return error_prefix(loader->error, code, "%s", assignment ? assignment->place : path);
}

char *place_of_entry(const struct inifile *file, const struct inifile_entry *entry) {
    return text_format("%s:%d: [%s] %s", file->path, entry->line, entry->section, entry->key);
}

/* ---- names ---- */

/* "paper" before "paper-order", though '-' comes before the '.' of ".ini". */
static int by_stem(const struct dirent **a, const struct dirent **b) {
    size_t length_a = strcspn((*a)->d_name, "."), length_b = strcspn((*b)->d_name, ".");
    int order = strncmp((*a)->d_name, (*b)->d_name, length_a < length_b ? length_a : length_b);

    return order ? order : (length_a > length_b) - (length_a < length_b);
}

static int is_ini(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".ini") == 0 &&
           strcmp(entry->d_name, "hosts.ini") != 0;
}

void scenario_each_file(const char *folder, void (*each)(void *context, const char *name),
                        void *context) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_ini, by_stem);

    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 4] = '\0';
        each(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void append_name(void *context, const char *name) {
    text_append(context, ", ", name);
}

char *ini_names(const char *folder) {
    char *names = text_copy("");

    scenario_each_file(folder, append_name, &names);
    return names;
}

int check_name(const char *name, struct error *error) {
    if (!*name || strlen(name) > 40) /* "channel.NAME" is a section of at most 48 bytes */
        return error_set(error, -EINVAL, "'%s' is no name: 1 to 40 bytes make one", name);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_", *c))
            return error_set(error, -EINVAL,
                             "'%s' is no name: letters, digits, '-' and '_' make one", name);
    return 0;
}

int unknown_probe(struct loader *loader, const char *place) {
    CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");

    return error_set(loader->error, -EINVAL, "%s: unknown probe; known are %s", place, known);
}
