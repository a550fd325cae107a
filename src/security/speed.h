/*
 * speed - what this processor does by OpenSSL's EVP: ciphers, hashes, key agreements, signatures,
 * each by itself, as TLS uses it. Pure measurement: nothing is kept, nothing is printed.
 *
 * The time is the thread's own CPU time. Of each operation a warm-up is left out; the value is the
 * median of SPEED_RUNS short runs, low and high the smallest and the largest of them.
 */
#ifndef BENCH_SECURITY_SPEED_H
#define BENCH_SECURITY_SPEED_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SPEED_RUNS 5

/* What is measured and how; a change of either makes older figures something else. */
#define SPEED_TABLE 2

/* The units of a value. */
#define SPEED_MB_PER_S "MB/s" /* 10^6 bytes a second */
#define SPEED_PER_S    "1/s"

/* An operation on so many bytes (0: it has no size): "encrypt", "decrypt" of a record with its tag;
 * "hash"; "generate" a key pair; "derive" with the other's key, or "encapsulate" and "decapsulate";
 * "sign", "verify". */
struct speed_row {
    const char *operation, *unit;
    int64_t bytes;
    double value, low, high;
};
#define SPEED_MAX_ROWS 6 /* of one algorithm */

enum speed_kind { SPEED_CIPHER, SPEED_HASH, SPEED_AGREEMENT, SPEED_SIGNATURE };

struct speed_algorithm {
    const char *name;  /* "AES-256-GCM", "P-256", "ECDSA P-256" */
    const char *fetch; /* what OpenSSL calls the algorithm, or the type of its key */
    enum speed_kind kind;
    const char *curve;  /* of a key of type EC */
    unsigned bits;      /* of an RSA key */
    const char *digest; /* that is signed; NULL: the algorithm has its own */
};
extern const struct speed_algorithm speed_algorithms[];
extern const size_t n_speed_algorithms;

/* NULL when there is none of that name. */
const struct speed_algorithm *speed_find(const char *name);

/* "3.0.17": of the OpenSSL that is measured. */
const char *speed_openssl(void);

/* Measures all operations of an algorithm: their number, or -EOPNOTSUPP when this OpenSSL does not
 * have it ("OpenSSL 3.0.17 has no ML-DSA-44"), -EIO when it fails. Takes about half a second; on a
 * small board an RSA key takes seconds to be found, which do not count. */
int speed_measure(const struct speed_algorithm *algorithm, struct speed_row rows[SPEED_MAX_ROWS],
                  struct error *error);

#endif
