/* ssh - another machine, over the system's ssh with the user's own configuration, keys and known
 * hosts; exec - any other prefix that runs an agent elsewhere. */
#include "hosts/kind.h"

#include "base/place.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define SCHEME "ssh://"

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

/* What OpenSSH takes for a login, a host and a port. Its own ssh:// knows no IPv6 literal, so that
 * nothing but this reads the specification. */
struct place {
    char *login, *name, *port; /* NULL: ssh's own affair (the name is always there) */
};

static void place_clear(struct place *place) {
    free(place->login);
    free(place->name);
    free(place->port);
}

/* %40 is an '@', as in any URL. */
static int read_login(const char *text, size_t length, char **ret, struct error *error) {
    char *out = *ret = memory_new(length + 1, 1);

    for (const char *c = text; c < text + length; c++, out++) {
        const char digits[] = {c[0] == '%' ? c[1] : '\0', c[0] == '%' && c[1] ? c[2] : '\0', '\0'};

        *out = *c;
        if (*c == '%' &&
            !(isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1])))
            return error_set(error, -EINVAL, "a '%%' in a login is written %%25");
        if (*c == '%') {
            *out = (char)strtol(digits, NULL, 16);
            c += 2;
        }
        if (iscntrl((unsigned char)*out))
            return error_set(error, -EINVAL, "a control character cannot be part of a login");
        if (strchr("'`\";&<>|(){} ", *out)) /* what OpenSSH refuses since 9.6, and blanks */
            return error_set(error, -EINVAL, "a '%c' cannot be part of a login", *out);
    }
    if (**ret == '-')
        return error_set(error, -EINVAL, "a login cannot begin with '-'");
    return length && out[-1] == '\\'
               ? error_set(error, -EINVAL, "a login cannot end in a backslash")
               : 0;
}

static int check_letters(const char *name, const char *others, struct error *error) {
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(others, *c) && !((unsigned char)*c & 0x80))
            return error_set(error, -EINVAL, "a '%c' cannot be part of it", *c);
    return 0;
}

/* Between brackets: 2001:db8::1, or fe80::1%eth0. */
static int check_literal(const char *literal, struct error *error) {
    CLEANUP_FREE char *number = strndup(literal, strcspn(literal, "%"));
    const char *interface = strchr(literal, '%');
    struct in6_addr address;

    if (inet_pton(AF_INET6, number, &address) != 1)
        return error_set(error, -EINVAL, "'%s' is no IPv6 address", number);
    if (interface && !IN6_IS_ADDR_LINKLOCAL(&address))
        return error_set(error, -EINVAL, "only a link-local address (fe80::) has an interface");
    if (IN6_IS_ADDR_LINKLOCAL(&address) && (!interface || !interface[1]))
        return error_set(error, -EINVAL,
                         "a link-local address needs the interface: ssh://[%s%%eth0]", number);
    return interface ? check_letters(interface + 1, ".-_", error) : 0;
}

static int read_name(const char *text, struct place *place, const char **ret_rest,
                     struct error *error) {
    bool literal = *text == '[';
    size_t length = strcspn(text, literal ? "]" : ":");
    const char *end = text + length;

    if (literal ? !*end : *end && strchr(end + 1, ':'))
        return error_set(error, -EINVAL,
                         "an IPv6 address stands in brackets: ssh://pi@[fe80::1%%eth0]");
    place->name = literal ? strndup(text + 1, length - 1) : strndup(text, length);
    *ret_rest = literal ? end + 1 : end;
    if (literal)
        return check_literal(place->name, error);
    if (check_letters(place->name, ".-_", error) < 0)
        return -EINVAL;
    return *place->name && *place->name != '-'
               ? 0
               : error_set(error, -EINVAL, "names no host; right would be, say, ssh://pi@pi-a");
}

static int read_port(const char *text, struct place *place, struct error *error) {
    const char *digits = *text == ':' ? text + 1 : text;
    long port = strtol(digits, NULL, 10);

    if (!*text)
        return 0;
    if (*text != ':' || digits[strspn(digits, "0123456789")] || port < 1 || port > UINT16_MAX)
        return error_set(error, -EINVAL, "'%s' is no port (1 to 65535)", digits);
    place->port = text_format("%ld", port);
    return 0;
}

/* A login ends at the last '@'. */
static int read_place(const char *rest, struct place *ret, struct error *error) {
    const char *at = strrchr(rest, '@'), *port;

    if (at == rest)
        return error_set(error, -EINVAL, "names no host; right would be, say, ssh://pi@pi-a");
    if (at && read_login(rest, (size_t)(at - rest), &ret->login, error) < 0)
        return -EINVAL;
    if (read_name(at ? at + 1 : rest, ret, &port, error) < 0)
        return -EINVAL;
    return read_port(port, ret, error);
}

static int check_ssh(const char *rest, struct error *error) {
    CLEANUP(place_clear) struct place place = {NULL, NULL, NULL};

    return read_place(rest, &place, error);
}

/* A command of the user's own in ~/.ssh/config would take the place of ours. */
int ssh_options(const char *spec, struct words *ret, struct error *error) {
    CLEANUP(place_clear) struct place place = {NULL, NULL, NULL};

    if (strncmp(spec, SCHEME, strlen(SCHEME)) != 0)
        return error_set(error, -EINVAL,
                         "'%s' is not reached over ssh; right would be, say, " SCHEME "pi@pi-a",
                         spec);
    if (read_place(spec + strlen(SCHEME), &place, error) < 0)
        return error_prefix(error, -EINVAL, "'%s'", spec);
    words_add_all(ret, "-o ClearAllForwardings=yes -o RemoteCommand=none");
    if (place.login)
        words_add(ret, "-l%s", place.login);
    if (place.port)
        words_add(ret, "-p%s", place.port);
    words_add(ret, "%s", place.name);
    return 0;
}

/* Nobody can be asked for a password: ssh would do that on a terminal that shows a table. Its own
 * questions whether the other side is alive come on top of ours, for a link that is cut amid the
 * login. */
static int command_ssh(const struct launch *launch, struct words *ret, struct error *error) {
    words_add_all(ret, "ssh -T -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 "
                       "-o ServerAliveCountMax=3");
    if (ssh_options(launch->spec, ret, error) < 0)
        return -EINVAL;
    words_add(ret, "exec env BENCH_NO_INSTALL=1 '%s/bench' agent", launch->folder);
    return 0;
}

/* "pi@pi-a", or "-p 2222 pi@pi-a": as a shell, ssh and ssh-copy-id take it; the caller's. */
static char *destination(const struct launch *launch) {
    CLEANUP(place_clear) struct place place = {NULL, NULL, NULL};
    const char *quote;

    if (read_place(launch->spec + strlen(SCHEME), &place, NULL) < 0)
        return text_copy(launch->spec);
    quote = place.login && strpbrk(place.login, "\\$*?[]~#!") ? "'" : "";
    return text_format("%s%s%s%s%s%s%s%s", place.port ? "-p " : "", place.port ? place.port : "",
                       place.port ? " " : "", quote, place.login ? place.login : "",
                       place.login ? "@" : "", place.name, quote);
}

/* What ended ssh with this status after these words, and what to do about it: the first that fits.
 * %s is the destination. */
enum { NOT_ENDED = -1, ANY = -2 };
static const struct {
    int status; /* 255: of ssh itself; else what the login there ended with */
    const char *words, *advice;
} advices[] = {
    {255, "REMOTE HOST IDENTIFICATION HAS CHANGED",
     "its host key is not the one that is known; if it was set up anew, `ssh-keygen -R` its name, "
     "then connect once with `ssh %s` and compare the fingerprint"},
    {255, "ost key verification failed",
     "its host key is not known here; connect once with `ssh %s` and compare the fingerprint"},
    {255, "Too many authentication failures",
     "it was offered too many keys; name the one for it in ~/.ssh/config (IdentityFile, "
     "IdentitiesOnly yes)"},
    {255, "Permission denied",
     "it accepts none of your keys; `ssh-copy-id %s` brings yours there, and one under a "
     "passphrase must be in an agent first (`ssh-add`)"},
    {255, "Could not resolve hostname",
     "there is no host of this name; write its address, or a Host with its HostName into "
     "~/.ssh/config"},
    {255, "Connection refused", "no ssh server answers there; is it enabled, and at this port?"},
    {255, "No route to host", "it is out of reach; is it switched on, and on this network?"},
    {255, "Network is unreachable", "it is out of reach; is this machine on the network?"},
    {255, "timed out", "it is out of reach; is it switched on, and on this network?"},
    {255, "too long", "the ControlPath of your ~/.ssh/config is too long; ~/.ssh/%C is shorter"},
    {255, "", "ssh cannot reach it, or the connection broke off; what it says is shown above"},
    {ANY, "bench: ", NULL}, /* it has spoken for itself */
    {NOT_ENDED, "",
     "a start-up file of its login (~/.bashrc, ~/.profile) may read from stdin, wait, or print "
     "without end; `ssh %s true` must end by itself"},
    {ANY, "",
     "its login does not execute what it is told (a forced command, a shell such as nologin, a "
     "start-up file that ends it); `ssh %s true` must end with exit status 0"},
};

/* The last line of them; the caller's. */
static char *last_line(const char *words) {
    size_t end = strlen(words), start;

    while (end && isspace((unsigned char)words[end - 1]))
        end--;
    for (start = end; start && words[start - 1] != '\n';)
        start--;
    return text_format("%.*s", (int)(end - start), words + start);
}

static char *advise_ssh(const struct launch *launch, int status, const char *last_words) {
    CLEANUP_FREE char *name = destination(launch), *said = last_line(last_words);
    CLEANUP_FREE char *line = missing_packages(last_words);
    const char *advice, *gap;
    size_t i = 0;

    if (line)
        return text_format("packages are missing there, and an agent installs none; execute "
                           "`%s deploy %s` here, or there: %s",
                           place_call(), launch->spec, line);
    if (status == 126 || status == 127)
        return text_format("there is no %s/bench there; `%s deploy %s` brings it", launch->folder,
                           place_call(), launch->spec);
    while ((advices[i].status != status && advices[i].status != ANY) ||
           !strstr(last_words, advices[i].words))
        i++;
    advice = advices[i].advice;
    if (!advice)
        return NULL;
    gap = strstr(advice, "%s");
    if (!gap)
        gap = advice + strlen(advice);
    return text_format("%.*s%s%s%s%s%s", (int)(gap - advice), advice, *gap ? name : "",
                       *gap ? gap + 2 : "", *said ? " (last words: " : "", said, *said ? ")" : "");
}

const struct host_kind host_kind_ssh = {.prefix = SCHEME,
                                        .form = SCHEME "[user@]name[:port]",
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
