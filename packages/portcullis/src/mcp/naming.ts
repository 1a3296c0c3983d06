import { isRecord, type Params } from './message.ts'

/**
 * How one upstream's names appear to the client. On an upstream's own path they are unchanged; on the aggregate path a
 * tool or prompt `read` of `files` is `files__read`, and a resource `file:///a` is `files+file:///a`. Both can be undone
 * without a table, because upstream names contain neither `_` nor `+`.
 */
export interface Naming {
  name(upstreamName: string): string
  uri(upstreamUri: string): string
}

export const ownNames: Naming = { name: (name) => name, uri: (uri) => uri }

export const NAME_SEPARATOR = '__'
export const URI_SEPARATOR = '+'

export const prefixedNames = (upstream: string): Naming => ({
  name: (name) => `${upstream}${NAME_SEPARATOR}${name}`,
  uri: (uri) => `${upstream}${URI_SEPARATOR}${uri}`,
})

export interface Prefixed {
  readonly upstream: string
  readonly rest: string
}

/** Undoes a prefix, or returns undefined when there is none. */
export function splitPrefix(value: string, separator: string): Prefixed | undefined {
  const at = value.indexOf(separator)
  if (at <= 0 || at + separator.length >= value.length) return undefined
  return { upstream: value.slice(0, at), rest: value.slice(at + separator.length) }
}

/** Rewrites the resource URIs inside a result: contents, resource links and embedded resources. */
export function renameResult(result: Params, naming: Naming): Params {
  if (naming === ownNames) return result
  const contents = renameEach(result['contents'], (item) => renameUri(item, naming))
  const content = renameEach(result['content'], (block) => renameBlock(block, naming))
  const messages = renameEach(result['messages'], (message) =>
    isRecord(message['content']) ? { ...message, content: renameBlock(message['content'], naming) } : message,
  )
  return { ...result, ...(contents && { contents }), ...(content && { content }), ...(messages && { messages }) }
}

function renameBlock(block: Params, naming: Naming): Params {
  if (block['type'] === 'resource_link') return renameUri(block, naming)
  if (block['type'] === 'resource' && isRecord(block['resource'])) {
    return { ...block, resource: renameUri(block['resource'], naming) }
  }
  return block
}

/** Rewrites the `uri` of one item, such as a resource or a `notifications/resources/updated`. */
export const renameUri = (item: Params, naming: Naming): Params =>
  typeof item['uri'] === 'string' ? { ...item, uri: naming.uri(item['uri']) } : item

function renameEach(list: unknown, rename: (item: Params) => Params): readonly unknown[] | undefined {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? rename(item) : item)) : undefined
}
