/** What upstreams said at first use, where their level of trust lets that be enough; kept in the state folder. */
import { readFileSync } from 'node:fs'
import { type Approval, LockError, recordedItem } from '../inspection/definitions/lock.ts'
import { type ItemKey, type Kind, KINDS, keyOf } from '../inspection/definitions/kind.ts'
import type { Item } from '../inspection/definitions/item.ts'
import { isRecord } from '../mcp/message.ts'
import { writeWhole } from '../pki/private-file.ts'

interface Pins {
  readonly looked: Set<Kind>
  readonly items: Map<ItemKey, Item>
}

/** A file that was there and cannot be read is an error: with it, changes of before could pass for a first use. */
export class FirstUse {
  readonly #file: string
  readonly #upstreams: Map<string, Pins>
  #writing = false
  readonly #onFailure: (error: unknown) => void

  /** Throws LockError. */
  constructor(file: string, onFailure: (error: unknown) => void) {
    this.#file = file
    this.#onFailure = onFailure
    this.#upstreams = read(file)
  }

  of(upstream: string, key: ItemKey): Pick<Approval, 'item'> | undefined {
    const item = this.#upstreams.get(upstream)?.items.get(key)
    return item && { item }
  }

  /** Whether something of this kind was never asked for. */
  isFirst(upstream: string, kind: Kind): boolean {
    return this.#upstreams.get(upstream)?.looked.has(kind) !== true
  }

  pin(upstream: string, item: Item): void {
    this.#pins(upstream).items.set(keyOf(item), item)
    this.#save()
  }

  /** From now on everything of this kind that is new came later. */
  looked(upstream: string, kind: Kind): void {
    const { looked } = this.#pins(upstream)
    if (looked.has(kind)) return
    looked.add(kind)
    this.#save()
  }

  all(): Iterable<readonly [upstream: string, items: Iterable<Item>]> {
    return [...this.#upstreams].map(([upstream, { items }]) => [upstream, items.values()] as const)
  }

  #pins(upstream: string): Pins {
    const pins = this.#upstreams.get(upstream) ?? { looked: new Set(), items: new Map() }
    this.#upstreams.set(upstream, pins)
    return pins
  }

  /** Once for all that one list brings. */
  #save(): void {
    if (this.#writing) return
    this.#writing = true
    queueMicrotask(() => {
      this.#writing = false
      try {
        writeWhole(this.#file, `${JSON.stringify(saved(this.#upstreams))}\n`, 0o600)
      } catch (error) {
        // What was pinned holds for this run; the next one asks for a first use again.
        this.#onFailure(error)
      }
    })
  }
}

const saved = (upstreams: ReadonlyMap<string, Pins>): object =>
  Object.fromEntries(
    [...upstreams].map(([upstream, { looked, items }]) => [
      upstream,
      {
        looked: [...looked],
        items: Object.fromEntries(
          [...items].map(([key, { digest, fields }]) => [key, { digest, fields: Object.fromEntries(fields) }]),
        ),
      },
    ]),
  )

function read(file: string): Map<string, Pins> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw thrown
  }
  try {
    return new Map(Object.entries(JSON.parse(text) as object).map(([name, value]) => [name, pinsOf(value)]))
  } catch (cause) {
    throw new LockError(`${file} cannot be read; restore it, or remove it to trust what upstreams say next`, { cause })
  }
}

function pinsOf(value: unknown): Pins {
  const { looked, items } = value as { looked: readonly unknown[]; items: object }
  return {
    looked: new Set(KINDS.filter((kind) => looked.includes(kind))),
    items: new Map(
      Object.entries(items).map(([key, entry]: [string, unknown]) => {
        if (!isRecord(entry)) throw new LockError(key)
        const fields = new Map(Object.entries(entry['fields'] as object))
        return [key, recordedItem(key, fields, String(entry['digest']))]
      }),
    ),
  }
}
