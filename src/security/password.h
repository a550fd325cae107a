#ifndef BENCH_SECURITY_PASSWORD_H
#define BENCH_SECURITY_PASSWORD_H

#include "security/mechanism.h"

#define PASSWORD_HASH_SIZE 256

/* The part behind "user:" of a line in a mosquitto_passwd file, with a fresh salt. */
int password_hash(const char *secret, char ret[PASSWORD_HASH_SIZE], struct error *error);

#endif
