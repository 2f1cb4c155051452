/* ISC license. */

#include "service/broker.h"

#include <errno.h>
#include <string.h>

#include <skalibs/types.h>

#include "protocol/url.h"

/* The requests of ktls-init-protocol(7). */

/* COMMAND and what follows it, in a packet that is text. */
struct request {
    struct broker *broker;
    struct channel *channel;
    struct packet *packet;
    struct reply_head head;
    struct url url;
};

static void refuse_request(struct request const *request, char const *reason)
{
    channel_send_error(request->channel, &request->head, reason);
}

static void begin_job(struct request const *request, enum order_kind kind, int fd)
{
    struct url const *url = &request->url;
    struct job_plan plan = {
        .kind = kind,
        .head = request->head,
        .is_tls = url->scheme == URL_TLS,
        .is_server = url->target == URL_SERVER,
        .is_passed = url->target == URL_PASSED,
        .timeout_ms = url->parameters.timeout_ms,
    };
    channel_rights(request->channel, request->packet, &plan.rights);
    job_begin(&request->broker->jobs, request->channel, &plan, fd, NULL);
}

static void handle_connect(struct request *request)
{
    if (request->url.target != URL_HOST && request->url.target != URL_PATH)
        refuse_request(request, "not a URL to connect to");
    else if (request->url.target == URL_HOST && !request->url.port)
        refuse_request(request, "the port is 0");
    else
        begin_job(request, ORDER_CONNECT, -1);
}

static void handle_accept(struct request *request)
{
    struct url const *url = &request->url;
    if (url->target == URL_CLIENT || url->target == URL_SERVER) {
        refuse_request(request, "not a URL to listen at");
        return;
    }
    int const fd = url->target == URL_PASSED ? activation_find(&request->broker->options->activation, url->where) : -1;
    if (url->target == URL_PASSED && fd < 0)
        refuse_request(request, "we were not started with a socket of that name");
    else
        begin_job(request, ORDER_LISTEN, fd);
}

static int is_stream_socket(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static void handle_upgrade(struct request *request)
{
    if (request->url.target != URL_CLIENT && request->url.target != URL_SERVER)
        refuse_request(request, "neither tls:client nor tls:server");
    else if (!request->packet->fd_count)
        refuse_request(request, "no descriptor came along");
    else if (!is_stream_socket(request->packet->fd[0]))
        refuse_request(request, "the descriptor is no stream socket");
    else
        begin_job(request, ORDER_UPGRADE, packet_take(request->packet, 0));
}

static void handle_close(struct request *request)
{
    if (listener_close(&request->broker->listeners, request->channel, request->head.url))
        channel_send_ok(request->channel, &request->head, "", -1);
    else
        refuse_request(request, "nothing listens there for this client");
}

/* "id yes", "id yes cert=..&key=..", "id no" */
static void handle_answer(struct request *request)
{
    char text[URL_MAX + 1], *parameters = text;
    struct rights rights;
    uint64_t number;
    strcpy(text, request->head.url);
    char const *id = strsep(&parameters, " "), *verdict = parameters ? strsep(&parameters, " ") : "";
    int const yes = !strcmp(verdict, "yes"), no = !strcmp(verdict, "no");
    char const *why = parameters ? url_parse_parameters(&request->url, parameters) : NULL;
    if (!uint640_scan(id, &number) || yes == no || (no && parameters)) why = "an answer is: id yes, or id no";
    if (!why && parameters && !request->url.parameters.cert) why = "of cert and key one is missing";
    channel_rights(request->channel, request->packet, &rights);
    if (!why && !job_answer(&request->broker->jobs, request->channel, number, yes, parameters, &rights))
        why = "there is no such question";
    if (why) refuse_request(request, why);
}

static struct {
    char const *name;
    void (*handle)(struct request *request);
} const commands[] = {
    { "CONNECT", &handle_connect }, { "ACCEPT", &handle_accept }, { "UPGRADE", &handle_upgrade },
    { "CLOSE", &handle_close },     { "ANSWER", &handle_answer },
};

#define COMMANDS (sizeof commands / sizeof *commands)

/* Visible ASCII and single spaces, and a newline at the end. */
static int is_line(struct packet const *packet)
{
    if (packet->truncated || packet->len < 2 || packet->bytes[packet->len - 1] != '\n') return 0;
    return packet_is_text(packet, packet->len - 1);
}

/* A channel of the sender's own. */
static void attach_channel(struct channels *channels, struct packet *packet)
{
    int const fd = packet_take(packet, 0);
    if (fd >= 0) channel_open(channels, fd, CHANNEL_ATTACHED, &packet->sender);
}

/* NULL, or why rest cannot follow the command. */
static char const *check_rest(size_t command, char const *rest)
{
    if (!*rest) return "the URL is missing";
    if (strlen(rest) > URL_MAX) return "the URL is too long";
    return commands[command].handle != &handle_answer && strchr(rest, ' ') ? "a URL has no spaces" : NULL;
}

static size_t find_command(char const *word)
{
    size_t i = 0;
    while (i < COMMANDS && strcmp(commands[i].name, word)) i++;
    return i;
}

static void handle_command(struct request *request, size_t command)
{
    char const *why = NULL;
    if (commands[command].handle != &handle_answer && commands[command].handle != &handle_close)
        why = url_parse(&request->url, request->head.url);
    if (!why && request->url.parameters.id) strcpy(request->head.id, request->url.parameters.id);
    if (why)
        refuse_request(request, why);
    else
        commands[command].handle(request);
}

static int is_reply(char const *word)
{
    return !strcmp(word, "OK") || !strcmp(word, "ERR") || !strcmp(word, "ASK");
}

static void parse_command(struct request *request, char const *word, char const *rest)
{
    size_t const command = find_command(word);
    if (command == COMMANDS) {
        refuse_request(request, "an unknown command");
        return;
    }
    request->head.command = commands[command].name;
    char const *why = check_rest(command, rest);
    if (why) {
        refuse_request(request, why);
        return;
    }
    strcpy(request->head.url, rest);
    handle_command(request, command);
}

void request_take(struct broker *broker, struct channel *channel, struct packet *packet)
{
    struct request request = { .broker = broker, .channel = channel, .packet = packet };
    request.head = (struct reply_head){ .command = "?", .url = "?" };
    if (!is_line(packet)) {
        refuse_request(&request, "not a request: one line of ASCII in a packet");
        return;
    }
    packet->bytes[packet->len - 1] = 0;
    char *rest = strchr(packet->bytes, ' ');
    if (rest) *rest++ = 0;
    if (!rest && !strcmp(packet->bytes, "ATTACH"))
        attach_channel(&broker->channels, packet);
    else if (is_reply(packet->bytes))
        channel->broken = !channel->is_inherited; /* the sender is a service: it would answer our answer without end */
    else
        parse_command(&request, packet->bytes, rest ? rest : "");
}
