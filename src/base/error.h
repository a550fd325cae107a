/*
 * error - one message for the user, filled where the cause is known.
 *
 * Functions that can fail return 0 or a negative errno and, when it is negative, have filled the
 * struct error that they were given (NULL: the caller does not want the words).
 */
#ifndef BENCH_BASE_ERROR_H
#define BENCH_BASE_ERROR_H

struct error {
    char text[1024];
};

/* Fills the message and returns code (a negative errno), so that callers write
 * `return error_set(error, -EINVAL, "...", ...)`. */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like error_set(), with ": " and the meaning of code behind the message. */
int error_errno(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "words: " in front of a message that is there already; returns code. */
int error_prefix(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
