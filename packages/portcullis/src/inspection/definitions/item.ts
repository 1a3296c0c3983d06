/** The unit of approval: one thing that an upstream says of itself and that a model reads. */
import { hash } from 'node:crypto'
import { canonicalJson } from '../../mcp/canonical.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { type Fields, fieldsOf } from './fields.ts'
import type { Kind } from './kind.ts'

export interface Item {
  readonly kind: Kind
  /** Name of a tool or prompt, URI of a resource, URI template; empty for `server` and `instructions`. */
  readonly name: string
  readonly fields: Fields
  /** SHA-256, lower-case hex, over kind, name and fields. */
  readonly digest: string
}

/** The digest by which an item is known. Kind and name are in it, so that no approval can be moved to another item. */
export function digestOfFields({ kind, name, fields }: Omit<Item, 'digest'>): string {
  return hash('sha256', canonicalJson([kind, name, sortedFields(fields)]), 'hex')
}

/** The same for two items that differ only in what they are called and where they are. */
export const contentOf = ({ fields }: Pick<Item, 'fields'>): string => canonicalJson(sortedFields(fields))

const sortedFields = (fields: Fields): readonly (readonly [string, unknown])[] =>
  [...fields].toSorted(([a], [b]) => (a < b ? -1 : 1))

/** What an upstream sent as an item; undefined when it has no name that could be approved. */
export function itemOf(kind: Exclude<Kind, 'instructions'>, raw: unknown): Item | undefined {
  if (!isRecord(raw)) return undefined
  const name = kind === 'server' ? '' : raw[NAMED_BY[kind]]
  if (typeof name !== 'string' || (name === '' && kind !== 'server')) return undefined
  return finished(kind, name, fieldsOf(kind, raw))
}

const NAMED_BY = { tool: 'name', prompt: 'name', resource: 'uri', template: 'uriTemplate' } as const

/** The instructions of a server; an upstream without any has the empty text. */
export const instructionsItem = (text: string | undefined): Item =>
  finished('instructions', '', fieldsOf('instructions', { text: text ?? '' } satisfies Params))

function finished(kind: Kind, name: string, fields: Fields): Item {
  return { kind, name, fields, digest: digestOfFields({ kind, name, fields }) }
}
