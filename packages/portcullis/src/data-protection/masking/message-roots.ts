/** Decides where in a message there is something to mask, and which parts of it the protocol needs as they are. */
import { isRecord, type Params } from '../../mcp/message.ts'
import type { WalkRoot } from './mask-walk.ts'

type Message = Readonly<Record<string, unknown>>

/** Words of the protocol: nobody reads them, and nothing works without them. */
const TECHNICAL: ReadonlySet<string> = new Set(
  'type role mimeType method resultType taskId progressToken progress total requestState nextCursor cursor id jsonrpc protocolVersion level logger status elicitationId mode ttlMs cacheScope createdAt lastUpdatedAt code requestedSchema size priority'.split(
    ' ',
  ),
)

/** Answers that hold definitions, which people have approved, and greetings. */
const DEFINITIONS = /\/list$|^initialize$|^server\/discover$|^ping$/

export const isDefinition = (message: Message, method = ''): boolean =>
  !('method' in message) && !('error' in message) && DEFINITIONS.test(method)

/** JSON-RPC errors and results of tools that say that something failed. */
export const isError = (message: Message): boolean =>
  'error' in message || (isRecord(message['result']) && message['result']['isError'] === true)

/** `asked` is the address that the caller named itself; it stays as it is. */
export function rootsOf(message: Message, asked: string | undefined): readonly WalkRoot[] {
  const roots: WalkRoot[] = []
  for (const part of ['result', 'error', 'params'] as const) {
    const value = message[part]
    if (!isRecord(value)) continue
    const data = part === 'result' ? 'structuredContent' : 'data'
    if (value[data] !== undefined && isData(message, part)) roots.push(dataRoot(value, part, data))
    const skip = skips(value, data, roots.length > 0, asked)
    roots.push({ value, path: [part], kind: 'protocol', skip, isEncoded })
  }
  return roots
}

/** Of a result, of an error, and of a message of a log (MCP "Logging"). */
const isData = (message: Message, part: string): boolean =>
  part !== 'params' || message['method'] === 'notifications/message'

const dataRoot = (holder: Params, part: string, name: string): WalkRoot => ({
  value: holder[name],
  path: [part, name],
  kind: 'data',
})

function skips(root: Params, data: string, hasData: boolean, asked: string | undefined): NonNullable<WalkRoot['skip']> {
  return (name, value, holder) => {
    if (holder === root && hasData && name === data) return true
    return (name === 'uri' && value === asked) || isTechnical(name, value, holder)
  }
}

/** Whether a member is of the protocol, or holds bytes that are no text. */
export const isTechnical: NonNullable<WalkRoot['skip']> = (name, value, holder) =>
  TECHNICAL.has(name) ||
  OWN_META.test(name) ||
  ((name === 'blob' || name === 'data') && typeof value === 'string' && isBytes(holder) && !isEncoded(name, holder))

/** What the protocol and the gateway say of a message. */
const OWN_META = /^(?:io\.modelcontextprotocol|modelcontextprotocol\.io|dev\.portcullis)\//

/** Pictures, sounds and other bytes. */
const isBytes = (holder: object): boolean => 'mimeType' in holder || 'uri' in holder

const TEXTUAL = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml|x-yaml|javascript|sql|csv)\b|message\/rfc822)/i

/** Contents of resources in base64 (MCP "Resources", `blob`) that are text by their media type. */
export function isEncoded(name: string, holder: object): boolean {
  if (name !== 'blob' || !('mimeType' in holder)) return false
  return typeof holder.mimeType === 'string' && TEXTUAL.test(holder.mimeType)
}
