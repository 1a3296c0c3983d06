// How the checklist plays a legacy client: initialize by hand, then messages under the session's id.

import { type Caller, type Json, open, type Open, type Reply, start } from './wire.ts'

export interface LegacySession {
  readonly id: string
  readonly initialized: Reply
  /** Headers of a message of this session. */
  readonly headers: Readonly<Record<string, string>>
  request(method: string, params?: Json, id?: string | number): Promise<Reply>
  /** A request whose connection the test holds. */
  begin(method: string, params?: Json, id?: string | number): { readonly opened: Promise<Open>; leave(): void }
  /** A notification or a response. */
  tell(message: Json): Promise<Reply>
  /** The session's own stream, or with an id the rest of one that was lost. */
  listen(lastEventId?: string): Promise<Open>
}

/** Opens a session and says that it is initialized. */
export async function openSession(
  caller: Caller,
  { capabilities = {}, version = '2025-11-25' }: { readonly capabilities?: Json; readonly version?: string } = {},
): Promise<LegacySession> {
  const initialized = await post(
    caller,
    {},
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: version, capabilities, clientInfo: { name: 'checklist', version: '1' } },
    },
  )
  const id = String(initialized.headers['mcp-session-id'])
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': version }
  const tell = (message: Json): Promise<Reply> => post(caller, headers, { jsonrpc: '2.0', ...message })
  await tell({ method: 'notifications/initialized' })
  let last = 0
  const messageOf = (method: string, params: Json, given: string | number | undefined): Json => ({
    jsonrpc: '2.0',
    id: given ?? ++last,
    method,
    params,
  })
  return {
    id,
    initialized,
    headers,
    tell,
    request: (method, params = {}, given) => post(caller, headers, messageOf(method, params, given)),
    begin: (method, params = {}, given) => start(caller, { headers, message: messageOf(method, params, given) }),
    listen: (lastEventId) =>
      open(caller, {
        method: 'GET',
        headers: { ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
      }),
  }
}

const post = async (caller: Caller, headers: Readonly<Record<string, string>>, message: Json): Promise<Reply> =>
  (await open(caller, { headers, message })).whole()
