#include "run/fingerprint.h"

#include <errno.h>
#include <openssl/evp.h>

static int digest(const char *text, size_t length, char ret[FINGERPRINT_SIZE],
                  struct error *error) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_Digest(text, length, bytes, &size, EVP_sha256(), NULL) != 1)
        return error_set(error, -EIO, "OpenSSL has no SHA-256 here");
    text_hex(ret, bytes, size);
    return 0;
}

/* Where the text begins behind its first comments. */
static const char *skip_comments(const char *text) {
    while (*text == '#') {
        while (*text && *text != '\n')
            text++;
        text += *text == '\n';
    }
    return text;
}

static void print_scenario(FILE *out, const struct scenario *scenario, const struct plan *plan) {
    (void)plan;
    scenario_write(scenario, out);
}

static void print_trial(FILE *out, const struct planned_deployment *deployment, long long place,
                        const struct channel *channel, const struct measurement *measurement) {
    CLEANUP_FREE char *variant = scenario_variant(channel, measurement);

    fprintf(out, "%lld %d %d %s %s%s%s\n", (long long)deployment->trial + place, deployment->block,
            deployment->position, channel->name, measurement->probe, *variant ? " " : "", variant);
}

static void print_plan(FILE *out, const struct scenario *scenario, const struct plan *plan) {
    for (size_t i = 0; i < plan->n_deployments; i++) {
        const struct planned_deployment *deployment = &plan->deployments[i];

        for (size_t j = 0; j < plan->n_measurements; j++)
            print_trial(out, deployment, (long long)j, &scenario->channels[deployment->channel],
                        &scenario->measurements[j]);
    }
}

static int digest_printed(void print(FILE *out, const struct scenario *scenario,
                                     const struct plan *plan),
                          const struct scenario *scenario, const struct plan *plan,
                          char ret[FINGERPRINT_SIZE], struct error *error) {
    CLEANUP_FREE char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    const char *start;

    if (!out)
        return error_errno(error, -errno, "memory");
    print(out, scenario, plan);
    if (fclose(out) != 0)
        return error_errno(error, -errno, "memory");
    start = skip_comments(text);
    return digest(start, length - (size_t)(start - text), ret, error);
}

int fingerprint_scenario(const struct scenario *scenario, char ret[FINGERPRINT_SIZE],
                         struct error *error) {
    return digest_printed(print_scenario, scenario, NULL, ret, error);
}

int fingerprint_plan(const struct scenario *scenario, const struct plan *plan,
                     char ret[FINGERPRINT_SIZE], struct error *error) {
    return digest_printed(print_plan, scenario, plan, ret, error);
}

int fingerprint_file(const char *path, char ret[FINGERPRINT_SIZE], struct error *error) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    CLEANUP_FREE char *text = NULL;
    size_t capacity = 0;
    const char *start;
    ssize_t length;

    if (!file)
        return error_errno(error, -errno, "%s", path);
    length = getdelim(&text, &capacity, '\0', file); /* a scenario has no zero byte */
    if (length < 0)
        return error_errno(error, -EIO, "%s", path);
    start = skip_comments(text);
    return digest(start, (size_t)(length - (start - text)), ret, error);
}
