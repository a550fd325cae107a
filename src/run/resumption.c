#include "run/resumption.h"

#include "run/fingerprint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int resumption_promise(json_t *environment, const struct scenario *scenario,
                       const struct plan *plan, struct error *error) {
    char of_scenario[FINGERPRINT_SIZE], of_plan[FINGERPRINT_SIZE];
    int r = fingerprint_scenario(scenario, of_scenario, error);

    if (r == 0)
        r = fingerprint_plan(scenario, plan, of_plan, error);
    if (r < 0)
        return r;
    (void)json_object_set_new(environment, "scenario_sha256", json_string(of_scenario));
    (void)json_object_set_new(environment, "plan_sha256", json_string(of_plan));
    return 0;
}

void resumption_enter(struct resumption *resumption, json_t *now) {
    json_t *list = json_object_get(resumption->environment, "resumed");

    if (!json_is_array(list)) {
        (void)json_object_set_new(resumption->environment, "resumed", json_array());
        list = json_object_get(resumption->environment, "resumed");
    }
    (void)json_array_append(list, now);
}

/* ---- the checks ---- */

static int read_environment(struct resumption *resumption, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/environment.json", resumption->folder);
    json_error_t what;

    if (access(path, F_OK) < 0)
        return error_set(error, -ENOENT,
                         "%s is missing: %s is no run, or one that never came to its first trial",
                         path, resumption->folder);
    resumption->environment = json_load_file(path, JSON_REJECT_DUPLICATES, &what);
    if (!resumption->environment)
        return error_set(error, -EBADMSG, "%s:%d: %s", path, what.line, what.text);
    return 0;
}

static int check_files(const struct resumption *resumption, struct error *error) {
    static const char *const names[] = {"scenario.ini", "definitions.csv", "factors.csv"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", resumption->folder, names[i]);

        if (access(path, F_OK) < 0)
            return error_set(error, -ENOENT,
                             "%s is missing: the run's record is not whole, so nobody can go on "
                             "with it",
                             path);
    }
    return 0;
}

/* What the run promised, as it stands in environment.json. */
static int find_promise(const struct resumption *resumption, const char *key, const char **ret,
                        struct error *error) {
    const char *promise = json_string_value(json_object_get(resumption->environment, key));

    if (!promise)
        return error_set(error, -EBADMSG,
                         "%s/environment.json has no %s: the run is of a version that cannot be "
                         "gone on with; start a new one",
                         resumption->folder, key);
    *ret = promise;
    return 0;
}

static const char *commit_of(const struct resumption *resumption) {
    const char *commit = json_string_value(json_object_get(resumption->environment, "commit"));

    return commit ? commit : "unknown";
}

static int check_scenario(const struct resumption *resumption, const char *path,
                          struct error *error) {
    char now[FINGERPRINT_SIZE], written[FINGERPRINT_SIZE];
    const char *promise;
    int r = find_promise(resumption, "scenario_sha256", &promise, error);

    if (r == 0)
        r = fingerprint_scenario(resumption->scenario, now, error);
    if (r == 0)
        r = fingerprint_file(path, written, error);
    if (r < 0 || text_equal(now, promise))
        return r;
    if (!text_equal(written, promise))
        return error_set(error, -EINVAL,
                         "%s is not the scenario that the run began with (scenario_sha256 in "
                         "environment.json); put it back as it was, or start a new run",
                         path);
    return error_set(error, -EINVAL,
                     "the scenario means something else to this program than to the one that began "
                     "the run (scenario_sha256 in %s/environment.json); go on with commit %s, or "
                     "start a new run",
                     resumption->folder, commit_of(resumption));
}

static int check_plan(const struct resumption *resumption, struct error *error) {
    char now[FINGERPRINT_SIZE];
    const char *promise;
    int r = find_promise(resumption, "plan_sha256", &promise, error);

    if (r == 0)
        r = fingerprint_plan(resumption->scenario, resumption->plan, now, error);
    if (r < 0 || text_equal(now, promise))
        return r;
    return error_set(error, -EINVAL,
                     "this program plans other trials than the one that began the run, or in "
                     "another order (plan_sha256 in %s/environment.json); go on with commit %s, or "
                     "start a new run",
                     resumption->folder, commit_of(resumption));
}

static int load_scenario(struct resumption *resumption, const struct registry *registry,
                         struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", resumption->folder);
    int r = scenario_load(&resumption->scenario, registry, NULL, path, NULL, 0, error);

    if (r == 0)
        r = check_scenario(resumption, path, error);
    if (r < 0)
        return r;
    resumption->plan = plan_new(resumption->scenario);
    resumption->schedule = schedule_new(
        resumption->plan, (enum scenario_order)scenario_own(resumption->scenario)->order);
    return check_plan(resumption, error);
}

/* ---- the whole ---- */

int resumption_open(struct resumption **ret, const char *folder, const struct registry *registry,
                    struct error *error) {
    CLEANUP(resumption_closep) struct resumption *resumption = memory_new(1, sizeof(*resumption));
    size_t length = strlen(folder);
    int r;

    while (length > 1 && folder[length - 1] == '/')
        length--;
    *resumption =
        (struct resumption){.folder = text_format("%.*s", (int)length, folder), .lock_fd = -1};
    r = resumption->lock_fd = journal_lock(resumption->folder, error);
    if (r >= 0)
        r = read_environment(resumption, error);
    if (r == 0)
        r = check_files(resumption, error);
    if (r == 0)
        r = load_scenario(resumption, registry, error);
    if (r == 0)
        r = history_read(&resumption->history, resumption->folder, resumption->scenario,
                         resumption->plan, resumption->schedule, error);
    if (r < 0)
        return r;
    *ret = resumption;
    resumption = NULL;
    return 0;
}

void resumption_close(struct resumption *resumption) {
    schedule_freep(&resumption->schedule);
    plan_freep(&resumption->plan);
    scenario_freep(&resumption->scenario);
    json_decref(resumption->environment);
    memory_close_fdp(&resumption->lock_fd);
    free(resumption->folder);
    free(resumption);
}
