/*
 * member - how the members of a fleet are told from their names (fleet.h). Our broker plugin uses
 * it too, which links nothing else of ours.
 */
#ifndef BENCH_MODEL_MEMBER_H
#define BENCH_MODEL_MEMBER_H

#include <stdint.h>
#include <string.h>

#define MEMBER_MARK       "-m" /* between the name that all share and the number */
#define MEMBER_MAX_DIGITS 18   /* of a number that int64_t has room for, whatever it is */

/* 17 of "client2-m17", which is a member of "client2"; -1 when it is none. */
static inline int64_t fleet_member_of(const char *base, const char *name) {
    size_t length = strlen(base), digits;
    int64_t member = 0;

    if (strncmp(name, base, length) != 0 ||
        strncmp(name + length, MEMBER_MARK, strlen(MEMBER_MARK)) != 0)
        return -1;
    name += length + strlen(MEMBER_MARK);
    digits = strspn(name, "0123456789");
    if (!digits || digits > MEMBER_MAX_DIGITS || name[digits] || (*name == '0' && digits > 1))
        return -1;
    while (*name)
        member = member * 10 + (*name++ - '0');
    return member;
}

#endif
