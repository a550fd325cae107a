/* The names of a run: a scenario of any name is refused or makes a run, in whose folder, whatever
 * that is called and whatever else lies there, all is found again. Parts of the input: the
 * scenario's name, the folder's, that of a file in it. */
#include "fuzz.h"

#include "../registry.h"
#include "analysis/report.h"
#include "base/folder.h"
#include "run/journal.h"
#include "run/resumption.h"

#include <errno.h>

#define MAX_NAME 255

static int load(struct scenario **ret, const char *name, struct error *error) {
    const struct scenario_override overrides[] = {
        {"--set", "scenario.name", name},
        {"--set", "scenario.channels", "plain"},
        {"--set", "scenario.probes", "path"},
        {"--set", "scenario.repetitions", "1"},
    };

    return scenario_load(ret, workshop_registry(), FUZZ_SCENARIOS, "quick", overrides,
                         ARRAY_SIZE(overrides), error);
}

/* A run that has just begun; the path of its folder, the caller's, or NULL. */
static char *begin(const struct scenario *scenario, const char *results) {
    CLEANUP(plan_freep) struct plan *plan = plan_new(scenario);
    json_auto_t *environment = json_object();
    struct journal *journal = NULL;
    struct error error = {""};
    char *folder;

    FUZZ_CHECK(resumption_promise(environment, scenario, plan, &error) == 0, "%s", error.text);
    if (journal_create(&journal, results, scenario, environment, &error) < 0) {
        FUZZ_CHECK(*error.text, "no reason");
        return NULL;
    }
    folder = text_copy(journal_folder(journal));
    journal_closep(&journal);
    FUZZ_CHECK(strncmp(folder, results, strlen(results)) == 0 &&
                   !strchr(folder + strlen(results) + 1, '/'),
               "%s is not in %s", folder, results);
    return folder;
}

/* A name as the file system takes one, the caller's; NULL when it takes none such. */
static char *file_name(struct fuzz_part part) {
    char *name = fuzz_text(part);
    size_t length = strcspn(name, "/");

    name[length < MAX_NAME ? length : MAX_NAME] = '\0';
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return name;
    free(name);
    return NULL;
}

static void rename_to(char **folder, const char *results, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", results, name ? name : "run");

    if (rename(*folder, path) == 0)
        text_replace(folder, path);
}

static void put_file(const char *folder, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    (void)!write(fd, "[channel.x]\n", 12);
}

static void look_again(const char *folder, const struct scenario *scenario) {
    CLEANUP_FREE char *file = text_format("%s/scenario.ini", folder);
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    CLEANUP(scenario_freep) struct scenario *again = NULL;
    struct error error = {""};

    FUZZ_CHECK(report_write(folder, &error) == 0 || *error.text, "no reason");
    FUZZ_CHECK(resumption_open(&resumption, folder, workshop_registry(), &error) == 0, "%s",
               error.text);
    FUZZ_CHECK(scenario_load(&again, workshop_registry(), FUZZ_SCENARIOS, file, NULL, 0, &error) ==
                   0,
               "%s", error.text);
    FUZZ_CHECK(strcmp(scenario_own(again)->name, scenario_own(scenario)->name) == 0, "%s",
               scenario_own(again)->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_part rest = {(const char *)data, size};
    CLEANUP_FREE char *name = fuzz_text(fuzz_next(&rest)), *called = file_name(fuzz_next(&rest));
    CLEANUP_FREE char *beside = file_name(fuzz_next(&rest)), *folder = NULL;
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct folder results = FOLDER_NONE;
    struct error error = {""};

    name[strcspn(name, "\n")] = '\0';
    if (load(&scenario, name, &error) < 0) {
        FUZZ_CHECK(*error.text, "no reason");
        return 0;
    }
    FUZZ_CHECK(folder_make(&results, "bench-run-fuzz-", &error) == 0, "%s", error.text);
    folder = begin(scenario, results.path);
    if (folder) {
        rename_to(&folder, results.path, called);
        if (beside)
            put_file(folder, beside);
        look_again(folder, scenario);
    }
    folder_remove(&results);
    return 0;
}
