/* ssh - another machine, over the system's ssh with the user's own configuration, keys and known
 * hosts; exec - any other prefix that runs an agent elsewhere. */
#include "hosts/kind.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* How to build, and where, is each machine's own matter; the CA's passphrase is the driver's. */
static const char *const not_theirs[] = {"BENCH_BUILD",
                                         "BENCH_CA_PASSPHRASE",
                                         "BENCH_MESON_OPTIONS",
                                         "BENCH_ROOT",
                                         "CC",
                                         "CC_LD",
                                         "CFLAGS",
                                         "CPPFLAGS",
                                         "LDFLAGS",
                                         "PKG_CONFIG_PATH",
                                         NULL};

/* A launcher that starts an agent says what is missing, and installs nothing: for that its user
 * types a command. The line that it prints for this, or NULL; the caller's. */
static char *missing_packages(const char *last_words) {
    static const char before[] = "bench: packages are missing; what installs them:\n";
    const char *line = strstr(last_words, before);

    if (!line)
        return NULL;
    line += strlen(before);
    return text_format("%.*s", (int)strcspn(line, "\n"), line);
}

/* ---- ssh://[user@]name[:port] ---- */

/* What ssh takes for a destination, and nothing that it could take for an option. */
static int check_ssh(const char *rest, struct error *error) {
    const char *at = strrchr(rest, '@'), *name = at ? at + 1 : rest;

    for (const char *c = rest; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("@.:-_%[]", *c))
            return error_set(error, -EINVAL, "a '%c' cannot be part of it", *c);
    if (!*name || *rest == '-' || *rest == '@' || *name == '-' || *name == ':')
        return error_set(error, -EINVAL, "names no host; right would be, say, ssh://pi@pi-a");
    return 0;
}

/* Nobody can be asked for a password: ssh would do that on a terminal that shows a table. Its own
 * questions whether the other side is alive come on top of ours, for a link that is cut amid the
 * login. */
static int command_ssh(const struct launch *launch, struct words *ret, struct error *error) {
    (void)error;
    words_add_all(ret, "ssh -T -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 "
                       "-o ServerAliveCountMax=3 -o ClearAllForwardings=yes");
    words_add(ret, "%s", launch->spec);
    words_add(ret, "exec env BENCH_NO_INSTALL=1 '%s/bench' agent", launch->folder);
    return 0;
}

/* "pi@pi-a", or "-p 2222 pi@pi-a": as ssh and ssh-copy-id both take it; the caller's. */
static char *destination(const struct launch *launch) {
    const char *rest = launch->spec + strlen("ssh://"), *colon = strrchr(rest, ':');

    if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
        return text_copy(rest);
    return text_format("-p %s %.*s", colon + 1, (int)(colon - rest), rest);
}

/* What the words of OpenSSH's client mean, and what to do about it; %s is the destination. */
static const struct {
    const char *words, *advice;
} advices[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED",
     "its host key is not the one that is known; if it was set up anew, `ssh-keygen -R` its name, "
     "then connect once with `ssh %s` and compare the fingerprint"},
    {"Host key verification failed",
     "its host key is not known here; connect once with `ssh %s` and compare the fingerprint"},
    {"Permission denied", "it accepts none of your keys; `ssh-copy-id %s` brings yours there"},
    {"Could not resolve hostname", "there is no host of this name"},
    {"Connection refused", "no ssh server answers there"},
    {"No route to host", "it is out of reach; is it switched on, and on this network?"},
    {"Network is unreachable", "it is out of reach; is this machine on the network?"},
    {"timed out", "it is out of reach; is it switched on, and on this network?"},
};

static char *advise_ssh(const struct launch *launch, int status, const char *last_words) {
    CLEANUP_FREE char *name = destination(launch), *line = missing_packages(last_words);

    if (line)
        return text_format("packages are missing there, and an agent installs none; execute "
                           "`./bench deploy %s` here, or there: %s",
                           launch->spec, line);
    for (size_t i = 0; status == 255 && i < ARRAY_SIZE(advices); i++)
        if (strstr(last_words, advices[i].words)) {
            const char *gap = strstr(advices[i].advice, "%s");

            return gap ? text_format("%.*s%s%s", (int)(gap - advices[i].advice), advices[i].advice,
                                     name, gap + 2)
                       : text_copy(advices[i].advice);
        }
    if (status == 126 || status == 127)
        return text_format("there is no %s/bench there; `./bench deploy %s` brings it",
                           launch->folder, launch->spec);
    return NULL;
}

const struct host_kind host_kind_ssh = {.prefix = "ssh://",
                                        .form = "ssh://[user@]name[:port]",
                                        .check = check_ssh,
                                        .environment = not_theirs,
                                        .command = command_ssh,
                                        .advise = advise_ssh};

/* ---- exec:ARGV... ---- */

static int check_exec(const char *rest, struct error *error) {
    size_t length;

    if (text_next_word(&rest, &length))
        return 0;
    return error_set(error, -EINVAL,
                     "names no program; right would be, say, exec:kubectl exec -i "
                     "POD --");
}

static int command_exec(const struct launch *launch, struct words *ret, struct error *error) {
    (void)error;
    words_add_all(ret, launch->spec + strlen("exec:"));
    words_add_all(ret, "env BENCH_NO_INSTALL=1");
    words_add(ret, "%s/bench", launch->folder);
    words_add(ret, "agent");
    return 0;
}

static char *advise_exec(const struct launch *launch, int status, const char *last_words) {
    CLEANUP_FREE char *line = missing_packages(last_words);

    (void)launch;
    (void)status;
    return line ? text_format("packages are missing there, and an agent installs none; "
                              "execute there: %s",
                              line)
                : NULL;
}

const struct host_kind host_kind_exec = {.prefix = "exec:",
                                         .form = "exec:ARGV...",
                                         .check = check_exec,
                                         .environment = not_theirs,
                                         .command = command_exec,
                                         .advise = advise_exec};
