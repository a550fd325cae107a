/* model/scenario: any file with any --set is loaded or refused; what was loaded is the same when
 * it is written out and loaded again. Parts of the input: the file; PATH=VALUE, any number. */
#include "fuzz.h"

#include "../registry.h"
#include "model/plan.h"

#include <errno.h>

#define MAX_OVERRIDES 8

struct request {
    struct scenario_override overrides[MAX_OVERRIDES];
    size_t n;
};

static void take_overrides(struct request *request, struct fuzz_part rest) {
    while (rest.text && request->n < MAX_OVERRIDES) {
        char *path = fuzz_text(fuzz_next(&rest)), *equals = strchr(path, '=');

        path[strcspn(path, "\n")] = '\0'; /* at the end of each part, and so of each path */
        if (equals && equals < path + strlen(path))
            *equals = '\0';
        request->overrides[request->n++] =
            (struct scenario_override){"--set", path, equals ? equals + 1 : ""};
    }
}

static void drop_overrides(struct request *request) {
    for (size_t i = 0; i < request->n; i++)
        free((char *)(uintptr_t)request->overrides[i].path);
}

static int load(struct scenario **ret, const struct fuzz_file *file, const struct request *request,
                struct error *error) {
    return scenario_load(ret, workshop_registry(), FUZZ_SCENARIOS, file->path, request->overrides,
                         request->n, error);
}

static char *resolve(const struct scenario *scenario) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    scenario_write(scenario, out);
    (void)fclose(out);
    FUZZ_CHECK(strlen(text) == length, "a zero byte in: %s", text);
    return text;
}

static void check_again(const struct scenario *scenario) {
    static struct fuzz_file copy;
    CLEANUP(scenario_freep) struct scenario *again = NULL;
    CLEANUP_FREE char *text = resolve(scenario), *second = NULL;
    struct error error = {""};
    int r;

    if (!copy.fd)
        copy = fuzz_file_make();
    fuzz_file_put(&copy, text, strlen(text));
    r = load(&again, &copy, &(struct request){.n = 0}, &error);
    FUZZ_CHECK(r == 0, "%s\n%s", error.text, text);
    second = resolve(again);
    FUZZ_CHECK(strcmp(text, second) == 0, "\n%s\n----\n%s", text, second);
}

static void check_plan(const struct scenario *scenario) {
    CLEANUP(plan_freep) struct plan *plan = NULL;
    int64_t repetitions = scenario_repetitions(scenario).largest;

    if (repetitions > 100)
        return;
    plan = plan_new(scenario);
    FUZZ_CHECK(plan->n_deployments == (size_t)repetitions * scenario->n_channels, "%zu",
               plan->n_deployments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file;
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct fuzz_part rest = {(const char *)data, size}, text = fuzz_next(&rest);
    struct request request = {.n = 0};
    struct error error = {""};
    int r;

    if (!file.fd)
        file = fuzz_file_make();
    fuzz_file_put(&file, text.text, text.length);
    take_overrides(&request, rest);
    r = load(&scenario, &file, &request, &error);
    FUZZ_CHECK((r == 0) == (scenario != NULL), "%d", r);
    FUZZ_CHECK((r == 0) == !*error.text, "%d: '%s'", r, error.text);
    if (scenario) {
        check_again(scenario);
        check_plan(scenario);
    }
    drop_overrides(&request);
    return 0;
}
