/** Decides where in a message of an upstream there are texts, and which of them are read by people, by programs, or by nobody. */
import type { Path } from '../../core/replaced.ts'
import { inTurns } from '../../core/turns.ts'
import { isRecord } from '../../mcp/message.ts'
import { isMarkupType, mediaKind } from './media-kind.ts'
import type { ResultText } from './result-text.ts'

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
  const walk = new Walk(message, rules)
  walk.go(Number.POSITIVE_INFINITY)
  return walk.places
}

/** The same for a message that holds more than can be gone over in one turn. */
export async function textsInTurns(
  message: Readonly<Record<string, unknown>>,
  rules: WalkRules,
): Promise<readonly TextPlace[]> {
  const walk = new Walk(message, rules)
  await inTurns((until) => walk.go(until))
  return walk.places
}

/** An object or array and how far it has been walked. With a `pointer`, the way from its root, it is read by programs. */
interface Frame {
  readonly holder: Readonly<Record<string | number, unknown>>
  readonly path: Path
  readonly pointer: readonly string[] | undefined
  /** Absent for arrays. */
  readonly names?: readonly string[]
  readonly length: number
  /** Members that were dealt with beside their neighbours. */
  readonly done: ReadonlySet<string>
  at: number
}

interface Root {
  readonly value: unknown
  readonly path: Path
  readonly pointer?: readonly string[]
}

const NONE: ReadonlySet<string> = new Set()
/** Members between two looks at the clock. */
const STRIDE = 64

class Walk {
  readonly places: TextPlace[] = []
  readonly #rules: WalkRules
  readonly #marked: readonly (readonly string[])[]
  /** The next one last. */
  readonly #roots: Root[]
  readonly #frames: Frame[] = []

  constructor(message: Readonly<Record<string, unknown>>, rules: WalkRules) {
    this.#rules = rules
    this.#marked = rules.marked.map((pointer) => pointer.split('/').slice(1))
    this.#roots = rootsOf(message).toReversed()
  }

  /** Goes on until `performance.now()` reaches `until`. True when nothing is left. */
  go(until: number): boolean {
    for (let count = 1; ; count++) {
      const frame = this.#frames.at(-1)
      if (frame === undefined) {
        const root = this.#roots.pop()
        if (root === undefined) return true
        this.#enter(root.value, root.path, root.pointer)
      } else if (frame.at === frame.length) this.#frames.pop()
      else this.#step(frame)
      if (count % STRIDE === 0 && performance.now() >= until) return false
    }
  }

  #enter(value: unknown, path: Path, pointer: readonly string[] | undefined): void {
    if (typeof value === 'string') {
      const isData = pointer !== undefined && !this.#isMarked(pointer)
      return this.#text(value, path, isData ? { kind: 'data' } : mediaKind(value, undefined))
    }
    if (Array.isArray(value)) {
      this.#frames.push({ holder: value as never, path, pointer, length: value.length, done: NONE, at: 0 })
      return
    }
    if (!isRecord(value)) return
    const done = pointer === undefined ? this.#block(value, path) : NONE
    const names = Object.keys(value)
    this.#frames.push({ holder: value, path, pointer, names, length: names.length, done, at: 0 })
  }

  #step(frame: Frame): void {
    const { holder, path, pointer, names } = frame
    const at = frame.at++
    if (names === undefined) return this.#enter(holder[at], [...path, at], pointer && this.#below(pointer, String(at)))
    const name = names[at] as string
    if (pointer === undefined) this.#read(frame, name)
    else this.#data(frame, name, pointer)
  }

  /** A member of what a person or a model reads. */
  #read({ holder, path, done }: Frame, name: string): void {
    if (done.has(name) || TECHNICAL.has(name) || (name === 'structuredContent' && path.length === 1)) return
    const value = holder[name]
    if (name === '_meta') this.#enter(value, [...path, name], [])
    else if (ADDRESSES.has(name) && typeof value === 'string') this.#text(value, [...path, name], { kind: 'address' })
    else this.#enter(value, [...path, name], undefined)
  }

  /** A member of what a program reads. */
  #data({ holder, path }: Frame, name: string, pointer: readonly string[]): void {
    if (this.#rules.names && name.length >= LEAST_NAME_LENGTH)
      this.places.push({ text: name, kind: 'name', path, isBlob: false })
    this.#enter(holder[name], [...path, name], this.#below(pointer, name))
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
    this.places.push({ text, ...kind, path, isBlob: isText })
    return String(path.at(-1))
  }

  #text(text: string, path: Path, kind: Pick<ResultText, 'kind'>): void {
    if (text !== '') this.places.push({ text, ...kind, path, isBlob: false })
  }

  /** Where nothing is marked, nobody asks which way led to a string. */
  #below(pointer: readonly string[], name: string): readonly string[] {
    if (this.#marked.length === 0) return pointer
    return [...pointer, name.replaceAll('~', '~0').replaceAll('/', '~1')]
  }

  #isMarked(pointer: readonly string[]): boolean {
    return this.#marked.some(
      (steps) => steps.length === pointer.length && steps.every((step, at) => step === '*' || step === pointer[at]),
    )
  }
}

function rootsOf(message: Readonly<Record<string, unknown>>): readonly Root[] {
  return (['result', 'error', 'params'] as const).flatMap((root) => {
    const value = message[root]
    if (value === undefined) return []
    const whole = { value, path: [root] }
    if (!isRecord(value) || !('structuredContent' in value)) return [whole]
    return [{ value: value['structuredContent'], path: [root, 'structuredContent'], pointer: [] }, whole]
  })
}
