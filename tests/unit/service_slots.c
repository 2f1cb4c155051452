/* ISC license. */

/* Who gets a slot for a handshake, and who gives one up. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "service/slots.h"
#include "tap.h"

#define MANY 1024

struct crowd {
    struct slots slots;
    struct slots_claim claim[MANY];
    size_t count;
};

static struct crowd crowd;
static int64_t now;

static void begin_again(size_t max)
{
    while (crowd.slots.parties) {
        struct slots_claim *claim = crowd.claim + --crowd.count;
        slots_leave(&crowd.slots, claim);
    }
    memset(&crowd, 0, sizeof crowd);
    crowd.slots.max = max;
}

static struct slots_claim *enter(enum slots_direction direction, uint64_t user, uint64_t channel, uint64_t address)
{
    struct slots_claim *claim = crowd.claim + crowd.count++;
    struct slots_keys const keys = { { user, channel, address } };
    *claim = (struct slots_claim){ .direction = direction, .patience_ms = 30000 };
    if (!slots_enter(&crowd.slots, claim, &keys, now)) return NULL;
    return claim;
}

/* As many of that kind as get a slot; gives how many. */
static size_t fill(enum slots_direction direction, uint64_t user, uint64_t channel, uint64_t address)
{
    for (size_t i = 0;; i++) {
        struct slots_claim *claim = enter(direction, user, channel, address);
        if (!slots_may_begin(&crowd.slots, claim)) {
            slots_leave(&crowd.slots, claim);
            crowd.count--;
            return i;
        }
        slots_begin(&crowd.slots, claim, now);
    }
}

/* By twenty users in each direction. */
static int uses_all(size_t max)
{
    size_t const reserve = max < 4 ? max / 2 : max / 4;
    size_t out = 0, in = 0;
    begin_again(max);
    for (uint64_t i = 0; i < 20; i++) out += fill(SLOTS_OUT, i, i, 0);
    for (uint64_t i = 0; i < 20; i++) in += fill(SLOTS_IN, i, 100 + i, i);
    return out == max - reserve && in == reserve;
}

static void directions(void)
{
    size_t max = 2;
    while (max <= 600 && uses_all(max)) max += max < 20 ? 1 : 29;
    ok(max > 600, "each direction has its reserve, and all slots are used (%zu)", max);
    begin_again(1);
    ok(fill(SLOTS_OUT, 1, 1, 0) == 1 && fill(SLOTS_IN, 1, 2, 1) == 0, "one slot is for either direction");
    begin_again(8);
    size_t const in = fill(SLOTS_IN, 1, 1, 1), out = fill(SLOTS_OUT, 1, 1, 0);
    ok(in == 6 && out == 2, "of 8 slots 2 are kept for the other direction");
}

static void shares(void)
{
    begin_again(256);
    size_t const first = fill(SLOTS_OUT, 1, 1, 0), second = fill(SLOTS_OUT, 1, 2, 0), other = fill(SLOTS_OUT, 2, 3, 0);
    ok(first > 128 && first < 192 && second >= 8 && other >= 16,
       "a channel leaves %zu of 192 to another one, which leaves %zu to another user", second, other);
    begin_again(256);
    size_t const many = fill(SLOTS_IN, 1, 1, 1), few = fill(SLOTS_IN, 1, 1, 2);
    ok(many > 96 && few >= 8, "an address that has %zu slots leaves %zu to another", many, few);
    begin_again(256);
    size_t const alone = fill(SLOTS_OUT, 1, 1, 0);
    slots_end(&crowd.slots, crowd.claim);
    ok(fill(SLOTS_OUT, 1, 1, 0) == 1 && alone > 1, "a slot that is given back can be taken again");
}

static void order(void)
{
    begin_again(256);
    fill(SLOTS_IN, 1, 1, 1);
    now = 100;
    struct slots_claim *many = enter(SLOTS_IN, 1, 1, 1);
    now = 200;
    struct slots_claim *few = enter(SLOTS_IN, 1, 1, 2), *later = enter(SLOTS_IN, 1, 1, 2);
    many->said = few->said = later->said = 200;
    ok(slots_precedes(few, many) && !slots_precedes(many, few), "who has fewer slots is next");
    ok(slots_precedes(few, later) && !slots_precedes(later, few), "then who has waited longer");
    few->said = 5;
    ok(slots_precedes(later, few), "but not before whoever has said hello");
}

static void starving(void)
{
    begin_again(256);
    now = 1000;
    for (uint64_t channel = 1; channel <= 10; channel++) fill(SLOTS_OUT, 1, channel, 0);
    struct slots_claim *hog = crowd.claim, *poor = enter(SLOTS_OUT, 1, 77, 0), *same = enter(SLOTS_OUT, 1, 1, 0);
    ok(!slots_may_begin(&crowd.slots, poor), "ten channels of a user take all that it may have");
    ok(!slots_yields(hog, poor, now + SLOTS_GRACE_MS - 1), "nobody gives up a slot at once");
    ok(slots_yields(hog, poor, now + SLOTS_GRACE_MS), "then one does, for a channel that has none");
    ok(!slots_yields(hog, same, now + 29000), "but not for another of the same channel");
    hog->is_answered = 1;
    ok(!slots_yields(hog, poor, now + 7499), "nor where the peer has answered");
    ok(slots_yields(hog, poor, now + 7500), "but after a quarter of its time");
    hog->is_busy = 1;
    ok(!slots_yields(hog, poor, now + 7500), "one that does not wait for its peer never does");
    struct slots_claim *in = enter(SLOTS_IN, 2, 99, 5);
    ok(!slots_yields(crowd.claim + 1, in, now + 7500), "directions do not take from each other");
    begin_again(4);
    fill(SLOTS_OUT, 1, 1, 0);
    ok(slots_yields(crowd.claim, enter(SLOTS_OUT, 2, 2, 0), now + 7500), "a user without a slot has one of many");
    begin_again(2);
    fill(SLOTS_OUT, 1, 1, 0);
    ok(!slots_yields(crowd.claim, enter(SLOTS_OUT, 2, 2, 0), now + 7500), "but not the only one of another");
}

static void strangers(void)
{
    begin_again(256);
    now = 1000;
    fill(SLOTS_IN, 1, 1, 1);
    struct slots_claim *dripping = crowd.claim, *real = enter(SLOTS_IN, 1, 1, 1);
    dripping->said = 6;
    real->said = 300;
    ok(slots_yields(dripping, real, now + 500), "who has said little gives way to who has said more");
    real->said = 6;
    ok(!slots_yields(dripping, real, now + 500), "not to who has said as little");
    real->said = 300;
    dripping->is_answered = 1;
    ok(!slots_yields(dripping, real, now + 7000), "not where a hello was answered");
    ok(slots_yields(dripping, real, now + 7500), "but after a quarter of the time");
    dripping->is_answered = 0;
    struct slots_claim *more = crowd.claim + 1;
    more->said = 7;
    ok(slots_yields_before(dripping, more) && !slots_yields_before(more, dripping), "who has said least is first");
    more->is_answered = 1;
    more->said = 0;
    ok(slots_yields_before(dripping, more), "who was answered is last");
}

/* Who has much takes nothing from who has little. */
static void robbers(void)
{
    begin_again(256);
    now = 1000;
    fill(SLOTS_OUT, 1, 1, 0);
    struct slots_claim *poor = crowd.claim + crowd.count;
    size_t const few = fill(SLOTS_OUT, 2, 2, 0);
    ok(few > 1 && !slots_yields(poor, enter(SLOTS_OUT, 1, 77, 0), now + 30000),
       "a user with many slots gets none of another's for a new channel");
    begin_again(256);
    fill(SLOTS_IN, 1, 1, 1);
    struct slots_claim *slow = crowd.claim + crowd.count;
    fill(SLOTS_IN, 1, 1, 2);
    struct slots_claim *more = enter(SLOTS_IN, 1, 1, 1);
    slow->said = 1;
    more->said = 300;
    ok(!slots_yields(slow, more, now + 30000), "nor does an address that has more");
    ok(slots_yields(crowd.claim, more, now + 500), "but one of its own");
}

static void without_slots(void)
{
    begin_again(256);
    now = 0;
    struct slots_claim *one = enter(SLOTS_IN, 1, 1, 1), *two = enter(SLOTS_IN, 1, 1, 2);
    enter(SLOTS_IN, 1, 1, 2);
    ok(!slots_is_idle(one, 499) && slots_is_idle(one, 500), "who says nothing is idle after a while");
    one->said = 64;
    ok(!slots_is_idle(one, 5000), "who has said hello is not");
    ok(slots_goes_before(two, one), "of the address that has most, one goes first");
}

static uint64_t address_of(int family, char const *text)
{
    struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
    void *const bytes = family == AF_INET ? (void *)&((struct sockaddr_in *)&address)->sin_addr
                                          : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr;
    if (inet_pton(family, text, bytes) != 1) return 0;
    return slots_address(&address);
}

static void addresses(void)
{
    uint64_t const v4 = address_of(AF_INET, "192.0.2.1"), v6 = address_of(AF_INET6, "2001:db8:1:2::1");
    ok(v4 && v4 != address_of(AF_INET, "192.0.2.2"), "IPv4 addresses are told apart");
    ok(v4 == address_of(AF_INET6, "::ffff:192.0.2.1"), "also where a socket is for both");
    ok(v6 == address_of(AF_INET6, "2001:db8:1:2:ffff::"), "of IPv6 a /64 is one");
    ok(v6 != address_of(AF_INET6, "2001:db8:1:3::1"), "and another one another");
    ok(address_of(AF_UNIX, "") == 0, "a Unix socket has none");
}

int main(void)
{
    directions();
    shares();
    order();
    starving();
    strangers();
    robbers();
    without_slots();
    addresses();
    begin_again(0);
    ok(!crowd.slots.parties, "nothing is left of those that have gone");
    return done_testing();
}
