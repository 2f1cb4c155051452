/* ISC license. */

/* What meets a stranger's bytes runs in this process, or in a jailed one. */

#include "endpoint/privsep.h"

static int wants_privsep(struct endpoint_settings const *settings)
{
    return settings->uid || settings->gid;
}

int endpoint_shake_hands(struct endpoint_settings const *settings, struct tls_config *config,
                         struct endpoint_connection *connection, endpoint_handshake *handshake,
                         struct tls_session *session, struct program_error *error)
{
    struct handshake_task const task = { settings, config, connection, handshake };
    if (wants_privsep(settings)) return privsep_shake_hands(&task, session, error);
    return handshake_perform(&task, NULL, NULL, session, error);
}

void endpoint_linger(struct endpoint_connection *connection)
{
    handshake_linger(connection);
    if (connection->child.pid) privsep_end_child(&connection->child);
}

int endpoint_drain(struct endpoint_settings const *settings, struct endpoint_connection const *connection,
                   unsigned int rtt_ms, struct program_error *error)
{
    if (wants_privsep(settings)) return privsep_drain(settings, connection, rtt_ms, error);
    return endpoint_drain_tickets(connection, rtt_ms, error);
}
