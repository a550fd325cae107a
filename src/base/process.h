/*
 * process - start a child and know at once whether its exec worked; find programs.
 *
 * A child dies with the thread that started it (PR_SET_PDEATHSIG), leads a process group of its
 * own, so that a terminal's Ctrl-C does not reach it and what it starts can end with it, and
 * inherits no descriptor but the three standard ones.
 */
#ifndef BENCH_BASE_PROCESS_H
#define BENCH_BASE_PROCESS_H

#include "base/error.h"
#include "base/memory.h"

#include <stdint.h>
#include <sys/types.h>

enum process_stream {
    PROCESS_NULL, /* /dev/null */
    PROCESS_PIPE, /* a pipe to the parent */
    PROCESS_KEEP, /* the parent's own */
    PROCESS_OUT,  /* err alone: where out goes */
};

struct process_options {
    const char *program;     /* the path that is executed; NULL: argv[0] */
    const char *const *argv; /* NULL-terminated */
    /* NULL-terminated NAME=VALUE, added to the parent's, or NAME, which the child is to lack; or
     * NULL. */
    const char *const *environment;
    enum process_stream in, out, err;
    bool many_files; /* as many descriptors as it may have (RLIMIT_NOFILE: soft = hard) */
};

struct process {
    pid_t pid;  /* 0: none, or reaped */
    int in_fd;  /* write end of the child's stdin, -1 when it is no pipe; the owner closes it */
    int out_fd; /* read ends */
    int err_fd;
};

#define PROCESS_NONE ((struct process){.pid = 0, .in_fd = -1, .out_fd = -1, .err_fd = -1})

/* What a child used, from wait4(). */
struct process_end {
    int status; /* as from waitpid() */
    double cpu_s;
    int64_t peak_memory_bytes;
};

/* An exec that fails is reported here, with its errno, not by the child. */
int process_start(struct process *ret, const struct process_options *options, struct error *error);

/* Kills (SIGKILL) the child and its process group, reaps it, closes the pipes. Nothing to do for
 * PROCESS_NONE. */
void process_stop(struct process *process);

/* Whether the child has ended; reaps it then, sets pid to 0 and fills ret. */
bool process_reap(struct process *process, struct process_end *ret);

/* For a child that has closed its output, whose end is a moment away: waits up to a second for it,
 * then kills it; returns whether it ended by itself. */
bool process_reap_soon(struct process *process, struct process_end *ret);

/* "exit status 3", "killed by SIGKILL"; the text belongs to the caller. */
char *process_end_text(int status);

/* Runs a program, argv[0] found as process_find() does, to its end, and returns its exit status
 * (128
 * + signal when killed), or a negative errno; -ETIMEDOUT, and it is killed, when it has not closed
 * its output within the limit. It reads the input (a few KiB at most, or NULL) on stdin;
 * *ret_output is what it says on stdout and stderr (at most 64 KiB), the caller's. */
int process_run(const char *const *argv, const char *input, int64_t limit_ns, char **ret_output,
                struct error *error);

/* The peak of resident memory of a live process in bytes (pid 0: our own); -1 when not known. Not
 * getrusage(), whose peak outlives an exec. */
int64_t process_peak_memory(pid_t pid);

/* The memory of a live process that is in no file, in bytes; what it shares with others counts by
 * its share (the anonymous part of its PSS, smaps_rollup). -1 when not known. */
int64_t process_own_memory(pid_t pid);

/* The path by which this very program can be executed again, also when its file has been replaced
 * meanwhile; belongs to the caller. */
char *process_own_path(void);

/* Full path of a program on PATH, or in /usr/local/sbin, /usr/sbin, /sbin, which are not on an
 * ordinary user's PATH; a name with a '/' is a path already. -ENOENT when there is none. The path
 * belongs to the caller. */
int process_find(char **ret, const char *name, struct error *error);

#endif
