#include "probes/fleet_message.h"

#include <string.h>

_Static_assert(sizeof(struct fleet_message) == FLEET_MESSAGE_BYTES, "no gaps in a message");

void fleet_message_write(const struct fleet_message *message, unsigned char *payload) {
    memcpy(payload, message, sizeof(*message));
}

void fleet_message_read(const unsigned char *payload, struct fleet_message *ret) {
    memcpy(ret, payload, sizeof(*ret));
}

void fleet_account_open(struct fleet_account *account, size_t n_members) {
    *account = (struct fleet_account){.members = memory_new(n_members, sizeof(*account->members)),
                                      .n = n_members};
}

void fleet_account_close(struct fleet_account *account) {
    free(account->members);
}

/* Moves the window up to a number that is the largest so far. */
static void advance(struct fleet_arrivals *arrivals, int64_t number) {
    int64_t by = number + 1 - arrivals->next;

    arrivals->seen = by < 64 ? arrivals->seen << by : 0;
    arrivals->seen |= 1;
    arrivals->next = number + 1;
}

bool fleet_account_take(struct fleet_account *account, uint32_t member, int64_t number) {
    struct fleet_arrivals *arrivals = &account->members[member];
    int64_t behind = arrivals->next - 1 - number;
    uint64_t bit = behind >= 0 && behind < 64 ? UINT64_C(1) << behind : 0;

    if (behind < 0) {
        advance(arrivals, number);
    } else if (!bit || arrivals->seen & bit) {
        account->duplicated++;
        return false;
    } else {
        arrivals->seen |= bit;
        account->reordered++;
    }
    account->arrived++;
    return true;
}
