/* ISC license. */

#include "service/channel.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>


#define MAX_CHANNELS 256
#define SHARE 3 /* a user may have so many times the number that is left for others */
#define MAX_OUTSTANDING 1024 /* then no further request is read */
#define MAX_WAITING 64       /* the same, of replies that the client does not take */

struct channel_reply {
    struct channel_reply *next;
    int fd; /* -1: none */
    size_t len;
    char text[];
};

/* ---- replies ---- */

static int must_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS || errno == ENOMEM
           || errno == ETOOMANYREFS;
}

static void keep_reply(struct channel *channel, char const *text, size_t len, int fd)
{
    struct channel_reply *reply = malloc(sizeof *reply + len);
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

void channel_send(struct channel *channel, char const *text, size_t len, int fd)
{
    int sent = 0;
    if (!channel->broken && !channel->first) {
        sent = ktls_packet_send(channel->source.fd, text, len, &fd, fd >= 0);
        channel->broken = !sent && !must_wait();
    }
    if (!sent && !channel->broken)
        keep_reply(channel, text, len, fd);
    else if (fd >= 0)
        packet_close(fd);
}

static void drop_first_reply(struct channel *channel)
{
    struct channel_reply *reply = channel->first;
    channel->first = reply->next;
    if (!channel->first) channel->last = &channel->first;
    channel->waiting--;
    channel->outstanding--;
    if (reply->fd >= 0) packet_close(reply->fd);
    free(reply);
}

static void send_kept_replies(struct channel *channel)
{
    while (channel->first) {
        struct channel_reply const *reply = channel->first;
        if (!ktls_packet_send(channel->source.fd, reply->text, reply->len, &reply->fd, reply->fd >= 0)) {
            channel->broken = !must_wait();
            return;
        }
        drop_first_reply(channel);
    }
}

static void append_word(char *text, size_t *len, char const *name, char const *value)
{
    if (*value) *len += (size_t)snprintf(text + *len, PACKET_MAX - *len, " %s%s", name, value);
}

static void send_line(struct channel *channel, char const *outcome, struct reply_head const *head, char const *rest,
                      int fd)
{
    char text[PACKET_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", outcome);
    append_word(text, &len, "", head->command);
    append_word(text, &len, "", head->url);
    append_word(text, &len, "id=", head->id);
    append_word(text, &len, "remote=", head->remote);
    append_word(text, &len, "", rest);
    text[len++] = '\n';
    channel_send(channel, text, len, fd);
}

void channel_send_ok(struct channel *channel, struct reply_head const *head, char const *facts, int fd)
{
    send_line(channel, "OK", head, facts, fd);
}

void channel_send_error(struct channel *channel, struct reply_head const *head, char const *reason)
{
    send_line(channel, "ERR", head, reason, -1);
}

int channel_has_room(struct channel const *channel)
{
    return !channel->first && channel->accepted < MAX_OUTSTANDING;
}

/* ---- requests ---- */

static void receive_request(struct channel *channel)
{
    struct packet packet;
    int const received = packet_receive(channel->source.fd, &packet);
    if (!received || (received < 0 && !must_wait())) channel->broken = 1;
    if (received <= 0) return;
    channel->all->take_packet(channel->all->broker, channel, &packet);
    packet_drop(&packet);
}

static void attend_to_client(struct source *source, uint32_t events)
{
    struct channel *channel = (struct channel *)source;
    if (events & EPOLLOUT) send_kept_replies(channel);
    if (events & EPOLLIN && !channel->broken) receive_request(channel);
    if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) channel->broken = 1;
}

/* ---- whose request it is ---- */

/* Packets do not tell their sender's groups; the kernel knows those of whoever
   connected to us. */
static void read_groups(struct channel const *channel, struct rights *rights)
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

/* Only what the kernel says of each packet counts. Whoever made the channel need
   not be the one who uses it: the ends of a pair are passed on, and SO_PEERCRED of
   a client's end names whoever made the listener. A client that has a copy of our
   end may turn SO_PASSCRED off there: then the sender is unknown and has no rights. */
void channel_rights(struct channel const *channel, struct packet const *packet, struct rights *rights)
{
    memset(rights, 0, sizeof *rights);
    rights->uid = packet->sender.uid;
    rights->gid = packet->sender.gid;
    if (channel->is_connected && is_owner(channel, &packet->sender)) read_groups(channel, rights);
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

static int has_share_left(struct channels const *channels, uid_t user)
{
    size_t owned = 0;
    for (struct channel const *channel = channels->first; channel; channel = channel->next)
        owned += channel->owner.uid == user;
    return owned < SHARE * (MAX_CHANNELS - channels->count);
}

int channel_open(struct channels *channels, int fd, enum channel_origin origin, struct ucred const *owner)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel || !is_packet_socket(fd) || !has_share_left(channels, owner->uid)) goto refuse;
    if (origin == CHANNEL_ATTACHED && !ktls_packet_ask_sender(fd)) goto refuse;
    channel->source = (struct source){ .fd = fd, .ready = &attend_to_client };
    channel->all = channels;
    channel->last = &channel->first;
    channel->owner = *owner;
    channel->is_inherited = origin == CHANNEL_INHERITED;
    channel->is_connected = origin == CHANNEL_CONNECTED;
    channel->number = ++channels->last_number;
    if (!source_add(&channel->source, channels->reactor, EPOLLIN)) goto refuse;
    channel->next = channels->first;
    channels->first = channel;
    channels->count++;
    return 1;

refuse:
    packet_close(fd);
    free(channel);
    return 0;
}

void channel_close(struct channel *channel)
{
    struct channel **at = &channel->all->first;
    while (*at != channel) at = &(*at)->next;
    *at = channel->next;
    channel->all->count--;
    while (channel->first) drop_first_reply(channel);
    source_remove(&channel->source);
    free(channel);
}

static int may_ask(struct channel const *channel)
{
    return !channel->listening && channel->waiting < MAX_WAITING && channel->outstanding < MAX_OUTSTANDING;
}

void channel_settle(struct channel *channel, int reads)
{
    uint32_t const in = reads && may_ask(channel) ? EPOLLIN : 0, out = channel->first ? EPOLLOUT : 0;
    source_watch(&channel->source, in | out);
}
