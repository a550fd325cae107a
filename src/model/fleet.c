#include "model/fleet.h"

#include "base/clock.h"

#define AT(member) .offset = offsetof(struct fleet_plan, member)
static const struct setting rows[] = {
    {"clients", SETTING_COUNT, "1000", "1", "1000000", AT(clients),
     .help = "members, over all publishers' hosts; each is a client of its own to the broker"},
    {"certificates", SETTING_CHOICE, "own", .choices = "own shared", AT(certificates),
     .help = "own: each member has a certificate and a key of its own, made before the run; "
             "shared: all show client2's"},
    {"connect_rate", SETTING_COUNT, "0", "0", "1000000", AT(connect_rate),
     .help = "connections that all members together begin a second; 0: as fast as it goes"},
    {"keepalive", SETTING_DURATION, "1min", "5s", "18h", AT(keepalive_ns),
     .help = "how long a member may be silent before it tells that it is still there; whole "
             "seconds, rounded up"},
};
const struct setting_group fleet_group =
    SETTING_GROUP("fleet", SETTING_SCENARIO, rows, struct fleet_plan);

int64_t fleet_keepalive_s(const struct fleet_plan *plan) {
    return (plan->keepalive_ns + NS_PER_S - 1) / NS_PER_S;
}

struct fleet_part fleet_part(int64_t clients, size_t n_parts, size_t part) {
    int64_t n = (int64_t)n_parts, i = (int64_t)part, each = clients / n, more = clients % n;

    return (struct fleet_part){i * each + (i < more ? i : more), each + (i < more)};
}

char *fleet_member_name(const char *base, int64_t member) {
    return text_format("%s" MEMBER_MARK "%lld", base, (long long)member);
}
