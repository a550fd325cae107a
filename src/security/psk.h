#ifndef BENCH_SECURITY_PSK_H
#define BENCH_SECURITY_PSK_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_psk;

#endif
