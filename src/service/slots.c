/* ISC license. */

#include "service/slots.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PART 8 /* this part of what is left is for others */
#define RESERVE 4 /* this part of all slots is for each direction alone */
#define LATE 4 /* after this part of its time a job may lose its slot to others */

/* ---- parties ---- */

/* IPv4 addresses go where IPv6 has none, into ::/32. */
static uint64_t from_ipv4(void const *address)
{
    unsigned char bytes[sizeof(uint64_t)] = { 0 };
    uint64_t key;
    memcpy(bytes + 4, address, 4);
    memcpy(&key, bytes, sizeof key);
    return key;
}

static uint64_t from_ipv6(struct in6_addr const *address)
{
    uint64_t key;
    if (IN6_IS_ADDR_V4MAPPED(address)) return from_ipv4(address->s6_addr + 12);
    memcpy(&key, address, sizeof key);
    return key;
}

uint64_t slots_address(struct sockaddr_storage const *address)
{
    if (address->ss_family == AF_INET) return from_ipv4(&((struct sockaddr_in const *)address)->sin_addr);
    if (address->ss_family == AF_INET6) return from_ipv6(&((struct sockaddr_in6 const *)address)->sin6_addr);
    return 0;
}

static struct slots_party *find_party(struct slots *slots, enum slots_kind kind, uint64_t key)
{
    struct slots_party *party = slots->parties;
    while (party && (party->kind != kind || party->key != key)) party = party->next;
    return party;
}

static struct slots_party *find_or_add_party(struct slots *slots, enum slots_kind kind, uint64_t key)
{
    struct slots_party *party = find_party(slots, kind, key);
    if (party) return party;
    party = calloc(1, sizeof *party);
    if (!party) return NULL;
    *party = (struct slots_party){ .kind = kind, .key = key, .next = slots->parties };
    slots->parties = party;
    return party;
}

static void forget_party(struct slots *slots, struct slots_party *party)
{
    struct slots_party **at = &slots->parties;
    if (--party->claims) return;
    while (*at != party) at = &(*at)->next;
    *at = party->next;
    free(party);
}

int slots_enter(struct slots *slots, struct slots_claim *claim, struct slots_keys const *keys, int64_t now)
{
    claim->number = ++slots->last_number;
    claim->since = now;
    for (enum slots_kind kind = 0; kind < SLOTS_KINDS; kind++) {
        claim->party[kind] = find_or_add_party(slots, kind, keys->of[kind]);
        if (!claim->party[kind]) {
            slots_leave(slots, claim);
            return 0;
        }
        claim->party[kind]->claims++;
    }
    return 1;
}

void slots_leave(struct slots *slots, struct slots_claim *claim)
{
    for (enum slots_kind kind = 0; kind < SLOTS_KINDS; kind++)
        if (claim->party[kind]) forget_party(slots, claim->party[kind]);
    memset(claim->party, 0, sizeof claim->party);
}

/* ---- slots ---- */

/* The address that we connect to cannot take more than its share. */
static enum slots_kind kinds_that_count(struct slots_claim const *claim)
{
    return claim->direction == SLOTS_OUT ? SLOTS_ADDRESS : SLOTS_KINDS;
}

static size_t slots_held(struct slots_claim const *claim, enum slots_kind kind)
{
    return claim->party[kind]->running[claim->direction];
}

static size_t total_running(struct slots const *slots)
{
    return slots->running[SLOTS_OUT] + slots->running[SLOTS_IN];
}

/* Of the reserve for a direction, what it does not use yet; 1 slot cannot be shared. */
static size_t reserved(struct slots const *slots, enum slots_direction direction)
{
    size_t const reserve = slots->max < RESERVE ? slots->max / 2 : slots->max / RESERVE;
    return reserve > slots->running[direction] ? reserve - slots->running[direction] : 0;
}

static size_t left_for(struct slots const *slots, enum slots_direction direction)
{
    size_t const used = total_running(slots) + reserved(slots, direction == SLOTS_IN ? SLOTS_OUT : SLOTS_IN);
    return slots->max > used ? slots->max - used : 0;
}

/* Of `left`, what is left for whoever holds so many. */
static size_t share_left(size_t left, size_t holds)
{
    size_t const all = left + holds, limit = all - all / PART;
    return limit > holds ? limit - holds : 0;
}

int slots_may_begin(struct slots const *slots, struct slots_claim const *claim)
{
    size_t left = left_for(slots, claim->direction);
    for (enum slots_kind kind = 0; kind < kinds_that_count(claim); kind++)
        left = share_left(left, slots_held(claim, kind));
    return left > 0;
}

static void count(struct slots *slots, struct slots_claim const *claim, size_t change)
{
    slots->running[claim->direction] += change;
    for (enum slots_kind kind = 0; kind < SLOTS_KINDS; kind++)
        claim->party[kind]->running[claim->direction] += change;
}

void slots_begin(struct slots *slots, struct slots_claim *claim, int64_t now)
{
    count(slots, claim, 1);
    claim->since = now;
}

void slots_end(struct slots *slots, struct slots_claim *claim)
{
    count(slots, claim, (size_t)-1);
}

/* ---- who is next ---- */

static int has_hello(struct slots_claim const *claim)
{
    return claim->direction == SLOTS_OUT || claim->said >= SLOTS_HELLO;
}

int slots_precedes(struct slots_claim const *a, struct slots_claim const *b)
{
    for (enum slots_kind kind = 0; kind < kinds_that_count(a); kind++)
        if (slots_held(a, kind) != slots_held(b, kind)) return slots_held(a, kind) < slots_held(b, kind);
    if (has_hello(a) != has_hello(b)) return has_hello(a);
    return a->number < b->number;
}

/* ---- who gives up a slot ---- */

/* A party takes no slot from another that holds fewer. */
static int holds_no_less(struct slots_claim const *running, struct slots_claim const *waiting)
{
    for (enum slots_kind kind = 0; kind < kinds_that_count(waiting); kind++)
        if (slots_held(running, kind) < slots_held(waiting, kind)) return 0;
    return 1;
}

/* One of several that somebody holds, where the other has none. */
static int is_starving(struct slots_claim const *waiting, struct slots_claim const *running)
{
    for (enum slots_kind kind = 0; kind < kinds_that_count(waiting); kind++)
        if (!slots_held(waiting, kind)) return slots_held(running, kind) > 1;
    return 0;
}

int slots_yields(struct slots_claim const *running, struct slots_claim const *waiting, int64_t now)
{
    int64_t const age = now - running->since;
    int const is_late = age >= running->patience_ms / LATE;
    if (running->direction != waiting->direction || running->is_busy || age < SLOTS_GRACE_MS) return 0;
    if (!holds_no_less(running, waiting)) return 0;
    if (is_starving(waiting, running)) return !running->is_answered || is_late;
    if (running->direction == SLOTS_OUT) return 0;
    return is_late || (!running->is_answered && running->said < waiting->said);
}

int slots_yields_before(struct slots_claim const *a, struct slots_claim const *b)
{
    for (enum slots_kind kind = 0; kind < kinds_that_count(a); kind++)
        if (slots_held(a, kind) != slots_held(b, kind)) return slots_held(a, kind) > slots_held(b, kind);
    if (a->is_answered != b->is_answered) return !a->is_answered;
    return a->said != b->said ? a->said < b->said : a->number < b->number;
}

/* ---- waiting connections that are closed ---- */

int slots_is_idle(struct slots_claim const *waiting, int64_t now)
{
    return waiting->said < SLOTS_HELLO && now - waiting->since >= SLOTS_GRACE_MS;
}

int slots_goes_before(struct slots_claim const *a, struct slots_claim const *b)
{
    size_t const of_a = a->party[SLOTS_ADDRESS]->claims, of_b = b->party[SLOTS_ADDRESS]->claims;
    if (of_a != of_b) return of_a > of_b;
    return a->said != b->said ? a->said < b->said : a->number < b->number;
}
