/** What an upstream says of itself comes in kinds; how one item of a kind is called in locks, commands and records. */

/** `server` and `instructions` exist once for each upstream, the others by their names. */
export const KINDS = ['server', 'instructions', 'tool', 'prompt', 'resource', 'template'] as const
export type Kind = (typeof KINDS)[number]

/** `tool/read_file`, `resource/file:///a`, `server`. */
export type ItemKey = string

export const keyOf = ({ kind, name }: { readonly kind: Kind; readonly name: string }): ItemKey =>
  name === '' ? kind : `${kind}/${name}`

/** Undoes `keyOf`; undefined for what it never makes. */
export function partsOf(key: ItemKey): { readonly kind: Kind; readonly name: string } | undefined {
  const at = key.indexOf('/')
  const kind = KINDS.find((one) => one === (at < 0 ? key : key.slice(0, at)))
  if (kind === undefined || isSingle(kind) !== at < 0 || at === key.length - 1) return undefined
  return { kind, name: at < 0 ? '' : key.slice(at + 1) }
}

const isSingle = (kind: Kind): boolean => kind === 'server' || kind === 'instructions'
