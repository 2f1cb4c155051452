/* ISC license. */

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "service/broker.h"

#define MAX_CHANNELS 256
#define SHARE 3 /* a user may have so many times what is left for others */
#define MAX_OUTSTANDING 1024 /* then no further request is read */
#define MAX_WAITING 64       /* the same, of replies that the client does not take */

static struct channel *channels;
static size_t channel_count;
static uint64_t last_number;

/* ---- replies ---- */

static int must_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS || errno == ENOMEM
           || errno == ETOOMANYREFS;
}

static void keep(struct channel *channel, char const *text, size_t len, int fd)
{
    struct reply *reply = malloc(sizeof *reply + len);
    if (!reply) {
        channel->broken = 1;
        if (fd >= 0) packet_close(fd);
        return;
    }
    reply->next = NULL;
    reply->fd = fd;
    reply->len = len;
    memcpy(reply->text, text, len);
    *channel->last = reply;
    channel->last = &reply->next;
    channel->waiting++;
    channel->outstanding++;
}

void channel_reply(struct channel *channel, char const *text, size_t len, int fd)
{
    int sent = -1;
    if (!channel->broken && !channel->first) {
        sent = packet_send(channel->source.fd, text, len, &fd, fd >= 0);
        channel->broken = sent < 0 && !must_wait();
    }
    if (sent < 0 && !channel->broken)
        keep(channel, text, len, fd);
    else if (fd >= 0)
        packet_close(fd);
}

static void drop_first(struct channel *channel)
{
    struct reply *reply = channel->first;
    channel->first = reply->next;
    if (!channel->first) channel->last = &channel->first;
    channel->waiting--;
    channel->outstanding--;
    if (reply->fd >= 0) packet_close(reply->fd);
    free(reply);
}

static void send_waiting(struct channel *channel)
{
    while (channel->first) {
        struct reply const *reply = channel->first;
        if (packet_send(channel->source.fd, reply->text, reply->len, &reply->fd, reply->fd >= 0) < 0) {
            channel->broken = !must_wait();
            return;
        }
        drop_first(channel);
    }
}

int channel_has_room(struct channel const *channel)
{
    return !channel->first && channel->accepted < MAX_OUTSTANDING;
}

/* ---- requests ---- */

static void receive(struct channel *channel)
{
    struct packet packet;
    int const received = packet_receive(channel->source.fd, &packet);
    if (!received || (received < 0 && !must_wait())) channel->broken = 1;
    if (received <= 0) return;
    request_take(channel, &packet);
    packet_drop(&packet);
}

static void attend(struct source *source, uint32_t events)
{
    struct channel *channel = (struct channel *)source;
    if (events & EPOLLOUT) send_waiting(channel);
    if (events & EPOLLIN && !channel->broken) receive(channel);
    if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) channel->broken = 1;
}

/* ---- whose it is ---- */

/* Packets do not say of what groups their sender is; the kernel knows those of
   whoever connected to us. */
static void take_groups(struct channel const *channel, struct rights *rights)
{
    gid_t groups[ORDER_MAX_GROUPS];
    socklen_t len = sizeof groups;
    if (getsockopt(channel->source.fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0) return;
    rights->group_count = len / sizeof *groups;
    memcpy(rights->group, groups, len);
}

static int is_owner(struct channel const *channel, struct ucred const *sender)
{
    return sender->pid && sender->pid == channel->owner.pid && sender->uid == channel->owner.uid
           && sender->gid == channel->owner.gid;
}

/* Only what the kernel says of each packet counts. Who made the channel says
   nothing of who uses it: the ends of a pair are passed on, and SO_PEERCRED of a
   client's end names whoever made the listener. The same client may turn
   SO_PASSCRED off at our end, of which it can have a copy: then the sender is
   not known, and has no rights. */
void channel_rights(struct channel const *channel, struct packet const *packet, struct rights *rights)
{
    memset(rights, 0, sizeof *rights);
    rights->uid = packet->sender.uid;
    rights->gid = packet->sender.gid;
    if (channel->is_connected && is_owner(channel, &packet->sender)) take_groups(channel, rights);
}

/* ---- life ---- */

static int is_packet_socket(int fd)
{
    int domain = 0, type = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0) return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) return 0;
    return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

static int has_share_left(uid_t user)
{
    size_t owned = 0;
    for (struct channel const *channel = channels; channel; channel = channel->next)
        owned += channel->owner.uid == user;
    return owned < SHARE * (MAX_CHANNELS - channel_count);
}

static struct channel *open_channel(int fd, struct ucred const *owner)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel || !is_packet_socket(fd) || !has_share_left(owner->uid)) goto refuse;
    channel->source = (struct source){ .fd = fd, .ready = &attend };
    channel->last = &channel->first;
    channel->owner = *owner;
    channel->number = ++last_number;
    if (source_add(&channel->source, EPOLLIN) < 0) goto refuse;
    channel->next = channels;
    channels = channel;
    channel_count++;
    return channel;

refuse:
    packet_close(fd);
    free(channel);
    return NULL;
}

int channel_open_inherited(int fd)
{
    struct ucred const us = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
    struct channel *channel = open_channel(fd, &us);
    if (channel) channel->is_inherited = 1;
    return channel ? 0 : -1;
}

int channel_open_connected(int fd, struct ucred const *peer)
{
    struct channel *channel = open_channel(fd, peer);
    if (channel) channel->is_connected = 1;
    return channel ? 0 : -1;
}

int channel_open_attached(int fd, struct ucred const *sender)
{
    if (packet_ask_sender(fd) == 0) return open_channel(fd, sender) ? 0 : -1;
    packet_close(fd);
    return -1;
}

static void end(struct channel *channel)
{
    listeners_close(channel);
    jobs_forget_channel(channel);
    while (channel->first) drop_first(channel);
    source_remove(&channel->source);
    free(channel);
    channel_count--;
}

static int may_ask(struct channel const *channel)
{
    return !channel->listening && channel->waiting < MAX_WAITING && channel->outstanding < MAX_OUTSTANDING;
}

static void settle(struct channel *channel)
{
    int const reads = may_ask(channel) && jobs_have_room();
    source_watch(&channel->source, (reads ? EPOLLIN : 0u) | (channel->first ? EPOLLOUT : 0u));
    listeners_settle(channel);
}

void channels_settle(void)
{
    for (struct channel **at = &channels, *channel; (channel = *at);) {
        if (channel->broken) {
            *at = channel->next;
            end(channel);
            continue;
        }
        settle(channel);
        at = &channel->next;
    }
}
