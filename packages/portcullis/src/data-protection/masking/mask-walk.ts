/** Decides which parts of a value are masked, and how: by what they hold, by the name of their member, and by where they stand. */
import type { Path, Replacement } from '../../core/replaced.ts'
import { replaced } from '../../core/replaced.ts'
import { kindOfName, plainName } from '../../core/recognise/field-names.ts'
import type { MaskAction, ValueKind } from '../../core/recognise/kinds.ts'
import { type JsonText, rawNumber, readJsonText, writeJsonText } from './json-text.ts'
import { nameOf } from './member-names.ts'
import { StreamMasker } from './stream-masker.ts'
import type { TextMasker } from './text-masker.ts'

/** Data have names and places; the protocol's own objects have only texts. */
export type WalkKind = 'data' | 'protocol'

export interface WalkRoot {
  readonly value: unknown
  readonly path: Path
  readonly kind: WalkKind
  /** Members of the protocol's objects that are not looked at. */
  readonly skip?: (name: string, value: unknown, holder: object) => boolean
  /** Members that are text in base64. */
  readonly isEncoded?: (name: string, holder: object) => boolean
}

/** What a whole value is treated as, with all that is in it. */
interface Whole {
  readonly kind: ValueKind
  readonly action: MaskAction
}

interface Frame {
  readonly holder: Readonly<Record<string | number, unknown>>
  readonly keys: readonly string[] | undefined
  readonly length: number
  readonly path: Path
  /** From the root of the data; absent in the protocol's objects. */
  readonly steps: readonly string[] | undefined
  readonly whole: Whole | undefined
  readonly root: WalkRoot
  at: number
}

/** Something that takes more than one step. */
interface Task {
  readonly path: Path
  /** Goes on for a while; what stands there when it is done. */
  step(): Done | undefined
  readonly before: unknown
}

interface Done {
  readonly value: unknown
}

const STRIDE = 16
/** Of an object with more members the names are looked at in steps. */
const FEW_NAMES = 128
const LONG_TEXT = 16_384

/** Goes over roots in steps, so that a large message may be masked in turns. The values themselves are not changed. */
export class MaskWalk {
  readonly replacements: Replacement[] = []
  readonly #masker: TextMasker
  readonly #roots: WalkRoot[]
  readonly #frames: Frame[] = []
  readonly #from: Pick<Frame, 'steps' | 'whole'>
  /** Of the root, the names have been masked already. */
  #isNamed: boolean
  #task: Task | undefined

  /** `from` for a walk that goes on inside of another one, below names that are masked already. */
  constructor(masker: TextMasker, roots: readonly WalkRoot[], from?: Pick<Frame, 'steps' | 'whole'>) {
    this.#masker = masker
    this.#roots = roots.toReversed()
    this.#from = from ?? { steps: [], whole: undefined }
    this.#isNamed = from !== undefined
  }

  /** Goes on until `performance.now()` reaches `until`. True when nothing is left. */
  go(until: number): boolean {
    for (let count = 1; ; count++) {
      if (this.#task !== undefined) this.#work(this.#task)
      else if (!this.#step()) return true
      if ((this.#task !== undefined || count % STRIDE === 0) && performance.now() >= until) return false
    }
  }

  #step(): boolean {
    const frame = this.#frames.at(-1)
    if (frame === undefined) {
      const root = this.#roots.pop()
      if (root === undefined) return false
      this.#enter(root.value, root.path, root.kind === 'data' ? this.#from.steps : undefined, this.#from.whole, root)
    } else if (frame.at === frame.length) this.#frames.pop()
    else this.#member(frame)
    return true
  }

  #member(frame: Frame): void {
    const { holder, keys, path, steps, root, whole } = frame
    const at = frame.at++
    const key = keys === undefined ? at : (keys[at] as string)
    const value = holder[key]
    if (keys !== undefined && root.skip?.(String(key), value, holder)) return
    if (typeof value === 'string' && root.isEncoded?.(String(key), holder) === true) {
      this.#task = encodedTask(this.#masker, value, [...path, key])
      return
    }
    const further = steps && [...steps, String(key)]
    const own = further && this.#said(further, nameOf(holder, keys, key))
    this.#enter(value, [...path, key], further, own ?? whole, root)
  }

  #enter(
    value: unknown,
    path: Path,
    steps: readonly string[] | undefined,
    whole: Whole | undefined,
    root: WalkRoot,
  ): void {
    if (typeof value === 'string') return this.#text(value, path, whole)
    if (typeof value === 'number') return this.#number(String(value), path, whole)
    if (typeof value !== 'object' || value === null) return
    const raw = rawNumber(value)
    if (raw !== undefined) return this.#number(raw, path, whole)
    const keys = Array.isArray(value) ? undefined : Object.keys(value)
    const holder = value as Frame['holder']
    const length = keys?.length ?? (value as readonly unknown[]).length
    this.#frames.push({ holder, keys, length, path, steps, whole, root, at: 0 })
    if (keys === undefined || steps === undefined || this.#isNamed) {
      this.#isNamed = false
      return
    }
    const further = { path, steps, whole, root }
    if (keys.length > FEW_NAMES) this.#task = this.#namesTask(keys, holder, further)
    else this.#renamed(keys, keys.map(this.#name), holder, further)
  }

  #text(text: string, path: Path, whole: Whole | undefined): void {
    if (whole !== undefined) return this.#put(path, text, this.#masker.value(text, whole.kind, whole.action))
    const json = readJsonText(text)
    if (json !== undefined) this.#task = jsonTask(this.#masker, text, json, path)
    else if (text.length > LONG_TEXT) this.#task = longTask(this.#masker, text, path)
    else this.#put(path, text, this.#masker.mask(text))
  }

  /** Numbers are long ones only: the number of a card, of a telephone, of a person. */
  #number(digits: string, path: Path, whole: Whole | undefined): void {
    const masked =
      whole === undefined
        ? digits.length < LEAST_DIGITS
          ? digits
          : this.#masker.mask(digits)
        : this.#masker.value(digits, whole.kind, whole.action)
    // Where a schema wants a number, nothing of it is left.
    if (masked !== digits) this.replacements.push({ path, value: /^[0x.+-]+$/i.test(masked) ? 0 : masked })
  }

  readonly #name = (key: string): string => (key.length < LEAST_NAME ? key : this.#masker.mask(key))

  /** Names of members may be addresses and numbers too: then they are not what they were, and none takes the place of another. */
  #renamed(keys: readonly string[], masked: readonly string[], holder: Frame['holder'], place: Place): void {
    if (masked.every((key, at) => key === keys[at])) return
    const taken = new Map<string, number>()
    const copy: Record<string, unknown> = {}
    for (const [at, key] of masked.entries()) {
      const count = taken.get(key) ?? 0
      taken.set(key, count + 1)
      define(copy, count === 0 ? key : `${key} (${count + 1})`, holder[keys[at] as string])
    }
    this.#frames.pop()
    this.#task = copyTask(this.#masker, copy, place)
  }

  #namesTask(keys: readonly string[], holder: Frame['holder'], place: Place): Task {
    const masked: string[] = []
    return {
      path: place.path,
      before: UNCHANGED,
      step: () => {
        for (let count = 0; count < FEW_NAMES && masked.length < keys.length; count++)
          masked.push(this.#name(keys[masked.length] as string))
        if (masked.length < keys.length) return undefined
        this.#task = undefined
        this.#renamed(keys, masked, holder, place)
        return this.#task === undefined ? { value: UNCHANGED } : undefined
      },
    }
  }

  /** The place comes before the name, unless what the name says is a floor and hides more. */
  #said(steps: readonly string[], name: string | undefined): Whole | undefined {
    const byPath = this.#byPath(steps)
    if (byPath !== undefined && (this.#masker.rules.isFloor !== true || byPath.action === 'remove')) return byPath
    return this.#byName(name) ?? byPath
  }

  #byPath(steps: readonly string[]): Whole | undefined {
    for (const { steps: wanted, action } of this.#masker.rules.paths) {
      const isThere =
        wanted.length === steps.length && wanted.every((step, at) => step === '*' || unescaped(step) === steps[at])
      if (isThere) return { kind: 'private', action }
    }
    return undefined
  }

  #byName(name: string | undefined): Whole | undefined {
    if (name === undefined) return undefined
    const { actions, fields } = this.#masker.rules
    const action = fields.size === 0 ? undefined : fields.get(plainName(name))
    const kind = kindOfName(name)
    if (action !== undefined) return { kind: kind ?? 'private', action }
    const usual = kind && actions.get(kind)
    return usual && kind && { kind, action: usual }
  }

  #work(task: Task): void {
    const done = task.step()
    if (done === undefined) return
    this.#task = undefined
    this.#put(task.path, task.before, done.value)
  }

  #put(path: Path, before: unknown, after: unknown): void {
    if (after !== before && after !== UNCHANGED) this.replacements.push({ path, value: after })
  }
}

const LEAST_DIGITS = 7
const LEAST_NAME = 6
const UNCHANGED = Symbol('unchanged')

type Place = Pick<Frame, 'path' | 'steps' | 'whole' | 'root'>

/** Names such as `__proto__` are names like all others. */
const define = (copy: object, name: string, value: unknown): void =>
  void Object.defineProperty(copy, name, { value, enumerable: true, writable: true, configurable: true })

/** Goes over what stands under new names, at the same place and as what the whole of it is. */
function copyTask(masker: TextMasker, copy: object, { path, root, whole, steps }: Place): Task {
  const walk = new MaskWalk(masker, [{ ...root, value: copy, path: ['copy'], kind: 'data' }], { whole, steps })
  return {
    path,
    before: UNCHANGED,
    step: () => (walk.go(performance.now() + 1) ? { value: replaced({ copy }, walk.replacements).copy } : undefined),
  }
}

const unescaped = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~')

/** The text of a result often repeats its structured content: then names and places say the same in both. */
function jsonTask(masker: TextMasker, before: string, json: JsonText, path: Path): Task {
  const walk = new MaskWalk(masker, [{ value: json.value, path: ['json'], kind: 'data' }])
  return {
    path,
    before,
    step() {
      if (!walk.go(performance.now() + 1)) return undefined
      if (walk.replacements.length === 0) return { value: before }
      return { value: writeJsonText(json, replaced({ json: json.value }, walk.replacements).json) }
    },
  }
}

function longTask(masker: TextMasker, before: string, path: Path): Task {
  const stream = new StreamMasker(masker)
  let at = 0
  let masked = ''
  return {
    path,
    before,
    step() {
      if (at >= before.length) return { value: masked + stream.end() }
      masked += stream.push(before.slice(at, at + LONG_TEXT))
      at += LONG_TEXT
      return undefined
    },
  }
}

/** Base64 that nothing was taken out of stays as it was written. */
function encodedTask(masker: TextMasker, before: string, path: Path): Task {
  const text = Buffer.from(before, 'base64').toString('utf8')
  const task = longTask(masker, text, path)
  return {
    path,
    before,
    step() {
      const done = task.step()
      if (done === undefined || done.value === text) return done && { value: before }
      return { value: Buffer.from(String(done.value), 'utf8').toString('base64') }
    },
  }
}
