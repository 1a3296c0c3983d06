/**
 * Decides what becomes of a value that an upstream sends in two messages of one stream. A message whose text ends inside of what may
 * be one waits for the next, shortly; what crosses the border is masked on both sides.
 */
import type { Outgoing } from '../../core/exchange.ts'
import { LOOK_BEHIND, type Span } from '../../core/recognise/kinds.ts'
import { settled } from '../../core/recognise/recognise.ts'
import { replaced } from '../../core/replaced.ts'
import { isRecord } from '../../mcp/message.ts'
import { readJsonText } from './json-text.ts'
import { inShape } from './shape.ts'
import type { TextMasker } from './text-masker.ts'

/** Digits, the beginning of an address, or of what is as long as a key. */
const OPEN =
  /(?:\d(?:[ ().+-]{0,2}\d){2,30}[ ().-]{0,2}|[\p{L}\p{N}_%+-]{1,64}[.@][\p{L}\p{N}._%+@-]{0,100}|[\w+/=-]{12,400})$/u

const PLACES: Readonly<Record<string, readonly string[]>> = {
  'notifications/message': ['params', 'data'],
  'notifications/progress': ['params', 'message'],
}

/** More than this does not wait. */
const MAX_WAITING = 16
const MAX_WAITING_LENGTH = 1_024

interface Part {
  readonly text: string
  readonly put: (masked: string) => Outgoing
}

/** The texts of one stream, in their order. */
export class Fragments {
  /** The end of what has left, as it was before it was masked. */
  #before = ''
  #parts: readonly Part[] = []
  #masker: TextMasker | undefined

  /** Something waits for what follows. */
  get waits(): boolean {
    return this.#parts.length > 0
  }

  /** Undefined for a message that is no part of a text. Otherwise the messages that may leave now, in their order. */
  take(message: Outgoing, masker: TextMasker): readonly Outgoing[] | undefined {
    const path = PLACES[String(message['method'])]
    const text = path && textAt(message, path)
    if (path === undefined || text === undefined) return undefined
    const put = (left: string): Outgoing => (left === text ? message : replaced(message, [{ path, value: left }]))
    this.#parts = [...this.#parts, { text, put }]
    this.#masker = masker
    return this.#leave(masker, false)
  }

  /** What waits, when nothing follows. */
  end(): readonly Outgoing[] {
    return this.#masker === undefined ? [] : this.#leave(this.#masker, true)
  }

  #leave(masker: TextMasker, isLast: boolean): readonly Outgoing[] {
    const parts = this.#parts
    const whole = this.#before + parts.map(({ text }) => text).join('')
    const from = this.#before.length
    const spans = settled(masker.raw(whole)).filter(({ end }) => end > from)
    const ends = endsOf(parts, from)
    const isTooMuch = parts.length > MAX_WAITING || whole.length - from > MAX_WAITING_LENGTH
    const count = isLast || isTooMuch ? parts.length : closed(whole, ends, spans)
    const masked = cut(masker, whole, spans, from, ends.slice(0, count))
    const done = count === 0 ? from : (ends[count - 1] as number)
    this.#parts = parts.slice(count)
    this.#before = whole.slice(Math.max(0, done - LOOK_BEHIND), done)
    return parts.slice(0, count).map(({ put }, at) => put(masked[at] as string))
  }
}

function endsOf(parts: readonly Part[], from: number): readonly number[] {
  let end = from
  return parts.map(({ text }) => (end += text.length))
}

/** How many parts end before what may go on, and not inside of anything. */
function closed(whole: string, ends: readonly number[], spans: readonly Span[]): number {
  const open = OPEN.exec(whole.slice(-MAX_OPEN))
  const limit = open === null ? whole.length : Math.max(0, whole.length - MAX_OPEN) + open.index
  const isClosed = (end: number): boolean =>
    end <= limit && !spans.some(({ start, end: last }) => start < end && end < last)
  return ends.findLastIndex(isClosed) + 1
}

const MAX_OPEN = 512

/**
 * The text of each part. What is masked stands in the one in which it begins. What has left cannot be called back: of a value that
 * began there, the rest loses its letters and digits.
 */
function cut(
  masker: TextMasker,
  whole: string,
  spans: readonly Span[],
  from: number,
  ends: readonly number[],
): readonly string[] {
  const parts: string[] = []
  let done = from
  for (const end of ends) {
    let text = ''
    for (const span of spans) {
      if (span.start >= end || span.end <= done) continue
      const at = Math.max(span.start, done)
      const value = whole.slice(at, span.end)
      const action = masker.rules.actions.get(span.kind) ?? 'keep'
      text += whole.slice(done, at)
      text += span.start < from ? inShape(value, span.kind, 0) : masker.value(value, span.kind, action)
      done = span.end
    }
    parts.push(text + whole.slice(Math.min(done, end), end))
    done = Math.max(done, end)
  }
  return parts
}

function textAt(message: Outgoing, path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>((holder, name) => (isRecord(holder) ? holder[name] : undefined), message)
  return typeof value === 'string' && readJsonText(value) === undefined ? value : undefined
}
