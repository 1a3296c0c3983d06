/** Decides where in a message of an upstream there are texts, and which of them are read by people, by programs, or by nobody. */
import { isRecord } from '../../mcp/message.ts'
import { isMarkupType, mediaKind } from './media-kind.ts'
import type { ResultText } from './result-text.ts'

export type Path = readonly (string | number)[]

/** One text and where it stands. */
export interface TextPlace extends ResultText {
  /** Of the string, or of the object whose member bears the name. */
  readonly path: Path
  /** The text was decoded from base64 and goes back as such. */
  readonly isBlob: boolean
}

/** What a walk knows of the message. */
export interface WalkRules {
  /** JSON pointers (RFC 6901, `*` for any element or member) into structured content whose strings are displayed. */
  readonly marked: readonly string[]
  /** Names of members are looked at too. */
  readonly names: boolean
}

/** Words of the protocol: nobody reads them, and nothing works without them. */
const TECHNICAL: ReadonlySet<string> = new Set(
  'type role mimeType method resultType taskId progressToken requestState nextCursor cursor id jsonrpc protocolVersion level status elicitationId mode ttlMs cacheScope createdAt lastUpdatedAt'.split(
    ' ',
  ),
)
const ADDRESSES: ReadonlySet<string> = new Set(['uri', 'url', 'href', 'src'])
const LEAST_NAME_LENGTH = 8

/** The texts of `message.result`, `.error` or `.params`; structured content first, for the text beside it may repeat it. */
export function textsOf(message: Readonly<Record<string, unknown>>, rules: WalkRules): readonly TextPlace[] {
  const places: TextPlace[] = []
  for (const root of ['result', 'error', 'params'] as const) {
    const value = message[root]
    if (value === undefined) continue
    const walk = new Walk(rules, places)
    if (isRecord(value) && 'structuredContent' in value)
      walk.data(value['structuredContent'], [root, 'structuredContent'], [])
    walk.read(value, [root])
  }
  return places
}

class Walk {
  readonly #rules: WalkRules
  readonly #places: TextPlace[]
  readonly #marked: readonly (readonly string[])[]

  constructor(rules: WalkRules, places: TextPlace[]) {
    this.#rules = rules
    this.#places = places
    this.#marked = rules.marked.map((pointer) => pointer.split('/').slice(1))
  }

  /** What a person or a model reads. */
  read(value: unknown, path: Path): void {
    if (typeof value === 'string') return this.#text(value, path, mediaKind(value, undefined))
    if (Array.isArray(value)) return value.forEach((each: unknown, index) => this.read(each, [...path, index]))
    if (!isRecord(value)) return
    const own = this.#block(value, path)
    for (const [name, each] of Object.entries(value)) {
      if (own.has(name) || TECHNICAL.has(name) || (name === 'structuredContent' && path.length === 1)) continue
      if (name === '_meta') this.data(each, [...path, name], [])
      else if (ADDRESSES.has(name) && typeof each === 'string') this.#text(each, [...path, name], { kind: 'address' })
      else this.read(each, [...path, name])
    }
  }

  /** Members whose meaning depends on their neighbours: text and bytes of a media type. Returns those that are dealt with. */
  #block(block: Readonly<Record<string, unknown>>, path: Path): ReadonlySet<string> {
    const { mimeType, uri, text, blob, data, type } = block
    const done = new Set<string>()
    const isContents = typeof uri === 'string'
    if (typeof text === 'string' && (isContents || type === 'text')) {
      this.#text(text, [...path, 'text'], mediaKind(text, mimeType, isContents ? uri : undefined))
      done.add('text')
    }
    if (typeof blob === 'string' && isContents) done.add(this.#bytes(blob, [...path, 'blob'], mimeType, uri))
    if (typeof data === 'string' && (type === 'image' || type === 'audio'))
      done.add(this.#bytes(data, [...path, 'data'], mimeType))
    return done
  }

  #bytes(base64: string, path: Path, mimeType: unknown, uri?: unknown): string {
    const isText = isMarkupType(mimeType) || (typeof uri === 'string' && /^ui:/i.test(uri))
    const text = isText ? Buffer.from(base64, 'base64').toString('utf8') : base64
    const kind = isText ? mediaKind(text, mimeType, uri) : { kind: 'binary' as const }
    this.#places.push({ text, ...kind, path, isBlob: isText })
    return String(path.at(-1))
  }

  /** What a program reads. `pointer` is the way from the root of the structured content. */
  data(value: unknown, path: Path, pointer: readonly string[]): void {
    if (typeof value === 'string') {
      const kind = this.#isMarked(pointer) ? mediaKind(value, undefined) : { kind: 'data' as const }
      return this.#text(value, path, kind)
    }
    if (Array.isArray(value))
      return value.forEach((each: unknown, index) => this.data(each, [...path, index], [...pointer, String(index)]))
    if (!isRecord(value)) return
    for (const [name, each] of Object.entries(value)) {
      if (this.#rules.names && name.length >= LEAST_NAME_LENGTH)
        this.#places.push({ text: name, kind: 'name', path, isBlob: false })
      this.data(each, [...path, name], [...pointer, name.replaceAll('~', '~0').replaceAll('/', '~1')])
    }
  }

  #text(text: string, path: Path, kind: Pick<ResultText, 'kind'>): void {
    if (text !== '') this.#places.push({ text, ...kind, path, isBlob: false })
  }

  #isMarked(pointer: readonly string[]): boolean {
    return this.#marked.some(
      (steps) => steps.length === pointer.length && steps.every((step, at) => step === '*' || step === pointer[at]),
    )
  }
}
