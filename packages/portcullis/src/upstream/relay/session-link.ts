import { Cancellation } from '../../core/cancellation.ts'
import { formOf } from '../../mcp/forms.ts'
import { isRecord, type Notification } from '../../mcp/message.ts'
import { renameUri } from '../../mcp/naming.ts'
import { scopeOfPrincipal } from '../access/holder.ts'
import type { Link, LinkEvents } from '../link.ts'
import { answered, namingOf, type RelayParts, refuseAsk } from './parts.ts'
import type { Session } from './session.ts'
import type { Upstream } from '../upstream.ts'

/**
 * The link of a legacy session to one upstream. What arrives on it outside a call goes to the session's own stream.
 * A modern upstream keeps no session, so there the link is the principal's shared one.
 */
export async function sessionLink(parts: RelayParts, session: Session, upstream: Upstream): Promise<Link> {
  const era = upstream.era ?? (await upstream.connect()).era
  if (era === 'modern') return upstream.shared(parts.scopeOf(session.principal, upstream.name))
  return session.link(upstream.name, async () => {
    const scope = parts.scopeOf(session.principal, upstream.name)
    const link = await upstream.open(
      session.client,
      unsolicited(parts, session, upstream),
      scope,
      scopeOfPrincipal(session.principal),
    )
    if (session.logLevel !== undefined) await tellLevel(link, session.logLevel)
    return link
  })
}

/** Tells a legacy upstream which log messages the client wants. One that does not log has nothing to be told. */
export async function tellLevel(link: Link, level: string): Promise<void> {
  if (link.era !== 'legacy' || !isRecord(link.server.capabilities['logging'])) return
  const request = { id: 'portcullis-level', method: 'logging/setLevel', params: { level } }
  // A level that was not taken costs log messages, and never the call that opened the link.
  await link.request(request, { notify: () => {}, ask: refuseAsk }, new Cancellation()).catch(() => {})
}

function unsolicited(parts: RelayParts, session: Session, upstream: Upstream): LinkEvents {
  const by = { principal: session.principal, upstream: upstream.name, tool: '' }
  const naming = namingOf({ route: session.route, resource: '' }, upstream.name)
  const pass = (message: Notification): void => {
    const { params } = message
    session.send(isRecord(params) ? { ...message, params: renameUri(params, naming) } : message)
  }
  return {
    notify(message) {
      // The client asks for the list as soon as it hears of the change, so the new one has to be there before.
      if (message.method === 'notifications/tools/list_changed')
        void upstream.catalogue.refresh().then(() => pass(message))
      else pass(message)
    },
    ask: (request, withdrawn) => answered(parts, by, session.ask(request, undefined, withdrawn), formOf(request)),
  }
}
