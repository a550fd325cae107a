#include "base/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One standard stream of a child: which end goes where. */
struct stream {
    int child, parent;
};

static int stream_open(struct stream *stream, enum process_stream kind, int target) {
    int ends[2];

    *stream = (struct stream){-1, -1};
    if (kind == PROCESS_KEEP || kind == PROCESS_OUT)
        return 0;
    if (kind == PROCESS_NULL) {
        stream->child =
            open("/dev/null", (target == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        return stream->child < 0 ? -errno : 0;
    }
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    stream->child = ends[target == STDIN_FILENO ? 0 : 1];
    stream->parent = ends[target == STDIN_FILENO ? 1 : 0];
    return 0;
}

/* Above the standard streams, so that putting these in place overwrites nothing (a parent may have
 * been started with one of its own closed). */
static int move_up(int fd) {
    return fd >= 0 && fd <= STDERR_FILENO ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : fd;
}

/* In the child. What comes with select() would not survive a descriptor above 1023: only who can do
 * with them is given many. */
static void allow_many_files(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* In the child: everything up to exec; the errno of what failed goes back through report_fd. */
static _Noreturn void become(const struct process_options *options, const struct stream streams[3],
                             pid_t parent, int report_fd) {
    int code, from[3] = {streams[0].child, streams[1].child, streams[2].child};
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)setpgid(0, 0);
    (void)unsetenv("BENCH_CA_PASSPHRASE"); /* the driver's alone */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before prctl() took effect */
        _exit(127);
    report_fd = move_up(report_fd);
    for (int fd = 0; fd < 3; fd++)
        from[fd] = move_up(from[fd]);
    for (int fd = 0; fd < 3; fd++)
        if (streams[fd].child >= 0 && dup2(from[fd], fd) < 0)
            goto failed;
    if (options->err == PROCESS_OUT && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        goto failed;
    (void)close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    if (options->many_files)
        allow_many_files();
    for (size_t i = 0; options->environment && options->environment[i]; i++)
        (void)putenv((char *)options->environment[i]); /* without '=' it removes, in glibc */
    (void)execv(options->program ? options->program : options->argv[0],
                (char *const *)options->argv);
failed:
    code = errno;
    (void)!write(report_fd, &code, sizeof(code));
    _exit(127);
}

/* Waits for the end of an exec: its errno, or 0 when it worked (the pipe was closed by it). */
static int read_report(int fd) {
    int code = 0;
    ssize_t n;

    do
        n = read(fd, &code, sizeof(code));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(code) ? code : 0;
}

static int wait_for(pid_t pid, int *ret_status) {
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int process_start(struct process *ret, const struct process_options *options, struct error *error) {
    const enum process_stream kinds[3] = {options->in, options->out, options->err};
    struct stream streams[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t parent = getpid(), pid = -1;
    int report[2] = {-1, -1}, r = 0;

    for (int fd = 0; fd < 3 && r == 0; fd++)
        r = stream_open(&streams[fd], kinds[fd], fd);
    if (r == 0 && pipe2(report, O_CLOEXEC) < 0)
        r = -errno;
    if (r == 0 && (pid = fork()) < 0)
        r = -errno;
    if (pid == 0)
        become(options, streams, parent, report[1]);
    memory_close_fdp(&report[1]);
    if (pid > 0) {
        r = -read_report(report[0]);
        if (r < 0)
            (void)wait_for(pid, NULL);
    }
    memory_close_fdp(&report[0]);
    for (int fd = 0; fd < 3; fd++) {
        memory_close_fdp(&streams[fd].child);
        if (r < 0)
            memory_close_fdp(&streams[fd].parent);
    }
    if (r < 0)
        return error_errno(error, r, "cannot start %s", options->argv[0]);
    *ret = (struct process){pid, streams[0].parent, streams[1].parent, streams[2].parent};
    return 0;
}

static void close_pipes(struct process *process) {
    int *pipes[] = {&process->in_fd, &process->out_fd, &process->err_fd};

    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++)
        memory_close_fdp(pipes[i]);
}

void process_stop(struct process *process) {
    if (process->pid > 0) {
        (void)kill(-process->pid, SIGKILL); /* its group, where it may no longer be */
        (void)kill(process->pid, SIGKILL);
        (void)wait_for(process->pid, NULL);
    }
    close_pipes(process);
    process->pid = 0;
}

bool process_reap(struct process *process, struct process_end *ret) {
    struct rusage usage;
    int status;

    if (process->pid <= 0 || wait4(process->pid, &status, WNOHANG, &usage) != process->pid)
        return false;
    process->pid = 0;
    *ret = (struct process_end){
        .status = status,
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
        .peak_memory_bytes = (int64_t)usage.ru_maxrss * 1024,
    };
    return true;
}

bool process_reap_soon(struct process *process, struct process_end *ret) {
    for (int i = 0; i < 1000; i++) {
        struct timespec tick = {.tv_nsec = 1000000};

        if (process_reap(process, ret))
            return true;
        (void)nanosleep(&tick, NULL);
    }
    process_stop(process);
    return false;
}

char *process_end_text(int status) {
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

    if (name)
        return text_format("killed by SIG%s", name);
    if (WIFSIGNALED(status)) /* a real-time signal */
        return text_format("killed by signal %d", WTERMSIG(status));
    return text_format("exit status %d", WEXITSTATUS(status));
}

/* Until its end or the deadline (-ETIMEDOUT); the text is there in either case. */
static int read_output(int fd, int64_t deadline_ns, char **ret) {
    size_t length = 0, capacity = 65536;
    char *output = memory_new(capacity + 1, 1), rest[4096];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    ssize_t n = 1;

    *ret = output;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        size_t room = capacity - length;

        n = poll(&poller, 1, clock_poll_ms(deadline_ns));
        if (n == 0)
            return -ETIMEDOUT;
        if (n > 0) /* what is not kept is read as well: the child must be able to end */
            n = read(fd, room ? output + length : rest, room ? room : sizeof(rest));
        if (n > 0 && room)
            length += (size_t)n;
    }
    return 0;
}

static bool is_program(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

int process_find(char **ret, const char *name, struct error *error) {
    const char *path = getenv("PATH");
    CLEANUP_FREE char *folders =
        text_format("%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    char *rest = folders, *folder;

    if (strchr(name, '/')) {
        if (!is_program(name))
            return error_set(error, -ENOENT, "%s: no such program", name);
        *ret = text_copy(name);
        return 0;
    }
    while ((folder = strsep(&rest, ":"))) {
        CLEANUP_FREE char *candidate = text_format("%s/%s", *folder ? folder : ".", name);

        if (is_program(candidate)) {
            *ret = candidate;
            candidate = NULL;
            return 0;
        }
    }
    return error_set(error, -ENOENT, "%s: not on PATH, nor in /usr/sbin", name);
}

int process_run(const char *const *argv, const char *input, int64_t limit_ns, char **ret_output,
                struct error *error) {
    CLEANUP_FREE char *program = NULL, *output = NULL;
    struct process process = PROCESS_NONE;
    int status, r = process_find(&program, argv[0], error);

    if (r < 0)
        return r;
    r = process_start(&process,
                      &(struct process_options){.program = program,
                                                .argv = argv,
                                                .in = input ? PROCESS_PIPE : PROCESS_NULL,
                                                .out = PROCESS_PIPE,
                                                .err = PROCESS_OUT},
                      error);
    if (r < 0)
        return r;
    if (input) /* a short text: a pipe takes it at once, whether or not it is read */
        (void)!write(process.in_fd, input, strlen(input));
    memory_close_fdp(&process.in_fd);
    if (read_output(process.out_fd, clock_monotonic_ns() + limit_ns, &output) < 0) {
        process_stop(&process);
        return error_set(error, -ETIMEDOUT, "%s did not end in time", argv[0]);
    }
    close_pipes(&process);
    r = wait_for(process.pid, &status);
    if (r < 0)
        return error_errno(error, r, "waiting for %s", argv[0]);
    *ret_output = output;
    output = NULL;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A line "NAME: 17 kB" of a file below /proc/PID, in bytes; -1 when there is none. */
static int64_t read_kilobytes(pid_t pid, const char *file, const char *name) {
    CLEANUP_FREE char *path = text_format("/proc/%d/%s", (int)(pid ? pid : getpid()), file);
    CLEANUP(fclosep) FILE *lines = fopen(path, "re");
    size_t length = strlen(name);
    char line[256];

    while (lines && fgets(line, sizeof(line), lines))
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return strtoll(line + length + 1, NULL, 10) * 1024;
    return -1;
}

int64_t process_peak_memory(pid_t pid) {
    return read_kilobytes(pid, "status", "VmHWM");
}

/* Before Linux 5.4 only what is anonymous and its own was told apart. */
int64_t process_own_memory(pid_t pid) {
    int64_t bytes = read_kilobytes(pid, "smaps_rollup", "Pss_Anon");

    return bytes >= 0 ? bytes : read_kilobytes(pid, "smaps_rollup", "Anonymous");
}

char *process_own_path(void) {
    static const char self[] = "/proc/self/exe", replaced[] = " (deleted)";
    char path[PATH_MAX] = "";
    size_t length;

    if (readlink(self, path, sizeof(path) - 1) <= 0)
        return text_copy(self);
    length = strlen(path);
    /* The link itself always leads to the right file, but under valgrind, which is in the way. */
    if (length > strlen(replaced) && text_equal(path + length - strlen(replaced), replaced))
        return text_copy(self);
    return text_copy(path);
}
