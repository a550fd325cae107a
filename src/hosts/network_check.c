#include "hosts/network.h"

#include "base/jsonline.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* Both hosts as they are called, and what they know. */
struct sides {
    const json_t *broker, *publisher;
    const char *broker_spec, *publisher_spec;
};

/* "192.0.2.1 (eth0), 192.0.2.2 (wlan0)": those of one interface, or of all but loopback with NULL;
 * the caller's. */
static char *list_addresses(const json_t *side, const char *interface) {
    char *list = text_copy("");
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(side, "own_addresses"), i, one) {
        const char *name = jsonline_text(one, "interface", "");
        CLEANUP_FREE char *piece = NULL;

        if (interface ? !text_equal(name, interface) : text_equal(name, "lo"))
            continue;
        piece = text_format("%s (%s)", jsonline_text(one, "address", ""), name);
        text_append(&list, ", ", piece);
    }
    if (!*list)
        text_replace(&list, "none");
    return list;
}

/* Broker and publisher in one place: nothing to cross. */
static bool is_one_host(const struct sides *sides) {
    const char *machine = jsonline_text(sides->broker, "machine", NULL);

    if (!sides->publisher || text_equal(sides->broker_spec, sides->publisher_spec))
        return true;
    return machine && text_equal(machine, jsonline_text(sides->publisher, "machine", NULL));
}

static int check_resolved(const json_t *side, const char *spec, struct error *error) {
    const char *why = jsonline_text(side, "unresolved", NULL);

    return why ? error_set(error, -EINVAL,
                           "hosts.address cannot be resolved on %s: %s; write the number", spec,
                           why)
               : 0;
}

static int check_own(const struct sides *sides, struct error *error) {
    CLEANUP_FREE char *others = NULL;

    if (json_is_true(json_object_get(sides->broker, "own")))
        return 0;
    others = list_addresses(sides->broker, NULL);
    return error_set(error, -EINVAL,
                     "hosts.address %s is no address of the broker's host %s, which has: %s; name "
                     "the one that the data shall take",
                     jsonline_text(sides->broker, "address", "?"), sides->broker_spec, others);
}

/* A name may mean another address elsewhere: Debian gives a host's own name to 127.0.1.1. */
static int check_same_address(const struct sides *sides, struct error *error) {
    const char *broker = jsonline_text(sides->broker, "address", "?");
    const char *publisher = jsonline_text(sides->publisher, "address", "?");

    /* Behind a '%' stands the name of an interface, which is each host's own. */
    if (strcspn(broker, "%") == strcspn(publisher, "%") &&
        strncmp(broker, publisher, strcspn(broker, "%")) == 0)
        return 0;
    return error_set(error, -EINVAL,
                     "hosts.address means %s on %s but %s on %s; write the number in place of the "
                     "name",
                     broker, sides->broker_spec, publisher, sides->publisher_spec);
}

static int check_way_there(const struct sides *sides, struct error *error) {
    const char *address = jsonline_text(sides->broker, "address", "?");
    const char *no_route = jsonline_text(sides->publisher, "no_route", NULL);
    CLEANUP_FREE char *others = NULL;

    if (no_route)
        return error_set(error, -EINVAL, "%s has no way to hosts.address %s: %s",
                         sides->publisher_spec, address, no_route);
    if (!json_is_true(json_object_get(sides->publisher, "own")) &&
        !text_equal(jsonline_text(sides->publisher, "interface", "lo"), "lo"))
        return 0;
    others = list_addresses(sides->broker, NULL);
    return error_set(error, -EINVAL,
                     "hosts.address %s stays within %s: the probes would not cross the network; "
                     "name one of the addresses of %s: %s",
                     address, sides->publisher_spec, sides->broker_spec, others);
}

/* Two interfaces in one subnet, as a Raspberry Pi's Ethernet and Wi-Fi: the kernel answers through
 * whichever route it likes better, not through the interface that was addressed. */
static int check_way_back(const struct sides *sides, struct error *error) {
    const char *address = jsonline_text(sides->broker, "address", "?");
    const char *interface = jsonline_text(sides->broker, "interface", "?");
    const json_t *back = json_object_get(sides->broker, "way_back");
    const char *peer = jsonline_text(back, "address", "?");
    const char *no_route = jsonline_text(back, "no_route", NULL);
    const char *taken = jsonline_text(back, "interface", NULL);
    CLEANUP_FREE char *others = NULL;

    if (text_equal(taken, interface))
        return 0;
    if (!taken)
        return error_set(error, -EINVAL, "%s has no way back from hosts.address %s to %s of %s: %s",
                         sides->broker_spec, address, peer, sides->publisher_spec,
                         no_route ? no_route : "it was not looked up");
    others = list_addresses(sides->broker, taken);
    return error_set(error, -EINVAL,
                     "hosts.address %s belongs to %s of %s, but what it answers %s (%s) leaves "
                     "through %s: the data would take two links, as when Ethernet and Wi-Fi are in "
                     "one subnet; take the address of %s instead (%s), or take %s down there",
                     address, interface, sides->broker_spec, sides->publisher_spec, peer, taken,
                     taken, others, taken);
}

int network_check(const json_t *broker_side, const json_t *publisher_side, const char *broker_spec,
                  const char *publisher_spec, struct error *error) {
    static int (*const between[])(const struct sides *, struct error *) = {
        check_same_address, check_way_there, check_way_back};
    struct sides sides = {broker_side, publisher_side, broker_spec, publisher_spec};
    int r = check_resolved(broker_side, broker_spec, error);

    if (r == 0)
        r = check_own(&sides, error);
    if (r < 0 || is_one_host(&sides))
        return r;
    r = check_resolved(publisher_side, publisher_spec, error);
    for (size_t i = 0; i < ARRAY_SIZE(between) && r == 0; i++)
        r = between[i](&sides, error);
    return r;
}
