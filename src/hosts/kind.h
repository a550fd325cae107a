/*
 * kind - the ways in which an agent can be started: one file a kind, one row in kind.c.
 *
 * A host is named by a specification: "local", "lab:a", "ssh://pi@pi-a", "exec:kubectl exec -i POD
 * --". Its kind is found by the start of it.
 */
#ifndef BENCH_HOSTS_KIND_H
#define BENCH_HOSTS_KIND_H

#include "base/error.h"
#include "base/memory.h"

#include <sys/types.h>

/* What an agent is started with. All borrowed. */
struct launch {
    const char *spec;
    const char *certs;  /* the driver's folder of the PKI */
    const char *folder; /* of the sources on another machine */
    pid_t mate;         /* an agent of the same lab that runs already, or 0 */
};

/* A command line that grows; owns its words, the last of which is followed by NULL. */
struct words {
    char **list;
    size_t count;
};
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Every blank-separated word of the text. */
void words_add_all(struct words *words, const char *text);
void words_clear(struct words *words);

struct host_kind {
    const char *prefix; /* with which specifications begin; all of it when it is "local" */
    const char *form;   /* for messages: "ssh://[user@]name[:port]" */
    /* Whether what follows the prefix makes sense; NULL: nothing may follow. */
    int (*check)(const char *rest, struct error *error);
    /* What another machine is not to inherit of us (process_options), or NULL: this one. */
    const char *const *environment;
    /* The command line of the agent; its first word is looked for on PATH. */
    int (*command)(const struct launch *launch, struct words *ret, struct error *error);
    /* What most likely is wrong when no agent has greeted, from the exit status (or -1) and the
     * last words on stderr: a text with advice, the caller's; NULL when it knows no better. */
    char *(*advise)(const struct launch *launch, int status, const char *last_words);
};

extern const struct host_kind host_kind_exec, host_kind_lab, host_kind_ssh;

/* What OpenSSH's client takes for the host that an ssh:// names, options first, the bare name last:
 * -lLOGIN -pPORT NAME. The one reader of these specifications. */
int ssh_options(const char *spec, struct words *ret, struct error *error);

/* A specification is shown and kept in a run; so no password can be part of it: -EINVAL;
 * also of "ssh:pi@pi-a", which looks like one and lacks the slashes of its scheme. */
int host_kind_refuse_password(const char *spec, struct error *error);

/* The kind of a specification, or NULL and what would be right. */
const struct host_kind *host_kind_find(const char *spec, struct error *error);
/* For the registry: 0, or -EINVAL with what would be right. */
int host_kind_check(const char *spec, struct error *error);
/* For the registry: whether a specification begins with this word, be it a right one or not. */
bool host_kind_begins(const char *word);

#endif
