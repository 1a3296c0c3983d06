/** Values to JSON text: at once when they are small, in turns when they are bulky (`core/bulk.ts`). */
import { performance } from 'node:perf_hooks'
import { bulkBytes, isBulky } from '../core/bulk.ts'
import { inTurns } from '../core/turns.ts'

/** What `JSON.stringify` returns for a message; a promise of it for a bulky one. */
export function writeJson(value: object): string | Promise<string> {
  return isBulky(value) ? writeInTurns(value) : JSON.stringify(value)
}

/** The same text, always in turns. */
export async function writeInTurns(value: unknown): Promise<string> {
  const texts: string[] = []
  await eachText(value, false, (text) => texts.push(text))
  return texts.join('')
}

/** Length of the JSON text in characters: exactly for a small value, about for a bulky one. */
export const jsonLength = (value: object): number => (isBulky(value) ? bulkBytes(value) : JSON.stringify(value).length)

/**
 * Hands out the JSON text of a value piece by piece, in turns. With `sorted` members come in the order of RFC 8785.
 * Rejects with what `take` throws.
 */
export function eachText(value: unknown, sorted: boolean, take: (text: string) => void): Promise<void> {
  const writer = new Writer(value, sorted)
  return inTurns((until) => {
    const isDone = writer.write(until)
    take(writer.text())
    return isDone
  })
}

/** Values between two looks at the clock. */
const VALUES_A_LOOK = 128

interface Open {
  readonly values: Readonly<Record<string | number, unknown>>
  /** Absent for an array. */
  readonly names: readonly string[] | undefined
  readonly length: number
  at: number
  isEmpty: boolean
}

class Writer {
  readonly #open: Open[] = []
  readonly #sorted: boolean
  #pieces: string[] = []
  #root: readonly [unknown] | undefined

  constructor(value: unknown, sorted: boolean) {
    this.#root = [value]
    this.#sorted = sorted
  }

  /** What has been written since the last call. */
  text(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    return text
  }

  /** Writes on until `performance.now()` reaches `until`; true at the end. */
  write(until: number): boolean {
    if (this.#root !== undefined) {
      const [root] = this.#root
      this.#root = undefined
      this.#value(root)
    }
    for (let left = VALUES_A_LOOK; this.#open.length > 0; left--) {
      if (left === 0) {
        if (performance.now() >= until) return false
        left = VALUES_A_LOOK
      }
      this.#step(this.#open.at(-1) as Open)
    }
    return true
  }

  /** Writes the next member or element of what is open, or closes it. */
  #step(open: Open): void {
    const { values, names, length } = open
    if (open.at === length) {
      this.#pieces.push(names === undefined ? ']' : '}')
      this.#open.pop()
      return
    }
    const name = names === undefined ? open.at : (names[open.at] as string)
    open.at++
    const value = values[name]
    if (names !== undefined && value === undefined) return
    if (!open.isEmpty) this.#pieces.push(',')
    open.isEmpty = false
    if (names !== undefined) this.#pieces.push(JSON.stringify(name), ':')
    this.#value(value)
  }

  #value(value: unknown): void {
    if (typeof value !== 'object' || value === null || 'toJSON' in value) {
      this.#pieces.push(JSON.stringify(value) ?? 'null')
      return
    }
    const isArray = Array.isArray(value)
    const names = isArray ? undefined : Object.keys(value)
    if (this.#sorted) names?.sort()
    this.#pieces.push(isArray ? '[' : '{')
    const values = value as Readonly<Record<string, unknown>>
    this.#open.push({ values, names, length: names?.length ?? (value as unknown[]).length, at: 0, isEmpty: true })
  }
}
