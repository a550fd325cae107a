#ifndef BENCH_SECURITY_CERTIFICATE_H
#define BENCH_SECURITY_CERTIFICATE_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_certificate;

#endif
